// The dialog "Configure": the form of a kind, made from the schema of its settings. Secrets go in and never come out.

import { Problem, change, url } from "./api.js";
import { busy, field, fill, h, openDialog, problem, toast } from "./dom.js";
import { UNIT_BYTES, bytes, inUnit } from "./format.js";
import { glyph, known, titleOf } from "./kinds.js";

const PEM = new Set(["private_key", "certificate"]);

/** The fields that a form can show, in its order; what verification writes itself is none of them. */
const fieldsOf = (kind) => kind.fields.filter(({ type, choices }) => choices.length > 0 || type !== "object");

/** Open the form of a kind, empty or with the settings of `provider`. */
export async function configure(name, context, provider = null) {
  const kind = (await context.kinds).find((each) => each.kind === name);
  const title = titleOf(name, kind.title);
  const opened = openDialog({
    title: provider ? `Configure ${provider.label}` : `Configure ${title}`,
    lead: provider ? title : "You find the values in the console of the service; hints stand below each field.",
    glyph: glyph(name),
    submit: () => busy(save, () => saved()),
  });
  const save = h("button", { class: "primary", value: "save" }, "Save");
  const hint = "What is in use stays in use until the new settings have passed the test.";
  const prove = provider && h("button", { type: "button", title: hint, onclick: () => busy(prove, () => saved(true)) }, "Prove and Switch");
  const helps = known(name).help ?? {};
  const specs = fieldsOf(kind).filter(({ name: own }) => own !== "max_file_size");
  const inputs = specs.map((each) => makeInput({ ...each, help: helps[each.name] ?? each.help }, provider));
  const label = makeLabel(context, provider, title);
  const limit = makeLimit(provider, kind);
  const errors = h("div");
  const { main } = known(name);
  const inFront = ({ spec }) => (main ? main.includes(spec.name) : !spec.advanced);
  const front = inputs.filter(inFront).sort((a, b) => (main ? main.indexOf(a.spec.name) - main.indexOf(b.spec.name) : 0));
  const rest = inputs.filter((input) => !inFront(input));
  fill(
    opened.body,
    errors,
    h("div", { class: "fields" }, label.place, front.map(({ place }) => place), limit.place),
    rest.length > 0 && h("details", { class: "more" }, h("summary", {}, "More settings"), h("div", { class: "fields" }, rest.map(({ place }) => place))),
  );
  fill(opened.footer, h("button", { type: "button", onclick: opened.close }, "Cancel"), prove ?? false, save);
  label.control.focus();

  async function saved(proving = false) {
    errors.replaceChildren();
    for (const { place } of [...inputs, label, limit]) place.complain("");
    const missing = inputs.filter(({ spec, control }) => spec.required && !control.value && !(provider && spec.secret));
    for (const { place } of missing) place.complain("this is needed");
    if (!label.control.value.trim()) label.place.complain("give it a name");
    const first = opened.body.querySelector("[aria-invalid='true']");
    if (first) {
      first.closest("details")?.setAttribute("open", "");
      first.focus();
      return;
    }
    const body = { label: label.control.value, settings: collected(inputs, provider), max_file_bytes: limit.value() };
    try {
      const before = proving ? await proven(provider, body.settings) : provider;
      if (proving) delete body.settings;
      const stored = provider
        ? await change("PATCH", url("providers", provider.id), body, before.version)
        : await change("POST", url("providers"), { kind: name, ...body });
      opened.close();
      toast(`${stored.label} was saved.`);
      await context.show();
      document.querySelector(`[data-provider="${CSS.escape(stored.id)}"] .actions button.primary`)?.focus();
    } catch (error) {
      complain(error, inputs, errors);
    }
  }
}

/** Have other settings for the same place take over once they have passed the test; return the provider with them. */
async function proven(provider, settings) {
  const path = (...rest) => url("providers", provider.id, "credentials", ...rest);
  await change("POST", path(), { settings }, provider.version);
  const report = await change("POST", path("verification"));
  if (report.ok) return change("POST", path("activation"), {});
  const failed = report.steps.find(({ status }) => status === "failed") ?? {};
  const diagnosis = { meaning: failed.diagnosis, fix: failed.fix };
  throw new Problem(0, { title: "The test failed; what was in use stays in use", detail: failed.detail, diagnosis });
}

/** Show each error at its field where the service names one, and the whole of it above the form. */
function complain(error, inputs, errors) {
  errors.replaceChildren(problem(error, { title: error.title ?? "The settings were not saved" }));
  for (const { spec, place, control } of inputs) {
    const named = error.message.match(new RegExp(`'${spec.name}':? ([^;]+)`));
    if (!named || !error.message.includes("cannot be used")) continue;
    place.complain(named[1]);
    control.closest("details")?.setAttribute("open", "");
  }
  errors.scrollIntoView({ block: "nearest" });
}

