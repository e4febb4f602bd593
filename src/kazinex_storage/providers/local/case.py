"""Disks that ignore the case of names: found out, and kept from giving one key's file to another.

Such a disk answers to ``PLAN.pdf`` with the file ``plan.pdf``. Keys are exact, and the case of a folder may be all that
parts two organisations; so on these disks each name is compared with how the folder spells it, which takes a listing.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress

from ...caseless import fold
from .names import RESERVED, from_disk, names_in


def ignores_case(root: int) -> bool:
    """Say whether the disk of the folder *root* takes names for each other that differ in case.

    Looks at what is there; in an empty folder it makes a file and removes it. A folder that is empty and may not be
    written holds nothing that could be taken for something else.
    """
    with suppress(OSError), os.scandir(root) as entries:
        for entry in entries:
            if entry.name.swapcase() != entry.name:
                return _answers_to_other_case(root, entry.name)
    probe = f"{RESERVED}-{secrets.token_hex(8)}"
    with suppress(OSError):
        os.close(os.open(probe, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600, dir_fd=root))
        try:
            return _answers_to_other_case(root, probe)
        finally:
            os.unlink(probe, dir_fd=root)
    return False


def other_spelling(parent: int, name: str) -> str | None:
    """Return what the folder *parent* holds that a disk without case takes for *name*; None for *name* itself.

    Raises:
        OSError: the folder cannot be listed.
    """
    wanted, found = fold(name), None
    for listed in names_in(parent):
        spelled = from_disk(listed)
        if spelled == name:
            return None
        if spelled is not None and fold(spelled) == wanted:
            found = spelled
    return found


def _answers_to_other_case(parent: int, name: str) -> bool:
    try:
        there = os.stat(name, dir_fd=parent, follow_symlinks=False)
        other = os.stat(name.swapcase(), dir_fd=parent, follow_symlinks=False)
    except OSError:
        return False
    same = (there.st_dev, there.st_ino) == (other.st_dev, other.st_ino)
    return same and name.swapcase() not in names_in(parent)  # two names of one file (hard links) are two names
