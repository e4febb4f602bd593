// The view "Audit trail": what happened, by whom, newest first; whether the chain is whole; export.

import { get, getOr, url } from "./api.js";
import { busy, h, icon, problem, replace } from "./dom.js";
import { count, time } from "./format.js";
import { listed } from "./providers.js";

const WORDS = {
  "provider.added": "Provider added",
  "provider.updated": "Provider changed",
  "provider.removed": "Provider removed",
  "provider.verified": "Connection tested",
  "provider.failed": "Provider failed in use",
  "provider.recovered": "Provider works again",
  "provider.passed_over": "Provider passed over",
  "provider.resolved": "Provider chosen for an upload",
  "status.changed": "Status changed",
  "default.changed": "Default changed",
  "override.changed": "Project override changed",
  "allowlist.changed": "File types changed",
  "limit.changed": "Max File Size changed",
  "quota.changed": "Quota changed",
  "key.rotated": "Sealing key rotated",
  "audit.dropped": "Old entries dropped",
  "document.uploaded": "Document uploaded",
  "document.opened": "Document opened",
  "document.removed": "Document removed",
  "document.refused": "Upload refused",
  "document.presigned": "Link signed",
  "document.confirmed": "Upload confirmed",
  "document.aborted": "Upload cancelled",
  "document.expired": "Upload expired",
  "run.begun": "Run begun",
  "run.ended": "Pass of a run ended",
  "documents.moved": "Documents moved",
  "source.pruned": "Removed from the source",
  "run.cut_over": "Cut over",
  "run.rolled_back": "Rolled back",
  "run.audited": "Audit of files ended",
};
const STATES = { PENDING: "Pending", VERIFIED: "Verified", FAILED: "Failed" };
const PAGE = 50;

export async function render() {
  const { providers } = await getOr({ providers: [] }, url("providers"));
  const labels = new Map(providers.map(({ id, label }) => [id, label]));
  const kind = h("select", { id: "event" }, h("option", { value: "" }, "Everything"), Object.entries(WORDS).map(([value, text]) => h("option", { value }, text)));
  const rows = h("tbody");
  const state = h("div", { role: "status" });
  const more = h("button", { type: "button", onclick: () => busy(more, () => load(true)) }, "Show earlier ones");
  let before = null;

  async function load(further) {
    try {
      const query = new URLSearchParams({ limit: PAGE, newest: "true" });
      if (kind.value) query.set("event", kind.value);
      if (further && before !== null) query.set("before", before);
      const entries = listed(await get(`${url("audit")}?${query}`));
      if (!further) replace(rows);
      rows.append(...entries.map((entry) => row(entry, labels)));
      before = entries.at(-1)?.number ?? before;
      more.hidden = entries.length < PAGE;
      if (!rows.children.length) rows.append(h("tr", {}, h("td", { colspan: 4, class: "soft" }, "Nothing yet.")));
    } catch (error) {
      replace(state, problem(error));
    }
  }

  const check = h("button", { type: "button", onclick: () => busy(check, () => verify(state)) }, icon("shield"), "Check the chain");
  kind.addEventListener("change", () => load(false));
  await load(false);
  return [
    h(
      "div",
      { class: "head" },
      h("div", {}, h("h1", { tabindex: "-1" }, "Audit trail"), h("p", {}, "Every change and every use that matters. Entries are chained: one that is changed or missing is found.")),
      h("div", { class: "row" }, check, h("a", { class: "button", href: url("audit", "export"), download: "audit.jsonl" }, icon("download"), "Export")),
    ),
    h(
      "section",
      { class: "card stack", "aria-label": "Entries" },
      state,
      h("div", { class: "row" }, h("label", { for: "event" }, "Show"), h("div", {}, kind)),
      h("div", { class: "table responsive" }, h("table", {}, h("thead", {}, h("tr", {}, ["What", "Who", "Details", "When"].map((text) => h("th", { scope: "col" }, text)))), rows)),
      h("div", { class: "row" }, more),
    ),
  ];
}

function row(entry, labels) {
  const event = { ...entry.fields, ...entry };
  const name = event.event;
  const outcome = event.outcome && event.outcome !== "done" ? h("span", { class: `badge ${event.outcome === "failed" ? "bad" : "warn"}` }, event.outcome) : null;
  const moment = h("time", { class: "nowrap soft", datetime: event.at }, time(event.at));
  return h(
    "tr",
    {},
    h("td", {}, h("b", {}, WORDS[name] ?? name), outcome && [" ", outcome]),
    h("td", { class: "who-cell", "data-label": "Who" }, event.by ?? "the service"),
    h("td", { class: "break soft", "data-label": "Details" }, details(event, labels)),
    h("td", { "data-label": "When" }, moment),
  );
}

function details(event, labels) {
  const shown = (value) => (Array.isArray(value) ? value.join(" ") || "all types" : value === null ? "none" : (labels.get(value) ?? STATES[value] ?? String(value)));
  const chooses = event.event === "default.changed" || event.event === "override.changed";
  const parts = [event.document ? event.document.replace(`${event.organisation}/`, "") : event.project];
  if (event.provider && !chooses) parts.push(labels.get(event.provider) ?? event.label ?? event.provider);
  if ("before" in event || "after" in event) parts.push(`${shown(event.before ?? null)} → ${shown(event.after ?? null)}`);
  if (event.run) parts.push(`${labels.get(event.source) ?? event.source} · ${event.run}`, "objects" in event && count(event.objects, "object"), event.failed > 0 && `${event.failed} failed`);
  parts.push(event.error ?? event.reason);
  return parts.filter(Boolean).join(" · ");
}

async function verify(place) {
  try {
    const report = await get(url("audit", "verification"));
    const found = report.problems.map(({ number, problem: text }) => h("span", {}, number === null ? text : `Entry ${number}: ${text}`));
    const title = report.ok ? "The chain is whole" : "The chain was broken";
    const seals = report.sealed ? "" : "; without keys its seals cannot be checked";
    replace(place, h("div", { class: `notice ${report.ok ? "good" : "bad"}` }, h("strong", {}, title), `${count(report.entries, "entry", "entries")}${seals}`, found));
  } catch (error) {
    replace(place, problem(error));
  }
}
