"""What a head owes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ..capabilities import Capability
from ..errors import NotFoundError
from .bench import Bench, is_proved, pattern, sha256


class HeadContract:
    """Looking at objects."""

    def test_head_says_key_size_and_etag(self, bench: Bench) -> None:
        put = bench.storage.put("plans/a.pdf", b"12345")

        info = bench.storage.head("plans/a.pdf")

        assert ("plans/a.pdf", 5, put.etag) == (info.key, info.size, info.etag)
        assert info.last_modified is None or timedelta(0) == info.last_modified.utcoffset()

    def test_head_of_a_missing_key_is_not_found(self, bench: Bench) -> None:
        with pytest.raises(NotFoundError):
            bench.storage.head("a")

    def test_head_of_a_folder_is_not_found(self, bench: Bench) -> None:
        bench.storage.put("folder/a", b"1")

        with pytest.raises(NotFoundError):
            bench.storage.head("folder")

    def test_exists_says_yes_for_objects_only(self, bench: Bench) -> None:
        bench.storage.put("folder/a", b"1")

        assert [True, False, False, False] == [
            bench.storage.exists(key) for key in ("folder/a", "folder", "folder/b", "folder/a/c")
        ]

    def test_other_bytes_have_another_etag(self, bench: Bench) -> None:
        etags = {bench.storage.put("a", data).etag for data in (b"1", b"2", b"", b"3", b"44")}

        assert 5 == len(etags)

    def test_the_etag_stays_while_the_object_does(self, bench: Bench) -> None:
        put = bench.storage.put("a", b"1")
        bench.storage.put("b", b"2")
        bench.storage.get_bytes("a")

        assert put.etag == bench.storage.head("a").etag

    def test_what_another_client_replaced_is_looked_at_again(self, bench: Bench) -> None:
        before = (bench.storage.put("a", b"old"), bench.storage.head("a"))

        bench.poke("a", b"newer")

        after = bench.storage.head("a")
        assert 5 == after.size
        assert after.etag not in [info.etag for info in before]

    @pytest.mark.parametrize("size", [0, 5, 1_500_000])
    def test_a_known_sha256_is_that_of_the_bytes(self, bench: Bench, size: int) -> None:
        data = pattern(size)
        bench.proving.put("a", data)

        found = bench.storage.head("a").sha256

        # Without the capability a provider need not know it, but what it says is true all the same.
        assert found in ({sha256(data)} if bench.can(Capability.CHECKSUM) else {sha256(data), None})

    @pytest.mark.parametrize("size", [0, 5, 1_500_000])
    def test_a_checksum_that_is_kept_is_that_of_the_bytes(self, bench: Bench, size: int) -> None:
        data = pattern(size)
        put = bench.storage.put("a", data)

        found = bench.storage.head("a")

        assert found.checksum is None or is_proved(found, data)
        if bench.can(Capability.CHECKSUM) and put.sha256 is not None:
            assert sha256(data) == found.sha256

    def test_the_sha256_of_a_spooled_body_is_known_too(self, bench: Bench) -> None:
        bench.proving.put("a", iter([b"1", b"2"]))

        found = bench.storage.head("a").sha256

        assert found in ({sha256(b"12")} if bench.can(Capability.CHECKSUM) else {sha256(b"12"), None})

    def test_what_was_recorded_of_the_old_bytes_is_not_said_of_another_clients(self, bench: Bench) -> None:
        bench.storage.put("a", b"ours!")

        bench.poke("a", b"other")

        assert bench.storage.head("a").sha256 in (None, sha256(b"other"))
