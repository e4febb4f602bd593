// What the page says of each kind of provider: its card, and which fields of its settings stand in front.

import { h, icon } from "./dom.js";

const KNOWN = {
  r2: {
    title: "R2 Cloudflare",
    lead: "High volume and large files in your own Cloudflare account, without an egress fee.",
    icon: "cloud",
    main: ["account_id", "access_key_id", "secret_access_key", "bucket", "jurisdiction"],
    help: {
      account_id: "32 hexadecimal digits: R2, Overview, Account Details. The S3 endpoint shown there is understood as well.",
      bucket: "Its exact name; it must exist.",
      jurisdiction: "Only if the bucket was made in one.",
    },
  },
  sharepoint: {
    title: "SharePoint Online",
    lead: "For Microsoft 365: files are also visible in SharePoint and Teams.",
    icon: "site",
    main: ["tenant_id", "client_id", "client_secret", "site_url", "library", "root_folder"],
    connect: true,
  },
  azure_blob: {
    title: "Azure Blob",
    lead: "A container of your own storage account in Azure.",
    icon: "cubes",
    main: ["account", "container", "account_key", "connection_string", "sas_token"],
  },
  s3: {
    title: "S3",
    lead: "Amazon S3, or any service that speaks its protocol.",
    icon: "bucket",
    main: ["bucket", "region", "access_key_id", "secret_access_key", "endpoint_url"],
  },
  supabase: {
    title: "Supabase",
    lead: "A private bucket of your own Supabase project.",
    icon: "bolt",
    main: ["project_ref", "region", "access_key_id", "secret_access_key", "bucket", "service_key"],
  },
  local: {
    title: "Local",
    lead: "A folder on a disk of the server, for small teams and for trying things out.",
    icon: "disk",
    main: ["root", "create"],
  },
};

const ORDER = Object.keys(KNOWN);

/** Kinds that hold nothing after a restart are for tests. */
const HIDDEN = new Set(["memory"]);

export const known = (kind) => KNOWN[kind] ?? { icon: "plug", main: null, lead: "" };

export const titleOf = (kind, fallback) => KNOWN[kind]?.title ?? fallback ?? kind;

export const glyph = (kind) => h("span", { class: `glyph ${kind}`, "aria-hidden": "true" }, icon(known(kind).icon, 22));

/** The kinds that can be added, those of the guide first. */
export function offered(kinds) {
  const place = (kind) => (ORDER.includes(kind) ? ORDER.indexOf(kind) : ORDER.length);
  return kinds.filter(({ kind }) => !HIDDEN.has(kind)).sort((a, b) => place(a.kind) - place(b.kind));
}

const STATES = {
  VERIFIED: ["good", "check", "Verified"],
  FAILED: ["bad", "cross", "Failed"],
  PENDING: ["", "dot", "Pending"],
};

export function stateBadge(status) {
  const [tone, name, text] = STATES[status] ?? STATES.PENDING;
  return h("span", { class: `badge ${tone}` }, icon(name, 14), text);
}

/** Say where a provider keeps its objects, in a few words. */
export function placeOf({ settings = {}, managed }) {
  if (managed) return "Managed by the platform";
  const site = settings.site_url ? decodeURIComponent(settings.site_url.split("/").pop()) : null;
  const root = settings.root?.split("/").filter(Boolean);
  const folder = root && (root.length > 2 ? `…/${root.slice(-2).join("/")}` : `/${root.join("/")}`);
  const parts = [settings.bucket ?? settings.container ?? folder ?? site];
  parts.push(settings.library ?? null, settings.root_folder || settings.prefix || null);
  return parts.filter(Boolean).join(" / ");
}
