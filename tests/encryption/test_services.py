"""Encrypted objects on each service: what it holds, rage opens; parts, spans, resumed uploads, copies, listings."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pyrage
import pytest

from kazinex_storage.encryption.age import Age
from kazinex_storage.encryption.bech32 import encode
from kazinex_storage.errors import AlreadyExistsError, IntegrityError, NotSupportedError
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.registry import default_registry
from kazinex_storage.storage.aio import AsyncStorage
from kazinex_storage.storage.sync import Storage
from kazinex_storage.testing.emulators.cloudflare import r2_front
from kazinex_storage.testing.emulators.supabase import supabase_front
from kazinex_storage.testing.servers import AzuriteServer, S3Server
from kazinex_storage.transport import Exchange
from kazinex_storage.types import ByteRange, PartInfo, PutMode, PutOptions, UploadState
from kazinex_storage.verbs import AnyProvider

from ..services import Options, azure_options, keys_of, r2_options, supabase_options, tenant

IDENTITY = encode("age-secret-key-", bytes([3] * 32)).upper()  # fake
KEYS = Age(identities=[IDENTITY])
SERVICES = ("azure_blob", "local", "r2", "s3", "sharepoint", "supabase")
CREATE = PutOptions(mode=PutMode.CREATE)


@pytest.fixture(scope="module")
def options(
    ministack_server: S3Server, azurite_server: AzuriteServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Options]]:
    """The settings of each service, for a place of this module."""
    with r2_front(ministack_server) as r2, supabase_front(ministack_server) as supabase, tenant() as library:
        buckets = [r2.make_bucket()]
        yield {
            "azure_blob": {**azure_options(azurite_server), "container": azurite_server.make_container()},
            "local": {"root": str(tmp_path_factory.mktemp("objects"))},
            "r2": {**r2_options(r2, buckets), "bucket": buckets[0]},
            "s3": {
                **keys_of(ministack_server),
                "region": ministack_server.region,
                "bucket": ministack_server.make_bucket(),
            },
            "sharepoint": dict(library.options),
            "supabase": {**supabase_options(supabase), "bucket": supabase.make_bucket()},
        }


@pytest.fixture(params=SERVICES)
def provider(request: pytest.FixtureRequest, options: dict[str, Options]) -> AnyProvider:
    registry, kind = default_registry(), request.param
    return registry.open(kind, registry.parse_settings(kind, options[kind]))


@pytest.fixture
def storage(provider: AnyProvider) -> Iterator[Storage]:
    with Storage(provider, prefix=secrets.token_hex(4), encryption=KEYS) as storage:
        yield storage


def held(provider: AnyProvider, storage: Storage, key: str) -> bytes:
    """Return what the service holds, without a word of ours about it."""
    return Storage(provider, prefix=storage.prefix, transport=storage.transport).get_bytes(key)


def test_a_large_file_goes_out_in_parts_and_comes_back_in_spans(
    provider: AnyProvider, storage: Storage, tmp_path: Path
) -> None:
    body = os.urandom(9 * 1024 * 1024 + 3)
    (tmp_path / "a.ifc").write_bytes(body)

    info = storage.put("a.ifc", tmp_path / "a.ifc", CREATE)

    assert (len(body), hashlib.sha256(body).hexdigest()) == (info.size, info.sha256)
    assert body == pyrage.decrypt(held(provider, storage, "a.ifc"), [pyrage.x25519.Identity.from_str(IDENTITY)])
    storage.download("a.ifc", tmp_path / "b.ifc")
    assert body == (tmp_path / "b.ifc").read_bytes()
    spans = [ByteRange(start=start, end=start + 5) for start in (0, 65_534, 8_500_000)] + [ByteRange(start=-5)]
    assert [body[span.start : span.end] for span in spans] == storage.read_ranges("a.ifc", spans)
    with pytest.raises(AlreadyExistsError):
        storage.put("a.ifc", b"other", CREATE)


def test_a_body_of_unknown_length_is_copied_moved_and_listed_by_its_own_size(storage: Storage) -> None:
    storage.put("a", iter([b"x" * 70_000, b"y"]))

    storage.copy("a", "b")
    storage.move("b", "c/d")

    assert {"a": 70_001, "c/d": 70_001} == {info.key: info.size for info in storage.list()}
    assert b"xy" == storage.get_bytes("c/d", ByteRange(start=69_999))


class StopError(Exception):
    """Ends an upload after its first part, as a kill does."""


def test_an_upload_is_resumed_by_the_same_bytes_alone(provider: AnyProvider, storage: Storage) -> None:
    body = os.urandom(9 * 1024 * 1024)
    if storage.info.kind in ("sharepoint", "local"):
        with pytest.raises(NotSupportedError):
            storage.begin_upload("a", len(body), sha256=hashlib.sha256(body).hexdigest())
        return
    with pytest.raises(NotSupportedError, match="give the sha256"):
        storage.begin_upload("a", len(body))
    state = storage.begin_upload("a", len(body), sha256=hashlib.sha256(body).hexdigest())
    state = UploadState.from_json(state.to_json())
    exchanges = storage.operations.context.exchanges
    inner = exchanges._inner  # type: ignore[attr-defined]
    put_part, sent = inner.put_part, list[int]()

    def once(own: UploadState, number: int, data: memoryview) -> Exchange[PartInfo]:
        if sent:
            raise StopError
        sent.append(number)
        return cast(PartInfo, (yield from put_part(own, number, data)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inner, "put_part", once)
        with pytest.raises(StopError):
            storage.resume_upload(state, body)

    with pytest.raises(IntegrityError, match="sha256"):
        storage.resume_upload(state, body[:-1] + b"!")
    assert len(body) == storage.resume_upload(state, body).size
    assert body == storage.get_bytes("a")
    assert len(body) == storage.resume_upload(state, body).size  # its answer was lost


def test_asyncio_does_the_same() -> None:
    async def work() -> None:
        async with AsyncStorage(Storage(MemoryProvider(), encryption=KEYS)) as storage:
            await storage.put("a", b"plan")
            assert b"an" == await storage.get_bytes("a", ByteRange(start=2))
            assert [4] == [info.size async for info in storage.list()]

    asyncio.run(work())
