"""``@value``: frozen dataclasses that are cheap to declare and cheap to make.

The library compiles six functions for each class while it is imported, some 0.3 ms, and sets each field of a frozen one
by a call of ``object.__setattr__``, 1.9 us for 13 fields. Here nothing is compiled before the first instance is made,
and then one constructor. In it the new instance is for a moment of a twin class with the same slots that is not frozen,
so that fields are set plainly: 0.6 us. Pickles, equality, ``replace``, ``fields``, ``repr`` and immutability are those
of the dataclass. ADR 0028 and 0031.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from typing import Any, NoReturn, TypeVar, cast, dataclass_transform, overload

_Class = TypeVar("_Class", bound=type)
_Made = TypeVar("_Made")


@overload
@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def value(cls: _Class, /) -> _Class: ...


@overload
@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def value(*, kw_only: bool = True, frozen: bool = True) -> Callable[[_Class], _Class]: ...


def value(cls: Any = None, /, *, kw_only: bool = True, frozen: bool = True) -> Any:
    """Make of *cls* what ``dataclass(frozen=True, slots=True, kw_only=True)`` does, at less cost.

    It derives from no other value, and its module has the future import of annotations.

    Example:
        >>> @value
        ... class Point:
        ...     x: int
        ...     y: int = 0
        >>> Point(x=1)
        Point(x=1, y=0)
        >>> Point(x=1).x = 2
        Traceback (most recent call last):
        dataclasses.FrozenInstanceError: cannot assign to field 'x'
    """
    if cls is None:
        return lambda cls: _Plan(cls, kw_only, frozen).made
    return _Plan(cls, kw_only, frozen).made


def rows_maker(cls: type[_Made], *names: str) -> Callable[[Iterable[tuple[Any, ...]]], list[_Made]]:
    """Return a function that makes a list of *cls*, a frozen value, of rows with the values of the fields *names*.

    The other fields have their defaults. One of a page of a listing takes 0.3 us, a call of the class 0.8.

    Example:
        >>> @value
        ... class Point:
        ...     x: int
        ...     y: int = 0
        >>> rows_maker(Point, "x")([(1,), (2,)])
        [Point(x=1, y=0), Point(x=2, y=0)]
    """
    slots = tuple(each.name for each in fields(cls))  # type: ignore[arg-type]  # which a value is to it
    twin = type(cls.__name__, cls.__bases__, {"__slots__": slots})
    known: dict[str, object] = {"_made": cls, "_new": object.__new__, "_twin": twin}
    lines = list[str]()
    for each in fields(cls):  # type: ignore[arg-type]
        name = each.name
        if name in names:
            lines.append(f"self.{name} = {name}")
        elif each.default_factory is not MISSING:
            known[f"_make_{name}"] = each.default_factory
            lines.append(f"self.{name} = _make_{name}()")
        else:
            known[f"_default_{name}"] = each.default
            lines.append(f"self.{name} = _default_{name}")
    body = "\n        ".join(["self = _new(_twin)", *lines, "self.__class__ = _made", "add(self)"])
    loop = f"for {', '.join(names)}, in rows:\n        {body}"
    text = f"def make(rows):\n    made = []\n    add = made.append\n    {loop}\n    return made"
    exec(text, known)  # noqa: S102 -- as for the constructor
    return cast("Callable[[Iterable[tuple[Any, ...]]], list[_Made]]", known["make"])


class _Plan:
    """What is known of a value when it is declared, and what is made of that when it is first used."""

    __slots__ = ("defaults", "frozen", "kw_only", "made", "types")

    def __init__(self, cls: type, kw_only: bool, frozen: bool) -> None:
        namespace = dict(cls.__dict__)
        self.types: Mapping[str, str] = namespace.get("__annotations__", {})
        self.kw_only = kw_only
        self.frozen = frozen
        self.defaults = {name: namespace.pop(name) for name in self.types if name in namespace}
        for name in ("__dict__", "__weakref__"):
            namespace.pop(name, None)
        names = tuple(self.types)
        for name, member in _members(names, frozen).items():
            namespace.setdefault(name, member)
        if namespace.get("__hash__") is None:  # None as well where the class has an __eq__ of its own
            namespace["__hash__"] = _hash if frozen else None
        for name, make in _LATER.items():
            namespace.setdefault(name, _Later(self, name, make))
        namespace["__slots__"] = names
        namespace["__match_args__"] = () if kw_only else names
        self.made: Any = type(cls)(cls.__name__, cls.__bases__, namespace)
        self.made.__qualname__ = cls.__qualname__

    def field_of(self, name: str) -> Field[Any] | None:
        """Return the ``field()`` that the class gives *name*; None where it gives a plain default, or none."""
        found = self.defaults.get(name)
        return found if isinstance(found, Field) else None


class _Later:
    """An attribute of a class that is made when it is first looked up, and takes the place of this one."""

    __slots__ = ("_make", "_name", "_plan")

    def __init__(self, plan: _Plan, name: str, make: Callable[[_Plan], object]) -> None:
        self._plan = plan
        self._name = name
        self._make = make

    def __get__(self, instance: object, owner: type) -> Any:
        setattr(self._plan.made, self._name, self._make(self._plan))
        return getattr(owner if instance is None else instance, self._name)


def _constructor(plan: _Plan) -> Any:
    """Return the ``__init__`` of the class; the only function that is compiled for it."""
    made, slots = plan.made, tuple(plan.types)
    names: dict[str, object] = {"_made": made, "_missing": MISSING}
    parameters, lines = ["self", "*"] if plan.kw_only else ["self"], list[str]()
    if plan.frozen:
        bases = {"__slots__": slots, "__orig_bases__": getattr(made, "__orig_bases__", ())}
        names |= {"_set": object.__setattr__, "_twin": type(made.__name__, made.__bases__, bases)}
        lines.append("_set(self, '__class__', _twin)")
    for name in slots:
        given = plan.field_of(name)
        default = given.default if given is not None else plan.defaults.get(name, MISSING)
        if given is not None and given.default_factory is not MISSING:
            names[f"_make_{name}"] = given.default_factory
            parameters.append(f"{name}=_missing")
            lines.append(f"self.{name} = {name} if {name} is not _missing else _make_{name}()")
        else:
            names[f"_default_{name}"] = default
            parameters.append(name if default is MISSING else f"{name}=_default_{name}")
            lines.append(f"self.{name} = {name}")
    if plan.frozen:
        lines.append("self.__class__ = _made")
    if hasattr(made, "__post_init__"):
        lines.append("self.__post_init__()")
    text = f"def __init__({', '.join(parameters)}):\n    " + "\n    ".join(lines or ["pass"])
    exec(text, names)  # noqa: S102 -- as dataclasses do: the text is made of field names, which are identifiers
    constructor: Any = names["__init__"]
    constructor.__qualname__ = f"{made.__qualname__}.__init__"
    constructor.__module__ = made.__module__
    constructor.__annotations__ = {**plan.types, "return": None}
    return constructor


def _fields(plan: _Plan) -> object:
    """Return what ``fields``, ``replace``, ``asdict`` and ``is_dataclass`` look for, as the library makes it."""
    known = {"__annotations__": dict(plan.types), "__doc__": "", "__module__": plan.made.__module__}
    make: Any = dataclass(init=False, repr=False, eq=False, match_args=False, kw_only=plan.kw_only)
    return make(type(plan.made.__name__, (), {**known, **plan.defaults})).__dataclass_fields__


def _parameters(plan: _Plan) -> object:
    make: Any = dataclass(slots=True, frozen=plan.frozen, kw_only=plan.kw_only)
    return make(type(plan.made.__name__, (), {"__doc__": ""})).__dataclass_params__


def _shown(plan: _Plan) -> object:
    """Return the ``__repr__`` of the class."""
    from reprlib import recursive_repr

    names = [name for name in plan.types if (given := plan.field_of(name)) is None or given.repr]

    def shown(self: object) -> str:
        return f"{type(self).__qualname__}({', '.join([f'{name}={getattr(self, name)!r}' for name in names])})"

    return recursive_repr()(shown)


def _compared(plan: _Plan) -> object:
    """Return the function that gives what an instance is compared and hashed by."""
    names = [name for name in plan.types if (given := plan.field_of(name)) is None or given.compare]
    if len(names) > 1:
        return staticmethod(attrgetter(*names))
    return staticmethod(lambda self: tuple(getattr(self, name) for name in names))


def _equal(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return self.__compared__(self) == self.__compared__(other)


def _hash(self: Any) -> int:
    return hash(self.__compared__(self))


def _refuse_change(self: object, name: str, value: object) -> NoReturn:  # noqa: ARG001 -- the interface of attributes
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_removal(self: object, name: str) -> NoReturn:  # noqa: ARG001 -- as above
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _members(names: tuple[str, ...], frozen: bool) -> dict[str, object]:
    """Return the methods of a value that need no compiling."""
    if not frozen:
        return {"__eq__": _equal}

    def state(self: object) -> list[object]:
        return [getattr(self, name) for name in names]

    def restore(self: object, state: list[object]) -> None:
        for name, found in zip(names, state, strict=True):
            object.__setattr__(self, name, found)

    return {
        "__eq__": _equal,
        "__setattr__": _refuse_change,
        "__delattr__": _refuse_removal,
        "__getstate__": state,
        "__setstate__": restore,
    }


_LATER: Mapping[str, Callable[[_Plan], object]] = {
    "__init__": _constructor,
    "__repr__": _shown,
    "__compared__": _compared,
    "__dataclass_fields__": _fields,
    "__dataclass_params__": _parameters,
}
