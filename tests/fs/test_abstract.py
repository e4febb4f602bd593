"""fsspec's own suites, against every kind of provider, and against the coroutines. No test is skipped.

What a pattern finds is worked out above the providers, so each row of fsspec's tables of patterns meets memory and one
other in ``make test``, and all of them in ``make soak``; ``spread_rows`` in ``conftest.py`` deals them out.

Overrides: ``supports_empty_directories`` is False, because folders exist only as long as an object is below them, as in
any object store; ``fs_join`` joins with slashes on every system.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest

from .services import Service

# fsspec is untyped.
suites: Any = importlib.import_module("fsspec.tests.abstract")

BLOCKING = ("memory", "local", "s3", "azure", "sharepoint")


class Fixtures(suites.AbstractFixtures):  # type: ignore[misc]
    @pytest.fixture(params=(*BLOCKING, "awaited"))
    def found(self, request: pytest.FixtureRequest) -> Any:
        """One file system after the other, or the service that has one."""
        return request.getfixturevalue(request.param)

    @pytest.fixture
    def fs(self, found: Any) -> Any:
        return found.fs if isinstance(found, Service) else found

    @pytest.fixture
    def fs_path(self, found: Any, store: str) -> str:
        return found.folder() if isinstance(found, Service) else store

    @pytest.fixture
    def fs_join(self) -> Callable[..., str]:
        return lambda *parts: "/".join(parts)

    @pytest.fixture
    def supports_empty_directories(self) -> bool:
        return False


class TestCopy(Fixtures, suites.AbstractCopyTests):  # type: ignore[misc]
    pass


class TestGet(Fixtures, suites.AbstractGetTests):  # type: ignore[misc]
    pass


class TestPut(Fixtures, suites.AbstractPutTests):  # type: ignore[misc]
    pass


class TestPipe(Fixtures, suites.AbstractPipeTests):  # type: ignore[misc]
    pass


class TestOpen(Fixtures, suites.AbstractOpenTests):  # type: ignore[misc]
    @pytest.fixture(params=BLOCKING)  # files are blocking ones
    def found(self, request: pytest.FixtureRequest) -> Any:
        return request.getfixturevalue(request.param)
