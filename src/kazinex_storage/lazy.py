"""What is made when it is first used, because most processes that import it never do: patterns, modules, loggers.

A process that reads one object uses a sixth of the regular expressions that it imports, at 0.15 ms each, and none of
``hashlib``, ``logging``, ``json`` or ``ssl``, at 1 to 7 ms. ADR 0031.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, AnyStr, Final, cast

if TYPE_CHECKING:
    import logging

DEBUG: Final = 10
"""That of ``logging``."""

_QUIET = ("debug", "isEnabledFor")
_LOGGING = (*_QUIET, "warning")
_METHODS = ("findall", "finditer", "fullmatch", "match", "search", "split", "sub")


def regex(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return what ``re.compile`` does; what is wrong with *text* is found out by its first use.

    Example:
        >>> number = regex("[0-9]+")
        >>> number.fullmatch("12")[0], number.pattern
        ('12', '[0-9]+')
    """
    return cast("re.Pattern[AnyStr]", _Pattern(text, flags))


def module(home: str, name: str) -> Any:
    """Return what stands for the module *name* in *home*, and makes way for it when it is first used.

    It is assigned to the last part of the name, in place of an import that is only there for the type checker::

        if TYPE_CHECKING:
            import hashlib
        else:
            hashlib = module(__name__, "hashlib")

    A name that begins with a dot is relative to *home*.
    """
    return _Module(home, name)


def logger(name: str) -> logging.Logger:
    """Return what ``logging.getLogger`` does.

    Where nobody has imported ``logging``, nobody has asked to see more than warnings.
    """
    return cast("logging.Logger", _Logger(name))


class _Pattern:
    """A pattern; its methods are those of the compiled one after the first of them was looked up."""

    __slots__ = ("_flags", "pattern", *_METHODS)

    def __init__(self, text: str | bytes, flags: int) -> None:
        self.pattern = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        compiled: re.Pattern[Any] = re.compile(self.pattern, self._flags)
        for method in _METHODS:
            setattr(self, method, getattr(compiled, method))
        return getattr(compiled, name)


class _Module:
    __slots__ = ("_home", "_name")

    def __init__(self, home: str, name: str) -> None:
        self._home = home
        self._name = name

    def __getattr__(self, name: str) -> Any:
        found = import_module(self._name, self._home.rpartition(".")[0])
        setattr(sys.modules[self._home], self._name.rpartition(".")[2], found)
        return getattr(found, name)


class _Logger:
    """A logger; its methods are those of the real one once somebody has imported ``logging``."""

    __slots__ = ("_name", *_LOGGING)

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name in _QUIET and "logging" not in sys.modules:
            return _nothing
        import logging

        found = logging.getLogger(self._name)
        for method in _LOGGING:
            setattr(self, method, getattr(found, method))
        return getattr(found, name)


def _nothing(*_: object, exc_info: object = None) -> bool:  # noqa: ARG001 -- as of a logger
    return False
