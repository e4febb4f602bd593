// Elements, icons, dialogs and messages. Text is always a text node: nothing that comes from elsewhere is parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

/** Make an element. Properties: `class`, `on…` listeners, `data`, `value`, and attributes; null and false leave one out. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  return fill(element, ...children);
}

/** Append texts and nodes, lists of them included; null and false are left out. */
export function fill(element, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
  return element;
}

export function replace(element, ...children) {
  element.replaceChildren();
  return fill(element, ...children);
}

/** Make an SVG element with attributes. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return fill(element, ...children);
}

const ICONS = {
  layers: "M12 3 3 7.500l9 4.500 9-4.500zM3 12l9 4.500 9-4.500M3 16.500 12 21l9-4.500",
  folder: "M3 7a2 2 0 0 1 2-2h4l2 2.500h8a2 2 0 0 1 2 2V17a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2z",
  shield: "M12 3 5 6v5.500c0 4.300 3 7.800 7 9.500 4-1.700 7-5.200 7-9.500V6zM9 12l2 2 4-4",
  chart: "M4 20V4M4 20h16M8.500 16v-4M13 16V8M17.500 16v-6",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7.500V12l3 2",
  cloud: "M7 18.500a4.500 4.500 0 0 1-.6-8.960 6 6 0 0 1 11.500 1.550A3.750 3.750 0 0 1 17.250 18.500z",
  site: "M4 5h16v14H4zM4 9.500h16M9 9.500V19",
  cubes: "M12 3.500 19.500 8v8L12 20.500 4.500 16V8zM4.500 8 12 12.500 19.500 8M12 12.500v8",
  bucket: "M4.500 7.500 6.500 20h11l2-12.500M4 7c0-1.700 3.600-3 8-3s8 1.300 8 3-3.600 3-8 3-8-1.300-8-3z",
  bolt: "M13 3 5 13.500h6L10.500 21 19 10.500h-6z",
  disk: "M4 14h16M5.500 5h13L20 14v4.500H4V14zM8 16.500h.01M11 16.500h.01",
  plug: "M9 3v5M15 3v5M6.500 8h11v3.500a5.500 5.500 0 0 1-11 0zM12 17v4",
  check: "m5 12.500 4.500 4.500L19 7.500",
  cross: "m6.500 6.500 11 11M17.500 6.500l-11 11",
  alert: "M12 4 2.800 20h18.400zM12 10v4.500M12 17.200v.01",
  dot: "M12 9.500a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5z",
  dots: "M5 12h.01M12 12h.01M19 12h.01",
  star: "m12 4 2.400 5.100 5.600.700-4.100 3.800 1.100 5.500L12 16.400 7 19.100l1.100-5.500L4 9.800l5.600-.7z",
  lock: "M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3",
  upload: "M12 15.500V4.500M7.500 8.500 12 4l4.500 4.500M4.500 15v4.500h15V15",
  download: "M12 4.500v11M7.500 11.500 12 16l4.500-4.500M4.500 19.500h15",
  arrows: "M4 8h14M14.500 4.500 18 8l-3.500 3.500M20 16H6M9.500 12.500 6 16l3.500 3.500",
  chevron: "m9 6 6 6-6 6",
};

export function icon(name, size = 18) {
  const thick = name === "dots" ? 3 : 1.8;
  const attributes = { viewBox: "0 0 24 24", width: size, height: size, fill: "none", stroke: "currentColor" };
  return svg(
    "svg",
    { ...attributes, "stroke-width": thick, "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true" },
    svg("path", { d: ICONS[name] }),
  );
}

let count = 0;
/** Return an id that no other element has. */
export const unique = (prefix) => `${prefix}-${++count}`;

/** Say something in passing; screen readers hear it too. */
export function toast(text) {
  const message = h("div", { class: "toast" }, text);
  document.getElementById("toasts").replaceChildren(message);
  setTimeout(() => message.remove(), 6000);
}

/** Make the notice of an error: what happened, what it means, how it is put right. */
export function problem(error, { title } = {}) {
  const { meaning, fix } = error.diagnosis ?? {};
  return h(
    "div",
    { class: "notice bad", role: "alert" },
    h("strong", {}, title ?? error.title ?? "This did not work"),
    error.message && h("span", {}, sentence(error.message)),
    meaning && meaning !== error.message && h("span", {}, sentence(meaning)),
    fix && h("span", { class: "fix" }, h("b", {}, "Fix:"), h("span", {}, sentence(fix))),
  );
}

export const sentence = (text) => (text ? text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".") : "");

/**
 * Open a modal dialog and return `{dialog, body, footer, close}`. It is removed when it closes, and focus goes back.
 * `submit` is called with the event of its form; what it throws is shown above the fields.
 */
export function openDialog({ title, lead, glyph, submit }) {
  const id = unique("dialog");
  const body = h("div", { class: "body" });
  const footer = h("footer");
  const heading = h(
    "header",
    {},
    glyph,
    h("div", { class: "grow" }, h("h2", { id }, title), lead && h("p", {}, lead)),
  );
  const form = h("form", { method: "dialog", novalidate: true, autocomplete: "off" }, heading, body, footer);
  const dialog = h("dialog", { "aria-labelledby": id }, form);
  const opener = document.activeElement;
  const close = () => dialog.close();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (submit) submit(event);
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (opener?.isConnected) opener.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, form, body, footer, close };
}

/** Ask before something that cannot be taken back; resolves to whether the answer was yes. */
export function confirmed({ title, text, action }) {
  return new Promise((resolve) => {
    let answer = false;
    const opened = openDialog({ title });
    fill(opened.body, h("p", {}, text));
    const yes = () => {
      answer = true;
      opened.close();
    };
    fill(
      opened.footer,
      h("button", { type: "button", onclick: opened.close, autofocus: true }, "Cancel"),
      h("button", { type: "button", class: "danger", onclick: yes }, action),
    );
    opened.dialog.addEventListener("close", () => resolve(answer));
  });
}

/** Disable a button while `work` runs, and show that it does; a second press meanwhile does nothing. */
export async function busy(button, work) {
  if (button.getAttribute("aria-disabled") === "true") return undefined;
  const spinner = h("span", { class: "spin", "aria-hidden": "true" });
  button.setAttribute("aria-disabled", "true");
  button.prepend(spinner);
  try {
    return await work();
  } finally {
    button.removeAttribute("aria-disabled");
    spinner.remove();
  }
}

/** Make a labelled field; `control` gets an id, and is described by the help and by what is wrong. */
export function field({ label, help, optional, wide }, control) {
  const id = control.id || (control.id = unique("field"));
  const described = help ? `${id}-help` : null;
  const wrong = h("p", { class: "wrong", id: `${id}-wrong`, hidden: true });
  control.setAttribute("aria-describedby", [described, `${id}-wrong`].filter(Boolean).join(" "));
  const place = h(
    "div",
    { class: wide ? "field wide" : "field" },
    h("label", { for: id }, label, optional && h("span", { class: "optional" }, " (optional)")),
    control.wrapped ?? control,
    help && h("p", { class: "help", id: described }, help),
    wrong,
  );
  place.complain = (text) => {
    wrong.textContent = text ? sentence(text) : "";
    wrong.hidden = !text;
    if (text) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
  };
  return place;
}
