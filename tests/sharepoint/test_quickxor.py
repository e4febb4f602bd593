"""quickXorHash: as its description says, as others compute it, however the bytes are cut."""

from __future__ import annotations

import hashlib
import importlib
import os
import subprocess
import sys
import sysconfig
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazinex_storage.bodies.quickxor import QuickXorHash
from kazinex_storage.types import Buffer

# From the tests of rclone (backend/onedrive/quickxorhash); the one of "hello world" from pypi.org/project/quickxorhash.
VECTORS = [
    ("", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    ("Sg==", "SgAAAAAAAAAAAAAAAQAAAAAAAAA="),
    ("0pZP", "0rDEEwAAAAAAAAAAAwAAAAAAAAA="),
    ("aGVsbG8gd29ybGQ=", "aCgDG9jwBhDc4Q1yawMZAAAAAAA="),
    ("gQaybEqS/4UlDc8e4IJm", "gDCALNigBEn8oxAlZ8AzPAAOQZg="),
    ("T6LYJIfDh81JrAK309H2JMJTXis=", "zBTHrspn3mEcohlJdIUAbjGNaNg="),
    ("DWAAX5/CIfrmErgZa8ot6ZraeSbu", "LR2Z0PjuRYGKQB/mhQAuMrAGZbQ="),
    (
        "ikwCorI7PKWz17EI50jZCGbV9JU2E8bXVfxNMg5zdmqSZ2NlsQPp0kqYIPjzwTg1MBtfWPg53k0h0P2naJNEVgrqpoHTfV2b3pJ4m0zYPTJmUX4B"
        "g/lOxcnCxAYKU29Y5F0U8Quz7ZXFBEweftXxJ7RS4r6N7BzJrPsLhY7hgck=",
        "imAoFvCWlDn4yVw3/oq1PDbbm6U=",
    ),
    (
        "PfxMcUd0vIW6VbHG/uj/Y0W6qEoKmyBD0nYebEKazKaKG+UaDqBEcmQjbfQeVnVLuodMoPp7P7TR1htX5n2VnkHh22xDyoJ8C/ZQKiSNqQfXvh83"
        "judf4RVr9exJCud8Uvgip6aVZTaPrJHVjQhMCp/dEnGvqg0oN5OVkM2qqAXvA0teKUDhgNM71sDBVBCGXxNOR2bpbD1iM4dnuT0ey4L+loXEHTL0"
        "fqMeUcEi2asgImnlNakwenDzz0x57aBwyq3AspCFGB1ncX4yYCr/OaCcS5OKi/00WH+wNQU3",
        "QX/YEpG0gDsmhEpCdWhsxDzsfVE=",
    ),
]
RCLONE = Path(sysconfig.get_path("scripts")) / "rclone"

# Around what the implementation may do at once: a ring of 160, integers of 20,480 bytes.
SIZES = [1, 19, 20, 21, 159, 160, 161, 320, 20_479, 20_480, 20_481, 20_640, 40_960, 61_439, 100_003]


def described(data: bytes) -> str:
    """Compute the hash byte by byte, bit by bit, as the pseudocode of Microsoft describes it."""
    ring = [0] * 160
    for index, byte in enumerate(data):
        for bit in range(8):
            ring[(11 * index + bit) % 160] ^= byte >> bit & 1
    octets = bytearray(sum(ring[8 * place + bit] << bit for bit in range(8)) for place in range(20))
    for place, octet in enumerate(len(data).to_bytes(8, "little"), start=12):
        octets[place] ^= octet
    return b64encode(octets).decode()


def some_bytes(size: int, seed: int = 0) -> bytes:
    return hashlib.shake_128(bytes([seed])).digest(size)


def hash_of(*pieces: Buffer) -> str:
    digest = QuickXorHash()
    for piece in pieces:
        digest.update(piece)
    return digest.base64()


@pytest.mark.parametrize(("data", "expected"), VECTORS, ids=[str(len(b64decode(data))) for data, _ in VECTORS])
def test_known_hashes_are_met(data: str, expected: str) -> None:
    assert expected == hash_of(b64decode(data))
    assert expected == described(b64decode(data))


@given(data=st.binary(max_size=600))
def test_any_bytes_have_the_hash_that_the_description_gives(data: bytes) -> None:
    assert described(data) == hash_of(data)


@pytest.mark.parametrize("size", SIZES)
def test_longer_bytes_have_the_hash_that_the_description_gives(size: int) -> None:
    data = some_bytes(size)

    assert described(data) == hash_of(data)


@given(size=st.integers(0, 70_000), cuts=st.lists(st.integers(0, 70_000), max_size=12), seed=st.integers(0, 99))
def test_it_does_not_matter_how_the_bytes_are_cut(size: int, cuts: list[int], seed: int) -> None:
    data = some_bytes(size, seed)
    ends = [*sorted(cuts), size]

    assert hash_of(data) == hash_of(*(data[start:end] for start, end in zip([0, *ends], ends, strict=False)))


def test_a_byte_at_a_time_gives_the_same_hash() -> None:
    data = some_bytes(1_000, 1)

    assert described(data) == hash_of(*(bytes([byte]) for byte in data))


@pytest.mark.parametrize(
    "wrap", [bytearray, memoryview, lambda data: memoryview(data).cast("I")], ids=["array", "view", "words"]
)
def test_every_kind_of_buffer_is_taken(wrap: Callable[[bytes], Buffer]) -> None:
    data = some_bytes(4_096, 2)

    assert hash_of(data) == hash_of(wrap(data))


def test_more_may_be_taken_after_a_look_at_the_hash() -> None:
    digest = QuickXorHash()
    digest.update(b"hello ")
    digest.digest()
    digest.base64()
    digest.update(b"world")

    assert "aCgDG9jwBhDc4Q1yawMZAAAAAAA=" == digest.base64()
    assert b64decode(digest.base64()) == digest.digest()
    assert 11 == digest.size


@pytest.mark.parametrize("size", [0, 1, 3 * 1024 * 1024 + 7])
def test_rclone_computes_the_same_hash_of_a_file(tmp_path: Path, size: int) -> None:
    file = tmp_path / "plan.dwg"
    file.write_bytes(some_bytes(size))

    command = [str(RCLONE), "--config", os.devnull, "hashsum", "quickxor", "--base64", str(file)]
    answer = subprocess.run(command, capture_output=True, check=True, text=True).stdout

    assert [hash_of(file.read_bytes()), "plan.dwg"] == answer.split()


LONG = [256 * 1024 - 1, 256 * 1024, 13 * 20_480, 1_000_003]


@pytest.mark.parametrize("size", LONG)
def test_numpy_computes_the_same_hash_where_the_program_uses_it(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    numpy, data = importlib.import_module("numpy"), some_bytes(size)
    blocks = []

    def counted(*arguments: object, **options: object) -> object:
        blocks.append(1)
        return numpy.frombuffer(*arguments, **options)

    monkeypatch.setitem(sys.modules, "numpy", SimpleNamespace(bitwise_xor=numpy.bitwise_xor, frombuffer=counted))
    by_numpy = hash_of(data[:7], data[7:], data)
    monkeypatch.setitem(sys.modules, "numpy", SimpleNamespace())  # being imported at this moment
    by_integers = hash_of(data[:7], data[7:], data)

    assert by_integers == by_numpy
    assert sum(len(part) >= 256 * 1024 for part in (data[7:], data)) == len(blocks)


def test_numpy_is_never_imported_for_it() -> None:
    program = (
        "import sys; from kazinex_storage.bodies.quickxor import QuickXorHash; QuickXorHash().update(bytes(1 << 20)); "
        "sys.exit('numpy' in sys.modules)"
    )

    assert 0 == subprocess.run([sys.executable, "-c", program], check=False).returncode
