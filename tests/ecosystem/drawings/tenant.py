"""Whose request it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_TENANT = ContextVar[str | None]("tenant", default=None)


def current() -> str | None:
    return _TENANT.get()


@contextmanager
def acting(organisation: str | None) -> Iterator[None]:
    token = _TENANT.set(organisation)
    try:
        yield
    finally:
        _TENANT.reset(token)
