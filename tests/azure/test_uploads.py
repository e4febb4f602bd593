"""Uploads in parts on Azurite: killed, resumed by another process, found by the witness, given up."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TypeVar, cast

import pytest
from azure.storage.blob import BlobBlock, ContainerClient
from hypothesis import example, given
from hypothesis import strategies as st

from kazinex_storage import (
    AlreadyExistsError,
    NotFoundError,
    NotSupportedError,
    PutMode,
    PutOptions,
    Storage,
    UploadState,
    sweep,
)
from kazinex_storage.providers.azure_blob.blocks import Block, new_write_token, read_block_id
from kazinex_storage.providers.azure_blob.provider import AzureBlobProvider
from kazinex_storage.providers.azure_blob.target import AccountKey, Target
from kazinex_storage.testing.bench import pattern, sha256
from kazinex_storage.testing.intercept import InterceptedProvider, Through
from kazinex_storage.transport import Exchange, Observation, Transport
from kazinex_storage.types import MIB, PartInfo

T = TypeVar("T")

PART = 8 * MIB
CREATE = PutOptions(mode=PutMode.CREATE, content_type="application/pdf", metadata={"author": "A. Müller"})

# Begins an upload, says its state and every block that arrived, and waits to be killed after two of them.
DOOMED = """
import json, sys
from pathlib import Path
from kazinex_storage import PutMode, PutOptions, Storage
from kazinex_storage.providers.azure_blob.provider import AzureBlobProvider
from kazinex_storage.providers.azure_blob.target import AccountKey, Target
from kazinex_storage.transport import Transport

order = json.loads(sys.stdin.readline())
sent = 0

def watch(seen):
    global sent
    if seen.method == "PUT" and seen.status == 201 and sent is not None:
        sent += 1
        print("sent", flush=True)
        if sent == 3:
            sys.stdin.read()