function makeLabel({ providers }, provider, title) {
  const taken = new Set(providers.map(({ label }) => label.toLowerCase()));
  let free = title;
  for (let number = 2; taken.has(free.toLowerCase()); number += 1) free = `${title} ${number}`;
  const control = h("input", { type: "text", value: provider?.label ?? free, maxlength: 200, autocomplete: "off" });
  return { control, place: field({ label: "Label", help: "What people call it here.", wide: true }, control) };
}

function makeInput(spec, provider) {
  const stored = provider?.settings?.[spec.name];
  const control = makeControl(spec, stored ?? (provider ? null : spec.default), provider);
  const kept = spec.secret && provider?.secrets?.includes(spec.name);
  const optional = !spec.required && spec.type !== "boolean";
  const place = spec.type === "boolean" ? checkbox(spec, control) : field({ label: spec.title, help: spec.help, optional, wide: wide(spec) }, control);
  if (kept) control.placeholder = "Stored; leave empty to keep it";
  return { spec, control, place };
}

/** What has little to say stands in half of the width. */
const wide = ({ name, secret, help }) => PEM.has(name) || secret || help.length > 50 || /id|url|root$/.test(name);

function checkbox(spec, control) {
  control.id = `setting-${spec.name}`;
  const label = h("label", { class: "check", for: control.id }, control, h("span", {}, h("b", {}, spec.title), h("span", { class: "soft small" }, spec.help)));
  const place = h("div", { class: "field wide" }, label);
  place.complain = () => {};
  return place;
}

function makeControl(spec, value, provider) {
  const id = `setting-${spec.name}`;
  if (spec.type === "boolean") {
    const control = h("input", { type: "checkbox", id });
    control.checked = Boolean(value);
    return control;
  }
  if (spec.choices.length) {
    const empty = spec.required ? [] : [h("option", { value: "" }, spec.name === "jurisdiction" ? "Default (global)" : "Default")];
    const options = spec.choices.map((each) => h("option", { value: each }, each));
    const control = h("select", { id }, empty, options);
    control.value = value ?? (spec.required ? control.value : "");
    return control;
  }
  if (PEM.has(spec.name)) return h("textarea", { id, spellcheck: "false", autocomplete: "off", value: spec.secret ? "" : (value ?? "") });
  const type = spec.secret ? "password" : ["integer", "number"].includes(spec.type) ? "number" : "text";
  const options = { id, type, spellcheck: "false", autocapitalize: "off", autocomplete: spec.secret ? "new-password" : "off" };
  return h("input", { ...options, value: spec.secret || (provider && value === null) ? "" : (value ?? "") });
}

/** Collect what is sent: all that is filled in; of a stored provider, only what differs, null for what was emptied. */
function collected(inputs, provider) {
  const settings = {};
  for (const { spec, control } of inputs) {
    const entered = read(spec, control);
    const before = provider ? (provider.settings?.[spec.name] ?? null) : spec.type === "boolean" ? spec.default : null;
    if (entered === before || (spec.secret && entered === null)) continue;
    settings[spec.name] = entered;
  }
  return settings;
}

function read(spec, control) {
  if (spec.type === "boolean") return control.checked;
  if (control.value === "") return null;
  return control.type === "number" ? Number(control.value) : control.value;
}

function makeLimit(provider, kind) {
  const size = provider?.max_file_bytes;
  const { number, unit } = size ? inUnit(size) : { number: "", unit: "MB" };
  const usual = provider?.limit?.default ?? kind.limit?.default;
  const ceiling = provider?.limit?.ceiling ?? kind.limit?.ceiling;
  const amount = h("input", { type: "number", id: "max-file-size", min: 1, step: "any", value: number, placeholder: usual ? `${bytes(usual)} by default` : "" });
  const units = h("select", { "aria-label": "Unit of Max File Size" }, Object.keys(UNIT_BYTES).map((name) => h("option", { value: name, selected: name === unit }, name)));
  amount.wrapped = h("div", { class: "with-unit" }, amount, units);
  const most = ceiling && ceiling < 2 ** 50 ? `At most ${bytes(ceiling)}.` : "";
  const place = field({ label: "Max File Size", optional: true, help: `A larger file is refused. ${most}`.trim() }, amount);
  return { place, value: () => (amount.value === "" ? null : Math.round(Number(amount.value) * UNIT_BYTES[units.value])) };
}
