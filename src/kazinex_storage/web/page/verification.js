// The dialog "Test Connection": each step as it ends, with what is wrong and how it is put right.

import { listen, url } from "./api.js";
import { fill, h, icon, openDialog, problem, replace, sentence } from "./dom.js";
import { glyph, stateBadge, titleOf } from "./kinds.js";
import { setDefault } from "./providers.js";

const STEPS = {
  settings: "Read the settings",
  credentials: "Sign in",
  list: "List objects",
  write: "Write a test object",
  read: "Read it back",
  compare: "Compare both",
  "create-only": "Refuse to overwrite it",
  delete: "Delete the test object",
  private: "Is closed to the public",
  owner: "Belongs to this organisation only",
  cors: "Lets browsers upload directly",
};

const OUTCOMES = {
  passed: ["passed", "check", "passed"],
  warning: ["warning", "alert", "passed with a warning"],
  failed: ["failed", "cross", "failed"],
  skipped: ["skipped", "dots", "skipped"],
};

export async function testConnection(provider, context) {
  const aborted = new AbortController();
  const opened = openDialog({
    title: "Test Connection",
    lead: [titleOf(provider.kind), provider.label].filter((text, at, all) => all.indexOf(text) === at).join(" · "),
    glyph: glyph(provider.kind),
  });
  opened.dialog.addEventListener("close", () => aborted.abort());
  const steps = h("ol", { class: "steps", "aria-label": "Steps" });
  const outcome = h("div", { role: "status", "aria-live": "polite" });
  const close = h("button", { type: "button", onclick: opened.close }, "Close");
  fill(opened.body, steps, outcome);
  fill(opened.footer, close);
  const running = h("li", {}, h("span", { class: "mark" }, h("span", { class: "spin" })), h("span", {}, "Testing…"));
  steps.append(running);
  let report = null;
  try {
    await listen(
      url("providers", provider.id, "verification"),
      (name, data) => {
        if (name === "step") running.before(step(data));
        else if (name === "report") report = data;
        else if (name === "problem") throw Object.assign(new Error(data.detail ?? ""), data);
      },
      aborted.signal,
    );
    running.remove();
    finish(report, outcome, opened, context);
  } catch (error) {
    running.remove();
    if (error.name !== "AbortError") replace(outcome, problem(error));
  }
  if (opened.dialog.open) opened.dialog.addEventListener("close", () => context.show());
  else await context.show();
}

function step({ name, status, seconds, diagnosis, fix, detail }) {
  const [tone, mark, said] = OUTCOMES[String(status).toLowerCase()] ?? OUTCOMES.skipped;
  const time = seconds === null || seconds === undefined ? "" : seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`;
  const label = STEPS[name] ?? name.replaceAll("-", " ").replace(/^./, (letter) => letter.toUpperCase());
  return h(
    "li",
    { class: tone },
    h("span", { class: "mark" }, icon(mark, 14)),
    h("span", {}, label, h("span", { class: "sr" }, `: ${said}`), tone === "skipped" && diagnosis && h("span", { class: "soft small" }, ` (${diagnosis})`)),
    h("span", { class: "time" }, tone === "skipped" ? "skipped" : time),
    tone !== "skipped" &&
      (diagnosis || fix) &&
      h(
        "div",
        { class: `notice ${tone === "failed" ? "bad" : "warn"}` },
        diagnosis && h("strong", {}, sentence(diagnosis)),
        fix && h("span", { class: "fix" }, h("b", {}, "Fix:"), h("span", {}, sentence(fix))),
        detail && detail !== diagnosis && h("span", { class: "soft small break" }, detail),
      ),
  );
}

function finish(report, outcome, opened, context) {
  if (!report) {
    replace(outcome, h("div", { class: "notice warn" }, h("strong", {}, "The test ended early"), "Run it again."));
    return;
  }
  const provider = report.provider ?? {};
  replace(
    outcome,
    h(
      "div",
      { class: `notice ${report.ok ? "good" : "bad"}` },
      h("div", { class: "row" }, stateBadge(report.ok ? "VERIFIED" : "FAILED"), h("strong", {}, report.ok ? "The connection works" : "The connection does not work")),
      report.ok && !provider.is_default ? "It can be set as default now." : null,
      !report.ok && "Put right what is marked above, then test again.",
    ),
  );
  if (report.ok && !provider.is_default) {
    const choose = () => {
      opened.close();
      return setDefault(provider, context);
    };
    const button = h("button", { type: "button", class: "primary", onclick: choose }, "Set as Default");
    opened.footer.append(button);
    button.focus();
  }
}
