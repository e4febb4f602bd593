"""What an organisation lets in: the documented figures, the last extension, and what a refusal says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazinex_storage.errors import FileTooLargeError, FileTypeRefusedError, PolicyError
from kazinex_storage.policy import TIB, UploadPolicy, extension_of, format_bytes, normal_extension, size_rule
from kazinex_storage.types import MIB

SERVICE = 7 * TIB
OTHERS = ["local", "memory", "azure_blob", "s3", "third-party"]


def policy(*extensions: str, limit: int | None = None, kind: str = "local") -> UploadPolicy:
    return UploadPolicy.make(kind=kind, ceiling=SERVICE, max_file_bytes=limit, extensions=extensions)


@pytest.mark.parametrize(
    ("kind", "default", "ceiling"),
    [
        ("r2", 500 * MIB, 5 * TIB),
        ("sharepoint", 250 * MIB, 250 * MIB),
        ("supabase", 50 * MIB, 500 * MIB),
        *((kind, 500 * MIB, SERVICE) for kind in OTHERS),
    ],
)
def test_defaults_and_ceilings_are_those_of_the_documentation(kind: str, default: int, ceiling: int) -> None:
    made = policy(kind=kind)

    assert (default, ceiling) == (made.max_file_bytes, made.ceiling)
    assert 1_048_576 == MIB


@pytest.mark.parametrize("kind", OTHERS)
def test_the_default_of_a_small_service_is_its_own_limit(kind: str) -> None:
    assert (9, 9) == (size_rule(kind, 9).default, size_rule(kind, 9).ceiling)


@pytest.mark.parametrize(
    ("kind", "ceiling"),
    [("r2", 5 * TIB), ("sharepoint", 250 * MIB), ("supabase", 500 * MIB), *((kind, SERVICE) for kind in OTHERS)],
)
def test_a_limit_above_the_ceiling_is_refused_when_it_is_set(kind: str, ceiling: int) -> None:
    assert ceiling == policy(kind=kind, limit=ceiling).max_file_bytes
    with pytest.raises(PolicyError, match=f"above the ceiling of {format_bytes(ceiling)} for {kind}".replace("(", ".")):
        policy(kind=kind, limit=ceiling + 1)


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_that_is_not_positive_is_refused(limit: int) -> None:
    with pytest.raises(PolicyError, match="positive number"):
        policy(limit=limit)


@pytest.mark.parametrize(("size", "allowed"), [(0, True), (9, True), (10, True), (11, False), (None, True)])
def test_the_limit_itself_is_allowed_and_one_byte_more_is_not(size: int | None, allowed: bool) -> None:
    verdict = policy(limit=10).decide("plan.pdf", size)

    assert allowed == verdict.allowed
    assert allowed == (verdict.error is None)


def test_an_empty_list_allows_everything() -> None:
    assert all(policy().decide(name, 1).allowed for name in ("a", "a.exe", ".profile", "a.", "", "\u202ex"))


@pytest.mark.parametrize("listed", ["pdf", "PDF", ".pdf", ".Pdf", " pdf ", " .PDF "])
@pytest.mark.parametrize("name", ["plan.pdf", "plan.PDF", "plan.exe.pDf", "a b.pdf", "..pdf.pdf"])
def test_extensions_are_compared_without_case_and_dot(listed: str, name: str) -> None:
    assert policy(listed).decide(name, 1).allowed


@pytest.mark.parametrize(
    "name",
    [
        "plan.pdf.exe",
        "plan.pdf.EXE",
        "plan.pdf.exe ",
        "plan.pdf.exe.",
        "plan.pdf.exe. . ",
        "plan.pdf.exe\u00a0",
        "plan.pdf.exe\u3000",
        "plan.pdf.exe\n",
        "plan.pdf\x00.exe",
        "plan.exe\x00.pdf\x00",
        "plan.pdf:evil.exe",
        "plan.exe::$DATA",
        "plan.pdf/evil",
        "plan\uff0epdf",
        "plan.pdf.exe\uff0epdf",
        "plan.\u202efdp",
        "plan.pdf\u200b",
        "plan.xpdf",
        "plan.pdfx",
        "plan.pd f",
    ],
    ids=ascii,
)
def test_the_last_extension_decides(name: str) -> None:
    verdict = policy("pdf").decide(name, 1)

    assert isinstance(verdict.error, FileTypeRefusedError)


@pytest.mark.parametrize("name", ["plan", "", ".", "..", ".pdf", "pdf", "plan. ", "plan.", " "], ids=ascii)
def test_a_file_without_extension_is_refused_once_a_list_exists(name: str) -> None:
    verdict = policy("pdf").decide(name, 1)

    assert isinstance(verdict.error, FileTypeRefusedError)
    assert "has no extension" in str(verdict.error)


def test_a_refused_type_names_the_file_the_type_the_list_and_who_can_change_it() -> None:
    with pytest.raises(FileTypeRefusedError) as caught:
        policy("pdf", "DWG").check("a.exe", 1)

    assert "'a.exe' is of type .exe; allowed are .dwg .pdf; an Org Admin can change the list of allowed types" == str(
        caught.value
    )


def test_a_refused_size_names_the_size_the_limit_the_ceiling_and_who_can_change_it() -> None:
    with pytest.raises(FileTooLargeError) as caught:
        policy(limit=10 * MIB, kind="supabase").check("a.pdf", 11 * MIB)

    expected = "the file reaches 11 MB, the limit is 10 MB; an Org Admin can raise Max File Size up to 500 MB"
    assert expected == str(caught.value)


def test_a_refused_size_at_the_ceiling_does_not_promise_that_it_can_be_raised() -> None:
    text = str(policy(kind="sharepoint").too_large(250 * MIB + 1))

    assert "the limit is 250 MB" in text
    assert "262,144,001 bytes" in text
    assert "raise" not in text
    assert "another provider" in text


def test_the_type_is_judged_before_the_size_and_check_raises_what_decide_found() -> None:
    with pytest.raises(FileTypeRefusedError):
        policy("pdf", limit=1).check("a.exe", 2)
    policy("pdf", limit=1).check("a.pdf", 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        " ",
        "tar.gz",
        "*",
        "*.pdf",
        "a/b",
        "a\\b",
        "pdf,dwg",
        "pdf;dwg",
        "p df",
        "p\ndf",
        "p\tdf",
        "p\x00df",
    ],
    ids=ascii,
)
def test_what_is_not_one_extension_is_refused(text: str) -> None:
    with pytest.raises(PolicyError, match=r"is not an extension|is no MIME type"):
        policy(text)


def test_a_text_in_place_of_a_list_is_not_taken_letter_by_letter() -> None:
    """``extensions="pdf"`` would allow ``.p``, ``.d`` and ``.f`` and refuse every PDF."""
    with pytest.raises((PolicyError, TypeError)):
        UploadPolicy.make(kind="local", ceiling=10, extensions="pdf")


@given(stem=st.text(min_size=1), extension=st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1))
def test_an_extension_is_found_whatever_stands_before_it(stem: str, extension: str) -> None:
    assert extension.lower() == extension_of(f"{stem}.{extension}") == normal_extension(f".{extension}")


@given(name=st.text(), size=st.integers(0, 2**70) | st.none())
def test_any_name_and_size_gets_a_verdict(name: str, size: int | None) -> None:
    verdict = policy("pdf", "dwg", limit=1000).decide(name, size)

    assert verdict.allowed == (extension_of(name) in {"pdf", "dwg"} and (size is None or size <= 1000))


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "0 bytes"),
        (1500, "1,500 bytes"),
        (MIB - 1, "1,048,575 bytes"),
        (MIB, "1 MB"),
        (MIB + 1, "1.0 MB (1,048,577 bytes)"),
        (1024 * MIB, "1 GB"),
        (1536 * MIB, "1.5 GB (1,610,612,736 bytes)"),
        (5 * TIB, "5 TB"),
    ],
)
def test_a_size_is_written_for_people_and_exactly(size: int, expected: str) -> None:
    assert expected == format_bytes(size)


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("evil.exe:plan.pdf", False),
        ("evil.exe:.pdf", False),
        ("evil.exe::$DATA", False),
        ("plan.pdf::$DATA", False),
        ("plan.pdf:evil.exe", False),
        ("evil.exe :plan.pdf", False),
        ("meeting 12:30.pdf", True),
        ("plan.pdf:notes.pdf", True),
    ],
)
def test_a_stream_of_a_windows_disk_does_not_hide_what_it_is_a_stream_of(name: str, allowed: bool) -> None:
    assert allowed is policy("pdf").decide(name, 1).allowed


def test_advice_names_no_unreachable_ceiling() -> None:
    made = UploadPolicy.make(kind="local", ceiling=2**63 - 1, max_file_bytes=10)

    expected = "the file reaches 11 bytes, the limit is 10 bytes; an Org Admin can raise Max File Size"
    assert expected == str(made.too_large(11))
