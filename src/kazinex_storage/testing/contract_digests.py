"""The sha256 of objects: known of what was put with one, and of what others wrote once it was adopted."""

from __future__ import annotations

from .bench import Bench, pattern, sha256


class DigestContract:
    """What is known of the bytes."""

    def test_the_sha256_of_what_was_put_with_one_is_known(self, bench: Bench) -> None:
        bench.proving.put("a/b", b"12345")

        assert sha256(b"12345") == bench.storage.sha256("a/b")

        bench.poke("a/b", b"6789")  # another program
        assert bench.storage.sha256("a/b") in (None, sha256(b"6789"))

    def test_what_others_wrote_is_read_once_when_it_is_adopted(self, bench: Bench) -> None:
        data, told = pattern(300_000), list[tuple[str, str]]()
        bench.poke("a/b", data)

        first = bench.storage.adopt("a/", on_adopted=lambda key, found: told.append((key, found)))
        again = bench.storage.adopt("a/")

        assert sha256(data) == bench.storage.sha256("a/b")
        assert (1, 0) == (first.hashed + first.known, first.failed)
        assert told == ([("a/b", sha256(data))] if first.hashed else [])
        assert (0, 1, 0) == (again.hashed, again.known, again.failed)
