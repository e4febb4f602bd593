// The view "Projects": the list, and one project with its provider, its documents and the upload box.

import { change, get, getOr, url } from "./api.js";
import { busy, field, h, icon, problem, replace, toast } from "./dom.js";
import { bytes, count, when } from "./format.js";
import { titleOf } from "./kinds.js";
import { overridesOf } from "./providers.js";
import { Transfer } from "./upload.js";

export async function render({ rest, show }) {
  return rest[0] ? project(rest[0], show) : projects();
}

async function projects() {
  const [found, { providers }, settings] = await Promise.all([
    get(url("projects")),
    getOr({ providers: [] }, url("providers")),
    getOr({ overrides: [] }, url("settings")),
  ]);
  const overrides = overridesOf(settings);
  const byId = new Map(providers.map((provider) => [provider.id, provider]));
  const seen = new Map(found.projects.map((each) => [each.project, each]));
  for (const name of Object.keys(overrides)) if (!seen.has(name)) seen.set(name, { project: name });
  const items = [...seen].sort(([a], [b]) => a.localeCompare(b)).map(([name, each]) => {
    const own = byId.get(overrides[name]);
    return h(
      "li",
      {},
      h(
        "a",
        { class: "item", href: `#/projects/${encodeURIComponent(name)}` },
        h("span", { class: "glyph" }, icon("folder", 22)),
        h("span", { class: "grow" }, h("b", { class: "break" }, name), h("span", { class: "soft small" }, h("br"), summary(each))),
        own && h("span", { class: "badge tint" }, own.label),
        icon("chevron"),
      ),
    );
  });
  const entry = h("input", { type: "text", autocomplete: "off", spellcheck: "false", placeholder: "river-bridge" });
  const form = h("form", { class: "card", novalidate: true }, h("div", { class: "row" }, h("div", { class: "grow" }, field({ label: "Open a project", help: "A project appears in the list with its first document." }, entry)), h("button", {}, "Open")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (entry.value.trim()) location.hash = `#/projects/${encodeURIComponent(entry.value.trim())}`;
  });
  return [
    head("Projects", "The documents of each project, and where new ones are kept."),
    h(
      "div",
      { class: "stack" },
      items.length ? h("ul", { class: "card list" }, items) : h("div", { class: "card empty" }, h("h2", {}, "No documents yet"), h("p", {}, "Open a project below and upload its first one.")),
      form,
    ),
  ];
}

const summary = ({ documents, revisions }) => (documents ? `${count(documents, "document")} · ${count(revisions, "revision")}` : "no documents yet");

function head(title, lead, before) {
  return h("div", { class: "head" }, h("div", {}, before, h("h1", { tabindex: "-1", class: "break" }, title), h("p", {}, lead)));
}

async function project(name, show) {
  const [found, choice, rules] = await Promise.all([
    documentsOf(name),
    getOr(null, url("projects", name, "override")),
    rulesOf(name),
  ]);
  const back = h("p", { class: "small" }, h("a", { href: "#/projects" }, "All projects"));
  const documents = h("section", { "aria-labelledby": "documents" });
  const labels = new Map((choice?.candidates ?? []).map(({ id, label }) => [id, label]));
  const redraw = async () => draw(documents, name, await documentsOf(name), labels);
  draw(documents, name, found, labels);
  return [
    head(name, "Documents are written once: a new file is a new revision, and earlier ones stay.", back),
    h("div", { class: "stack loose" }, rules && uploadBox(name, found.documents, rules, redraw), documents, choice && override(name, choice, show)),
  ];
}

/** What the project takes; null where the reader may not upload, and why where nothing can be uploaded. */
async function rulesOf(name) {
  try {
    return await getOr(null, url("projects", name, "upload-rules"));
  } catch (error) {
    if (error.status === 409 || error.status >= 500) return { error };
    throw error;
  }
}

const documentsOf = (name, after = "") => get(`${url("projects", name, "documents")}?${new URLSearchParams({ after })}`);

function override(name, { provider, candidates, version }, show) {
  const current = provider ?? "";
  const standard = candidates.find(({ is_default }) => is_default);
  const options = candidates.filter(({ status, id }) => status === "VERIFIED" || id === current);
  const select = h(
    "select",
    {},
    h("option", { value: "" }, `Organisation default${standard ? ` (${standard.label})` : ""}`),
    options.map(({ id, label, kind }) => h("option", { value: id }, label === titleOf(kind) ? label : `${label} (${titleOf(kind)})`)),
  );
  select.value = current;
  const errors = h("div");
  const save = h("button", { type: "button", class: "primary", disabled: true, onclick: () => busy(save, store) }, "Save");
  select.addEventListener("change", () => {
    save.disabled = select.value === current;
  });
  async function store() {
    try {
      const place = url("projects", name, "override");
      if (select.value) await change("PUT", place, { provider: select.value }, version);
      else await change("DELETE", place, undefined, version);
      toast(select.value ? "New documents of this project go to their own provider." : "This project follows the default again.");
      await show();
    } catch (error) {
      replace(errors, problem(error));
    }
  }
  return h(
    "section",
    { class: "card stack", "aria-labelledby": "override" },
    h("h2", { id: "override" }, "Storage provider of this project"),
    errors,
    field({ label: "Provider", help: "For new documents of this project only. Only verified providers can be chosen." }, select),
    h("div", { class: "row" }, save),
  );
}

