"""What this library keeps of deleted objects by itself, where the place does not: below ``.trash`` in its own folder.

Deleting moves an object to ``{root}.trash/{key}/{when}-{token}``, from where it is brought back, purged, or swept once
it has been there for long enough; ``trashing.py`` does that. No key of the storage names what is in there, and no
listing shows it (``scope.py``, ``reading.py``). docs/adr/0062 has the reasons. Keys are full.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from ..errors import InvalidKeyError
from ..keys import ObjectKey, Prefix
from ..lazy import module, regex
from ..types import ObjectInfo
from ..values import value
from ..versions import DeletedObject
from .scope import TRASH

if TYPE_CHECKING:
    import secrets
else:
    secrets = module(__name__, "secrets")

# The recycle bins of SharePoint (93 days) and of most file servers (30) are what people know.
DEFAULT_KEEP: Final = timedelta(days=30)
"""How long organisations keep what was removed, where nobody said otherwise."""

_FORMAT: Final = "%Y%m%dT%H%M%S.%fZ"
_STAMP: Final = regex(r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z-[0-9a-f]{8}")

# Probes of verifications, parts of direct uploads, exports: what this library makes for itself is not worth keeping.
_OWN: Final = ".kazinex"


@value
class Trash:
    """Where a storage keeps what is deleted, and for how long."""

    root: Prefix
    """The folder of the storage; what is deleted is kept below ``{root}.trash/``."""
    keep: timedelta
    """After that it is swept; until then it can be brought back."""
    always: bool = True
    """Whether every delete keeps; otherwise only one that asks for it."""

    @property
    def folder(self) -> Prefix:
        """The folder that holds what was deleted."""
        return Prefix(f"{self.root}{TRASH}/")

    def takes(self, key: ObjectKey) -> bool:
        """Say whether *key* is kept when it is deleted: all but what this library makes for itself."""
        return not key.startswith(_OWN, len(self.root))

    def name(self, key: ObjectKey, most: int) -> ObjectKey:
        """Return a new name for *key*, which is deleted now.

        Args:
            key: What is deleted.
            most: Bytes of UTF-8 in the longest key of the provider.

        Raises:
            InvalidKeyError: the name would be too long.
        """
        stamp = f"{datetime.now(UTC).strftime(_FORMAT)}-{secrets.token_hex(4)}"
        text = f"{self.folder}{key[len(self.root) :]}/{stamp}"
        if len(text.encode()) > most:
            raise InvalidKeyError("the key is too long to be kept after it was deleted; purge removes it for good")
        return ObjectKey(text)

    def below(self, prefix: str) -> Prefix:
        """Return what the names of all that was deleted below *prefix* begin with."""
        return Prefix(f"{self.folder}{prefix[len(self.root) :]}")

    def parse(self, info: ObjectInfo) -> DeletedObject | None:
        """Return what the object *info* in the folder was; None when nothing that was deleted is called so."""
        original, _, stamp = info.key[len(self.folder) :].rpartition("/")
        if not original or not _STAMP.fullmatch(stamp):
            return None
        deleted_at = datetime.strptime(stamp.partition("-")[0], _FORMAT).replace(tzinfo=UTC)
        return DeletedObject(
            key=self.root + original,
            version=stamp,
            size=info.size,
            deleted_at=deleted_at,
            expires_at=deleted_at + self.keep,
        )

    def named(self, found: DeletedObject) -> ObjectKey:
        """Return the name of *found* in the folder."""
        return ObjectKey(f"{self.folder}{found.key[len(self.root) :]}/{found.version}")