target = Target(credential=AccountKey(key=order.pop("key")), **order.pop("target"))
storage = Storage(AzureBlobProvider(target), transport=Transport(observe=watch))
options = PutOptions(mode=PutMode.CREATE, content_type="application/pdf", metadata={"author": "A. M\\u00fcller"})
body = Path(order["body"])
state = storage.begin_upload("folder/large.pdf", body.stat().st_size, options, sha256=order["sha256"])
print(state.to_json(), flush=True)
storage.resume_upload(state, body)
"""


@pytest.fixture
def body(tmp_path: Path) -> Path:
    """Five parts and a bit."""
    path = tmp_path / "body"
    path.write_bytes(pattern(5 * PART + 12_345))
    return path


@pytest.fixture
def seen() -> list[Observation]:
    return []


class Held:
    """Keeps the parts that a resumed upload found at the service."""

    def __init__(self) -> None:
        self.parts: Sequence[PartInfo] = []

    def through(self, operation: str, key: str | None, real: Through[T]) -> Exchange[T]:
        del key
        found = yield from real.start(lambda sink: sink)
        if operation == "list_parts":
            self.parts = cast("Sequence[PartInfo]", found)
        return found


@pytest.fixture
def held() -> Held:
    return Held()


@pytest.fixture
def watched(target: Target, seen: list[Observation], held: Held) -> Iterator[Storage]:
    with closing(Transport(observe=seen.append)) as transport:
        yield Storage(InterceptedProvider(AzureBlobProvider(target), held), transport=transport)


def killed_midway(target: Target, body: Path) -> str:
    """Run a process that is killed when two blocks have arrived; return the state that it wrote down."""
    assert isinstance(target.credential, AccountKey)
    place = {name: getattr(target, name) for name in ("account", "container", "endpoint_url", "prefix")}
    order = {
        "body": str(body),
        "sha256": sha256(body.read_bytes()),
        "key": target.credential.key,
        "target": place,
    }
    with subprocess.Popen([sys.executable, "-c", DOOMED], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(order).encode() + b"\n")
        process.stdin.flush()
        lines = [process.stdout.readline() for _ in range(4)]
        process.kill()
    assert 3 == lines.count(b"sent\n")
    return next(line for line in lines if line.startswith(b"{")).decode()


def test_an_upload_whose_process_was_killed_is_finished_by_another(
    target: Target, witness: ContainerClient, watched: Storage, seen: list[Observation], held: Held, body: Path
) -> None:
    state = UploadState.from_json(killed_midway(target, body))
    blob = witness.get_blob_client("folder/large.pdf")
    before = [block for block in blob.get_block_list("uncommitted")[1] if block.size > 1]

    info = watched.resume_upload(state, body)

    # What was on its way when the process was killed may arrive after the witness has looked, before the resume looks.
    assert 2 <= len(before) < 6
    assert len(before) <= len(held.parts)
    assert 6 - len(held.parts) + 1 == sum(observation.method == "PUT" for observation in seen)
    assert ("folder/large.pdf", sha256(body.read_bytes())) == (info.key, info.sha256)
    assert body.read_bytes() == blob.download_blob().readall()
    assert "application/pdf" == blob.get_blob_properties().content_settings.content_type
    assert {"author": "A. Müller"} == watched.head("folder/large.pdf").metadata


def test_the_witness_sees_what_is_begun_and_none_of_it_is_an_object(storage: Storage, witness: ContainerClient) -> None:
    state = storage.begin_upload("a", 5)

    assert [1] == [block.size for block in witness.get_blob_client("a").get_block_list("uncommitted")[1]]
    assert [] == list(storage.list())
    assert [state.upload_id] == [upload.upload_id for upload in storage.pending_uploads()]


def test_a_sweep_gives_up_what_is_old(storage: Storage) -> None:
    state = storage.begin_upload("a", 5)

    assert 0 == sweep(storage, older_than=timedelta(hours=1), dry_run=False).removed
    assert 1 == sweep(storage, older_than=timedelta(0), dry_run=False).removed
    assert [] == storage.pending_uploads()
    with pytest.raises(NotFoundError):
        storage.resume_upload(state, b"12345")


def test_another_write_to_the_key_ends_an_upload_and_is_kept(storage: Storage, witness: ContainerClient) -> None:
    """Azurite drops blocks when others are listed; the service does so as well when a blob is put whole."""
    replaced, created = storage.begin_upload("a", 5), storage.begin_upload("b", 5, CREATE)
    for key in "ab":
        blob = witness.get_blob_client(key)
        blob.stage_block("x" * 30, b"theirs")
        blob.commit_block_list([BlobBlock("x" * 30)])

    with pytest.raises(NotFoundError, match="ended by another write"):
        storage.resume_upload(replaced, b"12345")
    with pytest.raises(AlreadyExistsError):
        storage.resume_upload(created, b"12345")

    assert b"theirs" == storage.get_bytes("a") == storage.get_bytes("b")


def test_blocks_of_another_tool_are_not_taken_for_an_upload(storage: Storage, witness: ContainerClient) -> None:
    witness.get_blob_client("a").stage_block("x" * 30, b"12345")

    assert [] == storage.pending_uploads()


def test_tickets_for_parts_are_refused_with_the_reason(storage: Storage) -> None:
    state = storage.begin_upload("a", 5)

    with pytest.raises(NotSupportedError, match="whole object"):
        storage.presign_upload(state, timedelta(hours=1))


@given(
    number=st.integers(0, 0xFFFF_FFFF),
    digest=st.binary(min_size=16, max_size=16) | st.binary(min_size=4, max_size=4),
)
def test_the_id_of_a_block_says_what_it_is(number: int, digest: bytes) -> None:
    block = Block(new_write_token(), number, digest)

    assert block == read_block_id(block.id)
    assert 40 == len(block.id)


LIKE_OURS = st.builds(
    lambda magic, rest: base64.b64encode(magic + rest).decode(),
    st.sampled_from([b"kz", b"kc", b""]),
    st.binary(min_size=26, max_size=30),
)


@given(st.text() | LIKE_OURS)
@example(base64.b64encode(b"kc" + bytes(27) + b"1").decode())
def test_only_ids_of_ours_are_read_as_ours(text: str) -> None:
    found = read_block_id(text)

    assert found is None or found.id == text
