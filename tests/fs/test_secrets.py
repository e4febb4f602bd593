"""Options: unknown ones are refused, secrets show nowhere, and instances are never shared."""

from __future__ import annotations

import gc
import importlib
import pickle
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, SecretStr

from kazinex_storage import Storage
from kazinex_storage.errors import SettingsError, StorageError
from kazinex_storage.fs import (
    AzureFileSystem,
    LocalDiskFileSystem,
    MemoryFileSystem,
    ProviderFileSystem,
    R2FileSystem,
    S3FileSystem,
    SharePointFileSystem,
    StorageFileSystem,
    SupabaseFileSystem,
)
from kazinex_storage.fs.options import (
    AzureOptions,
    LocalOptions,
    Options,
    R2Options,
    S3Options,
    SharePointOptions,
    SupabaseOptions,
)
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.registry import ProviderKind, Registry

fsspec: Any = importlib.import_module("fsspec")  # it is untyped

SECRET = "not-a-real-secret-0123456789"  # noqa: S105


class VaultSettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    bucket: str
    secret_key: SecretStr


def open_vault(settings: VaultSettings) -> MemoryProvider:
    return MemoryProvider()


# Registries import providers by name.
sys.modules["vault_of_tests"] = module = ModuleType("vault_of_tests")
module.VaultSettings, module.open_vault = VaultSettings, open_vault  # type: ignore[attr-defined]


class VaultFileSystem(ProviderFileSystem):
    protocol = "kazinex+vault"
    kind = "vault"
    registry = Registry(
        ProviderKind(
            kind="vault",
            title="Vault",
            settings="vault_of_tests:VaultSettings",
            factory="vault_of_tests:open_vault",
        ),
        entry_points=False,
    )
    _strip_tokenize_options: tuple[str, ...] = ("storage", "secret_key")


class LeakingFileSystem(VaultFileSystem):
    _strip_tokenize_options = ("storage",)


@pytest.fixture
def vault() -> Any:
    return VaultFileSystem(bucket="plans", secret_key=SECRET)


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        lambda fs: fs.to_json(),
        lambda fs: fs.to_json(include_password=True),
        lambda fs: str(fs.to_dict()),
        lambda fs: str(fs.storage_options),
        lambda fs: str(fs.storage_args),
        lambda fs: pickle.dumps(fs).decode("latin-1"),
        lambda fs: fs._fs_token,
        lambda fs: str(vars(fs)),
    ],
    ids=["repr", "str", "json", "json with passwords", "dict", "options", "args", "pickle", "token", "vars"],
)
def test_a_secret_shows_nowhere(vault: Any, show: Callable[[Any], str]) -> None:
    assert SECRET not in show(vault)


def test_a_token_is_no_digest_of_the_secret(vault: Any) -> None:
    again = VaultFileSystem(bucket="plans", secret_key=SECRET)
    other = VaultFileSystem(bucket="plans", secret_key=SECRET[:-1])

    assert len({vault._fs_token, again._fs_token, other._fs_token}) == 3
    assert vault != again
    assert len({vault, again, other}) == 3


