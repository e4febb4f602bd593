"""Keys in the alphabet of Supabase: every key can be spelt, every spelling means one key."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kazinex_storage.errors import InvalidKeyError
from kazinex_storage.keys import ObjectKey, Prefix
from kazinex_storage.providers.s3.names import codec_of, decode, encode, encode_prefix
from kazinex_storage.providers.s3.target import R2, S3, SUPABASE, Credentials, Preset, Target

# supabase/storage, src/storage/limits.ts (read 2026-08).
ALPHABET = re.compile(r"[A-Za-z0-9_/!.*'() &$@=;:+,?-]*")
TEXT = st.text(st.characters(blacklist_categories=("Cc", "Cs"), blacklist_characters="\\"), min_size=1, max_size=40)


def key_of(text: str) -> ObjectKey:
    try:
        return ObjectKey(text)
    except InvalidKeyError:
        assume(False)
        raise


@given(text=TEXT)
def test_any_key_comes_back_from_its_encoded_form(text: str) -> None:
    key = key_of(text)

    name = encode(key)

    assert key == decode(name)
    assert ALPHABET.fullmatch(name)
    assert key.count("/") == name.count("/")


@given(one=TEXT, other=TEXT)
def test_two_keys_never_share_an_encoded_form(one: str, other: str) -> None:
    first, second = key_of(one), key_of(other)

    assert (first == second) == (encode(first) == encode(second))


@given(text=TEXT, length=st.integers(0, 40), other=TEXT)
def test_an_encoded_prefix_selects_exactly_the_keys_that_begin_with_it(text: str, length: int, other: str) -> None:
    key = key_of(text)
    for start in (key[:length], other):
        try:
            prefix = Prefix(start)
        except InvalidKeyError:
            continue

        assert key.startswith(prefix) == encode(key).startswith(encode_prefix(prefix))


@given(name=st.text(st.sampled_from("ab=0123456789ABCDEFabcdef/ .+%"), min_size=1, max_size=20))
def test_a_name_that_another_program_chose_is_no_key_unless_it_is_the_encoded_form_of_one(name: str) -> None:
    key = decode(name)

    assert key is None or name == encode(ObjectKey(key))


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("plans/a.pdf", "plans/a.pdf"),
        ("Grundriß 100%.pdf", "Grundri=C3=9F 100=25.pdf"),
        ("a=b", "a=3Db"),
        ("図面#1", "=E5=9B=B3=E9=9D=A2=231"),
    ],
)
def test_what_the_service_holds_stays_readable(key: str, name: str) -> None:
    assert name == encode(key)


def test_an_encoded_key_that_is_too_long_is_refused_before_any_request() -> None:
    with pytest.raises(InvalidKeyError, match="1024"):
        encode(ObjectKey("図" * 300))


def test_the_name_of_a_folder_marker_is_refused() -> None:
    with pytest.raises(InvalidKeyError, match="marker"):
        encode(ObjectKey("a/.emptyFolderPlaceholder"))


@given(
    names=st.lists(st.text(st.sampled_from("ab./=\\ éé\n"), max_size=12) | st.just("a" * 1025) | st.just("a" * 1024)),
    preset=st.sampled_from([S3, R2, SUPABASE]),
    prefix=st.sampled_from(["", "a/"]),
)
def test_the_keys_of_a_page_are_those_of_its_names(names: list[str], preset: Preset, prefix: str) -> None:
    codec = codec_of(
        Target(
            kind="s3",
            preset=preset,
            endpoint_url="http://127.0.0.1:1",
            bucket="b",
            region="us-east-1",
            credentials=Credentials(access_key_id="key-id", secret_access_key="no-secret"),  # noqa: S106
            prefix=prefix,
            max_object_bytes=1,
        )
    )

    assert [codec.key_of(name) for name in names] == codec.keys_of(names)
