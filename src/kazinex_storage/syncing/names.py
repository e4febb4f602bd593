"""Which keys can be the path of a file on this machine. Pure."""

from __future__ import annotations

import os
from typing import Final

from ..filenames import windows_misfit

# Linux, macOS and Windows: 255 bytes or characters of one name (ext4, xfs, APFS, NTFS).
_MOST_BYTES: Final = 255


def misfit(key: str, *, windows: bool = os.name == "nt") -> str | None:
    """Return why no file can have the path *key*; None when one can."""
    for name in key.split("/"):
        if len(name.encode()) > _MOST_BYTES:
            return f"a file name has at most {_MOST_BYTES} bytes here"
        if windows and (reason := windows_misfit(name)) is not None:
            return reason
    return None
