"""``@value`` makes what a frozen dataclass with slots is, however it is used."""

from __future__ import annotations

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, is_dataclass, replace

import pytest

from kazinex_storage.types import WHOLE, ByteRange, Checksum, ObjectInfo
from kazinex_storage.values import value


@value
class New:
    """As ``Old``."""

    name: str
    size: int = 0
    tags: dict[str, str] = field(default_factory=dict)
    hidden: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError("a size is not negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class Old:
    """The same by the library."""

    name: str
    size: int = 0
    tags: dict[str, str] = field(default_factory=dict)
    hidden: str = field(default="", repr=False)


def test_it_shows_itself_as_the_dataclass_does() -> None:
    assert repr(Old(name="a", hidden="s")).replace("Old", "New") == repr(New(name="a", hidden="s"))
    assert [each.name for each in fields(Old)] == [each.name for each in fields(New)]
    assert asdict(Old(name="a")) == asdict(New(name="a"))
    assert list(inspect.signature(Old).parameters) == list(inspect.signature(New).parameters)
    assert is_dataclass(New)


def test_equal_values_are_equal_and_have_one_hash() -> None:
    assert ByteRange(start=1) == ByteRange(start=1) != ByteRange(start=2)
    assert hash(ByteRange(start=1)) == hash(ByteRange(start=1))
    assert type(New(name="a")) is New


def test_each_has_its_own_defaults() -> None:
    assert New(name="a").tags is not New(name="a").tags


def test_nothing_of_it_changes() -> None:
    made = New(name="a")

    with pytest.raises(FrozenInstanceError):
        made.name = "b"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del made.name
    assert not hasattr(made, "__dict__")


def test_a_changed_copy_is_judged_again() -> None:
    assert New(name="a", size=2) == replace(New(name="a"), size=2)
    with pytest.raises(ValueError, match="negative"):
        replace(New(name="a"), size=-1)


def test_it_travels() -> None:
    info = ObjectInfo(key="a", size=1, checksum=Checksum(algorithm="md5", value="00"), metadata={"a": "b"})

    assert info == pickle.loads(pickle.dumps(info)) == copy.deepcopy(info)  # noqa: S301 -- our own
    assert WHOLE == pickle.loads(pickle.dumps(WHOLE))  # noqa: S301 -- our own


@pytest.mark.parametrize("arguments", [{}, {"name": "a", "other": 1}], ids=["too few", "too many"])
def test_wrong_arguments_are_refused_by_name(arguments: dict[str, object]) -> None:
    with pytest.raises(TypeError, match=r"New\.__init__"):
        New(**arguments)  # type: ignore[arg-type]
