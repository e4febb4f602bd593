// The view "Storage": where new documents go, the providers, and a card for each kind that can be added.

import { anywhere, change, get, session, url } from "./api.js";
import { busy, confirmed, fill, h, icon, openDialog, problem, replace, toast } from "./dom.js";
import { bytes, when } from "./format.js";
import { glyph, known, offered, placeOf, stateBadge, titleOf } from "./kinds.js";

let kinds = null;

/** Return the kinds with their fields; they stay the same as long as the page is open. */
function kindsOf() {
  kinds ??= get(anywhere("kinds")).catch((error) => {
    kinds = null;
    throw error;
  });
  return kinds;
}

export async function render({ rest, show }) {
  const place = h("div");
  const coming = kindsOf(); // what is configured is shown at once, what can be added follows
  const [{ providers }, settings] = await Promise.all([get(url("providers")), get(url("settings"))]);
  const context = { providers, settings, show, kinds: coming };
  coming.then(
    (found) => replace(place, addable(found, context)),
    (error) => replace(place, problem(error)),
  );
  if (rest[0] === "connect") {
    history.replaceState(null, "", "#/storage");
    import("./connect.js").then(({ choosePlace }) => choosePlace(rest.slice(1), context));
  }
  return [head(), flow(context), configured(context), place];
}

/** Lists come bare, or in an object beside what belongs to all of them. */
export const listed = (answer) => (Array.isArray(answer) ? answer : Object.values(answer).find(Array.isArray) ?? []);

function head() {
  const lead = "Where the documents of your organisation are kept. Changing the default moves nothing: earlier files stay where they are, and stay reachable.";
  return h("div", { class: "head" }, h("div", {}, h("h1", { tabindex: "-1" }, "Storage"), h("p", {}, lead)));
}

function flow({ providers }) {
  const chosen = providers.find((provider) => provider.is_default);
  if (!chosen) {
    const text = providers.some(({ status }) => status === "VERIFIED")
      ? "Uploads are refused until a verified provider is set as default."
      : "Uploads are refused until a provider is verified and set as default.";
    return h("div", { class: "notice warn flow-notice", role: "status" }, h("strong", {}, "There is no default provider yet"), text);
  }
  const sick = chosen.status === "FAILED";
  return [
    h(
      "div",
      { class: "card flow" },
      glyph(chosen.kind),
      h("div", { class: "grow" }, h("p", {}, "New documents go to"), h("strong", { class: "break" }, chosen.label)),
      stateBadge(chosen.status),
      sick && h("p", { class: "grow" }, h("b", {}, "Uploads are probably failing. "), "Put the provider right, or set another verified one as default."),
    ),
  ];
}

function configured(context) {
  if (!context.providers.length) return null;
  return h(
    "section",
    { "aria-labelledby": "configured" },
    h("div", { class: "section-head" }, h("h2", { id: "configured" }, "Your providers")),
    h("ul", { class: "stack" }, context.providers.map((provider) => card(provider, context))),
  );
}

function card(provider, context) {
  return h(
    "li",
    { class: `card provider${provider.is_default ? " is-default" : ""}`, data: { provider: provider.id } },
    h(
      "header",
      {},
      glyph(provider.kind),
      h(
        "div",
        { class: "grow" },
        h(
          "div",
          { class: "row title" },
          h("h3", { class: "break" }, provider.label),
          stateBadge(provider.status),
          provider.is_default && h("span", { class: "badge tint" }, icon("star", 14), "Default"),
          provider.managed && h("span", { class: "badge" }, icon("lock", 14), "Managed"),
        ),
        h("p", { class: "break" }, [titleOf(provider.kind), placeOf(provider)].filter(Boolean).join(" · ")),
      ),
      !provider.managed && menu(provider, context),
    ),
    provider.status === "FAILED" && failure(provider),
    h("div", { class: "row foot" }, facts(provider, context), actions(provider, context)),
  );
}

function facts(provider, { settings }) {
  const projects = Object.entries(overridesOf(settings)).filter(([, chosen]) => chosen === provider.id);
  const fact = (name, ...said) => h("div", {}, h("dt", {}, name), h("dd", {}, said));
  return h(
    "dl",
    { class: "facts grow" },
    (!provider.managed || provider.last_verified_at) && fact("Last verified", when(provider.last_verified_at)),
    provider.plan && fact("Plan", provider.plan),
    fact("Max File Size", bytes(provider.limit?.in_force ?? provider.max_file_bytes)),
    projects.length > 0 && fact(projects.length > 1 ? "Projects" : "Project", projects.map(([project]) => project).join(", ")),
  );
}

/** Overrides by project, whether they came as an object or as a list. */
export function overridesOf(settings) {
  const found = settings.overrides ?? {};
  return Array.isArray(found) ? Object.fromEntries(found.map(({ project, provider }) => [project, provider])) : found;
}

function failure(provider) {
  const error = { title: "The last test failed", message: provider.last_error, diagnosis: provider.diagnosis };
  const notice = problem(error);
  notice.removeAttribute("role");
  return notice;
}

