"""What must not leave its process in a pickle: secrets, and what is made of connections and locks.

Queues, caches and pools of processes keep pickles in clear. A class that is marked here refuses to be pickled, and says
what to send instead. Copies within the process are the same object.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, SupportsIndex, TypeVar

_Class = TypeVar("_Class", bound=type)

SEND_A_FILE_SYSTEM = (
    "send what it is made from without the secrets, and make it there; or send a storage of open_named, a "
    "NamedDocumentStore, or a file system of kazinex_storage.fs, which find their secrets in the environment of where "
    "they arrive"
)
"""What to send instead of a storage, a provider or what they are opened by."""


def not_pickled(instead: str) -> Callable[[_Class], _Class]:
    """Return a decorator for classes whose instances stay in their process; *instead* says what to send.

    Example:
        >>> import pickle
        >>> @not_pickled("send its name")
        ... class Key: ...
        >>> pickle.dumps(Key())
        Traceback (most recent call last):
        TypeError: a Key holds secrets or connections of this process and cannot be pickled; send its name
    """

    def refuse(self: object, protocol: SupportsIndex) -> NoReturn:  # noqa: ARG001  # the interface of pickles
        raise refusal(type(self).__name__, instead)

    def itself(self: object, memo: object = None) -> object:  # noqa: ARG001  # the interface of copies
        return self

    def close(cls: _Class) -> _Class:
        for name, method in (("__reduce_ex__", refuse), ("__copy__", itself), ("__deepcopy__", itself)):
            setattr(cls, name, method)
        return cls

    return close


def refusal(name: str, instead: str) -> TypeError:
    """Return the error for a *name* that cannot be pickled."""
    return TypeError(f"a {name} holds secrets or connections of this process and cannot be pickled; {instead}")
