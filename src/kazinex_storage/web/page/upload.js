// One upload by a ticket: the bytes go straight to where they are kept, or to the signed route of this service.
// It shows how far it is, can be cancelled, and goes on after a failure with what is missing.

import { change, url } from "./api.js";

const TOGETHER = 4;
const TRIES = 3;
/** Up to this size the sha256 is declared: it takes the file in memory here, and the service reads it once more. */
const HASHED = 8 * 1024 * 1024;
/** What browsers set themselves. */
const OWN = new Set(["content-length", "host", "connection", "user-agent"]);

export class Transfer {
  state = "waiting";
  error = null;
  receipt = null;
  #ticket = null;
  #done = new Set();
  #moving = new Map();
  #requests = new Set();

  /** `place` is `{project, document, revision}`; `changed` is called whenever there is something to show. */
  constructor(file, place, changed) {
    Object.assign(this, { file, place, changed });
  }

  /** Bytes that have arrived, and those that are on their way. */
  get sent() {
    const parts = this.#ticket?.parts ?? [];
    const whole = parts.filter(({ number }) => this.#done.has(number)).reduce((sum, { size }) => sum + size, 0);
    return Math.min(this.file.size, whole + [...this.#moving.values()].reduce((sum, size) => sum + size, 0));
  }

  get resumable() {
    return this.state === "failed" && this.#ticket !== null;
  }

  /** Begin, or go on. Never throws: `state` and `error` say how it ended. */
  async run() {
    this.error = null;
    this.#become("sending");
    try {
      this.#ticket ??= await this.#begin();
      if (this.state !== "cancelled") await this.#sendAll();
      if (this.state === "cancelled") {
        await this.#abort(); // the ticket came after the wish
        return;
      }
      this.#become("confirming");
      this.receipt = await change("POST", url("tickets", this.#ticket.id, "confirm"), { token: this.#ticket.token });
      this.#become("done");
    } catch (error) {
      if (this.state === "cancelled") return;
      if (error.status >= 400 && error.status < 500) this.#ticket = null;
      this.error = error;
      this.#become("failed");
    }
  }

  /** Stop, and throw away what was sent. */
  async cancel() {
    this.#become("cancelled");
    for (const request of this.#requests) request.abort();
    await this.#abort();
  }

  async #abort() {
    const ticket = this.#ticket;
    this.#ticket = null;
    if (ticket) await change("DELETE", url("tickets", ticket.id), { token: ticket.token }).catch(() => null);
  }

  #become(state) {
    this.state = state;
    this.changed(this);
  }

  async #begin() {
    const { name, size, type } = this.file;
    const sha256 = size <= HASHED && crypto.subtle ? await digest(this.file) : null;
    const { project, document, revision } = this.place;
    const address = url("projects", project, "documents", document, "revisions", revision, "tickets");
    return change("POST", address, { filename: name, size, content_type: type || null, sha256 });
  }

  async #sendAll() {
    const waiting = this.#ticket.parts.filter(({ number }) => !this.#done.has(number));
    const lanes = this.#ticket.in_order ? 1 : Math.min(TOGETHER, waiting.length);
    const lane = async () => {
      for (let part = waiting.shift(); part && this.state === "sending"; part = waiting.shift()) await this.#send(part);
    };
    await Promise.all(Array.from({ length: lanes }, lane));
  }

  async #send(part) {
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#put(part);
        this.#done.add(part.number);
        return;
      } catch (error) {
        if (this.state !== "sending" || !error.passing || tries === TRIES) throw error;
        if (this.#ticket.plan === "session" && (await arrived(part))) {
          this.#done.add(part.number);
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** tries));
      } finally {
        this.#moving.delete(part.number);
        this.changed(this);
      }
    }
  }

  #put({ number, offset, size, ...request }) {
    return new Promise((resolve, reject) => {
      const sending = new XMLHttpRequest();
      const fail = (passing, status) => reject(Object.assign(new Error(described(status, sending.responseText)), { passing, status, title: "The upload was interrupted" }));
      sending.open(request.method, request.url);
      for (const [name, value] of Object.entries(request.headers ?? {})) {
        if (!OWN.has(name.toLowerCase())) sending.setRequestHeader(name, value);
      }
      sending.upload.onprogress = ({ loaded }) => {
        this.#moving.set(number, Math.min(loaded, size));
        this.changed(this);
      };
      sending.onload = () => (sending.status < 300 ? resolve() : fail([408, 429, 500, 502, 503, 504].includes(sending.status), sending.status));
      sending.onerror = () => fail(true, 0);
      sending.onabort = () => fail(false, 0);
      sending.onloadend = () => this.#requests.delete(sending);
      this.#requests.add(sending);
      sending.send(this.file.slice(offset, offset + size));
    });
  }
}

/** Ask an upload session whether it has the part already: the answer to it may have been lost. */
async function arrived({ offset, size, url: address }) {
  try {
    const { nextExpectedRanges: ranges } = await (await fetch(address, { credentials: "omit" })).json();
    return ranges.length > 0 && Number(ranges[0].split("-")[0]) >= offset + size;
  } catch {
    return false;
  }
}

function described(status, text) {
  if (status === 0) return "the connection broke, or the place does not allow uploads from this page (CORS)";
  try {
    return JSON.parse(text).detail ?? `the place answered ${status}`;
  } catch {
    const found = text.match(/<Message>([^<]{1,300})/);
    return found ? `the place answered ${status}: ${found[1]}` : `the place answered ${status}`;
  }
}

async function digest(file) {
  const hash = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
