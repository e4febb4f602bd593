"""Writes of one key to R2 keep their distance by themselves, across the storages and threads of a process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial

import pytest

from kazinex_storage import Storage
from kazinex_storage.providers.s3.pacing import Paces
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.providers.s3.target import R2, Credentials, Target
from kazinex_storage.testing.emulators.cloudflare import R2Front, r2_front
from kazinex_storage.testing.servers import S3Server
from kazinex_storage.transport import Observation, Transport


@pytest.fixture
def front(ministack_server: S3Server) -> Iterator[R2Front]:
    with r2_front(ministack_server) as front:
        front.rules.one_write_per_second = True
        yield front


def test_writes_of_one_key_never_meet_the_limit_of_the_service(front: R2Front) -> None:
    bucket = front.make_bucket()
    token = front.token([bucket])
    target = Target(
        kind="r2",
        preset=R2,
        endpoint_url=front.endpoint_url,
        bucket=bucket,
        region="auto",
        credentials=Credentials(access_key_id=token.access_key_id, secret_access_key=token.secret_access_key),
        max_object_bytes=R2.max_object_bytes,
    )
    seen: list[Observation] = []
    storages = [Storage(S3Provider(target), transport=Transport(observe=seen.append)) for _ in range(2)]

    threads = [threading.Thread(target=partial(storage.put, "a", b"1")) for storage in storages]
    for thread in threads:
        thread.start()
    for number in range(20):
        storages[0].put(f"other/{number}", b"1")
    for thread in threads:
        thread.join()
    storages[1].copy("other/0", "a")

    assert {200} == {one.status for one in seen}
    assert b"1" == storages[0].get_bytes("a")


def test_a_key_waits_for_its_own_last_write_only() -> None:
    now = [100.0]
    paces = Paces(lambda: now[0])

    assert 0 == paces.take("bucket", "a", 1.0)
    assert pytest.approx(1.05) == paces.take("bucket", "a", 1.0)
    assert pytest.approx(2.10) == paces.take("bucket", "a", 1.0)
    assert 0 == paces.take("bucket", "b", 1.0) == paces.take("other", "a", 1.0)
    now[0] += 10
    assert 0 == paces.take("bucket", "a", 1.0)
    now[0] += 3  # it took long
    paces.wrote("bucket", "a", 1.0)
    assert pytest.approx(1.05) == paces.take("bucket", "a", 1.0)


def test_keys_that_may_be_written_again_are_forgotten() -> None:
    now = [100.0]
    paces = Paces(lambda: now[0])
    for number in range(10_000):
        now[0] += 0.001
        paces.take("bucket", str(number), 0.1)

    assert len(paces._free_at) <= 4097
