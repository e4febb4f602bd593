"""Keys as names of SharePoint: every key can be spelt, legally; every spelling means one key; people can read it."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from kazinex_storage.errors import InvalidKeyError
from kazinex_storage.keys import ObjectKey, Prefix
from kazinex_storage.providers.sharepoint.names import (
    check,
    collide,
    decode_path,
    encode_key,
    encode_segment,
    fold,
    folder_of,
)
from kazinex_storage.testing.names import AWKWARD_KEYS

# Any character at all would meet a rule once in a million tries, so what the rules are about comes more often.
MARKS = [*'"*:<>?|\\= .~$_/', "=3A", "=3a", "=43", "=C3=A4", "=FF", "3A", "A", "f", "\xa0", "\u3000", "\u017f"]
WORDS = ["CON", "prn", "Aux", "NUL", "com0", "LPT9", ".lock", "desktop.ini", "_vti_", "VTI_", "forms", "Forms", ".pdf"]
PIECES = st.sampled_from(MARKS + WORDS)
CHARACTERS = st.characters(codec="utf-8")
TEXT = st.lists(PIECES | CHARACTERS, min_size=1, max_size=12).map("".join)
SEGMENTS = TEXT.map(lambda text: text.replace("/", ""))

DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in range(10))}


def is_legal(name: str) -> bool:
    """Judge one name by support.microsoft.com, article 64883a5d-228e-48f5-b3d2-eb39e07630fa, without its length."""
    folded = name.casefold()
    return (
        name != ""
        and not set(name) & set('"*:<>?/\\|')
        and all(ord(character) >= 32 and not 127 <= ord(character) < 160 for character in name)
        and name == name.strip()
        and not name.endswith(".")
        and not name.startswith("~")
        and "_vti_" not in folded
        and folded not in (".lock", "desktop.ini")
        and folded.split(".")[0].rstrip(" ") not in DEVICES
    )


def is_legal_path(path: str) -> bool:
    names = path.split("/")
    return all(map(is_legal, names)) and names[0].casefold() != "forms"


def key_of(text: str) -> ObjectKey:
    try:
        return ObjectKey(text)
    except InvalidKeyError:
        assume(False)
        raise


@given(text=TEXT, at_root=st.booleans())
def test_any_key_comes_back_from_its_path(text: str, at_root: bool) -> None:
    key = key_of(text)

    path = encode_key(key, at_library_root=at_root)

    assert key == decode_path(path, at_library_root=at_root)
    assert key.count("/") == path.count("/")


@given(name=SEGMENTS.filter(bool))
def test_the_encoded_form_of_any_text_is_legal(name: str) -> None:
    assert is_legal(encode_segment(name))


def test_every_control_character_is_escaped() -> None:
    controls = [*map(chr, range(32)), *map(chr, range(127, 160))]

    assert all(is_legal(encode_segment(f"a{character}b")) for character in controls)


@given(text=TEXT)
def test_the_path_of_any_key_is_legal_in_the_library_itself(text: str) -> None:
    assert is_legal_path(encode_key(key_of(text)))


@given(one=SEGMENTS, other=SEGMENTS)
@example(one="a=3A", other="a:")
@example(one="=43ON", other="CON")
@example(one="=C2:", other="=C2=3A")
def test_two_texts_never_share_an_encoded_form(one: str, other: str) -> None:
    assert (one == other) == (encode_segment(one) == encode_segment(other))


@given(path=TEXT | st.lists(PIECES | st.characters(), max_size=12).map("".join), at_root=st.booleans())
def test_a_name_that_another_program_chose_is_no_key_unless_it_is_the_path_of_one(path: str, at_root: bool) -> None:
    key = decode_path(path, at_library_root=at_root)

    assert key is None or path == encode_key(key, at_library_root=at_root)


@given(path=st.text(st.sampled_from("ab=0123456789ABCDEFabcdef/ .+%#'()~"), min_size=1, max_size=20))
def test_a_legal_name_without_an_escape_is_a_key_as_it_is(path: str) -> None:
    assume(is_legal_path(path))
    starts = [index for index, character in enumerate(path) if character == "="]
    assume(
        not any(len(pair := path[i + 1 : i + 3]) == 2 and set(pair.lower()) <= set("0123456789abcdef") for i in starts)
    )

    assert path == decode_path(path)


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("Grundriß 1:50?.pdf", "Grundriß 1=3A50=3F.pdf"),
        ('a"b*c<d>e|f', "a=22b=2Ac=3Cd=3Ee=7Cf"),
        (" a / b", "=20a=20/=20b"),
        ("\xa0a\u3000", "=C2=A0a=E3=80=80"),
        ("a./b..", "a=2E/b.=2E"),
        ("CON/nul.txt/Lpt9.tar.gz/com0", "=43ON/=6Eul.txt/=4Cpt9.tar.gz/=63om0"),
        ("aux .pdf", "=61ux .pdf"),
        (".lock/Desktop.INI", "=2Elock/=44esktop.INI"),
        ("_vti_/a_VTI_vti_b", "=5Fvti_/a=5FVTI=5Fvti_b"),
        ("~$a.docx/~b", "=7E$a.docx/=7Eb"),
        ("Forms/forms", "=46orms/forms"),
        ("a=3A/a=bc/==41", "a=3D3A/a=3Dbc/==3D41"),
    ],
)
def test_what_the_service_forbids_is_escaped(key: str, path: str) -> None:
    assert path == encode_key(ObjectKey(key))


@pytest.mark.parametrize(
    "key",
    [
        "Plans #2/100%/a%20b+c.pdf",
        "O'Brien (copy) [2] {x} & co; v1,2 @home!.dwg",
        "図面/平面図.dwg",
        "خطة.pdf",
        "👩‍👩‍👧‍👦 a.b..c",
        "a=b&c=d",
        "console/auxiliary.txt/com10/COMMON.txt/null",
        "my.lock/.lock.x/xdesktop.ini/vti_/a~$b/a~",
        "a/forms/FORMS",
        "forms.pdf/desktop.ini.bak",
        "CaSe",
    ],
)
def test_ordinary_names_stay_as_they_are_written(key: str) -> None:
    assert key == encode_key(ObjectKey(key))


@pytest.mark.parametrize("key", AWKWARD_KEYS)
def test_keys_that_services_mangle_are_encoded_and_come_back(key: str) -> None:
    path = encode_key(ObjectKey(key))

    assert is_legal_path(path)
    assert ObjectKey(key) == decode_path(path)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("a=41", id="superfluous"),
        pytest.param("a=3a", id="lower case"),
        pytest.param("a=FF", id="no UTF-8"),
        pytest.param("a=0A", id="control character"),
        pytest.param("a=2Fb", id="slash"),
        pytest.param("a=3D", id="escape of nothing"),
        pytest.param("e\N{COMBINING ACUTE ACCENT}", id="not NFC"),
        pytest.param("Forms/Document.dotx", id="made by the service"),
        pytest.param("desktop.ini", id="reserved"),
        pytest.param("\ud800", id="surrogate"),
        pytest.param("", id="empty"),
        pytest.param("a//b", id="empty segment"),
        pytest.param("=2E", id="dot"),
        pytest.param("a" * 1025, id="too long for a key"),
    ],
)
def test_a_name_that_no_key_encodes_to_is_none(path: str) -> None:
    assert decode_path(path) is None


def test_forms_is_an_ordinary_name_below_a_root_folder() -> None:
    assert "Forms/a" == encode_key("Forms/a", at_library_root=False)
    assert "Forms/a" == decode_path("Forms/a", at_library_root=False)


@pytest.mark.parametrize(
    ("prefix", "folder"),
    [("", ""), ("pl", ""), ("a/", "a"), ("a/b?c", "a"), ("a/b:/", "a/b=3A"), ("CO", ""), ("Forms/x", "=46orms")],
)
def test_a_prefix_is_listed_in_the_folder_of_its_last_closed_segment(prefix: str, folder: str) -> None:
    assert folder == folder_of(Prefix(prefix))


@given(text=TEXT, length=st.integers(0, 30), at_root=st.booleans())
def test_the_folder_of_a_prefix_holds_every_key_that_begins_with_it(text: str, length: int, at_root: bool) -> None:
    key = key_of(text)
    try:
        prefix = Prefix(key[:length])
    except InvalidKeyError:
        assume(False)
    assume(key.startswith(prefix))

    folder = folder_of(prefix, at_library_root=at_root)

    assert f"{folder}/".removeprefix("/") == encode_key(key, at_library_root=at_root)[: len(folder) + bool(folder)]


def test_a_folder_at_a_prefix_that_begins_with_forms_depends_on_the_root() -> None:
    assert "Forms" == folder_of(Prefix("Forms/a"), at_library_root=False)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Plan.pdf", "plan.PDF"),
        ("ÄÖ", "äö"),
        ("Straße", "STRASSE"),
        ("Ё/b", "ё/B"),
        ("\N{GREEK SMALL LETTER FINAL SIGMA}", "Σ"),
        ("\N{GREEK SMALL LETTER ALPHA WITH OXIA AND YPOGEGRAMMENI}", "\u0391\u0345\u0301"),
    ],
)
def test_names_that_differ_by_case_alone_collide(one: str, other: str) -> None:
    assert collide(one, other)
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("a", "b"), ("a", "á"), ("a=3A", "a=3D3a"), ("=43ON", "=63on")])
def test_other_names_do_not_collide(one: str, other: str) -> None:
    assert not collide(one, other)


@given(name=TEXT)
def test_a_name_does_not_collide_with_itself(name: str) -> None:
    assert not collide(name, name)


@given(name=SEGMENTS, other=SEGMENTS)
@example(name="a:", other="a=3a")
def test_encoded_forms_collide_only_where_the_names_do(name: str, other: str) -> None:
    for second in (name.swapcase(), name.upper(), name.casefold(), other):
        assert collide(name, second) or not collide(encode_segment(name), encode_segment(second))


@pytest.mark.parametrize("name", ["a" * 255, "🏗" * 127 + "a", ":" * 85])
def test_a_name_of_255_units_is_held(name: str) -> None:
    check(encode_key(name), library="/sites/a/Plans")


@pytest.mark.parametrize("name", ["a" * 256, "🏗" * 128, ":" * 86])
def test_a_longer_name_is_refused_before_any_request(name: str) -> None:
    """A character beyond U+FFFF counts twice: the stricter reading of "characters"."""
    with pytest.raises(InvalidKeyError, match=r"at most 255 .* takes 25[68]") as caught:
        check(f"b/{encode_key(name)}/c", library="/sites/a/Plans", key=name)

    assert name == caught.value.key


@pytest.mark.parametrize(
    ("library", "folder"),
    [
        ("/sites/a/Plans", ""),
        ("sites/a/Plans/", "/"),
        ("/sites", "a/Plans"),
        ("/sites/a", "/Plans/"),
        ("", "sites/a/Plans"),
    ],
)
def test_a_path_of_400_units_with_library_and_folder_is_held_and_one_more_is_not(library: str, folder: str) -> None:
    longest = "/".join(["a" * 128, "b" * 128, "c" * 127])  # 385; "/sites/a/Plans/" has 15

    check(longest, library=library, folder=folder)

    with pytest.raises(InvalidKeyError, match=r"at most 400 characters; this one has 401, of them 14 of the site"):
        check(f"{longest}d", library=library, folder=folder)
