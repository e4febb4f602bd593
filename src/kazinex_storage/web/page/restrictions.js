// The view "File restrictions": which types of files the organisation takes, and the largest file of each provider.

import { change, get, url } from "./api.js";
import { busy, field, h, icon, problem, replace, toast } from "./dom.js";
import { bytes } from "./format.js";
import { titleOf } from "./kinds.js";
import { listed } from "./providers.js";

export async function render({ show }) {
  const [settings, found] = await Promise.all([get(url("settings")), get(url("providers"))]);
  return [
    h(
      "div",
      { class: "head" },
      h("div", {}, h("h1", { tabindex: "-1" }, "File restrictions"), h("p", {}, "What may be uploaded, whatever the provider. Documents that are stored already are not touched.")),
    ),
    h("div", { class: "stack loose" }, types(settings, show), limits(listed(found))),
  ];
}

function types(settings, show) {
  const mime = settings.mime_types ?? {};
  const never = new Set(settings.never_allow ?? []);
  const before = [...(settings.allowlist ?? [])].sort();
  let chosen = [...before];
  const chips = h("ul", { class: "chips", "aria-label": "Allowed types" });
  const errors = h("div");
  const state = h("p", { class: "soft", role: "status" });
  const entry = h("input", { type: "text", id: "add-type", placeholder: "pdf", autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
  const place = field({ label: "Add Type", help: "An extension, with or without the dot; several are separated by spaces." }, entry);
  const add = h("button", { type: "submit" }, "Add Type");
  const save = h("button", { type: "button", class: "primary", onclick: () => busy(save, store) }, "Save");
  const undo = h("button", { type: "button", onclick: () => change_(before) }, "Discard");
  const recommended = h("button", { type: "button", onclick: () => change_([...new Set([...chosen, ...(settings.recommended_extensions ?? [])])].sort()) }, "Add the recommended types");
  const open = h("button", { type: "button", class: "plain", onclick: () => change_([]) }, "Allow all types");
  const form = h("form", { novalidate: true }, h("div", { class: "row" }, h("div", { class: "grow" }, place), add));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const wanted = entry.value.split(/[\s,;]+/).map((text) => text.replace(/^\./, "").toLowerCase()).filter(Boolean);
    const refused = wanted.filter((text) => never.has(text));
    place.complain(refused.length ? `${refused.map((text) => `.${text}`).join(", ")} can run programs and is never allowed` : "");
    if (refused.length) return;
    entry.value = "";
    change_([...new Set([...chosen, ...wanted])].sort());
  });

  function change_(next) {
    chosen = [...next];
    draw();
  }

  function draw() {
    replace(chips, chosen.map(chip));
    chips.hidden = !chosen.length;
    state.textContent = chosen.length
      ? `Only these ${chosen.length} types are accepted; all others are refused.`
      : "Every type of file is accepted. As soon as one type is listed, only listed types pass.";
    const same = chosen.join() === before.join();
    save.disabled = same;
    undo.hidden = same;
    open.hidden = !chosen.length;
  }

  function chip(extension) {
    const drop = () => {
      change_(chosen.filter((each) => each !== extension));
      entry.focus();
    };
    return h(
      "li",
      { class: "chip" },
      h("span", {}, h("b", {}, `.${extension}`), mime[extension] && h("span", { class: "soft small" }, ` ${short(mime[extension])}`)),
      h("button", { type: "button", onclick: drop, "aria-label": `Remove .${extension}`, title: mime[extension] ?? "" }, icon("cross", 14)),
    );
  }

  async function store() {
    try {
      replace(errors);
      await change("PUT", url("allowlist"), { extensions: chosen }, settings.version);
      toast("The allowed types were saved.");
      await show();
    } catch (error) {
      replace(errors, problem(error));
    }
  }

  draw();
  const mode = h("span", { class: `badge ${before.length ? "tint" : ""}` }, before.length ? "Allowlist" : "Allow all");
  return h(
    "section",
    { class: "card stack", "aria-labelledby": "types" },
    h("div", { class: "row" }, h("h2", { id: "types", class: "grow" }, "File Type Restrictions"), mode),
    errors,
    state,
    chips,
    form,
    h("div", { class: "row" }, recommended, open, h("span", { class: "grow" }), undo, save),
    list("Recommended for construction", settings.recommended_extensions, "tint"),
    list("Never allowed", settings.never_allow, "bad"),
  );
}

/** Long names of Office types say nothing that their last words do not. */
const short = (type) => (type.length > 34 ? `…${type.split(".").slice(-2).join(".")}` : type);

function list(title, extensions, tone) {
  if (!extensions?.length) return null;
  return h(
    "details",
    { class: "more" },
    h("summary", {}, title),
    h("ul", { class: "chips" }, extensions.map((each) => h("li", { class: `badge ${tone}` }, `.${each}`))),
  );
}

function limits(providers) {
  const rows = providers.map((provider) =>
    h(
      "tr",
      {},
      h("td", {}, h("b", { class: "break" }, provider.label), h("div", { class: "soft small" }, titleOf(provider.kind))),
      h("td", { "data-label": "Max File Size" }, bytes(provider.limit?.in_force ?? provider.max_file_bytes)),
      h("td", { "data-label": "Default" }, bytes(provider.limit?.default)),
      h("td", { "data-label": "Ceiling" }, ceiling(provider)),
    ),
  );
  return h(
    "section",
    { class: "card", "aria-labelledby": "limits" },
    h("div", { class: "section-head" }, h("h2", { id: "limits" }, "Max File Size"), h("p", {}, "Set for each provider, under Storage, Configure.")),
    rows.length
      ? h(
          "div",
          { class: "table responsive" },
          h("table", {}, h("thead", {}, h("tr", {}, ["Provider", "Max File Size", "Default", "Ceiling"].map((text) => h("th", { scope: "col" }, text)))), h("tbody", {}, rows)),
        )
      : h("p", { class: "soft" }, "There is no provider yet."),
  );
}

function ceiling({ limit, managed }) {
  const most = limit?.ceiling;
  if (!most) return "–";
  return `${most >= 2 ** 50 ? "none" : bytes(most)}${managed ? " (by plan)" : ""}`;
}

