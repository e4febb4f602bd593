"""Keys and prefixes as values: prefixes, folders, pickles, and text that is not what it says."""

from __future__ import annotations

import copy
import enum
import pickle
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazinex_storage.errors import InvalidKeyError
from kazinex_storage.keys import DocumentKey, ObjectKey, Prefix

segments = st.sampled_from(["", ".", "..", "/", "a", "e\u0301", "\u0338", "\x00", "\\"]) | st.text(
    st.characters(), max_size=20
)


texts = st.lists(segments, max_size=6).map("".join) | st.lists(segments, max_size=6).map("/".join)


class Named(str, enum.Enum):  # noqa: UP042  # StrEnum has the right str() already; this kind has not
    """Text whose ``str()`` is not its value."""

    ORGANISATION = "org-1"
    KEY = "org-1/a"


@pytest.mark.parametrize(
    "text",
    ["/", "/a", "a//", "a//b", "./", "../", "a/../", "a/./b", "a\\", "a\n", "\ud800"],
    ids=lambda value: ascii(value)[:24],
)
def test_a_prefix_that_no_key_begins_with_is_refused(text: str) -> None:
    with pytest.raises(InvalidKeyError):
        Prefix(text)


@given(text=texts, cut=st.integers(0, 60))
def test_every_beginning_of_a_key_is_a_prefix(text: str, cut: int) -> None:
    try:
        key = ObjectKey(text)
    except InvalidKeyError:
        return

    assert key[:cut] == Prefix(key[:cut])


@given(text=texts)
def test_every_prefix_is_the_beginning_of_some_key(text: str) -> None:
    try:
        prefix = Prefix(text)
    except InvalidKeyError:
        return

    assert ObjectKey(f"{prefix}x").startswith(prefix)


@pytest.mark.parametrize(("text", "expected"), [("", ""), ("a", "a/"), ("a/", "a/"), ("a/b", "a/b/")])
def test_a_folder_ends_with_one_slash(text: str, expected: str) -> None:
    assert expected == Prefix.folder(text)


@pytest.mark.parametrize("text", ["/", "//", "a//", "..", ".", "/a", "a/.."])
def test_what_is_no_folder_is_refused_and_never_means_everything(text: str) -> None:
    with pytest.raises(InvalidKeyError):
        Prefix.folder(text)


def test_a_key_knows_its_name_and_its_parent() -> None:
    assert ("c", "a/b/") == (ObjectKey("a/b/c").name, ObjectKey("a/b/c").parent)
    assert ("c", "") == (ObjectKey("c").name, ObjectKey("c").parent)
    assert isinstance(ObjectKey("a/b").parent, Prefix)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "value", [ObjectKey("a/\u00e9"), Prefix("a/"), Prefix(), DocumentKey("o", "p", "d", "r", "f")], ids=repr
)
def test_keys_survive_pickling(value: object, protocol: int) -> None:
    again = pickle.loads(pickle.dumps(value, protocol))  # noqa: S301  # made on this line

    assert value == again
    assert type(value) is type(again)


@pytest.mark.parametrize("value", [ObjectKey("a/b"), Prefix("a/"), DocumentKey("o", "p", "d", "r", "f")], ids=repr)
def test_keys_survive_copying(value: object) -> None:
    assert value == copy.copy(value) == copy.deepcopy(value)
    assert type(value) is type(copy.copy(value)) is type(copy.deepcopy(value))


def test_a_key_carries_no_attributes() -> None:
    with pytest.raises(AttributeError):
        ObjectKey("a").extra = 1  # type: ignore[attr-defined]


def test_a_key_made_of_an_enumeration_member_is_its_value() -> None:
    """``str()`` of a ``(str, Enum)`` member is its name: what is validated must be what is used."""
    assert "org-1/a" == str(ObjectKey(Named.KEY))
    assert "org-1/a" == str(Prefix(Named.KEY))


def test_a_document_of_an_enumerated_organisation_lies_below_its_own_prefix() -> None:
    key = DocumentKey(Named.ORGANISATION, "p", "d", "r", "f")

    assert key.build().startswith(key.document_prefix)
    assert key.build().startswith(key.revision_prefix)


class Liar(str):
    """Text that shows one thing to the validator and becomes another."""

    def __str__(self) -> str:
        return "../other"

    def __format__(self, format_spec: str) -> str:
        return "../other"


@pytest.mark.parametrize("kind", [ObjectKey, Prefix], ids=["key", "prefix"])
def test_a_subclass_of_text_cannot_become_something_else_after_the_check(kind: type[ObjectKey | Prefix]) -> None:
    assert "fine" == str(kind(Liar("fine")))


def test_the_prefix_of_a_document_cannot_become_something_else_after_the_check() -> None:
    assert "org-1/p/d/" == DocumentKey(Liar("org-1"), "p", "d", "r", "f").document_prefix


@pytest.mark.parametrize(
    "text",
    ["x" * 100_000 + "\n", "x" * 100_000, "\u00e9" * 100_000, "../" + "x" * 100_000],
    ids=lambda value: ascii(value)[:24],
)
def test_a_refusal_does_not_repeat_an_endless_text(text: str) -> None:
    for make in (ObjectKey, Prefix, DocumentKey.parse, lambda name: DocumentKey("o", "p", "d", "r", name)):
        with pytest.raises(InvalidKeyError) as caught:
            make(text)
        assert len(str(caught.value)) < 1500
        assert len(caught.value.key or "") < 1100


SLOW = """
import resource
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
from kazinex_storage.keys import DocumentKey, ObjectKey, Prefix
text = "a" + "\\u0301\\u0327" * 2_000_000
for make in (ObjectKey, Prefix, lambda name: DocumentKey("o", "p", "d", "r", name)):
    try:
        make(text)
    except ValueError:
        print("refused")
"""


def test_a_text_that_is_slow_to_normalise_is_refused_before_it_is_normalised() -> None:
    """Canonical ordering is quadratic in a run of combining marks: this text would take hours.

    A text of more than 4,096 characters has over 1,024 even in NFC, since nothing composes more than four. The child
    process has a bound on processor time so that a failure ends.
    """
    child = subprocess.run([sys.executable, "-c", SLOW], capture_output=True, text=True, check=False)

    assert (0, "refused\n" * 3) == (child.returncode, child.stdout)
