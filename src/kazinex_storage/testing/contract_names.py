"""What names owe: every legal key comes back as it went in, and no illegal one reaches the provider."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest

from ..errors import InvalidKeyError, NotFoundError
from ..keys import ObjectKey
from .bench import Bench, names, naming
from .names import AWKWARD_GROUPS, AWKWARD_KEYS, ILLEGAL_KEYS


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

    @pytest.mark.parametrize("group", AWKWARD_GROUPS)
    def test_an_awkward_key_names_one_object_everywhere(self, bench: Bench, group: str) -> None:
        refused = bench.harness.refused_keys.intersection(AWKWARD_GROUPS[group])
        spelt = {unicodedata.normalize("NFC", key): key for key in AWKWARD_GROUPS[group] if key not in refused}
        for key in refused:
            with naming(key), pytest.raises(InvalidKeyError):
                bench.storage.put(key, b"1")
        assert [] == bench.keys()
        bench.storage.put("decoy", b"decoy")

        for canonical, key in spelt.items():
            with naming(key):
                assert canonical == bench.storage.put(key, key.encode()).key

        for canonical, key in spelt.items():
            with naming(key):
                info = bench.storage.head(key)
                assert (canonical, len(key.encode())) == (info.key, info.size)
                assert key.encode() == bench.storage.get_bytes(key)
                assert sorted(other for other in spelt if other.startswith(canonical)) == bench.keys(canonical)
        assert sorted([*spelt, "decoy"]) == bench.keys()
        first = {"".join(canonical.partition("/")[:2]) for canonical in spelt}
        assert sorted([*first, "decoy"]) == names(bench.storage.list(recursive=False))
        for canonical, key in spelt.items():
            with naming(key):
                assert key.encode() == bench.peek(canonical)
                bench.storage.delete(key)
                assert bench.peek(canonical) is None
        assert ["decoy"] == bench.keys()

    def test_all_awkward_keys_live_side_by_side(self, bench: Bench) -> None:
        objects = {
            unicodedata.normalize("NFC", key): f"{index}".encode()
            for index, key in enumerate(AWKWARD_KEYS)
            if key not in bench.harness.refused_keys
        }

        bench.storage.put_many(objects.items())

        assert objects == {key: bench.peek(key) for key in objects}
        assert sorted(objects) == bench.keys()

    def test_an_awkward_folder_is_listed(self, bench: Bench) -> None:
        for key in AWKWARD_KEYS:
            if "/" not in key or " " not in key or key in bench.harness.refused_keys:
                continue
            with naming(key):
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

    def test_an_illegal_key_reaches_no_provider(self, bench: Bench) -> None:
        recording, storage = bench.recorded()
        actions: tuple[Callable[[str], object], ...] = (
            lambda key: storage.put(key, b"1"),
            storage.get_bytes,
            storage.head,
            storage.delete,
            lambda key: storage.delete_many([key]),
            lambda key: storage.copy("a", key),
            lambda key: storage.copy(key, "a"),
            storage.stream,
            storage.open,
            lambda key: storage.open(key, "wb"),
        )

        for key in ILLEGAL_KEYS:
            with naming(key):
                for action in actions:
                    with pytest.raises(InvalidKeyError):
                        action(key)
                assert [] == recording.calls
