"""smart_open, Arrow, and what reads by the names of obstore, over our storages."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator

import obstore
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
import smart_open
from obstore.store import MemoryStore

from kazinex_storage import InvalidUrlError, NotFoundError, NotSupportedError, Storage
from kazinex_storage.integrations import smart_open as ours
from kazinex_storage.integrations.obstore import StoreReader
from kazinex_storage.integrations.pyarrow import arrow_filesystem

from .conftest import Served

KEYS = ("a.txt", "plans/b.txt", "plans/sub/c.txt", "plans-old/d.txt")


@pytest.fixture
def storage() -> Iterator[Storage]:
    with Storage.from_url(f"kazinexmemory://readers-{secrets.token_hex(4)}") as opened:
        yield opened


def test_smart_open_reads_and_writes_our_urls(served: Served) -> None:
    ours.register()
    ours.register()
    url, options = served.url(f"{served.folder()}/plans.csv.gz"), dict(served.options)

    with smart_open.open(url, "w", encoding="utf-8", transport_params=options) as file:
        file.write("key\nGrundriß\n")

    with smart_open.open(url, encoding="utf-8", transport_params=options) as file:
        assert ["key\n", "Grundriß\n"] == list(file)
    with smart_open.open(url, "rb", compression="disable", transport_params=options) as raw:
        raw.seek(2)
        assert b"\x08" == raw.read(1)
    assert b"\x1f\x8b" == served.open().cat_file(url, 0, 2)


def test_what_smart_open_did_not_finish_is_not_there() -> None:
    ours.register()
    url = f"kazinexmemory://readers/{secrets.token_hex(4)}.txt"

    with pytest.raises(RuntimeError, match="interrupted"), smart_open.open(url, "w") as file:
        file.write("half")
        raise RuntimeError("interrupted")

    with pytest.raises(NotFoundError):
        smart_open.open(url)


def test_smart_open_is_told_what_it_cannot_have() -> None:
    ours.register()

    with pytest.raises(NotSupportedError, match="rb or wb"):
        smart_open.open("kazinexmemory://readers/a.txt", "ab")
    with pytest.raises(TypeError):
        smart_open.open("kazinexmemory://readers/a.txt", transport_params={"no_such_option": 1})
    with pytest.raises(InvalidUrlError, match="no scheme of ours"):
        ours.parse_uri("s3://plans/a.txt")
    assert {"scheme": "r2", "uri_path": "plans/a#b?c"} == ours.parse_uri("r2://plans/a#b?c")


def test_arrow_writes_and_scans_a_dataset(storage: Storage) -> None:
    table = pa.table({"day": [1, 1, 2], "value": [1.0, 2.0, 3.0]})
    system = arrow_filesystem(storage)

    ds.write_dataset(table, "tables/readings", format="parquet", partitioning=["day"], filesystem=system)
    found = ds.dataset("tables/readings", format="parquet", partitioning=["day"], filesystem=system)

    assert 3.0 == sum(found.to_table(filter=ds.field("day") == 1)["value"].to_pylist())
    assert {"tables/readings/1/part-0.parquet", "tables/readings/2/part-0.parquet"} == {e.key for e in storage.list()}
    assert ["value"] == pq.read_table("tables/readings/1/part-0.parquet", filesystem=system).column_names[:1]


def test_what_reads_by_the_names_of_obstore_reads_the_same(storage: Storage) -> None:
    theirs, reader, body = MemoryStore(), StoreReader(storage), bytes(range(256)) * 10
    for key in KEYS:
        obstore.put(theirs, key, body + key.encode())
        storage.put(key, body + key.encode())

    def paths(pages: Iterator[object]) -> list[str]:
        return sorted(meta["path"] for page in pages for meta in page)  # type: ignore[attr-defined]

    for prefix in (None, "plans", "plans/", "none"):
        assert paths(iter(theirs.list(prefix))) == paths(reader.list(prefix))
        expected, found = theirs.list_with_delimiter(prefix), reader.list_with_delimiter(prefix)
        assert sorted(expected["common_prefixes"]) == sorted(found["common_prefixes"])
        assert sorted(m["path"] for m in expected["objects"]) == sorted(m["path"] for m in found["objects"])
    assert [["a.txt", "plans-old/d.txt"], ["plans/b.txt", "plans/sub/c.txt"]] == [
        sorted(meta["path"] for meta in page) for page in reader.list(chunk_size=2)
    ]
    assert ["plans/sub/c.txt"] == paths(reader.list(offset="plans/b.txt"))
    assert set(theirs.head("a.txt")) == set(reader.head("a.txt"))
    assert theirs.head("a.txt")["size"] == reader.head("a.txt")["size"]
    whole = reader.get("a.txt")
    assert bytes(theirs.get("a.txt").bytes()) == whole.bytes() == b"".join(whole) == asyncio.run(whole.bytes_async())
    assert theirs.get("a.txt").range == whole.range
    assert bytes(theirs.get_range("a.txt", start=3, end=9)) == reader.get_range("a.txt", start=3, end=9)
    assert bytes(theirs.get_range("a.txt", start=3, length=9)) == reader.get_range("a.txt", start=3, length=9)
    expected_parts = [bytes(part) for part in theirs.get_ranges("a.txt", starts=[1, 200], ends=[5, 300])]
    assert expected_parts == reader.get_ranges("a.txt", starts=[1, 200], ends=[5, 300])
    assert expected_parts == reader.get_ranges("a.txt", starts=[1, 200], lengths=[4, 100])
    with pytest.raises(FileNotFoundError):
        reader.head("none")


def test_the_same_is_awaited(storage: Storage) -> None:
    storage.put("plans/a.txt", b"0123456789")
    reader = StoreReader(storage)

    async def main() -> list[object]:
        whole = await reader.get_async("plans/a.txt")
        return [
            (await reader.head_async("plans/a.txt"))["size"],
            await whole.bytes_async(),
            await reader.get_range_async("plans/a.txt", start=2, length=3),
            await reader.get_ranges_async("plans/a.txt", starts=[0, 8], ends=[2, 10]),
            [meta["path"] async for page in reader.list_async("plans") for meta in page],
        ]

    assert [10, b"0123456789", b"234", [b"01", b"89"], ["plans/a.txt"]] == asyncio.run(main())


def test_ranges_that_make_no_sense_are_refused(storage: Storage) -> None:
    reader = StoreReader(storage)

    with pytest.raises(ValueError, match="end or length"):
        reader.get_range("a.txt", start=1)
    with pytest.raises(ValueError, match="ends or lengths"):
        reader.get_ranges("a.txt", starts=[1], ends=[2], lengths=[1])
    with pytest.raises(ValueError, match=r"shorter|longer"):
        reader.get_ranges("a.txt", starts=[1, 2], ends=[2])