@pytest.mark.parametrize("options", [{"secret_key": SECRET}, {"bucket": 7, "secret_key": SECRET}, {"bukcet": SECRET}])
def test_a_secret_is_not_in_the_traceback_of_a_refusal(options: dict[str, object]) -> None:
    with pytest.raises((SettingsError, TypeError)) as caught:
        VaultFileSystem(**options)  # type: ignore[arg-type]

    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_another_process_finds_the_secret_in_its_environment(vault: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    vault.pipe_file("a", b"plan")
    pickled, text = travelled(vault)
    monkeypatch.setenv("KAZINEX_STORAGE_VAULT_SECRET_KEY", SECRET)

    for copy in (pickle.loads(pickled), fsspec.AbstractFileSystem.from_json(text)):  # noqa: S301
        assert {"bucket": "plans"} == copy.storage_options
        assert not copy.exists("a")  # each of these vaults has a memory of its own


def test_a_copy_without_its_secret_names_the_variable_when_it_is_used(
    vault: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pickled, text = travelled(vault)

    for copy in (pickle.loads(pickled), fsspec.AbstractFileSystem.from_json(text)):  # noqa: S301
        assert "StorageSpace()" in repr(copy)
        with pytest.raises(SettingsError, match=r"secret_key.*set KAZINEX_STORAGE_VAULT_SECRET_KEY in this one"):
            copy.exists("a")
        with pytest.raises(SettingsError, match="KAZINEX_STORAGE_VAULT_SECRET_KEY"):
            copy.open("a", "wb")
        monkeypatch.setenv("KAZINEX_STORAGE_VAULT_SECRET_KEY", SECRET)
        assert not copy.exists("a")
        monkeypatch.delenv("KAZINEX_STORAGE_VAULT_SECRET_KEY")


def travelled(vault: Any) -> tuple[bytes, str]:
    """Return a pickle and JSON as another process meets them: what they refer to is not there."""
    found = pickle.dumps(vault), vault.to_json()
    reference = vault._held.reference
    return found[0].replace(reference.encode(), b"0" * 32), found[1].replace(reference, "0" * 32)


def test_a_copy_in_this_process_keeps_its_secret_by_reference(vault: Any) -> None:
    copies = [pickle.loads(pickle.dumps(vault)), fsspec.AbstractFileSystem.from_json(vault.to_json())]  # noqa: S301
    again = fsspec.AbstractFileSystem.from_json(copies[0].to_json())

    for copy in (*copies, again):
        assert not copy.exists("a")
        assert (vault, vault._fs_token, hash(vault)) == (copy, copy._fs_token, hash(copy))
        assert SECRET not in copy.to_json()
    assert pickle.dumps(vault) == pickle.dumps(copies[0])


def test_a_reference_leads_to_the_secret_only_with_the_same_options(vault: Any) -> None:
    moved = fsspec.AbstractFileSystem.from_json(vault.to_json().replace("plans", "elsewhere"))

    with pytest.raises(SettingsError, match="KAZINEX_STORAGE_VAULT_SECRET_KEY"):
        moved.exists("a")


def test_nothing_is_kept_once_the_file_systems_are_gone() -> None:
    vault: Any = VaultFileSystem(bucket="plans", secret_key=SECRET)
    text = vault.to_json()

    del vault
    gc.collect()

    with pytest.raises(SettingsError, match="KAZINEX_STORAGE_VAULT_SECRET_KEY"):
        fsspec.AbstractFileSystem.from_json(text).exists("a")


def test_a_disk_that_is_not_there_is_no_hindrance_for_unpickling(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    pickled = pickle.dumps(LocalDiskFileSystem(root=tmp_path / "root"))
    (tmp_path / "root").rmdir()

    copy = pickle.loads(pickled)  # noqa: S301

    with pytest.raises(StorageError, match="root"):
        copy.ls("")


def test_a_file_system_that_would_pickle_a_secret_is_refused() -> None:
    with pytest.raises(SettingsError, match="would pickle secret_key"):
        LeakingFileSystem(bucket="plans", secret_key=SECRET)


def test_a_file_system_over_a_storage_is_not_pickled() -> None:
    with Storage(MemoryProvider()) as storage:
        for fs in (StorageFileSystem(storage=storage), VaultFileSystem(storage=storage)):
            for reduce in (pickle.dumps, lambda fs: fs.to_json(), lambda fs: fs.to_dict()):
                with pytest.raises(TypeError, match="cannot be pickled"):
                    reduce(fs)


def test_local_and_memory_survive_pickling(tmp_path: Path, store: str) -> None:
    local: Any = LocalDiskFileSystem(root=tmp_path)
    local.pipe_file("a", b"local")
    memory: Any = MemoryFileSystem()
    memory.pipe_file(f"{store}/a", b"memory")

    assert pickle.loads(pickle.dumps(local)).cat_file("a") == b"local"  # noqa: S301
    assert pickle.loads(pickle.dumps(memory)).cat_file(f"{store}/a") == b"memory"  # noqa: S301
    assert fsspec.AbstractFileSystem.from_json(local.to_json()).cat_file("a") == b"local"


def test_an_open_file_of_fsspec_travels_to_another_process(tmp_path: Path) -> None:
    LocalDiskFileSystem(root=tmp_path).pipe_file("a", b"plan")
    pickled = pickle.dumps(fsspec.open("kazinex+local://a", root=str(tmp_path)))

    program = "import pickle, sys\nwith pickle.load(sys.stdin.buffer) as file: print(file.read().decode())"
    found = subprocess.run([sys.executable, "-c", program], input=pickled, capture_output=True, check=True)

    assert found.stdout.strip() == b"plan"


@pytest.mark.parametrize(
    ("make", "option"),
    [
        (lambda: LocalDiskFileSystem(root="/tmp", rooot="/"), "rooot"),  # type: ignore[call-arg]
        (lambda: MemoryFileSystem(name="x"), "name"),  # type: ignore[call-arg]
        (lambda: R2FileSystem(storage=None), "its URLs begin with a bucket"),  # type: ignore[call-arg]
        (lambda: fsspec.filesystem("kazinex", tenant="x"), "tenant"),
        (lambda: fsspec.filesystem("kazinex+local", root="/tmp", auto_mkdir=True), "auto_mkdir"),
        (lambda: MemoryFileSystem().open("s/a", "wb", acl="public"), "acl"),  # type: ignore[call-arg]
        (lambda: MemoryFileSystem().cat_file("s/a", version="1"), "version"),  # type: ignore[call-arg]
    ],
)
def test_an_option_that_is_not_known_is_named(make: Callable[[], object], option: str) -> None:
    with pytest.raises(TypeError, match=option):
        make()


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (LocalDiskFileSystem, LocalOptions),
        (R2FileSystem, R2Options),
        (S3FileSystem, S3Options),
        (SupabaseFileSystem, SupabaseOptions),
        (AzureFileSystem, AzureOptions),
        (SharePointFileSystem, SharePointOptions),
    ],
)
def test_type_checkers_know_every_option(kind: type[ProviderFileSystem], options: type) -> None:
    in_urls = {getattr(kind, "place_field", None)}
    looked_up = {"looked_up"}  # what verification found, which people do not enter

    fields = {field.name.partition(".")[0] for field in kind.registry.fields(kind.kind)}

    assert fields - in_urls - looked_up == set(options.__annotations__) - set(Options.__annotations__)


def test_settings_beside_a_storage_are_refused() -> None:
    with Storage(MemoryProvider()) as storage, pytest.raises(TypeError, match="either storage or bucket"):
        VaultFileSystem(storage=storage, bucket="plans")


def test_a_cache_of_listings_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="not cached"):
        MemoryFileSystem(use_listings_cache=True)


