"""Names that deceive, types that nobody should allow, bytes of another type: what is refused, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazinex_storage import FileRules, FileTypeRefusedError, PolicyError, UploadPolicy, plain_name
from kazinex_storage.bodies.first_bytes import contradicts, fits
from kazinex_storage.content_types import agrees
from kazinex_storage.file_rules import NEVER_ALLOWED, NO_FILE_RULES, PRESET
from kazinex_storage.filenames import disguised_extension, invisible_in, mixed_word_in
from kazinex_storage.policy import TIB, normal_extensions

PROGRAM = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00"

DECEIVING = {
    "a program": "setup.exe",
    "a program after a document": "plan.pdf.exe",
    "a program before a document": "plan.exe.pdf",
    "trailing blanks": "setup.exe. ",
    "a script of a web server": "shell.php.jpg",
    "a stream of a document": "a.pdf:x",
    "a stream of a program": "evil.exe:plan.pdf",
    "a default stream": "plan.pdf::$DATA",
    "a zero-width space": "plan\u200b.pdf",
    "a byte order mark": "\ufeffplan.pdf",
    "an override of the direction": "plan\u202efdp.txt",
    "a mark of the direction": "plan\u200f.pdf",
    "a soft hyphen": "pl\u00adan.pdf",
    "tags": "plan\U000e0041.pdf",
    "a Cyrillic a": "p\u0430yment.pdf",
    "a Greek capital": "\u0391CME plan.pdf",
    "a Cyrillic extension": "plan.\u0440df",
    "a dot that is none": "plan\u2024exe",
    "a full-width dot": "plan\uff0eexe",
}

ORDINARY = (
    "plan.pdf",
    "Übersicht Süd.pdf",
    "План.pdf",
    "Σχέδιο.pdf",
    "\u56fe\u7eb8\uff08\u4e00\uff09.pdf",
    "\u914d\u7b4b\u56f3\uff0e\uff11.pdf",
    "\u0646\u0642\u0634\u0647\u200c\u0647\u0627.pdf",
    "\u03b1max and \u0394T, \xd8 12.pdf",
    "Section 1:50.pdf",
    "Detail v1.2 1:5.pdf",
    "node.js guide.pdf",
    "example.com.pdf",
    "Notes… draft.pdf",
    "photo 👩‍👩‍👧 ❤️.jpg",
    "½ inch.txt",
    "plan",
    ".profile",
)


@pytest.mark.parametrize("name", DECEIVING.values(), ids=DECEIVING.keys())
def test_a_name_that_deceives_is_refused(name: str) -> None:
    with pytest.raises(FileTypeRefusedError):
        PRESET.check(name)

    assert NO_FILE_RULES.refusal(name) is None


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_name_of_any_language_is_not(name: str) -> None:
    assert PRESET.refusal(name) is None
    assert name == plain_name(name)


def test_a_refused_name_is_told_how_it_reads() -> None:
    assert "'payment.pdf'" in str(PRESET.refusal("p\u0430yment\u200b.\u0440df"))
    assert plain_name("p\u0430yment\u200b.\u0440df") == "payment.pdf"


LOOKS = "abpoxe\u0430\u0435\u043e\u0440\u0391\u03bf\u200b\u200c\u200d\u202e. :/\u2024\uff0e\uff50\u56f3\u0394\u0301"


@given(st.text(LOOKS, max_size=20))
def test_the_name_that_is_offered_deceives_nobody(name: str) -> None:
    offered = plain_name(name)

    assert plain_name(offered) == offered
    assert [None] * 3 == [invisible_in(offered), mixed_word_in(offered), disguised_extension(offered)]


def test_what_the_allowlist_names_is_allowed_although_it_is_on_the_preset() -> None:
    policy = UploadPolicy.make(kind="local", ceiling=TIB, extensions=["js", "pdf"], files=PRESET)

    assert policy.decide("viewer.js", 1).allowed
    assert not policy.decide("viewer.exe", 1).allowed


def test_a_mime_type_on_the_allowlist_stands_for_its_extensions() -> None:
    allowed = normal_extensions(["image/*", "application/pdf", ".DWG"])

    assert {"png", "jpg", "tiff", "pdf", "dwg"} <= set(allowed)
    assert not NEVER_ALLOWED & set(normal_extensions(["application/*", "text/*"]))
    with pytest.raises(PolicyError, match="no MIME type"):
        normal_extensions(["image/nothing"])


@pytest.mark.parametrize(
    ("extension", "first", "found"),
    [
        ("pdf", PROGRAM, "a program"),
        ("txt", b"\x7fELF\x02", "a program"),
        ("csv", b"#!/bin/sh\n", "a program"),
        ("", PROGRAM, "a program"),
        ("png", b"%PDF-1.7", "PDF"),
        ("txt", b"PK\x03\x04", "ZIP"),
        ("pdf", b"<!DOCTYPE html><script>", "a page or script"),
        ("jpg", b"<?php system($_GET[0]);", "a page or script"),
        ("pdf", b"\x00\x01 junk before %PDF-1.4", None),
        ("pdf", b"a drawing", None),
        ("docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", None),
        ("doc", b"{\\rtf1", None),
        ("xls", b"<html>", None),
        ("csv", b"MZ;name\n1;a", None),
        ("csv", b"#!headline", None),
        ("exe", PROGRAM, None),
        ("xyz9", b"%PDF-1.7", None),
        ("bcf", b"PK\x03\x04", None),
        ("txt", "\ufeffüber".encode(), None),
    ],
)
def test_bytes_are_refused_only_where_they_are_recognised_as_another_type(
    extension: str, first: bytes, found: str | None
) -> None:
    assert found == contradicts(extension, first)


def test_what_is_required_is_the_signature_of_the_type() -> None:
    assert not fits("pdf", b"a drawing")
    assert fits("pdf", b"%PDF-1.7")


@pytest.mark.parametrize(
    ("extension", "declared", "fitting"),
    [
        ("pdf", "application/pdf", True),
        ("pdf", "text/html", False),
        ("png", "image/svg+xml", False),
        ("pdf", "application/octet-stream", True),
        ("csv", "application/vnd.ms-excel", True),
        ("csv", "text/plain; charset=utf-8", True),
        ("ifc", "text/plain", True),
        ("docx", "application/zip", True),
        ("dwg", "application/acad", True),
        ("xyz9", "text/plain", True),
        ("xyz9", "text/html", False),
        ("", "application/x-www-form-urlencoded", True),
    ],
)
def test_a_declared_type_is_refused_where_it_means_another_extension(
    extension: str, declared: str, fitting: bool
) -> None:
    assert fitting == agrees(extension, declared)


def test_rules_come_back_from_json_as_they_were() -> None:
    for rules in (PRESET, NO_FILE_RULES, FileRules(content="required", never=frozenset({"zip"}))):
        assert rules == FileRules.from_json(rules.to_json())
    with pytest.raises(PolicyError):
        FileRules.from_json({"content": "sometimes"})
