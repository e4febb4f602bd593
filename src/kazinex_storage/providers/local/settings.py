"""The settings of an organisation that keeps its documents on a disk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, field_validator

from ..settings.fields import Hint
from ..settings.place import Place, real_path
from ..settings.settings_text import EncryptableModel, KeptDays

LocalAccess: TypeAlias = Literal["owner", "group", "umask"]
"""Who may use the files and folders that are made below a root."""

# A writer holds a lock for a few milliseconds; after this long it hangs, or something else holds the lock.
_LOCK_TIMEOUT_S = 30.0


class LocalSettings(EncryptableModel):
    """Settings of the kind ``local``."""

    root: Annotated[Path, Hint(example="/srv/documents")]
    """The folder that holds the objects; absolute. It must exist unless ``create`` is set: a missing root more
    often means an unmounted disk than a wish for an empty folder."""
    create: Annotated[bool, Hint(usual=True)] = False
    """Make the root when it is missing."""
    durable: bool = True
    """Wait for the disk (fsync of file and folder) before a write counts as done. False is for tests and scratch."""
    access: LocalAccess = "owner"
    """Who may use what is stored: ``owner``, only the user of this process (modes 0600 and 0700); ``group``, the group
    of the folder as well (0660 and 0770); ``umask``, everyone whom the umask of the process lets."""
    lock_timeout_s: float = Field(default=_LOCK_TIMEOUT_S, gt=0, le=3600)
    """How many seconds a write waits for the lock that another program holds on its key."""
    keep_deleted_days: KeptDays = None
    """How many days what is deleted stays below ``.trash``, from where it can be brought back; None: it is gone."""

    @property
    def place(self) -> Place:
        """Where the objects are, links followed."""
        return Place(service="local:", path=real_path(self.root).parts)

    @property
    def borrowed(self) -> tuple[str, ...]:
        """The fields that name what belongs to the machine."""
        return ("root",)

    @field_validator("root")
    @classmethod
    def _absolute(cls, root: Path) -> Path:
        expanded = root.expanduser()
        if not expanded.is_absolute():
            raise ValueError(
                "give an absolute path; a relative one depends on the folder that the process is started in"
            )
        return expanded
