"""What names owe: every legal key comes back as it went in, and no illegal one reaches the provider."""

from __future__ import annotations

import unicodedata

import pytest

from ..errors import InvalidKeyError, NotFoundError
from ..keys import ObjectKey
from .bench import Bench, names
from .names import AWKWARD_KEYS, ILLEGAL_KEYS


def _most(bench: Bench) -> int:
    """Return the UTF-8 bytes of the longest key; it is of ASCII, except for the prefix."""
    if bench.harness.longest_key is None:
        return bench.provider.info.max_key_bytes
    return bench.harness.longest_key + len(bench.prefix.encode()) - len(bench.prefix)


def _longest(bench: Bench, size: int) -> str:
    """Return a key that has *size* bytes with the prefix, in segments that file systems can hold."""
    text = "".join("/" if index % 200 == 199 else "k" for index in range(size - len(bench.prefix.encode())))
    return f"{text[:-1]}z"


class NameContract:
    """Keys of every legal form."""

    @pytest.mark.parametrize("key", AWKWARD_KEYS)
    def test_an_awkward_key_names_one_object_everywhere(self, bench: Bench, key: str) -> None:
        canonical = unicodedata.normalize("NFC", key)
        if key in bench.harness.refused_keys:
            with pytest.raises(InvalidKeyError):
                bench.storage.put(key, b"1")
            assert [] == bench.keys()
            return
        bench.storage.put("decoy", b"decoy")

        info = bench.storage.put(key, b"12345")

        assert canonical == info.key
        assert b"12345" == bench.peek(canonical)
        assert b"12345" == bench.storage.get_bytes(key)
        assert (canonical, 5) == (bench.storage.head(key).key, bench.storage.head(key).size)
        assert sorted([canonical, "decoy"]) == bench.keys()
        assert [canonical] == bench.keys(canonical)
        first, slash, _ = canonical.partition("/")
        assert sorted([first + slash, "decoy"]) == names(bench.storage.list(recursive=False))
        bench.storage.delete(key)
        assert bench.peek(canonical) is None
        assert ["decoy"] == bench.keys()

    def test_all_awkward_keys_live_beside_each_other(self, bench: Bench) -> None:
        objects = {
            unicodedata.normalize("NFC", key): f"{index}".encode()
            for index, key in enumerate(AWKWARD_KEYS)
            if key not in bench.harness.refused_keys
        }

        bench.storage.put_many(objects.items())

        assert objects == {key: bench.peek(key) for key in objects}
        assert sorted(objects) == bench.keys()

    @pytest.mark.parametrize("key", [key for key in AWKWARD_KEYS if "/" in key and " " in key])
    def test_an_awkward_folder_is_listed(self, bench: Bench, key: str) -> None:
        if key in bench.harness.refused_keys:
            with pytest.raises(InvalidKeyError):
                bench.storage.put(key, b"1")
            return
        bench.storage.put(key, b"1")
        folder = ObjectKey(key).parent

        assert [ObjectKey(key)] == names(bench.storage.list(folder, recursive=False))
        assert [ObjectKey(key)] == bench.keys(folder)

    def test_an_awkward_key_is_copied_and_moved(self, bench: Bench) -> None:
        bench.storage.put("from +%;=&'?#/Plan Müller 100%.pdf", b"1")

        bench.storage.copy("from +%;=&'?#/Plan Müller 100%.pdf", "to +%;=&'?#/図面 %2F.pdf")
        bench.storage.move("to +%;=&'?#/図面 %2F.pdf", "moved +%;=&'?#/🏗.pdf")

        assert ["from +%;=&'?#/Plan Müller 100%.pdf", "moved +%;=&'?#/🏗.pdf"] == bench.keys()
        assert b"1" == bench.peek("moved +%;=&'?#/🏗.pdf")

    def test_composed_and_decomposed_spellings_name_the_same_object(self, bench: Bench) -> None:
        composed = "\N{LATIN SMALL LETTER E WITH ACUTE}.pdf"
        decomposed = "e\N{COMBINING ACUTE ACCENT}.pdf"

        bench.storage.put(decomposed, b"1")

        assert b"1" == bench.storage.get_bytes(composed)
        assert [composed] == bench.keys()
        assert [composed] == bench.keys(decomposed)

    def test_keys_that_differ_in_case_are_two_objects(self, bench: Bench) -> None:
        bench.storage.put("Plan.PDF", b"upper")
        if bench.provider.info.ignores_case:
            with pytest.raises(InvalidKeyError):
                bench.storage.put("plan.pdf", b"lower")
            with pytest.raises(NotFoundError):
                bench.storage.get_bytes("plan.pdf")
            bench.storage.delete("plan.pdf")

            assert b"upper" == bench.storage.get_bytes("Plan.PDF")
            assert ["Plan.PDF"] == bench.keys()
            return

        bench.storage.put("plan.pdf", b"lower")

        assert (b"upper", b"lower") == (bench.storage.get_bytes("Plan.PDF"), bench.storage.get_bytes("plan.pdf"))
        assert ["Plan.PDF", "plan.pdf"] == bench.keys()

    def test_the_longest_key_is_held(self, bench: Bench) -> None:
        key = _longest(bench, _most(bench))

        bench.storage.put(key, b"1")

        assert b"1" == bench.peek(key)
        assert [key] == bench.keys()

    def test_a_key_longer_than_that_is_refused(self, bench: Bench) -> None:
        with pytest.raises(InvalidKeyError):
            bench.storage.put(_longest(bench, _most(bench) + 1), b"1")

        assert [] == bench.keys()

    @pytest.mark.parametrize("key", ILLEGAL_KEYS, ids=ascii)
    def test_an_illegal_key_reaches_nobody(self, bench: Bench, key: str) -> None:
        recording, storage = bench.recorded()

        for action in (
            lambda: storage.put(key, b"1"),
            lambda: storage.get_bytes(key),
            lambda: storage.head(key),
            lambda: storage.delete(key),
            lambda: storage.delete_many([key]),
            lambda: storage.copy("a", key),
            lambda: storage.copy(key, "a"),
            lambda: storage.stream(key),
            lambda: storage.open(key),
            lambda: storage.open(key, "wb"),
        ):
            with pytest.raises(InvalidKeyError):
                action()

        assert [] == recording.calls
