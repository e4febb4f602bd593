"""What is kept with the bytes: content type, disposition, cache control, metadata; or a refusal beforehand."""

from __future__ import annotations

import pytest

from ..capabilities import Capability
from ..storage.sync import Storage
from ..types import ObjectInfo, PutMode, PutOptions
from .bench import Bench, needs, pattern

_FULL = PutOptions(
    content_type="application/vnd.example+json; charset=utf-8",
    content_disposition="attachment; filename=\"plan.pdf\"; filename*=UTF-8''plan%20M%C3%BCller.pdf",
    cache_control="private, max-age=60",
    content_encoding="gzip",
    content_language="de, en",
    metadata={"author": "A. Person", "original_name": "Plan Müller 図面 (100%) +&=.pdf", "empty": ""},
)


def _keep(storage: Storage) -> object:
    return storage.put("a", b"1", _FULL)


def _kept(info: ObjectInfo) -> tuple[object, ...]:
    return _properties(PutOptions.of(info, PutMode.REPLACE))


def _properties(options: PutOptions) -> tuple[object, ...]:
    headers = options.content_disposition, options.cache_control, options.content_encoding, options.content_language
    return options.content_type, *headers, dict(options.metadata)


_EXPECTED = _properties(_FULL)


class MetadataContract:
    """What objects carry besides their bytes."""

    @needs(Capability.METADATA, _keep)
    def test_what_was_put_with_the_bytes_comes_back(self, bench: Bench) -> None:
        put = bench.storage.put("a", b"1", _FULL)

        head = bench.storage.head("a")
        got = bench.storage.transport.run(bench.storage.operations.get("a", bytearray().extend))

        assert _EXPECTED == _kept(head)
        assert _EXPECTED == _kept(got)
        assert _EXPECTED == _kept(put)

    @pytest.mark.parametrize("size", [0, 1_500_000])
    @needs(Capability.METADATA, _keep)
    def test_it_comes_back_whatever_the_size(self, bench: Bench, size: int) -> None:
        bench.storage.put("a", iter([pattern(size)]), _FULL)

        assert _EXPECTED == _kept(bench.storage.head("a"))

    @pytest.mark.parametrize("content_type", [None, "text/plain"])
    def test_names_of_metadata_are_lower_case(self, bench: Bench, content_type: str | None) -> None:
        options = PutOptions(metadata={"Author": "A. Person"}, content_type=content_type)
        if not bench.proves(Capability.METADATA, lambda storage: storage.put("a", b"1", options)):
            return
        bench.storage.put("a", b"1", options)

        assert {"author": "A. Person"} == dict(bench.storage.head("a").metadata)

    @needs(Capability.METADATA, _keep)
    def test_a_replacing_put_leaves_nothing_of_the_old_metadata(self, bench: Bench) -> None:
        bench.storage.put("a.pdf", b"1", _FULL)

        bench.storage.put("a.pdf", b"2", PutOptions(metadata={"author": "Another"}))

        assert ("application/pdf", None, None, None, None, {"author": "Another"}) == _kept(bench.storage.head("a.pdf"))

    @needs(Capability.METADATA, _keep)
    def test_a_deleted_object_takes_its_metadata_along(self, bench: Bench) -> None:
        bench.storage.put("a.pdf", b"1", _FULL)
        bench.storage.delete("a.pdf")

        bench.storage.put("a.pdf", b"1")

        assert ("application/pdf", None, None, None, None, {}) == _kept(bench.storage.head("a.pdf"))

    @needs(Capability.METADATA, _keep)
    def test_copies_carry_it(self, bench: Bench) -> None:
        bench.storage.put("a", b"1", _FULL)

        bench.storage.copy("a", "b")
        bench.storage.move("b", "c")

        assert _EXPECTED == _kept(bench.storage.head("c"))

    def test_the_content_type_follows_from_the_name_unless_it_is_given(self, bench: Bench) -> None:
        bench.storage.put("plan.pdf", b"1")
        bench.storage.put("given.pdf", b"1", PutOptions(content_type="text/plain"))

        found = bench.storage.head("plan.pdf").content_type, bench.storage.head("given.pdf").content_type

        # A service without metadata may derive the type itself, or know none.
        if bench.can(Capability.METADATA):
            assert ("application/pdf", "text/plain") == found
        else:
            assert found[0] in (None, "application/pdf")
