"""Keys under attack: whatever is put in, nothing leaves its organisation and nothing is read back differently."""

from __future__ import annotations

import os.path
import unicodedata
from collections.abc import Callable
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kazinex_storage.errors import InvalidKeyError
from kazinex_storage.keys import MAX_FILENAME_BYTES, MAX_KEY_BYTES, DocumentKey, ObjectKey, Prefix, check_identifier

# Everything that has escaped from some folder of some program once.
HOSTILE = [
    "..",
    ".",
    "",
    "/",
    "../other",
    "a/../../other",
    "..\\other",
    "%2e%2e",
    "%2e%2e%2fother",
    "%252e%252e%252f",
    "..%2fother",
    "..%c0%af",
    "\x00",
    "a\x00/../b",
    "\uff0e\uff0e",  # full-width dots: NFKC makes them '..'
    "\uff0e\uff0e\uff0fother",
    "\u2025",  # two dot leader: NFKC '..'
    "\u2024\u2024",  # one dot leaders: NFKC '..'
    "a\uff0fb",
    "a\u2215b",
    "a\u2044b",
    "a\uff3cb",
    "\ufe52\ufe52",  # small full stops: NFKC '..'
    "\u202egpj.exe",
    "\u2066x\u2069",
    "\ud800",
    "a\udfffb",
    "\udc2e\udc2e\udc2f",  # surrogate escapes of '../'
    "line\u2028break",
    "para\u2029graph",
    "next\x85line",
    "name\n",
    "org\r\n",
    "\x7f",
    "e\u0301",
    "\u212b",
    "\u0338",
    "/\u0338",
    "//",
    "~",
    "~/x",
    "C:",
    "C:\\x",
    "\\\\server\\share",
    ". .",
    "...",
    "-rf",
    " ",
]


segments = st.sampled_from(HOSTILE) | st.text(st.characters(), max_size=20)


texts = st.lists(segments, max_size=6).map("".join) | st.lists(segments, max_size=6).map("/".join)


identifiers = st.from_regex(r"\A[A-Za-z0-9._-]{1,128}\Z").filter(lambda text: text not in (".", ".."))


filenames = st.text(
    st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="/\\\u2028\u2029\u202a\u202b\u202c\u202d\u202e"),
    min_size=1,
    max_size=60,
).filter(
    lambda text: (
        text not in (".", "..")
        and not set("\u2066\u2067\u2068\u2069") & set(text)
        and len(unicodedata.normalize("NFC", text).encode()) <= MAX_FILENAME_BYTES
    )
)


@given(identifiers, identifiers, identifiers, identifiers, filenames)
def test_a_document_key_is_parsed_back_to_what_it_was_built_from(
    organisation: str, project: str, document: str, revision: str, filename: str
) -> None:
    key = DocumentKey(organisation, project, document, revision, filename)

    built = key.build()

    assert key == DocumentKey.parse(built)
    assert built == DocumentKey.parse(built).build()
    assert unicodedata.normalize("NFC", filename) == key.filename == built.name
    assert built.parent == key.revision_prefix
    assert built.startswith(key.document_prefix)


@given(st.lists(texts, min_size=5, max_size=5))
def test_no_input_yields_a_document_outside_its_organisation(parts: list[str]) -> None:
    try:
        key = DocumentKey(*parts).build()
    except InvalidKeyError:
        return

    assert parts[0] == key.split("/")[0]
    assert 5 == len(key.split("/"))
    assert os.path.normpath(key) == key
    assert parts[:4] == key.split("/")[:4]


@given(filename=texts)
@example(filename="\u0338")
def test_no_file_name_whatsoever_moves_a_document(filename: str) -> None:
    try:
        key = DocumentKey("org-1", "project", "document", "P01", filename)
    except InvalidKeyError:
        return

    assert key.build().startswith("org-1/project/document/P01/")
    assert 5 == len(key.build().split("/"))
    assert key == DocumentKey.parse(key.build())


