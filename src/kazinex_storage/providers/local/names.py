"""How keys become names on a disk: segments as names of files and folders, in UTF-8 whatever the locale says."""

from __future__ import annotations

import os
import sys

from ...errors import InvalidKeyError
from ...system import has_open_folders

RESERVED = ".~kazinex"
"""Every name that this provider makes for its own use begins like this; keys with such a segment are refused. No id of
an organisation, project, document or revision has a tilde."""

KEPT = f"{RESERVED}/kept"
"""The folder of the notes of what is kept, below the root."""

# The limit of ext4, xfs, btrfs, APFS and NTFS (there in UTF-16 units) for one name.
MAX_SEGMENT_BYTES = 255
"""UTF-8 bytes in one segment of a key."""

# Where folders cannot be held open: Windows, and what is tested as it.
_WINDOWS = not has_open_folders()
_UTF8 = sys.getfilesystemencoding() == "utf-8"


def split(key: str) -> tuple[list[str], str]:
    """Return the folders and the name of *key*.

    Raises:
        InvalidKeyError: a segment is too long for a disk, or reserved, or no name on Windows.
    """
    *folders, name = key.split("/")
    if _WINDOWS:
        _check_windows((*folders, name), key)
    if RESERVED in key or len(key) * 4 > MAX_SEGMENT_BYTES:
        for segment in (*folders, name):
            if segment.startswith(RESERVED):
                raise InvalidKeyError(f"names that begin with {RESERVED!r} are reserved; choose another", key=key)
            if len(segment.encode()) > MAX_SEGMENT_BYTES:
                raise InvalidKeyError(
                    f"a disk holds names of at most {MAX_SEGMENT_BYTES} bytes, one segment has {len(segment.encode())}",
                    key=key,
                )
    return folders, name


def _check_windows(segments: tuple[str, ...], key: str) -> None:
    """Refuse what Windows has no file of, or would make another one of, such as ``nul`` or ``a.``."""
    from ...filenames import windows_misfit

    for segment in segments:
        reason = windows_misfit(segment)
        if reason is not None:
            raise InvalidKeyError(f"{reason}; choose another name, or a provider that takes it", key=key)


def to_disk(segment: str) -> bytes:
    """Return the name of *segment*; as bytes, since Python writes text in the encoding of the locale."""
    return segment.encode("utf-8", "surrogateescape")


def from_disk(name: str) -> str | None:
    """Return the segment that *name*, as the module ``os`` gave it, stands for; None when it is not UTF-8."""
    if _UTF8:
        return name
    try:
        return os.fsencode(name).decode()
    except UnicodeDecodeError:
        return None
