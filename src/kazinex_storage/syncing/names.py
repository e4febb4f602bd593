"""Which keys can be the path of a file on this machine. Pure."""

from __future__ import annotations

import os
from typing import Final

# Linux, macOS and Windows: 255 bytes or characters of one name (ext4, xfs, APFS, NTFS).
_MOST_BYTES: Final = 255

# learn.microsoft.com/windows/win32/fileio/naming-a-file (read 2026-09)
_WINDOWS_SIGNS: Final = frozenset('<>:"|?*')
_WINDOWS_DEVICES: Final = frozenset(
    ("con", "prn", "aux", "nul", *(f"{name}{number}" for name in ("com", "lpt") for number in range(1, 10)))
)


def misfit(key: str, *, windows: bool = os.name == "nt") -> str | None:
    """Return why no file can have the path *key*; None when one can."""
    for name in key.split("/"):
        if len(name.encode()) > _MOST_BYTES:
            return f"a file name has at most {_MOST_BYTES} bytes here"
        if windows and (not _WINDOWS_SIGNS.isdisjoint(name) or name[-1] in " ."):
            return f"Windows has no file of the name {name!r}"
        if windows and name.partition(".")[0].rstrip().lower() in _WINDOWS_DEVICES:
            return f"{name!r} is the name of a device on Windows"
    return None
