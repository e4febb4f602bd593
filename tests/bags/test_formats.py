"""The texts of bags: what is written is read, and what no bag may say is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazinex_storage import IntegrityError
from kazinex_storage.migration.bags.formats import (
    Line,
    check_bagit,
    escaped,
    lines_of,
    manifest_line,
    read_info,
    read_manifest,
    read_oxum,
    unescaped,
    write_info,
)
from kazinex_storage.migration.bags.sorting import Sorted
from kazinex_storage.migration.bags.spans import Cutting, read_spans, span_of

_SHA256 = "0123456789abcdef" * 4


@given(st.text())
def test_what_a_manifest_escapes_comes_back_whole(path: str) -> None:
    written = escaped(path)

    assert path == unescaped(written)
    assert not {"\r", "\n"} & set(written)


@given(st.lists(st.binary(max_size=20).map(lambda part: part.hex()), unique=True), st.integers(1, 50))
def test_a_manifest_is_read_whichever_way_it_is_cut(names: list[str], size: int) -> None:
    paths = [f"data/100 %{name}0D\u00e9" for name in names]
    text = b"".join(manifest_line(_SHA256, path) for path in paths)
    chunks = [text[start : start + size] for start in range(0, len(text), size)]

    assert [Line(checksum=_SHA256, path=path) for path in paths] == list(read_manifest(chunks, "sha256", "m.txt"))


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_lines_end_as_any_system_ends_them(end: str) -> None:
    assert ["a b", "c"] == list(lines_of([f"a b{end}c{end}".encode()], "m.txt"))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (f"{_SHA256}  data/../../etc/passwd", "cannot be stored"),
        (f"{_SHA256}  /etc/passwd", "cannot be stored"),
        (f"{_SHA256}  data/a%0Ab.pdf", "cannot be stored"),
        (f"{_SHA256}  data/a%0db.pdf", "cannot be stored"),
        (f"{_SHA256}  data\\plan.pdf", "cannot be stored"),
        (f"{_SHA256}  data/e\u0301.pdf", "normal form C"),
        (f"{_SHA256[:32]}  data/plan.pdf", "no checksum of sha256"),
        ("data/plan.pdf", "no checksum of sha256"),
        (f"{_SHA256}  data/{'a' * 9000}", "more than"),
    ],
)
def test_a_manifest_that_names_what_no_bag_may_hold_is_refused(line: str, why: str) -> None:
    with pytest.raises(IntegrityError, match=why):
        list(read_manifest([line.encode()], "sha256", "manifest-sha256.txt"))


def test_information_is_read_as_it_was_written_and_lines_may_be_continued() -> None:
    text = write_info({"Source-Organization": "acme", "External-Description": "two\nlines"})

    assert {"source-organization": "acme", "external-description": "two lines"} == read_info([text])
    assert {"a": "one two", "b": "x"} == read_info([b"A: one\n  two\nB: x\nb: y\n"])
    with pytest.raises(IntegrityError, match="without a colon"):
        read_info([b"nothing\n"])
    with pytest.raises(IntegrityError, match=r"not BYTES\.FILES"):
        read_oxum("12")


def test_only_bags_of_known_versions_in_utf_8_are_read() -> None:
    check_bagit(b"BagIt-Version: 0.97\r\nTag-File-Character-Encoding: UTF-8\r\n")

    for text in (b"", b"BagIt-Version: 2.0\nTag-File-Character-Encoding: UTF-8\n", b"BagIt-Version: 1.0\n\xff"):
        with pytest.raises(IntegrityError, match="version"):
            check_bagit(text)


@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=3))))
def test_rows_are_sorted_beyond_what_memory_holds(rows: list[tuple[str, str]]) -> None:
    with Sorted(at_once=3) as found:
        for row in rows:
            found.add(*row)

        assert sorted(list(row) for row in rows) == list(found.rows()) == list(found.rows())


def test_a_project_is_cut_where_a_bag_would_be_too_large() -> None:
    cutting = Cutting(10)
    for project, size in (("a", 6), ("a", 4), ("a", 1), ("b", 99), ("b", 1), (None, 1)):
        cutting.add(project, size)
    spans = read_spans({"bags": [span.to_dict() for span in cutting.spans]})

    assert [("a", 0, 1), ("a+2", 2, 2), ("b", 3, 3), ("b+2", 4, 4), ("+objects", 5, 5)] == [
        (span.name, span.first, span.last) for span in spans
    ]
    assert ["a", "a", "a+2", "b", "b+2", "+objects"] == [span_of(spans, number).name for number in range(6)]
