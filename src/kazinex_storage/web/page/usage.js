// The view "Usage": what the documents take up, by provider and project, against quotas; and what was asked of services.

import { Problem, change, get, getOr, may, url } from "./api.js";
import { busy, field, fill, h, openDialog, problem, svg, toast } from "./dom.js";
import { UNIT_BYTES, bytes, count, inUnit } from "./format.js";

const DAYS = 14;

export async function render({ show }) {
  const [usage, { providers }] = await Promise.all([get(url("usage")), getOr({ providers: [] }, url("providers"))]);
  const labels = new Map(providers.map(({ id, label }) => [id, label]));
  const whole = (usage.quotas ?? []).find(({ project }) => !project) ?? {};
  return [
    h("div", { class: "head" }, h("div", {}, h("h1", { tabindex: "-1" }, "Usage"), h("p", {}, "What the documents of the organisation take up, and what its providers were asked for."))),
    h("div", { class: "stack loose" }, totals(usage, whole, show), byProvider(usage, labels), byProject(usage, labels, show), requests(usage, labels)),
  ];
}

const sum = (entries, of) => entries.reduce((total, entry) => total + of(entry), 0);
const size = (entry) => entry.bytes + (entry.other_bytes ?? 0);
const objects = (entry) => entry.objects + (entry.other_objects ?? 0);

function grouped(entries, by) {
  const found = new Map();
  for (const entry of entries) found.set(entry[by], [...(found.get(entry[by]) ?? []), entry]);
  return [...found].map(([name, all]) => ({ name, bytes: sum(all, size), objects: sum(all, objects) })).sort((a, b) => b.bytes - a.bytes);
}

function totals(usage, quota, show) {
  const stat = (name, said) => h("div", {}, h("dt", {}, name), h("dd", {}, said));
  const edit = h("button", { type: "button", onclick: () => editQuota(null, quota, show) }, quota.max_bytes || quota.max_objects ? "Change quota" : "Set a quota");
  return h(
    "section",
    { class: "card stack", "aria-label": "In all" },
    h("div", { class: "row" }, h("dl", { class: "row grow stat totals" }, stat("Stored", bytes(usage.bytes)), stat("Files", usage.objects.toLocaleString()), quota.max_bytes && stat("Quota", bytes(quota.max_bytes))), may("manage_restrictions") && edit),
    quota.max_bytes && meter("Bytes of the quota", usage.bytes, quota.max_bytes, bytes),
    quota.max_objects && meter("Files of the quota", usage.objects, quota.max_objects, (number) => count(number, "file")),
  );
}

function meter(label, used, most, written) {
  const share = Math.min(1, most ? used / most : 1);
  const bar = h("progress", { max: 1, value: share, "aria-label": label });
  return h("div", { class: share >= 0.9 ? "failed" : "" }, bar, h("p", { class: "soft small" }, `${written(used)} of ${written(most)} · ${Math.round(share * 100)} %`));
}

function byProvider(usage, labels) {
  const found = grouped(usage.usage, "provider");
  if (!found.length) return h("div", { class: "card empty" }, h("h2", {}, "Nothing is stored yet"), h("p", {}, "Usage is counted from the first document on."));
  const most = Math.max(...found.map((each) => each.bytes), 1);
  return h(
    "section",
    { class: "card stack", "aria-labelledby": "by-provider" },
    h("h2", { id: "by-provider" }, "By provider"),
    h(
      "ul",
      { class: "bars chart" },
      found.map((each) =>
        h(
          "li",
          { class: "stack-small" },
          h("div", { class: "row" }, h("b", { class: "break" }, labels.get(each.name) ?? `${each.name} (removed)`), h("span", { class: "soft" }, `${bytes(each.bytes)} · ${count(each.objects, "file")}`)),
          bar(each.bytes / most),
        ),
      ),
    ),
  );
}

function bar(share) {
  const rest = svg("rect", { class: "rest", x: 0, y: 0, width: 1000, height: 10, rx: 5 });
  const part = svg("rect", { class: "bar", x: 0, y: 0, width: Math.max(10, 1000 * share), height: 10, rx: 5 });
  return svg("svg", { viewBox: "0 0 1000 10", preserveAspectRatio: "none", height: 10, "aria-hidden": "true" }, rest, part);
}

function byProject(usage, labels, show) {
  const quotas = new Map((usage.quotas ?? []).filter(({ project }) => project).map((quota) => [quota.project, quota]));
  const found = grouped(usage.usage, "project");
  const rows = found.map((each) => {
    const quota = quotas.get(each.name) ?? {};
    const places = usage.usage.filter(({ project }) => project === each.name).map(({ provider }) => labels.get(provider) ?? provider);
    const edit = h("button", { type: "button", class: "plain", "aria-label": `Quota of ${each.name}`, onclick: () => editQuota(each.name, quota, show) }, "Quota");
    return h(
      "tr",
      {},
      h("td", { class: "break" }, each.name ? h("a", { href: `#/projects/${encodeURIComponent(each.name)}` }, each.name) : "No project"),
      h("td", { class: "break", "data-label": "Kept on" }, [...new Set(places)].join(", ")),
      h("td", { class: "number", "data-label": "Files" }, each.objects.toLocaleString()),
      h("td", { class: "number", "data-label": "Stored" }, bytes(each.bytes)),
      h("td", { class: "number", "data-label": "Quota" }, quota.max_bytes ? bytes(quota.max_bytes) : quota.max_objects ? count(quota.max_objects, "file") : "–"),
      h("td", { class: "end" }, each.name && may("manage_restrictions") && edit),
    );
  });
  if (!rows.length) return null;
  const head = ["Project", "Kept on"].map((text) => h("th", { scope: "col" }, text));
  head.push(...["Files", "Stored", "Quota"].map((text) => h("th", { scope: "col", class: "number" }, text)), h("th", { scope: "col" }, h("span", { class: "sr" }, "Change")));
  return h("section", { class: "card", "aria-labelledby": "by-project" }, h("div", { class: "section-head" }, h("h2", { id: "by-project" }, "By project")), h("div", { class: "table responsive" }, h("table", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows))));
}

