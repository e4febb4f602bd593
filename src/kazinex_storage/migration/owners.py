"""Who holds a lease: a process by a name that another one on the same machine can look for.

The lease of a process that was killed is then free at once, not only when it ends. A name says the host, the boot and
the space of process ids (two containers of one name may share the first two), the process, and when it started, since
ids are given again.
"""

from __future__ import annotations

import os
import platform
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

MAX_OWNER_CHARACTERS: Final = 128
"""Characters in the name of an owner; a catalogue has room for as many."""

_MAX_HOST_CHARACTERS: Final = 48
_PROC: Final = Path("/proc")
_UNKNOWN: Final = "-"


def this_owner(worker: str = "") -> str:
    """Return ``host/boot/process/start/worker`` for this process.

    Args:
        worker: Distinguishes several that work in one process; random when it is not given.
    """
    pid = os.getpid()
    worker = worker or secrets.token_hex(4)
    name = "/".join((_host(), _boot(), str(pid), _started(pid) or _UNKNOWN, worker.replace("/", "-")))
    return name[:MAX_OWNER_CHARACTERS]


def is_gone(owner: str) -> bool:
    """Say whether *owner* is a process of this host and boot that does not run any more.

    False for one of another host, for what is no such name, and where this system does not tell.
    """
    parts = owner.split("/")
    if len(parts) < 4 or parts[:2] != [_host(), _boot()] or _UNKNOWN in parts[1:4] or not parts[2].isdecimal():
        return False
    pid = int(parts[2])
    try:
        os.kill(pid, 0)  # asks whether it is there, and finds those of other users too, which /proc may hide
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        pass
    now = _started(pid)
    return now is not None and now != parts[3]


def _host() -> str:
    return platform.node().replace("/", "-")[:_MAX_HOST_CHARACTERS] or _UNKNOWN


def _boot() -> str:
    with suppress(OSError):
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip().replace("-", "")
        return f"{boot}.{os.readlink(_PROC / 'self/ns/pid').strip('pid:[]')}"
    return _UNKNOWN


def _started(pid: int) -> str | None:
    """Return when the process started, in ticks since the boot; that of one that ended and is not waited for is 0."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # proc(5): after the name in parentheses, which may hold anything, the state is field 3 and the start field 22.
    fields = text.rpartition(")")[2].split()
    return "0" if fields[0] in ("Z", "X") else fields[19]
