"""Copies between every two kinds of providers, on the real local servers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from kazinex_storage import DocumentKey, Storage
from kazinex_storage.capabilities import Capability
from kazinex_storage.migration.copying import MODIFIED
from kazinex_storage.migration.journal import EntryState
from kazinex_storage.migration.options import CopyOptions
from kazinex_storage.types import PutOptions

from .places import PLACES, Places, bodies, places_of

PAIRS = [(source, target) for source in PLACES for target in PLACES if source != target]
PIECES = CopyOptions(small_bytes=100_000)
"""The largest of the documents is then read in pieces."""


@pytest.fixture(scope="module")
def places(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    with places_of(request, tmp_path_factory.mktemp("places")) as found:
        yield found


@pytest.mark.parametrize(("source", "target"), PAIRS, ids=lambda name: name)
def test_documents_are_copied_proven_and_followed(places: Places, source: str, target: str) -> None:
    project = f"from-{source}-to-{target}".replace(" ", "-")
    written = {f"{project}/{key}": data for key, data in bodies().items()}
    storage = places.storage(source)
    for key, data in written.items():
        storage.put(key, data)

    report = places.migration(source, target, project, PIECES).copy()

    assert (True, ()) == (report.complete, report.failures)
    assert {EntryState.COPIED} == {state for state, count in report.counts.items() if count.objects}
    assert written == everything(places.storage(target), project)
    assert written == everything(storage, project), "the source keeps all"
    assert {target} == {places.provider_of(key) for key in written}
    for key, data in written.items():
        record = places.resolver.revisions.revision(key_of(key))
        assert record is not None
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (record.sha256, record.size)


@pytest.mark.parametrize("target", ["local", "azure", "r2 front"])
@pytest.mark.parametrize("source", ["local", "azure", "seaweedfs"])
def test_what_describes_an_object_goes_with_it(places: Places, source: str, target: str) -> None:
    if source == target:
        return
    project, key = f"described-{source}-{target}".replace(" ", "-"), "notes/a.json"
    options = PutOptions(
        content_type="application/json",
        content_disposition='attachment; filename="a.json"',
        cache_control="max-age=60",
        content_language="de",
        metadata={"drawing-no": "DRG-1"},
    )
    before = places.storage(source).put(f"{project}/{key}", b"{}", options)

    places.migration(source, target, project, PIECES).copy()

    found = places.storage(target).head(f"{project}/{key}")
    assert options.content_type == found.content_type
    assert (options.content_disposition, options.cache_control) == (found.content_disposition, found.cache_control)
    assert (options.content_language, found.content_language) == ("de", "de")
    assert {"drawing-no", MODIFIED} == set(found.metadata)
    assert before.last_modified is not None
    assert found.metadata[MODIFIED][:16] == before.last_modified.isoformat()[:16]
    assert places.storage(target).info.can(Capability.METADATA)


def key_of(key: str) -> DocumentKey:
    return DocumentKey.parse(f"acme/{key}")


def everything(storage: Storage, project: str) -> dict[str, bytes]:
    return {info.key: storage.get_bytes(info.key) for info in storage.list(f"{project}/")}
