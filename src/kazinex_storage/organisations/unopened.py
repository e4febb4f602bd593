"""A placeholder for a provider that cannot be opened: every method raises the reason."""

from __future__ import annotations

import copy
from typing import NoReturn

from ..errors import StorageError
from ..types import ProviderInfo


class UnopenedProvider:
    """Answers nothing, so that a caller of several providers treats it like one that is down."""

    def __init__(self, kind: str, error: StorageError) -> None:
        """Raise copies of *error*."""
        self._error = error
        self._info = ProviderInfo(
            kind=kind, location="not opened", capabilities=frozenset(), max_object_bytes=2**63 - 1
        )

    @property
    def info(self) -> ProviderInfo:
        """What is known of it: nothing."""
        return self._info

    def _refuse(self, *_: object) -> NoReturn:
        raise copy.copy(self._error) from self._error

    put = get = head = delete = scan = children = _refuse

    def close(self) -> None:
        """Do nothing: nothing is open."""
