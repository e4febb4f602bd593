"""``@value`` makes what a frozen dataclass with slots is, however it is used."""

from __future__ import annotations

import copy
import inspect
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, is_dataclass, replace
from typing import Generic, NoReturn, TypeVar

import pytest

from kazinex_storage.types import WHOLE, ByteRange, Checksum, ObjectInfo
from kazinex_storage.values import rows_maker, value

T = TypeVar("T")


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
    assert vars(Old)["__dataclass_params__"].frozen
    assert repr(Old.__dataclass_params__) == repr(New.__dataclass_params__)  # type: ignore[attr-defined]


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


@value(kw_only=False)
class Pair(Generic[T]):
    """Positional, and of a generic class."""

    first: T
    second: T = field(compare=False)


@value(kw_only=False, frozen=False)
class Count:
    """One that changes."""

    number: int = 0


class Compiled(Exception):  # noqa: N818 -- it is a finding
    """Something was compiled."""


def test_declaring_one_compiles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a start pays for values that it never makes."""

    def refuse(*_: object) -> NoReturn:
        raise Compiled

    monkeypatch.setattr("builtins.exec", refuse)

    @value
    class Declared:
        name: str

    with pytest.raises(Compiled):
        Declared(name="a")


def test_one_may_be_positional_and_generic() -> None:
    pair = Pair(1, 2)

    assert "Pair(first=1, second=2)" == repr(pair)
    assert pair == Pair(1, 3) != Pair(2, 2)
    assert hash(pair) == hash(Pair(1, 3))
    assert pair == pickle.loads(pickle.dumps(pair))  # noqa: S301 -- our own
    match pair:
        case Pair(first, _):
            assert 1 == first
    with pytest.raises(FrozenInstanceError):
        pair.first = 2  # type: ignore[misc]


def test_one_that_changes_has_no_hash() -> None:
    count = Count()
    count.number += 1

    assert Count(1) == count
    with pytest.raises(TypeError, match="unhashable"):
        hash(count)


def test_threads_that_make_the_first_one_together_get_the_same_class() -> None:
    @value
    class First:
        name: str

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: First(name="a"), range(64)))

    assert {First} == {type(each) for each in made}
    assert {First(name="a")} == set(made)


def test_rows_are_made_as_the_class_makes_them() -> None:
    make = rows_maker(ObjectInfo, "key", "size")

    found = make([("a", 1), ("b", 2)])

    assert [ObjectInfo(key="a", size=1), ObjectInfo(key="b", size=2)] == found
    assert [ObjectInfo, ObjectInfo] == [type(one) for one in found]
    assert found[0].metadata is not found[1].metadata
    assert found == pickle.loads(pickle.dumps(found))  # noqa: S301
    assert "c" == replace(found[0], key="c").key
    with pytest.raises(FrozenInstanceError):
        found[0].size = 3  # type: ignore[misc]
    assert [] == make([])
