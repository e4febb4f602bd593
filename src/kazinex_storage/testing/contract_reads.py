"""What conditional reads and resumed listings owe."""

from __future__ import annotations

import os

import pytest

from ..capabilities import Capability
from ..contract_reading import Page
from ..errors import InvalidTokenError, NotFoundError, NotModifiedError
from ..keys import ObjectKey
from ..storage.sync import Storage
from ..types import ByteRange, ObjectInfo
from .bench import Bench, names, naming, needs, pattern


def _read(storage: Storage) -> object:
    return storage.get_bytes("a", if_none_match="some-version")


def _list(storage: Storage) -> object:
    return storage.list_page()


class ReadContract:
    """Reads of what has changed only, and listings that another process continues."""

    @needs(Capability.CONDITIONAL_READ, _read)
    def test_a_version_that_the_caller_has_is_not_sent_again(self, bench: Bench) -> None:
        bench.storage.put("a", b"0123456789")
        etag, path, taken = bench.storage.head("a").etag, bench.folder / "a", bytearray()
        assert etag is not None
        storage = bench.storage

        for read in (
            lambda: storage.get_bytes("a", if_none_match=etag),
            lambda: storage.get_bytes("a", ByteRange(start=2, end=4), if_none_match=etag),
            lambda: storage.get_bytes("a", ByteRange(start=-3), if_none_match=etag),
            lambda: storage.head("a", if_none_match=etag),
            lambda: storage.download("a", path, if_none_match=etag),
            lambda: storage.transport.run(
                storage.operations.context.exchanges.get_changed(
                    ObjectKey(bench.full("a")), ByteRange(), taken.extend, etag
                )
            ),
        ):
            with pytest.raises(NotModifiedError) as caught:
                read()
            assert etag == caught.value.etag

        assert b"" == taken
        assert [] == os.listdir(bench.folder)

    @needs(Capability.CONDITIONAL_READ, _read)
    def test_another_version_than_the_caller_has_is_read(self, bench: Bench) -> None:
        old = bench.storage.put("a", b"old").etag or ""
        data, path = pattern(bench.harness.large_bytes), bench.folder / "a"
        bench.storage.put("a", data)

        assert data[5:9] == bench.storage.get_bytes("a", ByteRange(start=5, end=9), if_none_match=old)
        assert data == bench.storage.get_bytes("a", if_none_match=old)
        assert len(data) == bench.storage.head("a", if_none_match=old).size
        assert len(data) == bench.storage.download("a", path, if_none_match=old).size
        assert data == path.read_bytes()

    @needs(Capability.CONDITIONAL_READ, _read)
    def test_a_conditional_read_of_a_missing_key_is_not_found(self, bench: Bench) -> None:
        old = bench.storage.put("a", b"old").etag or ""
        bench.storage.delete("a")

        with pytest.raises(NotFoundError):
            bench.storage.get_bytes("a", if_none_match=old)

    @needs(Capability.RESUMED_LISTING, _list)
    def test_pages_give_each_entry_once_whoever_asks_for_the_next(self, bench: Bench) -> None:
        keys = ["p/a", "p/a b/1", "p/a.b", "p/b/1", "p/b/2", "p/b/ü/3", "p/c", "q/d"]
        bench.storage.put_many((key, b"1") for key in keys)

        for prefix, recursive, expected in (
            ("", True, keys),
            ("p/b", True, ["p/b/1", "p/b/2", "p/b/ü/3"]),
            ("p/", False, ["p/a", "p/a b/", "p/a.b", "p/b/", "p/c"]),
            ("none/", True, []),
        ):
            with naming((prefix, recursive)):
                found, sizes = _pages(bench, prefix, recursive=recursive)

                assert sorted(expected) == found
                assert max(sizes) <= 2
                assert all(sizes[:-1])

    @needs(Capability.RESUMED_LISTING, _list)
    def test_a_token_lists_nothing_that_it_was_not_made_for(self, bench: Bench) -> None:
        bench.storage.put_many((f"p/{name}", b"1") for name in "abc")
        token = bench.storage.list_page("p/", limit=1).token
        assert token is not None
        altered = ("B" if token[0] == "A" else "A") + token[1:]

        for storage, prefix, recursive, given in (
            (bench.storage, "", True, token),
            (bench.storage, "p/", False, token),
            (bench.storage.scoped("p"), "", True, token),
            (bench.storage, "p/", True, altered),
            (bench.storage, "p/", True, token[:-1]),
            (bench.storage, "p/", True, ""),
        ):
            with pytest.raises(InvalidTokenError):
                storage.list_page(prefix, recursive=recursive, token=given)


def _pages(bench: Bench, prefix: str, *, recursive: bool) -> tuple[list[str], list[int]]:
    """Return what the pages of a listing have, sorted, and how many entries each; each is asked of another storage."""
    found: list[str] = []
    sizes: list[int] = []
    page: Page | None = None
    while page is None or page.token is not None:
        storage = Storage(bench.provider, prefix=bench.prefix, transport=bench.storage.transport)
        page = storage.list_page(prefix, recursive=recursive, token=page.token if page is not None else None, limit=2)
        assert all(entry.size == 1 for entry in page.entries if isinstance(entry, ObjectInfo))
        found += names(page.entries)
        sizes.append(len(page.entries))
    return sorted(found), sizes