// documents

function draw(place, name, found, labels) {
  const cards = ({ documents }) => documents.map((each) => h("li", {}, documentCard(name, each, labels)));
  const open = new Set([...place.querySelectorAll("[aria-expanded='true']")].map((button) => button.dataset.document));
  const list = h("ul", { class: "card list" }, cards(found));
  let { after } = found;
  const more = h("button", { type: "button", hidden: after === null, onclick: () => busy(more, further) }, "Show more");
  async function further() {
    const next = await documentsOf(name, after);
    list.append(...cards(next));
    after = next.after;
    more.hidden = after === null;
  }
  const empty = h("div", { class: "card empty" }, h("h3", {}, "No documents yet"), h("p", {}, "Upload the first one above."));
  replace(place, h("div", { class: "section-head" }, h("h2", { id: "documents" }, "Documents")), found.documents.length ? list : empty, h("div", { class: "row more-row" }, more));
  for (const button of list.querySelectorAll("[data-document]")) if (open.has(button.dataset.document)) button.click();
}

function documentCard(project_, { document: id, revisions: total, recorded_at: at }, labels) {
  const revisions = h("div", { hidden: true });
  const more = h("button", { type: "button", "aria-expanded": "false", "aria-label": `Revisions of ${id}`, data: { document: id } }, "Revisions");
  more.addEventListener("click", () => {
    const open = more.getAttribute("aria-expanded") !== "true";
    more.setAttribute("aria-expanded", String(open));
    revisions.hidden = !open;
    if (open) busy(more, () => showRevisions(revisions, project_, id, labels));
  });
  return h(
    "article",
    { class: "document", "aria-label": id },
    h("div", { class: "row" }, h("div", { class: "grow" }, h("h3", { class: "break" }, id), h("p", { class: "soft small" }, count(total, "revision"), " · ", when(at))), more),
    revisions,
  );
}

async function showRevisions(place, project_, document_, labels) {
  try {
    const answer = await get(url("projects", project_, "documents", document_, "revisions"));
    const rows = answer.revisions.map((each) => revision(project_, document_, each, labels));
    const silent = answer.missing.map((id) => labels.get(id) ?? id).join(", ");
    const missed = silent && h("div", { class: "notice warn" }, h("strong", {}, "Some providers did not answer"), `What is kept on ${silent} is not listed.`);
    replace(place, missed, rows);
  } catch (error) {
    replace(place, problem(error));
  }
}

function revision(project_, document_, { revision: id, filename, provider, size, stored_at: at }, labels) {
  const place = url("projects", project_, "documents", document_, "revisions", id, "files", filename);
  return h(
    "div",
    { class: "revision" },
    h("b", {}, id),
    h("div", {}, h("div", { class: "break" }, filename), h("div", { class: "soft small" }, [bytes(size), labels.get(provider)].filter(Boolean).join(" · "), at && [" · ", when(at)])),
    h("a", { class: "button", href: place, download: filename, "aria-label": `Download ${filename}, revision ${id}` }, icon("download"), h("span", { class: "wide-only" }, "Download")),
  );
}

// uploads

