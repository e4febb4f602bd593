"""A placeholder for a provider that cannot be opened: every method raises the reason."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import NoReturn

from ..bodies.source import Source
from ..errors import StorageError
from ..keys import ObjectKey, Prefix
from ..types import ByteRange, Folder, ObjectInfo, ProviderInfo, PutOptions, Sink


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

    def put(self, key: ObjectKey, source: Source, options: PutOptions) -> ObjectInfo:  # noqa: ARG002
        """Raise."""
        self._refuse()

    def get(self, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None) -> ObjectInfo:  # noqa: ARG002
        """Raise."""
        self._refuse()

    def head(self, key: ObjectKey) -> ObjectInfo:  # noqa: ARG002
        """Raise."""
        self._refuse()

    def delete(self, key: ObjectKey) -> None:  # noqa: ARG002
        """Raise."""
        self._refuse()

    def scan(self, prefix: Prefix) -> Iterator[ObjectInfo]:  # noqa: ARG002
        """Raise when the first entry is asked for."""
        yield self._refuse()

    def children(self, prefix: Prefix) -> Iterator[ObjectInfo | Folder]:  # noqa: ARG002
        """Raise when the first entry is asked for."""
        yield self._refuse()

    def close(self) -> None:
        """Do nothing: nothing is open."""

    def _refuse(self) -> NoReturn:
        raise copy.copy(self._error) from self._error
