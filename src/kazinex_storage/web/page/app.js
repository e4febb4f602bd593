// The page: who is here, which view is open. Each view is a module that is loaded when it is first opened.

import { may, openSession, session } from "./api.js";
import { fill, h, icon, problem, replace } from "./dom.js";

const ALL = [
  ["storage", "Storage", "layers", () => import("./providers.js"), "manage_providers"],
  ["projects", "Projects", "folder", () => import("./projects.js"), "read"],
  ["restrictions", "File restrictions", "shield", () => import("./restrictions.js"), "manage_restrictions"],
  ["runs", "Runs", "arrows", () => import("./runs.js"), "see_usage"],
  ["usage", "Usage", "chart", () => import("./usage.js"), "see_usage"],
  ["audit", "Audit trail", "clock", () => import("./audit.js"), "see_audit"],
];
let views = ALL;

const main = document.getElementById("main");
let shown = 0;

function route() {
  const [name, ...rest] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  const view = views.find(([id]) => id === name) ?? views[0];
  return { view, rest: view[0] === name ? rest : name === "connect" ? [name, ...rest] : [] };
}

async function show() {
  const ticket = (shown += 1);
  const { view, rest } = route();
  const [id, title, , load] = view;
  for (const link of document.querySelectorAll("#tabs a")) {
    link.toggleAttribute("aria-current", false);
    if (link.dataset.view !== id) continue;
    link.setAttribute("aria-current", "page");
    link.scrollIntoView({ block: "nearest", inline: "center" });
  }
  document.title = `${rest.at(-1) && id === "projects" ? `${rest.at(-1)} · ` : ""}${title} · Storage settings`;
  main.setAttribute("aria-busy", "true");
  let content;
  try {
    const module = await load();
    content = await module.render({ rest, show });
  } catch (error) {
    content = [h("h1", { tabindex: "-1" }, title), h("div", { class: "gap-above" }, problem(error))];
  }
  if (ticket !== shown) return;
  const focused = main.contains(document.activeElement) || ticket > 1;
  replace(main, content);
  main.removeAttribute("aria-busy");
  if (focused) main.querySelector("h1")?.focus({ preventScroll: true });
}

function frame() {
  const links = views.map(([id, title, name]) => h("li", {}, h("a", { href: `#/${id}`, data: { view: id } }, icon(name), title)));
  fill(document.getElementById("tabs"), h("ul", {}, links));
  const who = document.getElementById("who");
  if (session.organisations.length > 1) {
    const choose = ({ target }) => {
      location.search = new URLSearchParams({ organisation: target.value });
    };
    const options = session.organisations.map(({ id, title }) => h("option", { value: id, selected: id === session.organisation }, title ?? id));
    fill(who, h("label", { class: "sr", for: "organisation" }, "Organisation"), h("select", { id: "organisation", onchange: choose }, options));
  } else if (session.organisation) {
    fill(who, h("span", { class: "badge" }, session.organisations[0].title ?? session.organisation));
  }
  if (session.caller) fill(who, h("span", { class: "name" }, session.caller));
}

function locked(error) {
  document.title = "Storage settings";
  const text = session.locked ?? "Open the page with the link that was printed when the service was started, or sign in again.";
  replace(
    main,
    h(
      "div",
      { class: "card empty" },
      h("h1", { tabindex: "-1" }, error.status === 401 || error.status === 403 ? "This page is locked" : "The page cannot open"),
      h("p", {}, error.status === 401 || error.status === 403 ? text : error.title),
    ),
  );
  main.removeAttribute("aria-busy");
}

try {
  await openSession();
  views = ALL.filter((view) => may(view[4]));
  frame();
  addEventListener("hashchange", show);
  await show();
} catch (error) {
  locked(error);
}
