"""Make this Linux process one in which nothing POSIX-only is left, and files behave as on Windows where it matters.

Run as ``python windows_like.py PROGRAM``. It is no Windows: it has what the documentation of Python says is missing
there, and refuses what Windows refuses: names, files that are in use, folders as descriptors.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import fcntl
import os
import runpy
import select
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import types
import uuid
from typing import Any

# The standard library of this system uses some of it, so it is loaded before.
_LOADED = (asyncio, selectors, shutil, subprocess, tempfile, uuid)

MODULES = """
fcntl grp pwd readline resource spwd syslog termios tty pty _posixsubprocess curses
""".split()  # noqa: SIM905 -- a list that can be read
OS = """
O_NOFOLLOW O_DIRECTORY O_CLOEXEC O_NONBLOCK O_TMPFILE O_PATH O_NOCTTY O_SYNC O_DSYNC O_ASYNC O_DIRECT pread
preadv pwrite pwritev readv writev fork forkpty register_at_fork getuid geteuid getgid getegid getgroups
getpgid getpgrp getsid setsid setpgid killpg fchmod fchown chown lchown fchdir mkfifo mknod sendfile
copy_file_range splice posix_fadvise posix_fallocate fdatasync sync statvfs fstatvfs sched_getaffinity
sched_yield pipe2 memfd_create lockf nice uname fwalk openpty eventfd getloadavg sysconf confstr pathconf
fpathconf WNOHANG setuid seteuid chroot getxattr setxattr wait wait3 wait4 getresuid initgroups posix_spawn
pidfd_open major minor ttyname set_blocking get_blocking
""".split()  # noqa: SIM905 -- a list that can be read
SIGNALS = """
SIGHUP SIGKILL SIGQUIT SIGALRM SIGUSR1 SIGUSR2 SIGPIPE SIGCHLD SIGCLD SIGCONT SIGSTOP SIGTSTP SIG_BLOCK
SIG_UNBLOCK SIG_SETMASK pthread_sigmask pthread_kill setitimer getitimer alarm pause sigwait siginterrupt
""".split()  # noqa: SIM905 -- a list that can be read
SELECT = """
poll epoll kqueue POLLIN POLLOUT POLLERR POLLHUP POLLNVAL POLLPRI EPOLLIN EPOLLOUT
""".split()  # noqa: SIM905 -- a list that can be read
BAD_NAMES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
# ERROR_SHARING_VIOLATION; and ERROR_ACCESS_DENIED, as which it is told of a file that would be replaced.
IN_USE, DENIED = 32, 5


def in_use(path: Any) -> bool:
    """Say whether this process has the file *path* open: Windows then neither renames nor removes it."""
    try:
        wanted = _stat(path)
    except OSError:
        return False
    for descriptor in _listdir("/proc/self/fd"):
        try:
            found = _stat(int(descriptor))
        except OSError:
            continue
        if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
            return True
    return False


def check_name(path: Any) -> None:
    """Refuse what no Windows takes for the name of a file; a name that it would change silently ends the program."""
    for name in os.fspath(path).split(os.fsencode("/") if isinstance(path, bytes) else "/"):
        text = os.fsdecode(name)
        if set(text) & set('<>:"|?*\\') or any(ord(sign) < 32 for sign in text):
            raise OSError(errno.EINVAL, "Invalid argument", path)
        if text not in (".", "..") and (text.endswith((".", " ")) or text.partition(".")[0].lower() in BAD_NAMES):
            raise SystemExit(f"Windows would make another file of {text!r}")


def guarded(call: Any, *, names: tuple[int, ...] = (0,), busy: tuple[int, ...] = ()) -> Any:
    """Return *call* as it is on Windows; the arguments *names* are paths, of which *busy* may not be open."""

    def wrapped(*arguments: Any, **named: Any) -> Any:
        if {"dir_fd", "src_dir_fd", "dst_dir_fd"} & {key for key, value in named.items() if value is not None}:
            raise NotImplementedError("dir_fd unavailable on this platform")
        for at in names:
            if isinstance(arguments[at], int):
                raise TypeError("a descriptor is no path here")
            check_name(arguments[at])
        for at in busy:
            if in_use(arguments[at]):
                error = PermissionError(errno.EACCES, "The process cannot access the file", arguments[at])
                vars(error)["winerror"] = DENIED if at else IN_USE
                raise error
        return call(*arguments, **named)

    return wrapped


_stat, _listdir, _open, _rename, _flock = os.stat, os.listdir, os.open, os.rename, fcntl.flock


def open_file(path: Any, flags: int, mode: int = 0o777, *, dir_fd: None = None) -> int:
    if os.path.isdir(path):
        raise PermissionError(errno.EACCES, "Permission denied", path)
    return int(_open(path, flags, mode, dir_fd=dir_fd))


def rename(source: Any, target: Any) -> None:
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, "File exists", source, 183, target)
    _rename(source, target)


def locking(descriptor: int, mode: int, count: int) -> None:
    """Lock as ``msvcrt.locking`` does, for what is asked of it: one byte, without waiting."""
    assert count == 1
    assert os.lseek(descriptor, 0, os.SEEK_CUR) > 2**30, "a byte that nobody reads"
    try:
        _flock(descriptor, fcntl.LOCK_UN if mode == 0 else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise PermissionError(errno.EACCES, "Permission denied") from error


def no_library(*_: Any) -> None:
    raise OSError("there is no C library of this process")


def remove_the_rest() -> None:
    """Take away what is not on Windows."""
    for name in MODULES:
        sys.modules[name] = None  # type: ignore[assignment]
    msvcrt = types.ModuleType("msvcrt")
    msvcrt.__dict__.update(locking=locking, LK_UNLCK=0, LK_NBLCK=2)
    sys.modules["msvcrt"] = msvcrt
    for owner, names in ((os, OS), (signal, SIGNALS), (select, SELECT)):
        for name in names:
            if hasattr(owner, name):
                delattr(owner, name)
    for supported in (os.supports_dir_fd, os.supports_fd):
        supported.clear()
    ctypes.CDLL = no_library  # type: ignore[assignment, misc]
    selectors.DefaultSelector = selectors.SelectSelector  # type: ignore[misc, assignment]
    shutil._use_fd_functions = False  # type: ignore[attr-defined]  # it looked before
    os.open = guarded(open_file)
    os.rename = guarded(rename, names=(0, 1), busy=(0,))
    os.replace = guarded(os.replace, names=(0, 1), busy=(0, 1))
    os.unlink = os.remove = guarded(os.unlink, busy=(0,))
    for name in ("stat", "lstat", "mkdir", "rmdir", "listdir", "scandir", "utime", "chmod"):
        setattr(os, name, guarded(getattr(os, name)))
    os.link = guarded(os.link, names=(0, 1))


if __name__ == "__main__":
    remove_the_rest()
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")
