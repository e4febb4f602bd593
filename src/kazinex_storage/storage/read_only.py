"""Views that only read: every way to change something is refused before any request, the new ones as well.

Two doors, one behind the other. The operations, and the verbs of the provider below them, are let through by a list of
those that read; whatever is not on it is refused. So code that goes past the operations meets the second door, and a
verb that is added later is closed until somebody says that it reads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Final, NoReturn, ParamSpec, TypeVar, cast

from ..errors import ReadOnlyError
from ..keys import ObjectKey
from ..transport import Exchange
from ..types import PresignedUrl, PresignOptions
from .operation import Context, operation
from .operations import Operations

if TYPE_CHECKING:
    from ..lifting import Exchanges
    from ..verbs import AnyProvider

P = ParamSpec("P")
_Class = TypeVar("_Class", bound=type)

_READING_METHODS: Final = ("GET", "HEAD")

_OPERATIONS: Final = frozenset(
    {
        *("children", "exists", "get", "get_bytes", "head", "list_page", "range_reader", "read_ranges", "scan"),
        *("download", "history", "keeping", "labels", "of_version", "presign"),
    }
)
"""What of ``Operations`` reads. The verbs behind ``keeping``, ``history`` and ``labels`` meet the second door."""

_VERBS: Final = frozenset(
    {
        *("children", "get", "get_changed", "get_unkeyed", "head", "list_page", "read", "resident", "scan"),
        *("checks", "checksum", "diagnose", "info", "protection", "unkeyed_prefix"),
        *("deleted", "get_version", "head_version", "public_url", "tags", "versions"),
        *("public_url", "tags"),
    }
)
"""What of a provider's exchanges reads. What signs is judged by ``ReadOnlyOperations``."""

_SIGNING: Final = "presign"

_PROVIDER: Final = frozenset(
    {"addresses", "ca_file", "check_key", "info", "offers_exchanges", "public_access", "state_secret"}
)
"""What of a provider itself is asked by code that does not go through its exchanges."""


def refuse(what: str) -> ReadOnlyError:
    """Return the error for *what* is not done by a view that only reads."""
    return ReadOnlyError(
        f"this view only reads, and {what.replace('_', ' ')} is more than that; use the storage that it was made from",
        code="read-only",
    )


def closed(reading: frozenset[str]) -> Callable[[_Class], _Class]:
    """Return a decorator that has a class refuse what its bases offer and is not *reading*: methods and properties.

    What the class itself defines stays.
    """

    def close(cls: _Class) -> _Class:
        inherited = {name: member for base in reversed(cls.__mro__[1:-1]) for name, member in vars(base).items()}
        for name, member in inherited.items():
            if name.startswith("_") or name in reading or name in vars(cls):
                continue
            if isinstance(member, property):
                setattr(cls, name, property(_refusing(name, cast("Callable[[object], object]", member.fget))))
            elif callable(member):
                setattr(cls, name, _refusing(name, member))
        return cls

    return close


def _refusing(name: str, member: Callable[P, object]) -> Callable[P, NoReturn]:
    @wraps(member)
    def refused(*_: P.args, **__: P.kwargs) -> NoReturn:
        raise refuse(name)

    return refused


@closed(_OPERATIONS)
class ReadOnlyOperations(Operations):
    """The operations of a storage that read; all others raise ``ReadOnlyError``."""

    __slots__ = ()

    @operation("presign")
    def presign(self, key: ObjectKey, options: PresignOptions) -> Exchange[PresignedUrl]:
        """Sign a GET or a HEAD; see ``Storage.presign``.

        Raises:
            ReadOnlyError: the request would change something.
        """
        if options.method not in _READING_METHODS or options.upload is not None:
            raise refuse(f"a signed {options.method}")
        from .signed import presign_object

        return presign_object(self.context, key, options)


class _Reads:
    """The exchanges behind it, as far as they read."""

    def __init__(self, behind: object) -> None:
        self._behind = behind

    def __getattr__(self, name: str) -> object:
        found = getattr(self._behind, name)
        if name in _VERBS:
            return found
        if not callable(found):
            raise AttributeError(name)
        return _signing(found) if name == _SIGNING else _refusing(name, found)


class _Known:
    """The provider behind it, as far as it is looked at: it can do nothing more than any other."""

    def __init__(self, behind: object) -> None:
        self._behind = behind

    def __getattr__(self, name: str) -> object:
        if name not in _PROVIDER:
            raise AttributeError(name)
        return getattr(self._behind, name)


def _signing(sign: Callable[..., object]) -> Callable[[ObjectKey, PresignOptions], object]:
    def presign(key: ObjectKey, options: PresignOptions) -> object:
        if options.method not in _READING_METHODS or options.upload is not None:
            raise refuse(f"a signed {options.method}")
        return sign(key, options)

    return presign


def read_only(context: Context) -> Context:
    """Return *context* for a view that only reads; it closes with this one."""
    view = context.within(context.scope.prefix, context.rules.policy)
    view.exchanges = cast("Exchanges", _Reads(context.exchanges))
    view.provider = cast("AnyProvider", _Known(context.provider))
    return view
