// The view "Runs": what is being moved, mirrored or proved, how far it is, what failed; runs that work are asked again.

import { get, getOr, may, url } from "./api.js";
import { busy, fill, h, icon, problem, replace } from "./dom.js";
import { bytes, count, span, time, when } from "./format.js";

const KINDS = { copy: "Copy", mirror: "Mirror", audit: "Audit", export: "Export", import: "Import" };
const STATES = {
  planning: ["Planning", "tint", "dots"],
  planned: ["Planned", "", "clock"],
  running: ["Running", "tint", "dots"],
  done: ["Done", "good", "check"],
  "cut-over": ["Cut over", "good", "check"],
  "rolled-back": ["Rolled back", "warn", "alert"],
  ended: ["Ended", "", "check"],
};
const WORDS = {
  copied: ["copied", "good"],
  same: ["already there", "good"],
  matched: ["alike", "good"],
  packed: ["packed", "good"],
  stored: ["stored", "good"],
  pruned: ["removed from the source", ""],
  vanished: ["gone meanwhile", ""],
  extra: ["only on the target", "warn"],
  rewritten: ["rewritten by the service", "warn"],
  retained: ["kept by the source", "warn"],
  refused: ["refused", "warn"],
  missing: ["missing", "bad"],
  different: ["different", "bad"],
  failed: ["failed", "bad"],
};
const EVERY_MS = 2000;
const PAGE = 50;

const isOpen = (run) => ["planning", "running"].includes(run.state) || run.pending > 0;

export async function render() {
  const list = h("ul", { class: "stack" });
  const cards = new Map();
  const { runs } = await get(url("runs"));
  for (const run of runs) add(run);
  if (runs.some(isOpen)) setTimeout(again, EVERY_MS);
  const lead = "Copies between providers, mirrors, audits, exports and imports. They go on where they were after any interruption.";
  return [
    h("div", { class: "head" }, h("div", {}, h("h1", { tabindex: "-1" }, "Runs"), h("p", {}, lead))),
    runs.length ? list : empty(),
  ];

  function add(run) {
    const card = runCard(run);
    cards.set(run.id, card);
    list.append(card.element);
  }

  async function again() {
    if (!list.isConnected) return;
    if (!document.hidden) {
      try {
        const found = await get(url("runs"));
        for (const run of found.runs) cards.get(run.id)?.update(run);
        if (!found.runs.some(isOpen)) return;
      } catch (error) {
        if (error.status === 403) return;
      }
    }
    setTimeout(again, EVERY_MS);
  }
}

function empty() {
  const command = "kazinex-storage migrate --organisation … --from … --to … --dry-run";
  return h(
    "div",
    { class: "card empty" },
    h("h2", {}, "Nothing was moved yet"),
    h("p", {}, "Earlier files stay where they are. To move them to another provider, or to prove that nothing is missing, start with a plan:"),
    h("code", {}, command),
  );
}

/** Make the card of a run; `update` shows another reading of it, and knows from the one before how fast it goes. */
function runCard(run) {
  // What can have the focus is made once: only what is beside it is drawn again.
  const title = h("div", { class: "grow" });
  const place = h("div", { class: "stack" });
  const failures = failuresOf(run);
  const report = may("manage_providers") && h("a", { class: "button", href: url("runs", run.id, "report"), target: "_blank", rel: "noopener", "aria-label": `Report of ${run.id}` }, icon("download"), "Report");
  const element = h("li", { class: "card stack run", data: { run: run.id } }, h("div", { class: "row" }, title, report), place, failures.element);
  let before = null;

  function update(found) {
    const now = performance.now();
    const rate = before && now > before.now ? rateOf(before.run, found, (now - before.now) / 1000) : null;
    if (!before || found.done.objects !== before.run.done.objects || now - before.now > 30000) before = { run: found, now };
    replace(title, heading(found));
    replace(place, bar(found, rate), figures(found));
    failures.update(found);
  }
  update(run);
  return { element, update };
}

function rateOf(before, after, seconds) {
  const objects = (after.done.objects - before.done.objects) / seconds;
  const size = (after.done.bytes - before.done.bytes) / seconds;
  if (objects <= 0) return null;
  const left = Math.max((after.total.objects - after.done.objects) / objects, size > 0 ? (after.total.bytes - after.done.bytes) / size : 0);
  return { size, objects, left };
}

