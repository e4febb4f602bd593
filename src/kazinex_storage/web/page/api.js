// Calls of the HTTP API, with the session's token against forged requests; errors are problem details (RFC 9457).

/** What the page was told when it opened: `api`, `organisation`, `organisations`, `caller`, `csrf`. */
export const session = {};

/** A problem that the service described, or that kept it from answering (status 0). */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? "");
    Object.assign(this, { status, title: body.title, code: body.code, diagnosis: body.diagnosis, fields: body.errors });
    this.retryAfter = body.retry_after;
  }
}

/** Read who is here; a Problem with status 401 or 403 means nobody. */
export async function openSession() {
  const found = await answered(await sent("session.json", { headers: { Accept: "application/json" } }));
  Object.assign(session, found);
  const asked = new URLSearchParams(location.search).get("organisation") ?? sessionStorage.getItem("organisation");
  const known = session.organisations.find(({ id }) => id === asked) ?? session.organisations[0];
  session.organisation = known?.id;
}

/** Say whether the host lets them do *action*; the API decides in any case. */
export const may = (action) => !session.actions || session.actions.includes(action);

/** Read JSON, or take *otherwise* where the reader may not. */
export const getOr = (otherwise, address) =>
  get(address).catch((error) => {
    if (error.status === 403) return otherwise;
    throw error;
  });

/** Return the address of *parts* below the organisation; each part is one segment, whatever is in it. */
export const url = (...parts) => `${session.api}/organisations/${[session.organisation, ...parts].map(encodeURIComponent).join("/")}`;

export const anywhere = (...parts) => `${session.api}/${parts.map(encodeURIComponent).join("/")}`;

/** Read JSON. */
export const get = async (address) => answered(await sent(address, { headers: { Accept: "application/json" } }));

/** Change something: `body` is sent as JSON, `version` makes the change depend on what was read. */
export async function change(method, address, body, version) {
  const headers = { Accept: "application/json", ...guard() };
  if (version !== undefined && version !== null) headers["If-Match"] = `"${version}"`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  // What is taken back is taken back even when the page closes at that moment.
  const keepalive = method === "DELETE";
  return answered(await sent(address, { method, headers, keepalive, body: body === undefined ? undefined : JSON.stringify(body) }));
}

/** Post, and call `heard(event, data)` for each server-sent event as it comes. */
export async function listen(address, heard, signal) {
  const headers = { Accept: "text/event-stream", ...guard() };
  const response = await sent(address, { method: "POST", headers, signal });
  if (!response.ok) await answered(response);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    text += value.replaceAll("\r\n", "\n");
    let end;
    while ((end = text.indexOf("\n\n")) >= 0) {
      const event = parsed(text.slice(0, end));
      text = text.slice(end + 2);
      if (event) heard(event.name, event.data);
    }
  }
}

export const guard = () => (session.csrf ? { "X-Kazinex-CSRF": session.csrf } : {});

function parsed(block) {
  let name = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) name = line.slice(6).trim();
    if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
  }
  return data.length ? { name, data: JSON.parse(data.join("\n")) } : null;
}

async function sent(address, options) {
  try {
    return await fetch(address, { credentials: "same-origin", cache: "no-store", redirect: "error", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { title: "The service does not answer", detail: "check the connection, and whether it runs" });
  }
}

async function answered(response) {
  if (response.status === 204) return null;
  const text = await response.text();
  let body = null;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    body = null;
  }
  if (response.ok) return body;
  throw new Problem(response.status, body ?? { title: `The service answered ${response.status}` });
}
