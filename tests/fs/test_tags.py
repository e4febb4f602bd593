"""Tags through fsspec, by the names that s3fs has for them."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import pytest

from kazinex_storage import NotSupportedError
from kazinex_storage.fs import LocalDiskFileSystem, MemoryFileSystem


def test_tags_are_set_and_read_by_path_blocking_and_on_a_loop() -> None:
    fs = MemoryFileSystem()
    name = f"plans/{secrets.token_hex(8)}.pdf"
    fs.pipe_file(name, b"1")

    fs.put_tags(name, {"state": "draft"})
    found = fs.get_tags(name)

    assert {"state": "draft"} == found
    assert {"state": "draft"} == asyncio.run(fs._get_tags(name))


def test_where_there_are_no_tags_the_refusal_says_so(tmp_path: Path) -> None:
    fs = LocalDiskFileSystem(root=str(tmp_path))
    fs.pipe_file("a.pdf", b"1")

    with pytest.raises(NotSupportedError, match="files have no tags"):
        fs.put_tags("a.pdf", {"state": "draft"})
