"""fsspec's own suites, against both providers, and against the coroutines. No test is skipped.

Overrides: ``supports_empty_directories`` is False, because folders exist only as long as an object is below them, as in
any object store; ``fs_join`` joins with slashes on every system.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest

from kazinex_storage.fs import LocalDiskFileSystem, MemoryFileSystem, ObjectFileSystem

# fsspec is untyped.
suites: Any = importlib.import_module("fsspec.tests.abstract")
AbstractFixtures: Any = suites.AbstractFixtures
CopyTests: Any = suites.AbstractCopyTests
GetTests: Any = suites.AbstractGetTests
PutTests: Any = suites.AbstractPutTests
OpenTests: Any = suites.AbstractOpenTests
PipeTests: Any = suites.AbstractPipeTests


class Fixtures(AbstractFixtures):  # type: ignore[misc]
    @pytest.fixture
    def fs_join(self) -> Callable[..., str]:
        return lambda *parts: "/".join(parts)

    @pytest.fixture
    def supports_empty_directories(self) -> bool:
        return False


class Memory(Fixtures):
    @pytest.fixture
    def fs(self, memory: MemoryFileSystem) -> ObjectFileSystem:
        return memory

    @pytest.fixture
    def fs_path(self, store: str) -> str:
        return store


class Asynchronous(Memory):
    @pytest.fixture
    def fs(self, awaited: Any) -> Any:
        return awaited


class Local(Fixtures):
    @pytest.fixture
    def fs(self, local: LocalDiskFileSystem) -> ObjectFileSystem:
        return local

    @pytest.fixture
    def fs_path(self) -> str:
        return "base"


class TestMemoryCopy(Memory, CopyTests):  # type: ignore[misc]
    pass


class TestMemoryGet(Memory, GetTests):  # type: ignore[misc]
    pass


class TestMemoryPut(Memory, PutTests):  # type: ignore[misc]
    pass


class TestMemoryOpen(Memory, OpenTests):  # type: ignore[misc]
    pass


class TestMemoryPipe(Memory, PipeTests):  # type: ignore[misc]
    pass


class TestLocalCopy(Local, CopyTests):  # type: ignore[misc]
    pass


class TestLocalGet(Local, GetTests):  # type: ignore[misc]
    pass


class TestLocalPut(Local, PutTests):  # type: ignore[misc]
    pass


class TestLocalOpen(Local, OpenTests):  # type: ignore[misc]
    pass


class TestLocalPipe(Local, PipeTests):  # type: ignore[misc]
    pass


class TestAsynchronousCopy(Asynchronous, CopyTests):  # type: ignore[misc]
    pass


class TestAsynchronousGet(Asynchronous, GetTests):  # type: ignore[misc]
    pass


class TestAsynchronousPut(Asynchronous, PutTests):  # type: ignore[misc]
    pass


class TestAsynchronousPipe(Asynchronous, PipeTests):  # type: ignore[misc]
    pass