function actions(provider, context) {
  const choose = h("button", { type: "button", class: "primary", onclick: () => busy(choose, () => setDefault(provider, context)) }, "Set as Default");
  if (provider.managed) {
    const text = "Nothing to configure. If it is at fault, contact support.";
    return h("div", { class: "row actions" }, h("p", { class: "soft small" }, text), !provider.is_default && choose);
  }
  const test = h("button", { type: "button", onclick: () => testConnection(provider, context) }, "Test Connection");
  if (provider.status !== "VERIFIED") test.className = "primary";
  const reconnects = provider.kind === "sharepoint" && provider.status === "FAILED" && provider.secrets.includes("refresh_token");
  return h(
    "div",
    { class: "row actions" },
    h("button", { type: "button", onclick: () => configure(provider.kind, context, provider) }, "Configure"),
    reconnects && h("button", { type: "button", onclick: () => connect(context, provider) }, "Reconnect"),
    test,
    provider.status === "VERIFIED" && !provider.is_default && choose,
  );
}

function menu(provider, context) {
  const shut = (work) => (event) => {
    event.target.closest("details").open = false;
    work();
  };
  const place = h(
    "details",
    { class: "menu" },
    h("summary", { "aria-label": `More for ${provider.label}` }, icon("dots")),
    h(
      "div",
      {},
      TOOLS[provider.kind] && h("button", { type: "button", onclick: shut(() => exportFor(provider)) }, "Use with other tools"),
      h("button", { type: "button", class: "bad", onclick: shut(() => remove(provider, context)) }, "Remove provider"),
    ),
  );
  place.addEventListener("focusout", ({ relatedTarget }) => {
    if (!place.contains(relatedTarget)) place.open = false;
  });
  place.addEventListener("keydown", ({ key }) => {
    if (key === "Escape" && place.open) {
      place.open = false;
      place.querySelector("summary").focus();
    }
  });
  return place;
}

export async function setDefault(provider, { show, settings }) {
  try {
    await change("PUT", url("default"), { provider: provider.id }, settings.version);
    toast(`New documents go to ${provider.label}.`);
    await show();
  } catch (error) {
    failed("The default was not changed", error);
  }
}

async function remove(provider, { show }) {
  const text = `The settings and secrets of ${provider.label} are forgotten. Its files stay where they are, but documents that are recorded there can no longer be opened from here.`;
  if (!(await confirmed({ title: "Remove this provider?", text, action: "Remove provider" }))) return;
  try {
    await change("DELETE", url("providers", provider.id), undefined, provider.version);
    toast(`${provider.label} was removed.`);
    await show();
  } catch (error) {
    failed("It was not removed", error);
  }
}

export function failed(title, error) {
  const opened = openDialog({ title });
  fill(opened.body, problem(error));
  fill(opened.footer, h("button", { type: "button", class: "primary", onclick: opened.close }, "Close"));
}

const S3_TOOLS = ["rclone", "aws-cli", "s3fs", "duckdb", "obstore"];
const TOOLS = { r2: S3_TOOLS, s3: S3_TOOLS, supabase: S3_TOOLS, azure_blob: ["rclone", "adlfs", "duckdb", "obstore"] };

async function exportFor(provider) {
  const opened = openDialog({ title: "Use with other tools", lead: "Options for the same place. Secrets are left out: fill them in where a placeholder stands." });
  const out = h("pre", { tabindex: "0", "aria-label": "Options" }, h("code", {}, "Choose a tool."));
  const choose = async ({ target }) => {
    try {
      const found = await get(url("providers", provider.id, "export", target.value));
      out.replaceChildren(h("code", {}, found.text ?? JSON.stringify(found.options, null, 2)));
    } catch (error) {
      out.replaceChildren(h("code", {}, error.message || error.title));
    }
  };
  const select = h("select", { id: "tool", onchange: choose }, TOOLS[provider.kind].map((tool) => h("option", { value: tool }, tool)));
  fill(opened.body, h("div", { class: "field" }, h("label", { for: "tool" }, "Tool"), select), out);
  fill(opened.footer, h("button", { type: "button", class: "primary", onclick: opened.close }, "Close"));
  await choose({ target: select });
}

function addable(found, context) {
  const cards = offered(found).map((kind) => {
    const { lead, connect: connects } = known(kind.kind);
    const title = titleOf(kind.kind, kind.title);
    const begin = () => (connects && session.connect !== false ? connect(context) : configure(kind.kind, context));
    const verb = connects && session.connect !== false ? "Connect" : "Configure";
    return h(
      "li",
      { class: "card kind", data: { kind: kind.kind } },
      h("div", { class: "row" }, glyph(kind.kind), h("h3", { class: "grow" }, title)),
      h("p", {}, lead || kind.summary || ""),
      h("div", { class: "row" }, h("button", { type: "button", onclick: begin, "aria-label": `${verb} ${title}` }, verb)),
    );
  });
  return h(
    "section",
    { class: "gap-above", "aria-labelledby": "add" },
    h("div", { class: "section-head" }, h("h2", { id: "add" }, "Add Provider"), h("p", {}, "Several can be configured at once.")),
    h("ul", { class: "grid" }, cards),
  );
}

const configure = async (...given) => (await import("./configure.js")).configure(...given);
const testConnection = async (...given) => (await import("./verification.js")).testConnection(...given);
const connect = async (...given) => (await import("./connect.js")).connect(...given);
