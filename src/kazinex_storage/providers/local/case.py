"""Disks that ignore case in names: how they are detected, and how one key is kept from reaching another key's file.

Asked for ``PLAN.pdf``, such a disk opens the file ``plan.pdf``. Keys are exact, and two organisations may differ only
in the case of a folder; so on these disks each name is compared with the one in its folder, which takes a listing.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress

from ...caseless import fold
from ...system import CLOSE_ON_EXEC
from .disk import entries, names_in, open_file, remove, status
from .names import RESERVED, from_disk


def ignores_case(root: int) -> bool:
    """Say whether the disk of the folder *root* treats names that differ only in case as one.

    Looks at what is there; in an empty folder it makes a file and removes it. An empty folder that may not be written
    holds nothing that could be mistaken for something else.
    """
    with suppress(OSError), entries(root) as found:
        for entry in found:
            if entry.name.swapcase() != entry.name:
                return _answers_to_other_case(root, entry.name)
    probe = f"{RESERVED}-{secrets.token_hex(8)}"
    with suppress(OSError):
        os.close(open_file(probe, os.O_CREAT | os.O_EXCL | os.O_RDWR | CLOSE_ON_EXEC, root, 0o600))
        try:
            return _answers_to_other_case(root, probe)
        finally:
            remove(probe, root)
    return False


def other_spelling(parent: int, name: str) -> str | None:
    """Return the name in the folder *parent* that differs from *name* only in case; None when *name* itself is there.

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
        there = status(name, parent)
        other = status(name.swapcase(), parent)
    except OSError:
        return False
    same = (there.st_dev, there.st_ino) == (other.st_dev, other.st_ino)
    return same and name.swapcase() not in names_in(parent)  # two names of one file (hard links) are two names
