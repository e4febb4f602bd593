"""What a ticket costs on a local disk: to begin a direct upload, and to confirm it once the file has arrived.

Together they may take 5 ms of processor time. With SQLite they are six look-ups and two transactions, each with one
``fsync`` of the catalogue.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from kazinex_storage import DocumentKey, DocumentStore, Organisations, Resolver, UploadTicket
from kazinex_storage.organisations import Catalogue, KeyRing, MemoryCatalogue, Sealer, SqlCatalogue

from .overhead import repeat
from .results import Log
from .rounds import Contender, alternate, heading, show
from .sizes import Sizes

BODY = b"%PDF-1.7".ljust(4096)
ROUTE = "https://host.example/direct"


def run(folder: Path, sizes: Sizes, log: Log) -> None:
    """Print the section."""
    heading("Tickets: begin and confirm of 4 KiB on a local disk")
    count, contenders = max(1, sizes.small_count // 3), list[Contender]()
    with ExitStack() as stack:
        for name, catalogue in (
            ("SQLite", SqlCatalogue(folder / "tickets.db", Sealer(KeyRing.generate()))),
            ("memory", MemoryCatalogue()),
        ):
            contenders += _pair(name, stack.enter_context(_documents(folder / name, catalogue)), count)
        samples = alternate(contenders, sizes.small_rounds)
    show("ticket", samples)
    log.keep("ticket", samples)


def _pair(name: str, documents: DocumentStore, count: int) -> list[Contender]:
    numbers, sent = itertools.count(), list[UploadTicket]()

    def begin() -> UploadTicket:
        return documents.begin_direct_upload(
            DocumentKey("acme", "bridge", f"DRG-{next(numbers)}", "P01", "plan.pdf"), len(BODY)
        )

    def send() -> None:
        for _ in range(count):
            sent.append(begin())
            documents.receive_direct_upload(str(sent[-1].parts[0].request.url).rpartition("/")[2], BODY, len(BODY))

    return [
        Contender(name=f"begin, {name}", work=repeat(begin, count), operations=count),
        Contender(
            name=f"confirm, {name}",
            work=repeat(lambda: documents.confirm_direct_upload(sent.pop()), count),
            operations=count,
            prepare=send,
        ),
    ]


@contextmanager
def _documents(root: Path, catalogue: Catalogue) -> Iterator[DocumentStore]:
    """Yield the documents of one organisation on a disk."""
    organisations = Organisations(catalogue)
    settings = {"root": str(root), "create": True, "durable": False}
    record = organisations.add_provider("acme", "local", "disk", settings)
    organisations.record_verification(record, ok=True)
    organisations.set_default("acme", record.id)
    resolver = Resolver(organisations)
    try:
        yield DocumentStore(resolver, organisation="acme", upload_route=ROUTE)
    finally:
        resolver.close()
        organisations.close()