@given(tail=texts)
@example(tail="\u0338x")
def test_a_key_built_below_a_folder_stays_there(tail: str) -> None:
    try:
        key = ObjectKey("org-1/" + tail)
    except InvalidKeyError:
        return

    assert key.startswith("org-1/")
    assert os.path.normpath("/srv/" + key) == "/srv/" + key
    assert not {"", ".", ".."} & set(key.split("/"))


@given(text=texts)
def test_parsing_any_text_as_a_document_key_is_a_key_or_a_refusal(text: str) -> None:
    try:
        key = DocumentKey.parse(text)
    except InvalidKeyError as error:
        assert str(error)  # noqa: PT017  # the refusal itself is printable
        return

    assert unicodedata.normalize("NFC", text) == key.build()


@pytest.mark.parametrize("text", HOSTILE, ids=lambda value: ascii(value)[:24])
def test_a_hostile_organisation_is_refused(text: str) -> None:
    if text in {"...", "-rf"}:
        assert text == check_identifier(text, "organisation")
        return

    with pytest.raises(InvalidKeyError, match="organisation id"):
        DocumentKey(text, "p", "d", "r", "f")


@pytest.mark.parametrize(
    "encoded", ["%2e%2e", "%2E%2E%2F", quote("../x", safe=""), "%2e", "%00"], ids=lambda value: ascii(value)[:24]
)
def test_percent_encodings_are_never_decoded(encoded: str) -> None:
    key = DocumentKey("org-1", "p", "d", "r", encoded).build()

    assert f"org-1/p/d/r/{encoded}" == key
    assert unquote(encoded) != key.name


@pytest.mark.parametrize(
    "text", ["\uff0e\uff0e", "\u2025", "a\uff0fb", "\u2024\u2024", "\ufe52\ufe52"], ids=lambda value: ascii(value)[:24]
)
def test_compatibility_forms_of_dots_and_slashes_stay_what_they_are(text: str) -> None:
    assert text == DocumentKey("org-1", "p", "d", "r", text).filename


@pytest.mark.parametrize("name", ["organisation", "project", "document", "revision"])
@pytest.mark.parametrize(
    "value",
    ["a\n", "a\r", "\na", "a b", "a/b", "\u0661", "\uff41", "x" * 129, "a\x00"],
    ids=lambda value: ascii(value)[:24],
)
def test_an_id_outside_its_alphabet_is_refused_by_name(name: str, value: str) -> None:
    parts = {"organisation": "o", "project": "p", "document": "d", "revision": "r", "filename": "f"} | {name: value}

    with pytest.raises(InvalidKeyError, match=f"{name} id"):
        DocumentKey(**parts)


@pytest.mark.parametrize("value", [None, 1, b"org", ["a"]], ids=repr)
def test_what_is_not_text_is_refused_as_a_key_error(value: object) -> None:
    with pytest.raises(InvalidKeyError):
        check_identifier(value, "project")  # type: ignore[arg-type]
    with pytest.raises(InvalidKeyError):
        ObjectKey(value)  # type: ignore[arg-type]
    with pytest.raises(InvalidKeyError):
        Prefix(value)  # type: ignore[arg-type]
    with pytest.raises(InvalidKeyError):
        DocumentKey("o", "p", "d", "r", value)  # type: ignore[arg-type]


