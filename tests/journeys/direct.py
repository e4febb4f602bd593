"""Organisations on each kind of place, and a browser that knows nothing but the JSON of a ticket."""

from __future__ import annotations

import json
import secrets
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from kazinex_storage import (
    AsyncDocumentStore,
    DocumentKey,
    DocumentStore,
    Event,
    Organisations,
    Resolver,
    Storage,
    StorageError,
    UploadTicket,
)
from kazinex_storage.organisations import MemoryCatalogue
from kazinex_storage.organisations.catalogue import Catalogue
from kazinex_storage.testing.bench import pattern
from kazinex_storage.types import MIB

from .services import Service, service_of

ROUTE = "https://host.example/storage/direct"
PDF = b"%PDF-1.7 drawing"
LARGE = b"%PDF-1.7" + pattern(11 * MIB)
"""Two parts, or two fragments of a session."""
PLACES = ("memory", "local", "seaweedfs", "r2 front", "supabase front", "azure", "sharepoint")


@contextmanager
def place_of(name: str, request: pytest.FixtureRequest) -> Iterator[Service]:
    """Yield the kind and the settings of the place of that name."""
    with ExitStack() as stack:
        if name == "memory":
            yield Service(kind="memory", settings={"name": f"direct-{secrets.token_hex(8)}"})
        elif name == "local":
            root: Path = request.getfixturevalue("tmp_path_factory").mktemp("direct")
            yield Service(kind="local", settings={"root": str(root), "durable": False})
        else:
            yield stack.enter_context(service_of(name, request))


class House:
    """Organisations whose default is one place."""

    def __init__(self, service: Service, catalogue: Catalogue | None = None) -> None:
        self.service = service
        self.organisations = Organisations(catalogue if catalogue is not None else MemoryCatalogue())
        self.events: list[Event] = []
        self.resolver = Resolver(self.organisations, on_event=self.events.append)
        self.documents = DocumentStore(self.resolver, upload_route=ROUTE)
        self.browser = Browser(self.documents, service.settings.get("ca_file"))

    def add(self, organisation: str = "acme") -> str:
        """Make the place the default of an organisation, and return the id of its record."""
        record = self.organisations.add_provider(organisation, self.service.kind, "place", self.service.settings)
        self.organisations.record_verification(record, ok=True)
        self.organisations.set_default(organisation, record.id)
        return record.id

    def storage(self, organisation: str = "acme") -> Storage:
        return self.resolver.chosen(organisation).storage

    def files(self, organisation: str = "acme", prefix: str = "") -> list[str]:
        return sorted(info.key for info in self.storage(organisation).list(prefix))

    def told(self) -> list[str]:
        """Return the names of the events of documents since the last call, in their order."""
        names = [event.name for event in self.events if event.name.startswith("document.")]
        self.events.clear()
        return names

    def aio(self) -> AsyncDocumentStore:
        return AsyncDocumentStore(self.documents)

    def close(self) -> None:
        self.browser.close()
        self.resolver.close()
        self.organisations.close()


class Browser:
    """Sends what a ticket says, over httpx; a route of the host is answered by the documents themselves."""

    def __init__(self, documents: DocumentStore, ca_file: object) -> None:
        self.documents = documents
        # Loading the authorities of the machine would take longer than most of the tests; the others speak plain HTTP.
        context = ssl.create_default_context(cafile=str(ca_file)) if ca_file is not None else False
        self._client = httpx.Client(verify=context, trust_env=False, timeout=60)

    def send(self, ticket: UploadTicket | str, body: bytes, *, parts: slice = slice(None)) -> list[int]:
        """Send *parts* of *body* and return the statuses of the answers."""
        text = ticket if isinstance(ticket, str) else ticket.to_json()
        found: list[dict[str, Any]] = json.loads(text)["parts"]
        return [self.part(part, body[part["offset"] : part["offset"] + part["size"]]) for part in found[parts]]

    def part(self, part: dict[str, Any], data: bytes, headers: dict[str, str] | None = None) -> int:
        """Send *data* as *part*, with other *headers* if some are given."""
        if part["url"].startswith(ROUTE):
            return self._route(part["url"], data)
        # The page of a browser cannot set that one, and the browser says how long the body is.
        sent = {name: value for name, value in part["headers"].items() if name != "Content-Length"} | (headers or {})
        return self._client.request(part["method"], part["url"], headers=sent, content=data).status_code

    def close(self) -> None:
        self._client.close()

    def _route(self, url: str, data: bytes) -> int:
        """Answer as a host does that maps errors to statuses."""
        try:
            self.documents.receive_direct_upload(url.removeprefix(f"{ROUTE}/"), iter([data[:5], data[5:]]), len(data))
        except StorageError:
            return 409
        return 201


def document(revision: str = "P01", *, organisation: str = "acme", name: str = "Plan Ü 1.pdf") -> DocumentKey:
    return DocumentKey(organisation, "bridge", "DRG-1", revision, name)
