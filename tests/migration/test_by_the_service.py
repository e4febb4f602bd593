"""Two buckets that one key opens: the service copies between them, and no byte comes here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from kazinex_storage import Storage
from kazinex_storage.errors import AccessDeniedError, NotSupportedError
from kazinex_storage.keys import ObjectKey
from kazinex_storage.migration.journal import EntryState
from kazinex_storage.migration.memory_journal import MemoryJournal
from kazinex_storage.migration.migrations import migrate
from kazinex_storage.migration.options import CopyOptions, Verify
from kazinex_storage.migration.within import MODIFIED
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.providers.s3.target import Credentials
from kazinex_storage.testing.servers import S3Server
from kazinex_storage.transport import Observation, Transport
from kazinex_storage.types import PutOptions

from ..s3.conftest import target_of

BODIES = {"a/small.bin": b"small", "a/lärge +1.bin": bytes(range(256)) * 50}


class Buckets:
    """Two buckets of one server, and what was asked of it."""

    def __init__(self, server: S3Server) -> None:
        self.asked: list[str] = []
        self.transport = Transport(observe=self._note)
        self.providers = [S3Provider(target_of(server, server.make_bucket(), prefix=prefix)) for prefix in ("one/", "")]
        self.source, self.target = (Storage(provider, transport=self.transport) for provider in self.providers)
        for key, data in BODIES.items():
            self.source.put(key, data, PutOptions(metadata={"drawing": "1"}, content_type="x/y"))
        self.asked.clear()

    def _note(self, seen: Observation) -> None:
        self.asked.append(f"{seen.method} {seen.operation}")

    def on_target(self) -> dict[str, bytes]:
        return {info.key: self.target.get_bytes(info.key) for info in self.target.list()}


@pytest.fixture(params=["seaweedfs", "ministack"])
def buckets(request: pytest.FixtureRequest) -> Iterator[Buckets]:
    found = Buckets(request.getfixturevalue(f"{request.param}_server"))
    yield found
    found.transport.close()


@pytest.mark.parametrize("verify", ["full", "size"])
def test_the_service_copies_what_is_not_cheaper_to_send(buckets: Buckets, verify: Verify) -> None:
    options = CopyOptions(small_bytes=100, verify=verify)

    report = migrate(buckets.source, buckets.target, options=options)
    asked = list(buckets.asked)

    assert (True, BODIES) == (report.complete, buckets.on_target())
    assert {"drawing", MODIFIED} == set(buckets.target.head("a/lärge +1.bin").metadata)
    assert "x/y" == buckets.target.head("a/lärge +1.bin").content_type
    puts = [one for one in asked if one == "PUT put"]
    assert ({"full": 1, "size": 0}[verify], {"full": 1, "size": 2}[verify]) == (len(puts), asked.count("PUT copy"))
    if verify == "size":
        assert "GET get" not in asked


def test_what_is_there_already_is_compared_and_never_replaced(buckets: Buckets) -> None:
    options, journal = CopyOptions(small_bytes=1), MemoryJournal()
    buckets.target.put("a/small.bin", b"SMALL")
    buckets.target.put("a/lärge +1.bin", BODIES["a/lärge +1.bin"])

    report = migrate(buckets.source, buckets.target, options=options, journal=journal)

    assert ["a/small.bin"] == [entry.key for entry in report.failures]
    assert 1 == report.counts[EntryState.SAME].objects
    assert b"SMALL" == buckets.target.get_bytes("a/small.bin")
    same = journal.entries(report.run, states=[EntryState.SAME])
    assert [hashlib.sha256(BODIES["a/lärge +1.bin"]).hexdigest()] == [entry.sha256 for entry in same]


def test_a_bucket_with_another_key_is_not_reached(buckets: Buckets) -> None:
    one, other = buckets.providers
    stranger = S3Provider(
        replace(one.target, credentials=Credentials(access_key_id="other", secret_access_key="example"))  # noqa: S106
    )

    assert other.reaches(one)
    assert not stranger.reaches(one)
    with pytest.raises(NotSupportedError):
        next(stranger.copy_from(one, ObjectKey("a"), ObjectKey("b"), {}))


def test_where_the_service_refuses_the_bytes_come_through_here(
    buckets: Buckets, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key of the target may be for one bucket alone, which settings do not tell."""
    monkeypatch.setattr(S3Provider, "copy_from", _denied)

    report = migrate(buckets.source, buckets.target, options=CopyOptions(small_bytes=1))

    assert (True, BODIES) == (report.complete, buckets.on_target())


def _denied(*_: object) -> Iterator[object]:
    raise AccessDeniedError("this key is for one bucket alone")
    yield
