"""URLs: what they mean, what is refused, and that none reaches beyond the organisation that it names."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kazinex_storage.errors import InvalidKeyError, InvalidUrlError
from kazinex_storage.fs import Address, format_url, parse_url
from kazinex_storage.fs.urls import strip_scheme

IDS = st.text("abcXYZ019._-", min_size=1, max_size=12).filter(lambda text: text not in (".", ".."))
PARTS = ["org-a", "org-b", "/", "//", "..", ".", "%2e%2e", "%2F", "\\", "\x00", "kazinex://", "kazinex::", "@", ":80"]
SIGNS = ["#", "?", "&", "~", " ", "\u202e", "\uff0f", "\u2044", "\u212a", "e\u0301", "\ud800", "x.pdf", "*", "[", "::"]
HOSTILE = st.lists(st.sampled_from(PARTS + SIGNS), max_size=12).map("".join)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("kazinex://org/../other/p/f", id="dots"),
        pytest.param("kazinex://../p/f", id="dots for an organisation"),
        pytest.param("kazinex://org/p/./f", id="dot"),
        pytest.param("kazinex://org//p/f", id="empty segment"),
        pytest.param("kazinex:///org/p/f", id="leading slash"),
        pytest.param("kazinex://org\\p\\f", id="backslash in the organisation"),
        pytest.param("kazinex://org/p/..\\f", id="backslash in the key"),
        pytest.param("kazinex://user:secret@org/p/f", id="user information"),
        pytest.param("kazinex://org:8080/p/f", id="port"),
        pytest.param("kazinex://%6frg/p/f", id="encoded organisation"),
        pytest.param("kazinex://org/%70/f", id="encoded project"),
        pytest.param("kazinex://org?x=1/p/f", id="query in the organisation"),
        pytest.param("kazinex://org#x/p/f", id="fragment in the organisation"),
        pytest.param("kazinex://org/p/a\nb", id="control character"),
        pytest.param("kazinex://kazinex://org/p/f", id="a URL in a URL"),
        pytest.param("s3://org/p/f", id="another scheme"),
        pytest.param("KAZINEX://org/p/f", id="upper case scheme"),
        pytest.param("kazinex://", id="nothing"),
        pytest.param("kazinex://org/" + "p/" + "f" * 1100, id="too long"),
    ],
)
def test_a_url_that_could_name_something_else_is_refused(url: str) -> None:
    with pytest.raises((InvalidUrlError, InvalidKeyError)):
        parse_url(url)


@pytest.mark.parametrize("name", ["100%.pdf", "a#b.pdf", "a?b.pdf", "%2e%2e", "Plan [A] *.pdf", "Müller & Söhne.pdf"])
def test_every_character_of_a_key_stands_for_itself(name: str) -> None:
    address = parse_url(f"kazinex://org/project/{name}")

    assert Address(place="org", key=f"project/{name}") == address


@given(organisation=IDS, project=IDS, names=st.lists(st.text("aé%#? [*", min_size=1, max_size=8), max_size=4))
def test_formatting_and_parsing_are_inverse(organisation: str, project: str, names: list[str]) -> None:
    key = unicodedata.normalize("NFC", "/".join([project, *names]))

    url = format_url(organisation, key)

    assert Address(place=organisation, key=key) == parse_url(url)


@given(st.one_of(HOSTILE, HOSTILE.map("kazinex://".__add__), st.text(max_size=60).map("kazinex://org-a/".__add__)))
@example("kazinex://kazinex://org-b/secret.pdf")
@example("kazinex://org-a/../org-b/secret.pdf")
@example("kazinex://org-a/%2e%2e/org-b/secret.pdf")
@example("org-a//")
def test_no_url_reaches_beyond_the_organisation_that_stands_first_in_it(url: str) -> None:
    try:
        address = parse_url(url)
    except (InvalidUrlError, InvalidKeyError):
        return

    path = unicodedata.normalize("NFC", url).removeprefix("kazinex://")
    assert path.split("/")[0] == address.place
    assert path.rstrip("/") == f"{address.place}/{address.key}".removesuffix("/")  # "a//" is the folder "a"
    assert not {"", ".", ".."} & set(address.key.split("/")) or address.key == ""


@given(st.one_of(HOSTILE, st.text(max_size=40)))
def test_stripping_twice_is_the_same_as_once(url: str) -> None:
    try:
        once = strip_scheme(url, "kazinex")
    except InvalidUrlError:
        return

    assert once == strip_scheme(once, "kazinex")


def test_a_url_in_unicode_that_is_not_composed_names_the_composed_key() -> None:
    address = parse_url("kazinex://org/project/Mu\u0308ller.pdf")

    assert address.key == "project/M\u00fcller.pdf"
