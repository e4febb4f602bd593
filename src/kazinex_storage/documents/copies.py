"""What is known of copies of documents: the places in which runs have proven, or left, the file of a revision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..keys import DocumentKey
from ..values import value
from .receipts import ProviderResolver


@value
class KnownCopy:
    """One place where a run has proven that a document lies, left it, or may just have put it."""

    provider: str
    """The id of the record of the provider."""
    etag: str | None
    """Of the version that was proven there."""
    sha256: str | None
    """Of the bytes that were read from the source; None where nothing is proven yet."""
    rewritten: bool = False
    """Whether a service had made other bytes of it, and the run was told to accept that."""


class CopyResolver(ProviderResolver, Protocol):
    """A resolver that knows what runs have copied."""

    def copies(self, document: DocumentKey) -> Sequence[KnownCopy]:
        """Return where runs have left the file of *document*, the newest first; the places may have lost it since."""
        ...

    def mark_removed(self, document: DocumentKey) -> None:
        """Learn that the file of *document* was removed from all places, and may be stored and copied once more."""
        ...
