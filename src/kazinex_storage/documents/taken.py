"""Which revisions are taken for good, for writes that do not go through ``DocumentStore``.

The storages that documents are written through (``Resolver.chosen``, ``by_id``) record nothing, but respect the
register: they create neither the file of a removed revision nor another file than the recorded one.
Those of ``Resolver.storage_for`` have the guard of ``writing.py``, and ask this before anything is signed.
"""

from __future__ import annotations

from typing import cast

from ..errors import AlreadyExistsError
from ..keys import DocumentKey, ObjectKey
from ..transport import Call, Exchange
from .register import Removal, RevisionRecord, RevisionRegister


class Taken:
    """Asks a register about keys that name the files of revisions."""

    def __init__(self, register: RevisionRegister) -> None:
        self._register = register

    def __call__(self, key: ObjectKey) -> Exchange[None]:
        """Refuse the file *key* of a revision that was removed, or that has another file.

        The recorded file itself is the service's to refuse: it may be brought to another provider.

        Raises:
            AlreadyExistsError: it is taken.
        """
        document = DocumentKey.parse(key)
        seen = cast("RevisionRecord | None", (yield Call(self._register.revision, document)))
        if seen is not None and (seen.removal is not None or seen.document != document):
            raise taken(document, seen)


def taken(document: DocumentKey, seen: RevisionRecord | None) -> AlreadyExistsError:
    """Return the error for the revision of *document*, of which *seen* is recorded."""
    removal = seen.removal if seen is not None else None
    name = seen.document.filename if seen is not None else document.filename
    what = f"has the file {name!r} already and is never overwritten"
    if removal is not None:
        what = f"had the file {name!r}, which was removed{_by(removal)}, and is never given another one"
    return refused(document, what)


def refused(document: DocumentKey, what: str) -> AlreadyExistsError:
    """Return the error for a revision of which *what* is so."""
    return AlreadyExistsError(
        f"revision {document.revision!r} {what}; upload under a new revision",
        operation="upload",
        key=document.build(),
    )


def _by(removal: Removal) -> str:
    by = f" by {removal.by}" if removal.by else ""
    why = f" ({removal.reason})" if removal.reason else ""
    return f"{by} on {removal.at:%Y-%m-%d}{why}"
