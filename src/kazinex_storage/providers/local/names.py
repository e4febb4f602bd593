"""How keys become names on a disk: segments as names of files and folders, in UTF-8 whatever the locale says."""

from __future__ import annotations

import os
import sys

from ...errors import InvalidKeyError

RESERVED = ".~kazinex"
"""Every name that this provider makes for its own use begins like this; keys with such a segment are refused. No id of
an organisation, project, document or revision has a tilde."""

KEPT = f"{RESERVED}/kept"
"""The folder of the notes of what is kept, below the root."""

# The limit of ext4, xfs, btrfs, APFS and NTFS (there in UTF-16 units) for one name.
MAX_SEGMENT_BYTES = 255
"""UTF-8 bytes in one segment of a key."""

_UTF8 = sys.getfilesystemencoding() == "utf-8"


def split(key: str) -> tuple[list[str], str]:
    """Return the folders and the name of *key*.

    Raises:
        InvalidKeyError: a segment is too long for a disk, or reserved.
    """
    *folders, name = key.split("/")
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


def names_in(folder: int) -> list[str]:
    """Return the names in the open *folder* as the module ``os`` gives them.

    Raises:
        OSError: it cannot be listed.
    """
    # Through a new descriptor: the position in a listing belongs to the descriptor, and this one may be shared.
    own = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    try:
        return os.listdir(own)
    finally:
        os.close(own)