function requests(usage, labels) {
  const days = Array.from({ length: DAYS }, (_, at) => new Date(Date.now() - (DAYS - 1 - at) * 86400000).toISOString().slice(0, 10));
  const found = days.map((day) => {
    const all = (usage.requests ?? []).filter((each) => each.day === day);
    return { day, requests: sum(all, (each) => each.requests), throttled: sum(all, (each) => each.throttled), failed: sum(all, (each) => each.failed) };
  });
  const total = sum(found, (each) => each.requests);
  if (!total) return null;
  const most = Math.max(...found.map((each) => each.requests));
  const slot = 700 / DAYS;
  const columns = found.map((each, at) => {
    const height = Math.max(each.requests ? 2 : 0, (130 * each.requests) / most);
    const limited = each.requests ? (height * each.throttled) / each.requests : 0;
    return [
      svg("rect", { class: "bar", x: at * slot + 9, y: 140 - height, width: slot - 18, height, rx: 3 }),
      limited > 0 && svg("rect", { class: "throttled", x: at * slot + 9, y: 140 - limited, width: slot - 18, height: limited, rx: 3 }),
      (at % 3 === 1 || at === DAYS - 1) && svg("text", { x: at * slot + slot / 2, y: 160, "text-anchor": "middle" }, each.day.slice(5).replace("-", "/")),
    ];
  });
  const throttled = sum(found, (each) => each.throttled);
  const failed = sum(found, (each) => each.failed);
  const title = `${count(total, "request")} in ${DAYS} days, at most ${most.toLocaleString()} on one day; ${throttled.toLocaleString()} were throttled, ${failed.toLocaleString()} failed`;
  const classes = ["read", "write", "list", "delete", "other"].map((name) => [name, sum((usage.requests ?? []).filter((each) => each.class === name), (each) => each.requests)]);
  const names = [...new Set((usage.requests ?? []).map(({ provider }) => labels.get(provider) ?? provider))];
  return h(
    "section",
    { class: "card stack", "aria-labelledby": "requests" },
    h("div", { class: "section-head" }, h("h2", { id: "requests" }, "Requests"), h("p", {}, `Last ${DAYS} days · ${names.join(", ")}`)),
    h("figure", { class: "chart" }, svg("svg", { viewBox: "0 0 700 168", role: "img", "aria-label": title }, svg("line", { class: "axis", x1: 0, x2: 700, y1: 140.5, y2: 140.5 }), columns)),
    h("ul", { class: "chips" }, classes.filter(([, number]) => number).map(([name, number]) => h("li", { class: "badge" }, `${number.toLocaleString()} ${name}`)), throttled > 0 && h("li", { class: "badge warn" }, `${throttled.toLocaleString()} throttled`), failed > 0 && h("li", { class: "badge bad" }, `${failed.toLocaleString()} failed`)),
  );
}

function editQuota(project, quota, show) {
  const opened = openDialog({
    title: project ? `Quota of ${project}` : "Quota of the organisation",
    lead: "Uploads beyond it are refused; what is stored stays. Leave a field empty for no limit.",
    submit: () => busy(save, store),
  });
  const { number, unit } = quota.max_bytes ? inUnit(quota.max_bytes) : { number: "", unit: "GB" };
  const amount = h("input", { type: "number", min: 0, step: "any", value: number });
  const units = h("select", { "aria-label": "Unit" }, Object.keys(UNIT_BYTES).map((name) => h("option", { value: name, selected: name === unit }, name)));
  amount.wrapped = h("div", { class: "with-unit" }, amount, units);
  const files = h("input", { type: "number", min: 0, step: 1, value: quota.max_objects ?? "" });
  const errors = h("div");
  const save = h("button", { class: "primary" }, "Save");
  fill(opened.body, errors, h("div", { class: "fields" }, field({ label: "Stored", optional: true }, amount), field({ label: "Files", optional: true }, files)));
  fill(opened.footer, h("button", { type: "button", onclick: opened.close }, "Cancel"), save);

  async function store() {
    const body = {
      max_bytes: amount.value === "" ? null : Math.round(Number(amount.value) * UNIT_BYTES[units.value]),
      max_objects: files.value === "" ? null : Number(files.value),
    };
    try {
      await change("PUT", project ? url("projects", project, "quota") : url("quota"), body);
      opened.close();
      toast("The quota was saved.");
      await show();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      errors.replaceChildren(problem(error));
    }
  }
}
