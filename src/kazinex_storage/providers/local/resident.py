"""Small objects read without waiting for the disk, on the thread that asks; the rest goes the long way.

Everything here is an attempt: whatever is unusual (no sidecar, another version, a link, a page that is not in memory)
returns None before the sink was given a byte, and ``provider.py`` does the same again with whatever comes of it.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from typing import Final

from ...bodies.resident import ResidentCalls, resident_calls, resident_how
from ...system import CLOSE_ON_EXEC, NO_WAIT
from ...types import ByteRange, Checksum, ObjectInfo, Sink
from .names import RESERVED
from .sidecar import SIDECARS, moment_of, object_info, parse_sidecar, version_of
from .tree import Tree

# Read and handed out in 25 us; beyond that a thread of its own pays.
_MOST_BYTES: Final = 256 * 1024

# With the key, a content type, a sha256 and some metadata; larger ones are read by ``sidecar.py``.
_SIDECAR_BYTES: Final = 1024

_NO_XDEV, _BENEATH = 0x01, 0x08  # linux/openat2.h
_HOW: Final = resident_how(os.O_RDONLY | NO_WAIT | CLOSE_ON_EXEC, _NO_XDEV | _BENEATH)

# What ``write_json`` makes of most sidecars; a parser takes three times as long. All others go there.
_TEXT: Final = rb'"([^"\\\x00-\x1f]*)"'
_USUAL: Final = re.compile(rb'\{"key": ' + _TEXT + rb', "content_type": ' + _TEXT + rb', "sha256": "([0-9a-f]{64})"\}')


class ResidentFiles:
    """The files of one tree as far as they are in memory."""

    def __init__(self, tree: Tree, calls: ResidentCalls, flags: int) -> None:
        self._tree = tree
        self._calls = calls
        self._flags = flags

    @classmethod
    def of(cls, tree: Tree) -> ResidentFiles | None:
        """Return those of *tree*; None where reading may wait, whatever is in memory, or where case is ignored."""
        calls = resident_calls()
        if calls is None or tree.ignores_case:
            return None
        flags = calls.flags(tree.root().descriptor)
        return cls(tree, calls, flags) if flags is not None else None

    def head(self, key: str) -> ObjectInfo | None:
        """Return what ``LocalProvider.head`` does, or None."""
        descriptor, info = self._open(key)
        if descriptor >= 0:
            os.close(descriptor)
        return info

    def get(self, key: str, span: ByteRange, sink: Sink, if_match: str | None) -> ObjectInfo | None:
        """Do what ``LocalProvider.get`` does, or return None."""
        descriptor, info = self._open(key)
        if info is None:
            return None
        try:
            if if_match is not None and info.etag != if_match:
                return None
            start, end = span.resolve(info.size)
            data: bytes | None = b""
            if start < end:
                data = (
                    self._calls.read(descriptor, start, end - start, self._flags)
                    if end - start <= _MOST_BYTES
                    else None
                )
            if data is None or len(data) < end - start or version_of(os.fstat(descriptor)) != info.etag:
                return None
        finally:
            os.close(descriptor)
        if data:
            sink(data)
        return info

    def _open(self, key: str) -> tuple[int, ObjectInfo | None]:
        """Open the file of *key*; return its descriptor and what is known of it, or -1 and None."""
        root = self._tree.root()
        if RESERVED in key:
            return -1, None  # it is refused, unless the name is a part of another one
        open_file, name = self._calls.open, key.encode()
        descriptor = open_file(root.descriptor, name, _HOW)
        if descriptor < 0:
            return -1, None
        info = None
        try:
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode):
                digest, version = hashlib.sha256(name).hexdigest(), version_of(status)
                path = f"{SIDECARS}/{digest[:2]}/{digest[2:42]}.{version}"
                info = self._info(key, name, status, version, open_file(root.descriptor, path.encode(), _HOW))
        finally:
            if info is None:
                os.close(descriptor)
        return (descriptor, info) if info is not None else (-1, None)

    def _info(self, key: str, name: bytes, status: os.stat_result, version: str, sidecar: int) -> ObjectInfo | None:
        """Return what file and *sidecar*, a descriptor, say of an object."""
        if sidecar < 0:
            return None
        try:
            text = self._calls.read(sidecar, 0, _SIDECAR_BYTES, self._flags)
        finally:
            os.close(sidecar)
        if text is None or len(text) == _SIDECAR_BYTES:
            return None
        usual = _USUAL.fullmatch(text)
        if usual is None:
            found = parse_sidecar(text, key)
            return object_info(key, status, version, found) if found is not None else None
        if usual[1] != name:
            return None
        return ObjectInfo(
            key=key,
            size=status.st_size,
            etag=version,
            last_modified=moment_of(status),
            content_type=usual[2].decode(),
            checksum=Checksum(algorithm="sha256", value=usual[3].decode()),
        )
