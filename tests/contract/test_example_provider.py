"""The example of a third-party provider is installed, found by its entry point, and passes the conformance kit.

Nothing here imports the example: it is reached as an organisation would reach it, through the registry.
"""

from __future__ import annotations

import importlib.metadata
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Protocol, cast

import pytest

from kazinex_storage.capabilities import Capability
from kazinex_storage.registry import Registry
from kazinex_storage.storage.sync import Storage
from kazinex_storage.testing import Harness, ProviderContract
from kazinex_storage.types import PresignedUrl
from kazinex_storage.verbs import AnyProvider

_EXAMPLE = Path(__file__).parents[2] / "examples" / "07_write_a_provider"


@pytest.fixture(scope="module", autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Install the example into a folder of its own, which joins the path while this module runs."""
    target, source = tmp_path_factory.mktemp("installed"), tmp_path_factory.mktemp("source") / "example"
    shutil.copytree(_EXAMPLE, source, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"]
    alone = ["--no-index", "--no-deps", "--no-build-isolation", "--root-user-action=ignore"]
    subprocess.run([*pip, *alone, f"--target={target}", str(source)], check=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(target)
        yield
    _registry.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "kazinex_storage_sqlite"]:
        del sys.modules[name]


class _Gate(Protocol):
    def answer(self, method: str, url: str, body: bytes) -> tuple[int, bytes]: ...


@cache
def _registry() -> Registry:
    """Return one that looked for what is installed when the example was: each of them looks for 10 ms."""
    return Registry()


class SqliteHarness(Harness):
    """Looks at the rows behind the provider."""

    max_examples = 15
    page_items = 505  # it reads 500 rows at once

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="kazinex-storage-test-"))
        self._count = 0

    def make(self) -> AnyProvider:
        self._count += 1
        self._file = self._folder / f"{self._count}.db"
        registry = _registry()
        self._provider = registry.open("sqlite", registry.parse_settings("sqlite", {"path": str(self._file)}))
        return self._provider

    def peek(self, key: str) -> bytes | None:
        with closing(sqlite3.connect(self._file, timeout=60)) as connection:
            row = connection.execute("SELECT data FROM object WHERE key = ?", (key,)).fetchone()
        return bytes(row[0]) if row is not None else None

    def poke(self, key: str, data: bytes) -> None:
        with closing(sqlite3.connect(self._file, timeout=60)) as connection, connection:
            connection.execute(
                "REPLACE INTO object (key, size, etag, modified, data) VALUES (?, ?, hex(randomblob(8)), 0, ?)",
                (key, len(data), data),
            )

    def send(self, url: PresignedUrl, body: bytes) -> tuple[int, bytes]:
        return cast(_Gate, self._provider).answer(url.method, url.url, body)

    def close(self) -> None:
        shutil.rmtree(self._folder)


@pytest.mark.parametrize("bench", ["tenant 1/ü"], ids=["prefixed"], indirect=True)
@pytest.mark.soak  # `make test` runs it bare, as the reader of docs/write-a-provider.md does
class TestExample(ProviderContract):
    """The whole contract."""

    harness = SqliteHarness


class TestRegistration:
    """What installing it made known."""

    def test_the_entry_point_makes_the_kind_known(self) -> None:
        registry = Registry()

        assert "sqlite" in [kind.kind for kind in registry.kinds()]
        assert {} == registry.broken()
        assert ["path"] == [field.name for field in registry.fields("sqlite")]
        assert "1.0" == importlib.metadata.version("kazinex-storage-sqlite")

    def test_it_declares_other_capabilities_than_the_built_in_kinds(self, tmp_path: Path) -> None:
        registry = Registry()
        settings = registry.parse_settings("sqlite", {"path": str(tmp_path / "a.db")})

        with Storage(registry.open("sqlite", settings)) as storage:
            assert storage.info.can(Capability.PRESIGN)
            assert not storage.info.can(Capability.METADATA)
            assert not storage.info.can(Capability.SERVER_COPY)

    def test_a_file_in_a_missing_folder_is_refused(self, tmp_path: Path) -> None:
        registry = Registry()
        settings = registry.parse_settings("sqlite", {"path": str(tmp_path / "none" / "a.db")})

        with pytest.raises(Exception, match="cannot be used"):
            registry.open("sqlite", settings)

    def test_its_demonstration_runs(self) -> None:
        done = subprocess.run([sys.executable, _EXAMPLE / "demo.py"], capture_output=True, text=True, check=False)

        assert (0, "") == (done.returncode, done.stderr)
        assert "org-1/bridge/DRG-0042/P01/plan.pdf" in done.stdout
