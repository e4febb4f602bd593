"""Webhooks: a program that follows the audit and posts each event, signed, to a URL; here to a server of its own.

The audit is the queue: it has every event once and in order, written with the change itself. So no request waits for a
webhook, a receiver that is down misses nothing, and the number of the last delivered entry is all there is to keep.

Run it: python examples/09_webhooks.py
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import secrets
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from kazinex_storage import (
    AuditEntry,
    AuditLog,
    AuditQuery,
    DocumentKey,
    DocumentStore,
    Resolver,
    open_organisations,
    verify_provider,
)

WANTED = "document."  # every event whose name begins so
ANSWER_S = 10  # seconds in which a receiver has to answer 200


def envelope(entry: AuditEntry) -> bytes:
    """Return the body of a webhook: event, organisation_id, project_id, timestamp and data."""
    at = f"{entry.at:%Y-%m-%dT%H:%M:%S}.{entry.at.microsecond // 1000:03}Z"
    return json.dumps(
        {
            "event": entry.event,
            "organisation_id": entry.organisation,
            "project_id": entry.project,
            "timestamp": at,
            "data": {"number": entry.number, **entry.said()},  # the number tells a receiver what it has already
        }
    ).encode()


def signature(key: bytes, body: bytes) -> str:
    """Return the value of X-Kazinex-Signature; a receiver computes it over the raw body and compares."""
    return f"sha256={hmac.new(key, body, 'sha256').hexdigest()}"


def post(url: str, key: bytes, entry: AuditEntry) -> bool:
    """Post one entry, and say whether the receiver took it. Use https:// outside of this machine."""
    where, body = urlsplit(url), envelope(entry)
    kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
    connection = kind(where.netloc, timeout=ANSWER_S)
    headers = {"Content-Type": "application/json", "X-Kazinex-Signature": signature(key, body)}
    try:
        connection.request("POST", where.path, body, headers)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def deliver(audit: AuditLog, organisation: str, url: str, key: bytes, last: int) -> int:
    """Post what came after the entry *last*, in order, and return the last one that was taken: keep that number."""
    for entry in audit.query(organisation, AuditQuery(after=last, event=WANTED)):
        for wait in (0.05, 0.2, 1.0):  # in earnest: seconds, then minutes; one program delivers for an organisation
            if post(url, key, entry):
                break
            time.sleep(wait)
        else:
            return last  # the next round begins with this one
        last = entry.number
    return last


@contextmanager
def receiver(key: bytes) -> Iterator[tuple[str, list[dict[str, object]]]]:
    """Run a server that checks signatures and is down at first; yield its URL and what it took."""
    taken: list[dict[str, object]] = []
    refusals = iter((503, 503))

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name that the library calls
            body = self.rfile.read(int(self.headers["Content-Length"]))
            genuine = hmac.compare_digest(self.headers["X-Kazinex-Signature"], signature(key, body))
            status = next(refusals, 200) if genuine else 401
            if status == 200:
                taken.append(json.loads(body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hooks/storage", taken
    server.shutdown()
    server.server_close()


def main() -> None:
    key = hashlib.sha256(secrets.token_bytes(32)).digest()  # shared with the receiver
    with tempfile.TemporaryDirectory() as home, receiver(key) as (url, taken):
        organisations = open_organisations({"KAZINEX_STORAGE_HOME": f"{home}/data"})  # it keeps the audit
        record = organisations.add_provider("org-1", "local", "Office disk", {"root": f"{home}/files", "create": True})
        verify_provider(organisations, "org-1", record.id)
        organisations.set_default("org-1", record.id)
        resolver = Resolver(organisations)
        documents = DocumentStore(resolver, by="meier")

        for revision in ("P01", "P02"):
            documents.upload(DocumentKey("org-1", "bridge", "DRG-0042", revision, "plan.pdf"), b"%PDF-1.7 drawing")
        last = deliver(organisations.audit, "org-1", url, key, last=0)
        documents.remove(DocumentKey("org-1", "bridge", "DRG-0042", "P02", "plan.pdf"), reason="wrong drawing")
        last = deliver(organisations.audit, "org-1", url, key, last)

        for body in taken:
            print(body["timestamp"], body["event"], body["project_id"], body["data"]["by"])  # type: ignore[index]
        assert [body["event"] for body in taken] == ["document.uploaded", "document.uploaded", "document.removed"]
        print("the audit is as it was written:", organisations.audit.verify_audit("org-1").ok)
        resolver.close()
        organisations.close()


if __name__ == "__main__":
    main()
