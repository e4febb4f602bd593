"""Objects of other tools that no key names are found, read and given a key; none leads out of the storage."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kazinex_storage import PutMode, Storage, Unkeyed, adopt_unkeyed, find_unkeyed, read_unkeyed
from kazinex_storage.errors import AlreadyExistsError, InvalidKeyError, NotSupportedError
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.providers.s3.provider import S3Provider
from kazinex_storage.providers.s3.target import Target

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NFC, NFD = "M\u00fcller.pdf", "Mu\u0308ller.pdf"


def poke(target: Target, witness: S3Client, *names: str) -> None:
    for name in names:
        witness.put_object(
            Bucket=target.bucket,
            Key=target.prefix + name,
            Body=name.encode(),
            ContentType="application/pdf",
            ContentLanguage="de",
            Metadata={"author": "somebody"},
        )


def read(storage: Storage, found: Unkeyed) -> bytes:
    taken = bytearray()
    info = read_unkeyed(storage, found, taken.extend)
    assert info.size == len(taken)
    return bytes(taken)


def test_what_no_key_names_is_found_and_read(storage: Storage, target: Target, witness: S3Client) -> None:
    poke(target, witness, "a", NFC, NFD, f"o/{NFD}", f"{NFD}/b")

    found = {one.key: one for one in find_unkeyed(storage)}

    assert {NFD, f"o/{NFD}", f"{NFD}/b"} == found.keys()
    assert {key: key.encode() for key in found} == {key: read(storage, one) for key, one in found.items()}
    assert [f"o/{NFD}"] == [one.key for one in find_unkeyed(storage, "o/")]


def test_one_that_is_adopted_is_an_object_like_any_other(storage: Storage, target: Target, witness: S3Client) -> None:
    poke(target, witness, NFC, NFD)
    (found,) = find_unkeyed(storage)

    with pytest.raises(AlreadyExistsError):
        adopt_unkeyed(storage, found, found.key)
    info = adopt_unkeyed(storage, found, "adopted.pdf")

    assert ("adopted.pdf", NFD.encode()) == (info.key, storage.get_bytes("adopted.pdf"))
    head = storage.head("adopted.pdf")
    assert ("application/pdf", "de", {"author": "somebody"}) == (
        head.content_type,
        head.content_language,
        dict(head.metadata),
    )
    adopt_unkeyed(storage, found, NFC, PutMode.REPLACE)
    assert NFD.encode() == storage.get_bytes(NFC)
    assert [found] == find_unkeyed(storage)


def test_a_storage_of_a_prefix_finds_and_reads_nothing_beyond_it(
    storage: Storage, target: Target, witness: S3Client
) -> None:
    poke(target, witness, f"mine/{NFD}", f"other/{NFD}", "other/a")
    mine = Storage(S3Provider(target), prefix="mine")
    other = {one.key: one for one in find_unkeyed(storage)}[f"other/{NFD}"]

    (found,) = find_unkeyed(mine)

    assert (NFD, f"mine/{NFD}".encode()) == (found.key, read(mine, found))
    for name in (other.name, f"{target.prefix}other/a", "x", f"{target.prefix}mine/../other/a", target.prefix):
        with pytest.raises(InvalidKeyError):
            read(mine, replace(found, name=name))
        with pytest.raises(InvalidKeyError):
            adopt_unkeyed(mine, replace(found, name=name), "stolen")
    assert not mine.exists("stolen")
    mine.close()


def test_where_every_name_is_a_key_there_is_nothing_to_be_found() -> None:
    with Storage(MemoryProvider()) as storage:
        storage.put("a", b"1")

        assert [] == find_unkeyed(storage)
        with pytest.raises(NotSupportedError):
            read_unkeyed(storage, Unkeyed(name="a", key="a"), bytearray().extend)