def test_the_root_of_a_disk_may_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"plan")
    monkeypatch.setenv("KAZINEX_STORAGE_LOCAL_ROOT", str(tmp_path))

    with fsspec.open("kazinex+local://a") as file:
        found = file.read()

    assert found == b"plan"


def test_a_disk_without_a_root_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAZINEX_STORAGE_LOCAL_ROOT", raising=False)

    with pytest.raises(SettingsError, match=r"'root' is missing.*KAZINEX_STORAGE_LOCAL_<FIELD>"):
        fsspec.filesystem("kazinex+local")


def test_a_root_cannot_be_given_in_the_url(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="leading slash"):
        fsspec.open(f"kazinex+local://{tmp_path}/a", root=str(tmp_path))


ELSEWHERE = """
import fsspec, sys
print(fsspec.filesystem("kazinexlocal", root=sys.argv[1], durable=False).__dask_tokenize__())
"""


def test_equal_options_without_secrets_are_equal_and_have_one_token(tmp_path: Path) -> None:
    found: list[Any] = []

    def make() -> None:
        for root, further in ((str(tmp_path), {}), (tmp_path, {"skip_instance_cache": True, "anon": False})):
            found.append(fsspec.filesystem("kazinexlocal", durable=False, root=root, **further))

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    make()
    other = subprocess.run([sys.executable, "-c", ELSEWHERE, str(tmp_path)], capture_output=True, text=True, check=True)

    assert 1 == len(set(found)) == len({fs.__dask_tokenize__() for fs in found} | {other.stdout.strip()})
    assert found[0] != fsspec.filesystem("kazinexlocal", durable=True, root=tmp_path)
    assert MemoryFileSystem(asynchronous=True) == MemoryFileSystem(asynchronous=True) != MemoryFileSystem()


def test_instances_are_never_shared(tmp_path: Path) -> None:
    for protocol, options in (("kazinex", {}), ("kazinex+memory", {}), ("kazinex+local", {"root": str(tmp_path)})):
        one, other = (fsspec.filesystem(protocol, **options) for _ in range(2))

        assert one is not other
        assert type(one)._cache == {}
