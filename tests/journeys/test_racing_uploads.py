"""Of uploads of one revision at the same time exactly one stays, whatever their names, doors and providers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kazinex_storage import (
    AlreadyExistsError,
    AsyncDocumentStore,
    DocumentKey,
    DocumentStore,
    Organisations,
    Resolver,
    StoredDocument,
)
from kazinex_storage.fs import OrganisationFileSystem
from kazinex_storage.organisations import KeyRing, MemoryCatalogue, Sealer, SqlCatalogue
from kazinex_storage.testing.servers import S3Server

RACERS = 5
ROUNDS = 12


@dataclass(frozen=True, kw_only=True)
class Race:
    """An organisation with a provider, and several stores as several processes would have them."""

    organisations: Organisations
    resolvers: list[Resolver]

    def stores(self) -> list[DocumentStore]:
        return [DocumentStore(resolver) for resolver in self.resolvers]


@pytest.fixture(params=["memory", "local", "s3"])
def race(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Race]:
    if request.param == "s3":
        server: S3Server = request.getfixturevalue("ministack_server")
        keys = {"access_key_id": server.access_key_id, "secret_access_key": server.secret_access_key}
        bucket = {"bucket": server.make_bucket(), "endpoint_url": server.endpoint_url}
        yield from _race(Organisations(MemoryCatalogue()), "s3", {**bucket, **keys})
    elif request.param == "local":
        catalogue = SqlCatalogue(tmp_path / "catalogue.db", Sealer(KeyRing.generate()))
        (tmp_path / "root").mkdir()
        yield from _race(Organisations(catalogue), "local", {"root": str(tmp_path / "root"), "durable": False})
    else:
        yield from _race(Organisations(MemoryCatalogue()), "memory", {"name": f"race-{tmp_path.name}"})


def _race(organisations: Organisations, kind: str, settings: dict[str, object]) -> Iterator[Race]:
    record = organisations.add_provider("org-1", kind, "main", settings)
    organisations.record_verification(record, ok=True)
    organisations.set_default("org-1", "main")
    resolvers = [Resolver(organisations) for _ in range(RACERS)]
    yield Race(organisations=organisations, resolvers=resolvers)
    for resolver in resolvers:
        resolver.close()
    organisations.close()


def key(number: int, racer: int) -> DocumentKey:
    return DocumentKey("org-1", "bridge", "DRG-1", f"P{number:02}", f"{racer}.pdf")


def check(store: DocumentStore, number: int, outcomes: list[object]) -> None:
    """Exactly one racer was told that it won, and exactly its file is there."""
    winners = [outcome for outcome in outcomes if isinstance(outcome, StoredDocument)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, AlreadyExistsError)]
    stored = [found.document for found in store.revisions(key(number, 0)) if found.document.revision == f"P{number:02}"]
    assert (1, RACERS - 1) == (len(winners), len(refused)), outcomes
    assert [winners[0].document] == stored
    assert winners[0].document.filename.encode() == store.open(winners[0]).read()


def at_once(actions: list[Callable[[], object]]) -> list[object]:
    """Run *actions* on threads that begin together, and return their results or errors."""
    outcomes: list[object] = []
    barrier = threading.Barrier(len(actions))

    def run(action: Callable[[], object]) -> None:
        barrier.wait()
        try:
            outcomes.append(action())
        except Exception as error:
            outcomes.append(error)

    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def uploading(store: DocumentStore, document: DocumentKey) -> Callable[[], object]:
    return lambda: store.upload(document, document.filename.encode())


def test_of_racing_uploads_under_different_names_exactly_one_stays(race: Race) -> None:
    stores = race.stores()

    for number in range(ROUNDS):
        outcomes = at_once([uploading(store, key(number, racer)) for racer, store in enumerate(stores)])
        check(stores[0], number, outcomes)


def test_of_racing_uploads_on_a_loop_exactly_one_stays(race: Race) -> None:
    stores = race.stores()

    async def rounds() -> None:
        faces = [AsyncDocumentStore(store) for store in stores]
        for number in range(ROUNDS):
            keys = [key(number, racer) for racer in range(RACERS)]
            uploads = (face.upload(one, one.filename.encode()) for face, one in zip(faces, keys, strict=True))
            outcomes: list[object] = list(await asyncio.gather(*uploads, return_exceptions=True))
            await asyncio.to_thread(check, stores[0], number, outcomes)

    asyncio.run(rounds())


def test_of_uploads_and_writes_through_fsspec_exactly_one_stays(race: Race) -> None:
    stores = race.stores()
    fs: Any = OrganisationFileSystem(resolver=race.resolvers[0])

    def writing(document: DocumentKey) -> Callable[[], object]:
        return lambda: fs.pipe_file(str(document.build()), document.filename.encode())

    for number in range(ROUNDS):
        keys = [key(number, racer) for racer in range(RACERS)]
        outcomes = at_once([uploading(stores[0], keys[0]), uploading(stores[1], keys[1]), *map(writing, keys[2:])])

        refused = [outcome for outcome in outcomes if isinstance(outcome, AlreadyExistsError)]
        stored = [found for found in stores[0].revisions(keys[0]) if found.document.revision == f"P{number:02}"]
        assert RACERS - 1 == len(refused), outcomes
        assert 1 == len(stored)
        assert stored[0].document.filename.encode() == stores[0].open(stored[0].document).read()