const named = ({ provider, label }) => label ?? (provider ? `${provider} (removed)` : "files");

function heading(run) {
  const [text, tone, sign] = STATES[run.state] ?? [run.state, "", "dots"];
  const failed = run.failed.objects > 0 && !isOpen(run);
  const title = [KINDS[run.kind] ?? run.kind, ": ", h("span", { class: "break" }, named(run.source)), " → ", h("span", { class: "break" }, named(run.target))];
  const badge = h("span", { class: `badge ${failed ? "bad" : tone}` }, icon(failed ? "alert" : sign, 14), failed ? `${text}, with failures` : text);
  return [h("div", { class: "row" }, h("h2", {}, title), badge), begun(run)];
}

function begun(run) {
  const ended = run.ended_at && !isOpen(run) ? [" · ended ", when(run.ended_at)] : null;
  return h("p", { class: "soft small" }, "Begun ", h("time", { datetime: run.begun_at }, time(run.begun_at)), run.begun_by && ` by ${run.begun_by}`, run.project && ` · project ${run.project}`, ended);
}

function bar(run, rate) {
  const { total, done } = run;
  const share = total.objects ? done.objects / total.objects : run.state === "planning" ? null : 1;
  const progress = h("progress", { max: 1, value: share, "aria-label": `Progress of ${run.id}` });
  const pace = rate && isOpen(run) ? ` · ${bytes(rate.size)}/s · ${span(rate.left)} left` : "";
  const text = run.state === "planning" ? `${count(total.objects, "object")} found so far` : `${done.objects.toLocaleString()} of ${count(total.objects, "object")} · ${bytes(done.bytes)} of ${bytes(total.bytes)}${pace}`;
  const tone = run.failed.objects ? "failed" : share === 1 && !isOpen(run) ? "done" : "";
  return h("div", { class: `stack-small ${tone}` }, progress, h("p", { class: "soft small" }, text));
}

function figures(run) {
  const known = Object.entries(WORDS).filter(([state]) => run.counts[state]?.objects);
  const badges = known.map(([state, [text, tone]]) => h("li", { class: `badge ${tone}` }, `${run.counts[state].objects.toLocaleString()} ${text}`));
  if (run.pending) badges.push(h("li", { class: "badge tint" }, `${count(run.pending, "change")} to be mirrored`));
  return badges.length ? h("ul", { class: "chips" }, badges) : null;
}

/** Make what shows the failures of a run when it is opened, a page at a time. */
function failuresOf(run) {
  const rows = h("tbody");
  const state = h("div", { role: "status" });
  const more = h("button", { type: "button", onclick: () => busy(more, load) }, "Show more");
  const summary = h("summary", {});
  let next = 0;
  const head = ["Object", "Why", "State"].map((text) => h("th", { scope: "col" }, text));
  const element = h(
    "details",
    { class: "more", hidden: true, ontoggle: () => element.open && !rows.children.length && load() },
    summary,
    state,
    h("div", { class: "table responsive" }, h("table", {}, h("thead", {}, h("tr", {}, head)), rows)),
    h("div", { class: "row" }, more),
  );

  async function load() {
    try {
      const query = new URLSearchParams({ first: next, limit: PAGE });
      const { failures } = await getOr({ failures: [] }, `${url("runs", run.id, "failures")}?${query}`);
      fill(rows, failures.map(row));
      next = (failures.at(-1)?.number ?? next) + 1;
      more.hidden = failures.length < PAGE;
    } catch (error) {
      replace(state, problem(error));
    }
  }

  function update(found) {
    const wrong = ["failed", "missing", "different", "refused", "retained"].reduce((sum, name) => sum + (found.counts[name]?.objects ?? 0), 0);
    element.hidden = !wrong || !may("manage_providers");
    summary.textContent = `${count(wrong, "object")} to look at`;
  }
  return { element, update };
}

function row(failure) {
  const [text, tone] = WORDS[failure.state] ?? [failure.state, ""];
  return h(
    "tr",
    {},
    h("td", { class: "break" }, h("bdi", {}, failure.key)),
    h("td", { class: "break soft", "data-label": "Why" }, failure.reason ?? "–"),
    h("td", { "data-label": "State" }, h("span", { class: `badge ${tone}` }, text)),
  );
}