@given(text=texts)
def test_making_a_key_of_a_key_changes_nothing(text: str) -> None:
    try:
        key = ObjectKey(text)
    except InvalidKeyError:
        return

    assert key == ObjectKey(key) == ObjectKey(str(key))
    assert unicodedata.is_normalized("NFC", key)
    assert len(key.encode()) <= MAX_KEY_BYTES
    assert ObjectKey(f"{key.parent}{key.name}") == key


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("a" * 1024, True),
        ("a" * 1025, False),
        ("\u00e9" * 512, True),
        ("\u00e9" * 512 + "a", False),
        ("e\u0301" * 512, True),  # 1,536 bytes before normalisation, 1,024 after
        ("e\u0301" * 513, False),
        ("\u0958" * 170, True),  # 510 bytes before, 1,020 after: a composition exclusion
        ("\u0958" * 171, False),
        ("\U0001f600" * 256, True),
        ("\U0001f600" * 256 + "a", False),
    ],
    ids=lambda value: ascii(value)[:24],
)
def test_the_wall_of_1024_bytes_is_measured_in_utf8_after_normalisation(text: str, allowed: bool) -> None:
    if allowed:
        assert unicodedata.normalize("NFC", text) == str(ObjectKey(text)) == str(Prefix(text))
        return

    with pytest.raises(InvalidKeyError, match="at most 1024 bytes"):
        ObjectKey(text)
    with pytest.raises(InvalidKeyError, match="at most 1024 bytes"):
        Prefix(text)


@pytest.mark.parametrize(
    ("text", "allowed"),
    [("a" * 255, True), ("a" * 256, False), ("e\u0301" * 127, True), ("e\u0301" * 128, False), ("\u0958" * 43, False)],
    ids=lambda value: ascii(value)[:24],
)
def test_the_wall_of_a_file_name_is_measured_in_utf8_after_normalisation(text: str, allowed: bool) -> None:
    if allowed:
        assert unicodedata.normalize("NFC", text) == DocumentKey("o", "p", "d", "r", text).filename
        return

    with pytest.raises(InvalidKeyError, match="at most 255 bytes"):
        DocumentKey("o", "p", "d", "r", text)


def test_the_longest_document_key_fits() -> None:
    key = DocumentKey("o" * 128, "p" * 128, "d" * 128, "r" * 128, "f" * 255)

    assert 4 * 129 + 255 == len(key.build())


@pytest.mark.parametrize(
    "filename",
    ["a\x00", "a/b", "a\\b", "..", ".", "", "a\u202eb", "a\u2067b", "a\u2028b", "a\u2029b", "a\x85", "a\x7f", "\ud83d"],
    ids=ascii,
)
def test_a_file_name_that_lies_or_leaves_its_folder_is_refused(filename: str) -> None:
    with pytest.raises(InvalidKeyError):
        DocumentKey("o", "p", "d", "r", filename)


@pytest.mark.parametrize(
    "filename", ["Plan M\u00fcller (final).pdf", " a ", "\u8a2d\u8a08.dwg", "...", ".hidden", "a\u200fb"]
)
def test_a_file_name_keeps_unicode_and_blanks(filename: str) -> None:
    assert filename == DocumentKey("o", "p", "d", "r", filename).build().name


plain = st.text(st.sampled_from("ab. /\\\x7f~-_é"), max_size=300)


def judged(make: Callable[[], str]) -> str | None:
    try:
        return make()
    except InvalidKeyError:
        return None


@given(text=plain | texts)
@example("a/.b")
@example("a//b")
@example("a/")
@example("a\n")
@example("a" * 257)
def test_the_quick_judge_of_plain_keys_allows_nothing_else(text: str) -> None:
    """A subclass of str never meets it."""

    class Text(str):
        __slots__ = ()

    assert judged(lambda: ObjectKey(Text(text))) == judged(lambda: ObjectKey(text))


@given(folder=plain | texts, text=plain | texts)
@example("", "a")
@example("a", "../b")
@example("a", "\u0338b")
@example("a" * 200, "b" * 60)
@example("a" * 600, "b" * 600)
def test_a_key_below_a_folder_is_the_key_of_both(folder: str, text: str) -> None:
    prefix = judged(lambda: Prefix.folder(folder))
    if prefix is None:
        return

    assert judged(lambda: ObjectKey(prefix + ObjectKey(text))) == judged(lambda: Prefix.folder(folder).key(text))
