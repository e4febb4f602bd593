"""What a refusal by the disk means to an administrator, by the code of the error."""

from __future__ import annotations

from ...errors import StorageError
from ...types import Diagnosis

_RIGHTS = Diagnosis(
    meaning="the user that runs this process may not do this in that folder",
    fix="give that user the folder (chown -R), or its group the right to write, then verify again",
)
_DEAD = Diagnosis(
    meaning="the disk, or the share behind it, does not answer as it should",
    fix="look at the system log (dmesg) and at the mount, then verify again",
)
_FOUND = {
    "EROFS": Diagnosis(
        meaning="the disk is mounted read-only",
        fix="mount it for writing; a disk that had errors is remounted read-only, so look at the system log (dmesg)",
    ),
    "EACCES": _RIGHTS,
    "EPERM": _RIGHTS,
    "EIO": _DEAD,
    "ESTALE": _DEAD,
    "ENOTCONN": _DEAD,
}


def diagnose(error: StorageError) -> Diagnosis | None:
    """Return what *error* means; None leaves it to the general advice."""
    return _FOUND.get(error.code or "")
