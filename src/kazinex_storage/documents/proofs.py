"""The proof of one receipt: what was recorded of it, signed by its organisation. A value; no cryptography.

``DocumentStore.proof`` returns it, ``organisations/evidence`` makes and checks it; docs/evidence.md has the form.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from ..keys import DocumentKey
from ..values import value


@value
class ReceiptProof:
    """A part of the chain of a project that has the line of one receipt: a file that is checked anywhere."""

    document: DocumentKey
    provider: str | None
    """The id of the record of the provider that had it then."""
    size: int | None
    """Bytes."""
    sha256: str | None
    kind: str
    """What the line tells: ``stored``, ``moved``, ``changed`` or ``known``."""
    recorded_at: datetime
    """When the line was written; aware UTC, by the clock of that process."""
    number: int
    """Of the line in the chain of the project, from 1."""
    hash: str
    """Of the line: the SHA-256 of its bytes."""
    key_id: str
    """The key that signed it."""
    later: tuple[str, ...] = ()
    """What happened to the revision since, such as ``removed``; that is not in the file."""
    stamped_at: datetime | None = None
    """When a time stamp service saw the line, where one did; the stamp is in the file."""
    content: bytes
    """The file."""

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the file, which replaces none, and return its path.

        Raises:
            FileExistsError: there is one already.
            OSError: it cannot be written.
        """
        with open(path, "xb") as file:
            file.write(self.content)
        return Path(path)

    def to_dict(self) -> dict[str, object]:
        """Return what the proof says as values that JSON can hold, the file as text."""
        return {
            "document": self.document.build(),
            "provider": self.provider,
            "size": self.size,
            "sha256": self.sha256,
            "kind": self.kind,
            "recorded_at": self.recorded_at.isoformat(),
            "number": self.number,
            "hash": self.hash,
            "key_id": self.key_id,
            "later": list(self.later),
            "stamped_at": self.stamped_at.isoformat() if self.stamped_at is not None else None,
            "content": self.content.decode(),
        }
