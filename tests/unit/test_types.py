"""The frozen values: spans behave like slices, signed URLs stay out of logs."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazinex_storage.capabilities import Capability
from kazinex_storage.types import WHOLE, ByteRange, Checksum, ObjectInfo, PresignedUrl, ProviderInfo


@given(size=st.integers(0, 50), start=st.integers(0, 60), end=st.none() | st.integers(0, 60))
def test_a_span_resolves_to_the_bytes_of_the_python_slice(size: int, start: int, end: int | None) -> None:
    first, last = ByteRange(start=start, end=end).resolve(size)

    assert list(range(size))[start:end] == list(range(first, last))
    assert 0 <= first <= last <= size


@given(size=st.integers(0, 50), start=st.integers(-60, -1))
def test_a_negative_start_counts_from_the_end(size: int, start: int) -> None:
    first, last = ByteRange(start=start).resolve(size)

    assert list(range(size))[start:] == list(range(first, last))
    assert 0 <= first <= last == size


@pytest.mark.parametrize(("start", "end"), [(-1, 0), (-5, 5), (0, -1), (3, -3), (-2, -1)])
def test_a_span_that_no_object_can_satisfy_is_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="counts from the end"):
        ByteRange(start=start, end=end)


def test_the_whole_is_every_byte() -> None:
    assert (0, 7) == WHOLE.resolve(7)
    assert (0, 0) == WHOLE.resolve(0)


def test_a_presigned_url_does_not_show_its_signature() -> None:
    url = PresignedUrl(
        method="PUT",
        url="https://x.invalid/k?sig=not-a-real-signature",
        headers={"authorization": "not-a-real-token"},
        expires_at=datetime(2026, 1, 1, tzinfo=UTC),
    )

    assert "not-a-real" not in repr(url)
    assert "not-a-real" not in str(url)


def test_only_a_sha256_is_returned_as_one() -> None:
    md5 = ObjectInfo(key="k", size=1, checksum=Checksum(algorithm="md5", value="0" * 32))
    sha = ObjectInfo(key="k", size=1, checksum=Checksum(algorithm="sha256", value="0" * 64))

    assert [None, None, "0" * 64] == [ObjectInfo(key="k", size=1).sha256, md5.sha256, sha.sha256]


def test_an_object_info_survives_pickling() -> None:
    info = ObjectInfo(key="k", size=1, metadata={"a": "b"}, checksum=Checksum(algorithm="md5", value="00"))

    assert info == pickle.loads(pickle.dumps(info))  # noqa: S301  # made on this line


def test_a_provider_can_what_it_declares_and_nothing_else() -> None:
    info = ProviderInfo(kind="local", location="/x", capabilities=frozenset({Capability.METADATA}), max_object_bytes=1)

    assert [Capability.METADATA] == [capability for capability in Capability if info.can(capability)]
