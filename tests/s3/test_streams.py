"""Bodies of unknown length on S3: quotas are claimed as they grow, memory stays bounded, receipts have the sha256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import pytest

from kazinex_storage import QuotaExceededError, Storage
from kazinex_storage.keys import ObjectKey
from kazinex_storage.testing.bench import pattern
from kazinex_storage.transport import Exchange
from kazinex_storage.types import MIB


class Claims:
    """A quota of so many bytes, which writes down what is asked of it; a ``QuotaRule`` and its ``Claim``."""

    id = "claim"

    def __init__(self, most: int) -> None:
        self.most = most
        self.asked: list[object] = []

    def claim(self, key: ObjectKey, reservation: str = "") -> Claims:
        self.asked.append(("claim", key, reservation))
        return self

    def reserve(self, size: int, lifetime: timedelta) -> Exchange[None]:
        self.asked.append(("reserve", size, lifetime > timedelta(0)))
        if size > self.most:
            raise QuotaExceededError("there is no room")
        return
        yield

    def release(self) -> Exchange[None]:
        self.asked.append("release")
        return
        yield

    def keep(self, size: int, objects: int) -> Exchange[None]:
        self.asked.append(("keep", size, objects))
        return
        yield

    def uncounted(self, keys: Sequence[ObjectKey]) -> Exchange[list[ObjectKey]]:
        return list(keys)
        yield

    def forget(self, sizes: Mapping[ObjectKey, int]) -> Exchange[None]:
        self.asked.append(("forget", dict(sizes)))
        return
        yield


def rows(size: int) -> Iterator[bytes]:
    for number in range(size // MIB):
        yield pattern(MIB, number)


def test_room_is_claimed_as_a_stream_grows_and_used_up_by_what_came(seaweedfs_storage: Storage) -> None:
    claims = Claims(1024 * MIB)
    seaweedfs_storage.operations.context.rules.quota = claims

    seaweedfs_storage.put("a", rows(20 * MIB))

    assert [("reserve", 64 * MIB, True)] == [one for one in claims.asked if one[0] == "reserve"]  # type: ignore[index]
    assert ("keep", 20 * MIB, 1) == claims.asked[-1]


def test_a_stream_may_use_the_last_byte_of_a_quota(seaweedfs_storage: Storage) -> None:
    seaweedfs_storage.operations.context.rules.quota = claims = Claims(20 * MIB)

    seaweedfs_storage.put("a", rows(20 * MIB))

    assert ("keep", 20 * MIB, 1) == claims.asked[-1]


def test_a_stream_for_which_there_is_no_room_leaves_nothing_and_gives_its_claim_back(
    seaweedfs_storage: Storage,
) -> None:
    claims = Claims(19 * MIB)
    seaweedfs_storage.operations.context.rules.quota = claims

    with pytest.raises(QuotaExceededError):
        seaweedfs_storage.put("a", rows(20 * MIB))

    assert "release" == claims.asked[-1]
    assert [] == seaweedfs_storage.pending_uploads()
    assert not seaweedfs_storage.exists("a")


def test_the_sha256_is_computed_in_the_pass_where_it_is_asked_for(seaweedfs_storage: Storage) -> None:
    info = seaweedfs_storage.with_digest("sha256").put("a", rows(20 * MIB))

    digest = hashlib.sha256()
    for row in rows(20 * MIB):
        digest.update(row)
    assert digest.hexdigest() == info.sha256
    assert "crc32" == getattr(seaweedfs_storage.put("b", rows(9 * MIB)).checksum, "algorithm", None)
