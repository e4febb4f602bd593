"""The age format: what we write its other implementations open, what they write we open, and no damage goes unseen."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pyrage
import pytest

from kazinex_storage.encryption.age import Age, generate_identity, listed_size, recipient_of, stored_size
from kazinex_storage.encryption.bech32 import encode
from kazinex_storage.encryption.chunks import SEALED_BYTES
from kazinex_storage.encryption.header import PREFIX_BYTES
from kazinex_storage.errors import IntegrityError, SealError, SettingsError
from kazinex_storage.providers.memory import MemoryProvider, StoredObject
from kazinex_storage.storage.sync import Storage
from kazinex_storage.testing.bench import naming
from kazinex_storage.types import ByteRange

IDENTITY, OTHER = (encode("age-secret-key-", bytes([digit] * 32)).upper() for digit in (1, 2))  # fake
SIZES = (0, 1, 65_535, 65_536, 65_537, 131_072, 200_000, 3 * 1024 * 1024 + 5)
CHUNKS = (PREFIX_BYTES, PREFIX_BYTES + SEALED_BYTES, PREFIX_BYTES + 2 * SEALED_BYTES)


def rage(identity: str = IDENTITY) -> pyrage.x25519.Identity:
    return pyrage.x25519.Identity.from_str(identity)


class Place:
    """An encrypted storage, and what lies beneath."""

    def __init__(self, keys: Age) -> None:
        self.provider = MemoryProvider()
        self.storage = Storage(self.provider, encryption=keys)
        self.objects = self.provider.shelf.objects

    def held(self, key: str) -> bytes:
        return self.objects[key].data

    def hold(self, key: str, data: bytes) -> None:
        info = Storage(self.provider).put(key, data)
        self.objects[key] = StoredObject(data, info)


@pytest.fixture
def place() -> Place:
    return Place(Age(identities=[IDENTITY]))


def test_keys_are_those_of_the_format() -> None:
    theirs, ours = pyrage.x25519.Identity.generate(), generate_identity()

    assert str(rage(ours).to_public()) == recipient_of(ours)
    assert str(rage().to_public()) == recipient_of(IDENTITY)
    assert str(theirs.to_public()) == recipient_of(str(theirs))


@pytest.mark.parametrize("text", ["age1", "AGE-SECRET-KEY-1QQQQ", recipient_of(OTHER), OTHER[:-1] + "Q", ""])
def test_an_identity_that_is_none_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Age(identities=[text])

    assert not text or text not in str(caught.value)


def test_nothing_shows_an_identity() -> None:
    assert IDENTITY not in repr(Age(identities=[IDENTITY]))


@pytest.mark.parametrize("size", SIZES)
def test_the_tool_opens_what_was_put_and_sizes_are_of_the_plain_text(place: Place, size: int) -> None:
    body = os.urandom(size)

    place.storage.put("a", body)

    held = place.held("a")
    assert body == pyrage.decrypt(held, [rage()])
    assert stored_size(size) == len(held)
    assert size == listed_size(len(held)) == next(place.storage.list()).size


@pytest.mark.parametrize("size", SIZES)
def test_what_the_tool_wrote_is_read(place: Place, size: int) -> None:
    body = os.urandom(size)
    place.hold("a", pyrage.encrypt(body, [rage().to_public(), rage(OTHER).to_public()]))

    assert body == place.storage.get_bytes("a")
    assert body[5:70_000] == place.storage.get_bytes("a", ByteRange(start=5, end=70_000))
    assert size == place.storage.head("a").size


def test_a_file_of_many_recipients_is_read_in_part(place: Place) -> None:
    others = [pyrage.x25519.Identity.generate().to_public() for _ in range(30)]
    place.hold("a", pyrage.encrypt(b"x" * 70_000, [*others, rage().to_public()]))

    assert b"xx" == place.storage.get_bytes("a", ByteRange(start=65_535, end=65_537))


def test_each_recipient_reads_alone_and_a_change_of_recipients_leaves_sizes_alone() -> None:
    place = Place(Age(recipients=[recipient_of(IDENTITY), recipient_of(OTHER)]))

    place.storage.put("a", b"plan")

    for identity in (IDENTITY, OTHER):
        assert b"plan" == pyrage.decrypt(place.held("a"), [rage(identity)])
    assert 4 == listed_size(len(place.held("a")))


def test_a_storage_without_an_identity_writes_and_says_why_it_does_not_read() -> None:
    place = Place(Age(recipients=[recipient_of(OTHER)]))

    info = place.storage.put("a", b"plan")

    assert 4 == info.size == place.storage.head("a").size
    with pytest.raises(SealError, match="no identity to open it"):
        place.storage.get_bytes("a")


def test_a_wrong_identity_is_told_and_nothing_of_it_arrives(place: Place, tmp_path: Path) -> None:
    place.storage.put("a", b"plan" * 50_000)
    wrong = Storage(place.provider, encryption=Age(identities=[OTHER]))

    for read in (wrong.get_bytes, lambda key: wrong.get_bytes(key, ByteRange(start=70_000, end=70_001))):
        with pytest.raises(SealError, match="none of the identities at hand opens it"):
            read("a")
    with pytest.raises(SealError):
        wrong.download("a", tmp_path / "a")
    assert [] == list(tmp_path.iterdir())


def test_an_object_that_is_not_encrypted_is_never_read_as_one_that_is(place: Place) -> None:
    place.hold("a", b"plain")

    with pytest.raises(SealError, match="not one that was encrypted here"):
        place.storage.get_bytes("a")


def damages(held: bytes) -> dict[str, bytes]:
    first, second, third = CHUNKS
    flipped = {f"a bit at {at}": held[:at] + bytes([held[at] ^ 1]) + held[at + 1 :] for at in (60, 1015, first, -1)}
    return {
        **flipped,
        "cut in a chunk": held[: second + 5],
        "cut between chunks": held[:second],
        "cut in the header": held[:300],
        "only the header": held[:first],
        "chunks in another order": held[:first] + held[second:third] + held[first:second] + held[third:],
        "a chunk twice": held[:third] + held[second:],
        "a byte appended": held + b"\0",
        "a chunk appended": held + held[first:second],
    }


def test_no_damage_goes_unseen_whole_or_in_part(place: Place, tmp_path: Path) -> None:
    body = os.urandom(2 * 65_536 + 100)
    place.storage.put("a", body)
    good = place.held("a")

    for what, bad in damages(good).items():
        place.hold("a", bad)
        whole: dict[str, Callable[[], object]] = {
            "bytes": lambda: place.storage.get_bytes("a"),
            "file": lambda: place.storage.download("a", tmp_path / "a"),
            "stream": lambda: list(place.storage.stream("a")),
        }
        for how, read in whole.items():
            with naming((what, how)), pytest.raises((IntegrityError, SealError)):
                read()
        for span in (ByteRange(start=-10), ByteRange(start=len(body) - 1, end=2**30), ByteRange(start=9, end=70_000)):
            with naming((what, span)), suppress(IntegrityError, SealError):
                start, end = span.resolve(len(body))
                assert body[start:end] == place.storage.get_bytes("a", span)
    assert [] == list(tmp_path.iterdir())


def test_what_changes_between_two_tries_is_not_sealed_under_one_key() -> None:
    from kazinex_storage.bodies.source import Source
    from kazinex_storage.encryption.sealing import sealed

    file = io.BytesIO(bytes(3 * 1024 * 1024))
    body = sealed(Source.of(file), Age(identities=[IDENTITY]))
    with body.open() as reader:
        first = reader.read(200_000)
    with body.open() as reader:
        assert first == reader.read(200_000)

    file.getbuffer()[10] = 1

    with pytest.raises(IntegrityError, match="changed while it was being read"), body.open() as reader:
        reader.read(200_000)


def test_a_body_is_sealed_the_same_from_any_offset() -> None:
    from kazinex_storage.bodies.source import Source
    from kazinex_storage.encryption.sealing import sealed

    body = sealed(Source.of(io.BytesIO(os.urandom(2 * 1024 * 1024))), Age(identities=[IDENTITY]))
    with body.open() as reader:
        whole = reader.read()

    for offset in (1, 1023, 1024, 1025, 1024 + SEALED_BYTES, 900_000, len(whole) - 1, len(whole)):
        with body.open(offset) as reader:
            assert whole[offset:] == reader.read()
