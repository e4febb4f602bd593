"""What is bound to one organisation asks nothing for another one, whatever a client hands in."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest

from kazinex_storage import (
    AccessDeniedError,
    AsyncDocumentStore,
    DocumentKey,
    DocumentStore,
    InvalidKeyError,
    Resolver,
    Storage,
    StoredDocument,
    UploadTicket,
)
from kazinex_storage.fs import OrganisationFileSystem
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.types import WHOLE

from .only_provider import OnlyProvider


class World(Protocol):
    documents: DocumentStore
    resolver: Resolver
    add: Callable[..., str]


DOCUMENT = DocumentKey("org-1", "bridge", "DRG-1", "P01", "contract.pdf")
OTHERS = DocumentKey("org-2", "bridge", "DRG-2", "P01", "contract.pdf")


def _refuses(action: Callable[[], object]) -> None:
    with pytest.raises(AccessDeniedError, match="bound to the organisation 'org-1'"):
        action()


def test_a_store_of_one_organisation_asks_nothing_for_another(tmp_path: Path) -> None:
    resolver = OnlyProvider(Storage(MemoryProvider()))
    receipt = DocumentStore(resolver).upload(OTHERS, b"%PDF")
    bound = DocumentStore(resolver, organisation="org-1")
    ours = bound.upload(DOCUMENT, b"%PDF")
    resolver.asked.clear()

    for document in (OTHERS, receipt):
        _refuses(lambda document=document: bound.open(document))  # type: ignore[misc]
        _refuses(lambda document=document: bound.stream(document))  # type: ignore[misc]
        _refuses(lambda document=document: bound.get_bytes(document))  # type: ignore[misc]
        _refuses(lambda document=document: bound.download(document, tmp_path / "a"))  # type: ignore[misc]
        _refuses(lambda document=document: bound.remove(document))  # type: ignore[misc]
    _refuses(lambda: bound.upload(OTHERS, b"1"))
    _refuses(lambda: bound.find(OTHERS))
    _refuses(lambda: bound.revisions(OTHERS))
    _refuses(lambda: bound.check(receipt))
    _refuses(lambda: bound.check(receipt, by="version"))

    assert [] == resolver.asked
    assert b"%PDF" == bound.get_bytes(ours)
    assert b"%PDF" == bound.get_bytes(DOCUMENT)
    with pytest.raises(InvalidKeyError):
        DocumentStore(resolver, organisation="")


ARGUMENTS: dict[str, object] = {
    "file": b"1",
    "path": "never-written",
    "size": 1,
    "body": b"1",
    "spans": [WHOLE],
    "until": datetime.now(UTC) + timedelta(days=1),
    "by": "meier",
    "reason": "contract",
    "tags": {"state": "draft"},
    "storage_class": "COLD",
}
"""What the methods want beside the document."""


def _calls(store: DocumentStore, receipt: StoredDocument, ticket: UploadTicket) -> Iterator[Callable[[], object]]:
    """Yield a call of every public method for each thing of another organisation that it takes."""
    for name, method in inspect.getmembers(store, inspect.ismethod):
        if name.startswith("_") or name in {"acting", "read_only"}:  # which give a store, with these operations
            continue
        first, *others = inspect.signature(method).parameters.values()
        rest = {other.name: ARGUMENTS[other.name] for other in others if other.default is other.empty}
        taken: list[object] = [
            what for what in (OTHERS, receipt, ticket) if type(what).__name__ in str(first.annotation)
        ]
        taken += {"organisation": [OTHERS.organisation], "token": [ticket.token]}.get(first.name, [])
        assert taken, f"say in this test what {name!r} is to be given of another organisation"
        yield from (partial(method, what, **rest) for what in taken)


def test_no_method_takes_what_belongs_to_another_organisation() -> None:
    resolver = OnlyProvider(Storage(MemoryProvider()))
    anyone = DocumentStore(resolver, upload_route="https://host.example")
    receipt = anyone.upload(OTHERS, b"%PDF")
    ticket = anyone.begin_direct_upload(replace(OTHERS, revision="P02"), 4)
    bound = DocumentStore(resolver, organisation="org-1")
    resolver.asked.clear()

    for store in (bound, bound.acting("meier")):
        for call in _calls(store, receipt, ticket):
            _refuses(call)

    assert [] == resolver.asked


async def _collected(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


@pytest.mark.asyncio
async def test_its_awaited_twin_is_bound_as_well(tmp_path: Path) -> None:
    resolver = OnlyProvider(Storage(MemoryProvider()))
    anyone = DocumentStore(resolver, upload_route="https://host.example")
    receipt = anyone.upload(OTHERS, b"%PDF")
    ticket = anyone.begin_direct_upload(replace(OTHERS, revision="P02"), 4)
    bound = AsyncDocumentStore(DocumentStore(resolver, organisation="org-1"))
    resolver.asked.clear()

    async def chunks() -> AsyncIterator[bytes]:
        yield b"1"

    for awaited in (
        bound.upload(OTHERS, b"1"),
        bound.upload(OTHERS, chunks()),
        bound.find(OTHERS),
        _collected(bound.stream(receipt)),
        bound.get_bytes(receipt),
        bound.download(receipt, tmp_path / "a"),
        bound.revisions(OTHERS),
        bound.check(receipt),
        bound.remove(receipt),
        bound.confirm_direct_upload(ticket),
        bound.receive_direct_upload(ticket.token, chunks()),
    ):
        with pytest.raises(AccessDeniedError):
            await awaited

    assert [] == resolver.asked


def _noting(asked: list[str], real: Callable[..., object]) -> Callable[..., object]:
    def ask(organisation: str, *rest: object, **options: object) -> object:
        asked.append(organisation)
        return real(organisation, *rest, **options)

    return ask


def test_a_file_system_of_one_organisation_opens_no_path_of_another(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.add("org-1", "disk", default=True)
    world.add("org-2", "disk", default=True)
    resolver = world.resolver
    world.documents.upload(OTHERS, b"%PDF")
    world.documents.upload(DOCUMENT, b"%PDF")
    fs = OrganisationFileSystem(resolver=resolver, organisation="org-1")
    theirs, ours = f"kazinex://{OTHERS.build()}", f"kazinex://{DOCUMENT.build()}"
    local = tmp_path / "local"
    local.write_bytes(b"1")
    assert b"%PDF" == fs.cat(ours)

    asked: list[str] = []
    for name in ("chosen", "by_id", "in_order"):
        real = getattr(resolver, name)
        monkeypatch.setattr(resolver, name, _noting(asked, real))
    for action in (
        lambda: fs.cat(theirs),
        lambda: fs.cat_file(theirs),
        lambda: fs.cat_ranges([theirs], [0], [1], on_error="raise"),
        lambda: fs.info(theirs),
        lambda: fs.exists(theirs),
        lambda: fs.isdir("org-2/bridge"),
        lambda: fs.ls("org-2/bridge"),
        lambda: fs.find("org-2"),
        lambda: fs.glob("org-2/**"),
        lambda: list(fs.walk("org-2", on_error="raise")),
        lambda: fs.du("org-2"),
        lambda: fs.open(theirs),
        lambda: fs.open(theirs, "wb"),
        lambda: fs.pipe("org-2/x/a", b"1"),
        lambda: fs.put(str(local), "org-2/x/a"),
        lambda: fs.get(theirs, str(tmp_path / "b")),
        lambda: fs.cp(ours, "org-2/bridge/b"),
        lambda: fs.mv("org-2/x/a", "org-1/x/a"),
        lambda: fs.rm(theirs),
        lambda: fs.sign(theirs),
    ):
        _refuses(action)
    assert {"org-1"} >= set(asked)
    with pytest.raises(InvalidKeyError):
        OrganisationFileSystem(resolver=resolver, organisation="a/b")


def test_what_a_file_system_is_bound_to_is_a_part_of_its_identity() -> None:
    free, bound = OrganisationFileSystem(), OrganisationFileSystem(organisation="org-1")

    assert free is not bound
    assert "org-1" == OrganisationFileSystem.from_json(bound.to_json()).storage_options["organisation"]
    with pytest.raises(AccessDeniedError):
        OrganisationFileSystem.from_json(bound.to_json()).exists("org-2/a/b")
