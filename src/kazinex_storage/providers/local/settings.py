"""What an organisation says to keep its documents on a disk."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, field_validator


class LocalSettings(BaseModel):
    """Settings of the kind ``local``."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    root: Path
    """The folder that holds the objects; absolute. It must exist unless ``create`` is set: a missing root is more
    often a disk that is not mounted than a wish for an empty one."""
    create: bool = False
    """Make the root when it is missing."""
    durable: bool = True
    """Wait for the disk (fsync of file and folder) before a write counts as done. False is for tests and scratch."""

    @field_validator("root")
    @classmethod
    def _absolute(cls, root: Path) -> Path:
        expanded = root.expanduser()
        if not expanded.is_absolute():
            raise ValueError("give an absolute path; a relative one would mean another folder after a change of folder")
        return expanded
