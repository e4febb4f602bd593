"""Uploads in parts on real servers: killed, resumed by another process, found by others, swept."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kazinex_storage import (
    NotFoundError,
    NotSupportedError,
    ObjectKey,
    PutMode,
    PutOptions,
    Storage,
    UploadState,
    sweep,
)
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.providers.s3.target import SUPABASE, Target
from kazinex_storage.testing.bench import pattern, sha256
from kazinex_storage.testing.uploading import sealed
from kazinex_storage.transport import Observation, Transport
from kazinex_storage.types import MIB, PartInfo

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PART = 8 * MIB
CREATE = PutOptions(mode=PutMode.CREATE, content_type="application/pdf", metadata={"author": "A. Müller"})

# Begins an upload, says its state and every part that arrived, and waits to be killed after two of them.
DOOMED = """
import json, sys
from pathlib import Path
from kazinex_storage import PutMode, PutOptions, Storage
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.providers.s3.target import S3, Credentials, Target
from kazinex_storage.transport import Transport

order = json.loads(sys.stdin.readline())
sent = 0

def watch(seen):
    global sent
    if seen.method == "PUT" and seen.status == 200:
        sent += 1
        print("sent", flush=True)
        if sent == 2:
            sys.stdin.read()

target = Target(preset=S3, credentials=Credentials(**order.pop("credentials")), **order.pop("target"))
storage = Storage(S3Provider(target), transport=Transport(observe=watch))
options = PutOptions(mode=PutMode.CREATE, content_type="application/pdf", metadata={"author": "A. M\\u00fcller"})
body = Path(order["body"])
state = storage.begin_upload("folder/large.pdf", body.stat().st_size, options, sha256=order["sha256"])
print(state.to_json(), flush=True)
storage.resume_upload(state, body)
"""


@dataclass
class Watched:
    """A storage, and which requests it sent."""

    storage: Storage
    seen: list[Observation] = field(default_factory=list)

    def count(self, method: str) -> int:
        return sum(1 for seen in self.seen if seen.method == method)


@pytest.fixture
def watch(target: Target) -> Iterator[Callable[..., Watched]]:
    """Make storages on the folder of this test whose requests are counted."""
    opened: list[Watched] = []

    def make(over: Target = target) -> Watched:
        seen: list[Observation] = []
        opened.append(Watched(Storage(S3Provider(over), transport=Transport(observe=seen.append)), seen))
        return opened[-1]

    yield make
    for watched in opened:
        watched.storage.close()
        watched.storage.transport.close()


@pytest.fixture
def body(tmp_path: Path) -> Path:
    """Five parts and a bit."""
    path = tmp_path / "body"
    path.write_bytes(pattern(5 * PART + 12_345))
    return path


def killed_midway(target: Target, body: Path) -> str:
    """Run a process that is killed when two parts have arrived; return the state that it wrote down."""
    credentials: Any = target.credentials
    order = {
        "body": str(body),
        "sha256": sha256(body.read_bytes()),
        "credentials": {
            "access_key_id": credentials.access_key_id,
            "secret_access_key": credentials.secret_access_key,
        },
        "target": {
            name: getattr(target, name)
            for name in ("kind", "endpoint_url", "bucket", "region", "prefix", "max_object_bytes")
        },
    }
    with subprocess.Popen([sys.executable, "-c", DOOMED], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(order).encode() + b"\n")
        process.stdin.flush()
        state = process.stdout.readline().decode()
        assert b"sent\nsent\n" == process.stdout.readline() + process.stdout.readline()
        process.kill()
    return state


def held(witness: S3Client, target: Target, state: UploadState) -> int:
    """Return how many parts the service holds, by boto3."""
    name = target.prefix + state.scope + state.key
    return len(witness.list_parts(Bucket=target.bucket, Key=name, UploadId=state.upload_id).get("Parts", []))


def test_an_upload_whose_process_was_killed_is_finished_by_another(
    target: Target, witness: S3Client, watch: Callable[..., Watched], body: Path
) -> None:
    state = UploadState.from_json(killed_midway(target, body))
    before, watched = held(witness, target, state), watch()

    info = watched.storage.resume_upload(state, body)

    # What was on its way when the process died may have arrived after it was counted.
    assert 2 <= before < 6
    assert 0 < watched.count("PUT") <= 6 - before
    assert ("folder/large.pdf", sha256(body.read_bytes())) == (info.key, info.sha256)
    found = witness.get_object(Bucket=target.bucket, Key=f"{target.prefix}folder/large.pdf")
    assert body.read_bytes() == found["Body"].read()
    assert "application/pdf" == found["ContentType"]
    assert {"author": "A. Müller"} == watched.storage.head("folder/large.pdf").metadata
    assert [] == watched.storage.pending_uploads()


def test_an_upload_whose_process_was_killed_is_found_and_aborted(
    target: Target, witness: S3Client, storage: Storage, body: Path
) -> None:
    state = UploadState.from_json(killed_midway(target, body))

    report = sweep(storage, older_than=timedelta(0), dry_run=False)

    assert [("folder/large.pdf", state.upload_id)] == [(upload.key, upload.upload_id) for upload in report.uploads]
    assert 1 == report.removed
    assert not witness.list_multipart_uploads(Bucket=target.bucket, Prefix=target.prefix).get("Uploads")
    assert [] == list(storage.list())
    with pytest.raises(NotFoundError):
        storage.resume_upload(state, body)


def test_an_upload_that_was_completed_unseen_is_recognised(watch: Callable[..., Watched], body: Path) -> None:
    """The process died between the end of the upload and telling anybody: create-only must not be in its own way."""
    state = watch().storage.begin_upload("a", body.stat().st_size, CREATE)
    first = watch().storage.resume_upload(state, body)
    watched = watch()

    again = watched.storage.resume_upload(UploadState.from_json(state.to_json()), body)

    assert (first.etag, first.size) == (again.etag, again.size)
    assert 0 == watched.count("PUT")


def test_where_the_service_keeps_no_checksums_parts_are_compared_by_their_etags(
    target: Target, watch: Callable[..., Watched], body: Path
) -> None:
    watched = watch(replace(target, preset=SUPABASE))
    data = body.read_bytes()
    state = watched.storage.begin_upload("a", len(data))
    parts, inner = S3Provider(replace(target, preset=SUPABASE)), replace(state, key=state.scope + state.key)
    for number, part in ((1, data[:PART]), (2, bytes(PART))):  # the second is another body's
        Transport().run(parts.put_part(inner, number, part))

    watched.storage.resume_upload(state, body)

    assert 5 == watched.count("PUT")
    assert sha256(data) == sha256(watched.storage.get_bytes("a"))


def test_a_service_without_conditions_begins_no_create_only_upload(target: Target) -> None:
    with Storage(S3Provider(replace(target, preset=SUPABASE))) as storage:
        provider = storage.operations.context.exchanges
        with pytest.raises(NotSupportedError, match="without conditions"):
            storage.transport.run(provider.begin_upload(ObjectKey("a"), 5, PutOptions(mode=PutMode.CREATE), None))

        assert [] == storage.pending_uploads()


def test_uploads_of_others_are_seen_and_swept_below_the_prefix_only(
    target: Target, witness: S3Client, storage: Storage
) -> None:
    names = [f"{target.prefix}theirs ü+%20", f"{target.prefix[:-1]}-beside", f"{secrets.token_hex(4)}/elsewhere"]
    ids = [witness.create_multipart_upload(Bucket=target.bucket, Key=name)["UploadId"] for name in names]

    dry = sweep(storage, older_than=timedelta(0))
    young = sweep(storage, older_than=timedelta(hours=1), dry_run=False)
    report = sweep(storage, older_than=timedelta(0), dry_run=False)

    assert ["theirs ü+%20"] == [upload.key for upload in dry.uploads]
    assert (0, 1) == (young.removed, young.younger)
    assert 1 == report.removed
    left = witness.list_multipart_uploads(Bucket=target.bucket).get("Uploads", [])
    assert set(ids[1:]) <= {upload["UploadId"] for upload in left}
    assert ids[0] not in {upload["UploadId"] for upload in left}
    for name, upload_id in zip(names[1:], ids[1:], strict=True):
        witness.abort_multipart_upload(Bucket=target.bucket, Key=name, UploadId=upload_id)


def test_more_parts_than_one_page_are_listed(target: Target, storage: Storage) -> None:
    provider, count = S3Provider(target), 1_005
    # The service asks for parts of 5 MiB only when the upload ends.
    state = replace(storage.begin_upload("a", count), part_bytes=1)
    puts = (provider.put_part(state, number, b"1") for number in range(1, count + 1))
    for _, outcome in storage.transport.run_many(puts, 16):
        outcome.result()

    found: list[PartInfo] = list(storage.transport.run(provider.list_parts(state)))

    assert list(range(1, count + 1)) == [part.number for part in found]
    storage.abort_upload(sealed(storage, state))
    provider.close()


def test_more_uploads_than_one_page_are_listed_and_swept(target: Target, storage: Storage) -> None:
    provider, count = S3Provider(target), 1_005
    begins = (provider.begin_upload(ObjectKey(f"folder/{number:04}"), 5, PutOptions(), None) for number in range(count))
    for _, outcome in storage.transport.run_many(begins, 16):
        outcome.result()

    found = storage.pending_uploads("folder/")
    report = sweep(storage, older_than=timedelta(0), dry_run=False)

    assert [f"folder/{number:04}" for number in range(count)] == sorted(upload.key for upload in found)
    assert (count, ()) == (report.removed, report.failures)
    assert [] == storage.pending_uploads()
    provider.close()
