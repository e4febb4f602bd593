"""Names of blobs and of metadata can be undone, and lists find what begins alike."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazinex_storage.errors import InvalidKeyError
from kazinex_storage.keys import ObjectKey
from kazinex_storage.providers.azure_blob.names import (
    MAX_SEGMENTS,
    decode,
    decode_metadata_name,
    encode,
    encode_metadata_name,
    encode_prefix,
)

SEGMENTS = st.text(st.sampled_from(".=23DEa ü"), min_size=1, max_size=9).filter(lambda text: text not in (".", ".."))
KEYS = st.lists(SEGMENTS, min_size=1, max_size=3).map("/".join)


@given(key=KEYS)
def test_a_key_comes_back_and_no_segment_ends_with_a_dot(key: str) -> None:
    name = encode(key)

    assert key == decode(name)
    assert not any(segment.endswith(".") for segment in name.split("/"))


@given(key=KEYS, other=KEYS)
def test_two_keys_have_two_names(key: str, other: str) -> None:
    assert (key == other) == (encode(key) == encode(other))


@given(key=KEYS, length=st.integers(0, 30))
def test_a_listing_asks_for_what_every_key_of_the_prefix_begins_with(key: str, length: int) -> None:
    assert encode(key).startswith(encode_prefix(key[:length]))


@pytest.mark.parametrize("name", ["a.", "a./b", "a//b", "a/", "/a", "a\\b"])
def test_a_name_that_spells_no_key_is_none(name: str) -> None:
    assert decode(name) is None


def test_too_many_segments_are_refused() -> None:
    assert encode(ObjectKey("/".join("a" * MAX_SEGMENTS)))
    with pytest.raises(InvalidKeyError, match="254 segments"):
        encode("/".join("a" * (MAX_SEGMENTS + 1)))


@given(name=st.from_regex(r"[a-z0-9!#$%&'*+.^_`|~-]+", fullmatch=True))
def test_a_name_of_metadata_is_an_identifier_and_comes_back(name: str) -> None:
    written = encode_metadata_name(name)

    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", written)
    assert name == decode_metadata_name(written) == decode_metadata_name(written.upper())
