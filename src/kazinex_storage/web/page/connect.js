// Connecting SharePoint Online as a person: to Microsoft and back, then the site, its library and a folder.

import { change, get, session, url } from "./api.js";
import { busy, field, fill, h, openDialog, problem, replace, toast } from "./dom.js";
import { configure } from "./configure.js";
import { glyph } from "./kinds.js";
import { listed } from "./providers.js";

/** Begin: a label, then Microsoft's page of consent; `provider` is one that connects again. */
export function connect(context, provider = null) {
  const opened = openDialog({
    title: provider ? `Reconnect ${provider.label}` : "Connect SharePoint Online",
    lead: "Microsoft asks you to sign in and to agree; then you choose a site here.",
    glyph: glyph("sharepoint"),
    submit: () => busy(go, begin),
  });
  const taken = new Set(context.providers.map(({ label }) => label.toLowerCase()));
  let free = "SharePoint Online";
  for (let number = 2; taken.has(free.toLowerCase()); number += 1) free = `SharePoint Online ${number}`;
  const label = h("input", { type: "text", value: provider?.label ?? free, autocomplete: "off", maxlength: 200 });
  const go = h("button", { class: "primary" }, "Connect to Microsoft 365");
  const errors = h("div");
  const instead = () => {
    opened.close();
    configure("sharepoint", context);
  };
  fill(
    opened.body,
    errors,
    !provider && field({ label: "Label", help: "What people call it." }, label),
    h("p", { class: "soft small" }, "The account must be able to edit the site. Where your tenant asks for it, an administrator approves the app once."),
    !provider && h("div", {}, h("button", { type: "button", class: "plain", onclick: instead }, "Use an app registration instead")),
  );
  fill(opened.footer, h("button", { type: "button", onclick: opened.close }, "Cancel"), go);

  async function begin() {
    try {
      const body = { label: label.value, ...(provider ? { provider: provider.id } : {}) };
      const { authorise_url: target } = await change("POST", url("connect", "sharepoint"), body);
      sessionStorage.setItem("organisation", session.organisation); // which one it was is known when the page opens again
      location.assign(target);
    } catch (error) {
      replace(errors, problem(error));
    }
  }
}

/** Go on after Microsoft: *rest* is the id of the connection, or `failed` and why. */
export function choosePlace([connection, why], context) {
  if (connection === "failed") {
    const opened = openDialog({ title: "SharePoint Online was not connected", glyph: glyph("sharepoint") });
    fill(opened.body, h("p", {}, why || "Microsoft did not grant access. Try again, or ask an administrator of the tenant to approve the app."));
    fill(opened.footer, h("button", { type: "button", class: "primary", onclick: opened.close }, "Close"));
    return;
  }
  if (!connection) return;
  if (connection === "done") {
    toast("SharePoint Online is connected again.");
    return;
  }
  const opened = openDialog({
    title: "Choose a site and a library",
    lead: "Sites that the connected account can reach.",
    glyph: glyph("sharepoint"),
    submit: () => busy(save, store),
  });
  const places = ["connect", "sharepoint", connection];
  const errors = h("div");
  const search = h("input", { type: "search", placeholder: "Part of its name", autocomplete: "off" });
  const sites = h("select", { size: 1 });
  const libraries = h("select", { disabled: true });
  const folder = h("input", { type: "text", autocomplete: "off", placeholder: "none" });
  const find = h("button", { type: "button", onclick: () => busy(find, showSites) }, "Search");
  const save = h("button", { class: "primary" }, "Save");
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    find.click();
  });
  search.wrapped = h("div", { class: "row" }, h("div", { class: "grow" }, search), find);
  sites.addEventListener("change", () => showLibraries());
  fill(
    opened.body,
    errors,
    field({ label: "Search sites", optional: true }, search),
    field({ label: "Site" }, sites),
    field({ label: "Document library", help: "A library of its own is advised, such as KazinexDocuments." }, libraries),
    field({ label: "Folder", optional: true, help: "Everything goes into it; it is made when it is missing." }, folder),
  );
  fill(opened.footer, h("button", { type: "button", onclick: opened.close }, "Cancel"), save);
  showSites();

  async function showSites() {
    try {
      const found = listed(await get(`${url(...places, "sites")}?${new URLSearchParams({ search: search.value })}`));
      replace(sites, found.map((site) => h("option", { value: site.id }, site.name || site.url)));
      replace(errors, !found.length && h("div", { class: "notice warn" }, h("strong", {}, "No site was found"), "Connect with an account that has access to it."));
      await showLibraries();
    } catch (error) {
      replace(errors, problem(error));
    }
  }

  async function showLibraries() {
    libraries.disabled = true;
    replace(libraries);
    if (!sites.value) return;
    try {
      const found = listed(await get(url(...places, "sites", sites.value, "libraries")));
      replace(libraries, found.map((library) => h("option", { value: library.id }, library.name)));
      libraries.disabled = false;
    } catch (error) {
      replace(errors, problem(error));
    }
  }

  async function store() {
    try {
      const body = { site: sites.value, library: libraries.value, folder: folder.value || null };
      const stored = await change("POST", url(...places), body);
      opened.close();
      toast(`${stored.label} was saved.`);
      await context.show();
      document.querySelector(`[data-provider="${CSS.escape(stored.id)}"] .actions button.primary`)?.focus();
    } catch (error) {
      replace(errors, problem(error));
    }
  }
}