function uploadBox(name, documents, rules, redraw) {
  let file = null;
  const known = documents.map((each) => each.document);
  const picker = h("input", { type: "file", id: "file", class: "sr" });
  const chosen = h("p", { role: "status" });
  const zone = h(
    "div",
    { class: "drop" },
    icon("upload", 26),
    picker,
    h("p", {}, h("label", { for: "file" }, "Choose a file"), " or drop it here"),
    !rules.error && h("p", { class: "small" }, accepted(rules)),
    chosen,
  );
  const document_ = h("input", { type: "text", id: "document", list: "known-documents", autocomplete: "off", spellcheck: "false", placeholder: "DRG-0042" });
  const revision_ = h("input", { type: "text", id: "revision", autocomplete: "off", spellcheck: "false", value: "P01" });
  const places = [field({ label: "Document" }, document_), field({ label: "Revision", help: "Free, such as P01, A or C01; each only once." }, revision_)];
  const go = h("button", { class: "primary" }, icon("upload"), "Upload");
  const transfers = h("div", { class: "transfers" });
  const form = h(
    "form",
    { class: "card stack", novalidate: true, "aria-labelledby": "upload" },
    h("h2", { id: "upload" }, "Upload a document"),
    rules.error && problem(rules.error, { title: "Nothing can be uploaded at the moment" }),
    zone,
    h("div", { class: "fields" }, places, h("datalist", { id: "known-documents" }, known.map((value) => h("option", { value })))),
    h("div", { class: "row" }, go),
    transfers,
  );
  const choose = (next) => {
    file = next ?? null;
    replace(chosen, file && [h("b", { class: "break" }, file.name), ` · ${bytes(file.size)}`]);
    const stem = file?.name.replace(/\.[^.]*$/, "") ?? "";
    if (file && !document_.value && /^[\w.-]{1,80}$/.test(stem)) document_.value = stem;
    suggest();
  };
  const suggest = async () => {
    if (!known.includes(document_.value)) return;
    const found = await get(url("projects", name, "documents", document_.value, "revisions")).catch(() => ({ revisions: [] }));
    const taken = found.revisions.map((each) => each.revision);
    const last = taken.filter((each) => /^[A-Z]*\d+$/.test(each)).sort().at(-1);
    if (last && taken.includes(revision_.value)) revision_.value = next(last);
  };
  picker.addEventListener("change", () => choose(picker.files[0]));
  document_.addEventListener("change", suggest);
  for (const event of ["dragenter", "dragover"]) zone.addEventListener(event, (dragged) => (dragged.preventDefault(), zone.classList.add("over")));
  for (const event of ["dragleave", "drop"]) zone.addEventListener(event, () => zone.classList.remove("over"));
  zone.addEventListener("drop", (dropped) => {
    dropped.preventDefault();
    choose(dropped.dataTransfer.files[0]);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    places[0].complain(document_.value.trim() ? "" : "name the document");
    places[1].complain(revision_.value.trim() ? "" : "name the revision");
    if (!file) replace(chosen, h("span", { class: "wrong" }, "Choose a file first."));
    if (!file || !document_.value.trim() || !revision_.value.trim()) return;
    const place = { project: name, document: document_.value.trim(), revision: revision_.value.trim() };
    begin(transfers, file, place, redraw);
    choose(null);
    picker.value = "";
  });
  return form;
}

function accepted({ extensions, max_file_bytes: most, label }) {
  const types = extensions.length > 8 ? `${extensions.slice(0, 8).join(", ")} and ${extensions.length - 8} more` : extensions.join(", ");
  return `${types ? `${types}, up` : "Up"} to ${bytes(most)}; it goes to ${label}.`;
}

const next = (code) => code.replace(/\d+$/, (digits) => String(Number(digits) + 1).padStart(digits.length, "0"));

function begin(transfers, file, place, redraw) {
  const bar = h("progress", { max: Math.max(1, file.size), value: 0, "aria-label": `Upload of ${file.name}` });
  const said = h("p", { class: "soft small", role: "status" });
  const errors = h("div");
  const cancel = h("button", { type: "button", class: "plain" }, "Cancel");
  const again = h("button", { type: "button", hidden: true }, "Resume");
  const item = h(
    "div",
    { class: "transfer" },
    h("div", { class: "row" }, h("div", { class: "grow break" }, h("b", {}, file.name), h("span", { class: "soft small" }, ` ${place.document} · ${place.revision}`)), again, cancel),
    bar,
    said,
    errors,
  );
  let told = -1;
  const transfer = new Transfer(file, place, ({ state, sent, error, resumable }) => {
    bar.value = state === "done" ? bar.max : sent;
    item.className = `transfer ${state}`;
    const share = file.size ? Math.floor((100 * sent) / file.size) : 100;
    const text = {
      sending: `${bytes(sent)} of ${bytes(file.size)} · ${share} %`,
      confirming: "Sent. Checking what has arrived…",
      done: `Stored · ${bytes(file.size)}`,
      failed: resumable ? `Interrupted at ${share} %` : "Not stored",
      cancelled: "Cancelled",
    }[state];
    if (state !== "sending" || share !== told) said.textContent = text ?? "";
    told = share;
    again.hidden = state !== "failed";
    again.textContent = resumable ? "Resume" : "Try again";
    cancel.hidden = state === "confirming";
    cancel.textContent = ["done", "failed", "cancelled"].includes(state) ? "Dismiss" : "Cancel";
    replace(errors, error && problem(error, { title: error.title ?? "It was not stored" }));
  });
  const run = async () => {
    await transfer.run();
    if (transfer.state === "done") await redraw();
  };
  cancel.addEventListener("click", async () => {
    const over = ["done", "cancelled"].includes(transfer.state);
    if (!over) await transfer.cancel();
    if (over || transfer.state === "failed") item.remove();
  });
  again.addEventListener("click", run);
  transfers.prepend(item);
  run();
}

