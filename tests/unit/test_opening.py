"""Storages by URL and by the environment."""

from __future__ import annotations

import asyncio
import pickle
from pathlib import Path

import pytest
from pydantic import SecretStr

from kazinex_storage import AsyncStorage, InvalidUrlError, NamedStorage, SettingsError, Storage, open_named
from kazinex_storage.fs import (
    AzureFileSystem,
    LocalDiskFileSystem,
    MemoryFileSystem,
    R2FileSystem,
    S3FileSystem,
    SharePointFileSystem,
    SupabaseFileSystem,
)
from kazinex_storage.provider_kinds import ProviderKind
from kazinex_storage.registry import Registry, default_registry
from kazinex_storage.storage.opening import parse_storage_url

SECRET = "5ec3e7" + "0" * 58
R2 = {"account_id": "0" * 32, "access_key_id": "1" * 32, "secret_access_key": SECRET}


@pytest.fixture(autouse=True)
def _r2_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in R2.items():
        monkeypatch.setenv(f"KAZINEX_STORAGE_R2_{name.upper()}", text)


def test_a_url_names_the_bucket_its_settings_and_a_folder() -> None:
    with Storage.from_url("r2://plans/bridge/2026?prefix=acme%2Fa&jurisdiction=eu") as storage:
        assert "bridge/2026/" == storage.prefix
        assert f"{'0' * 32}.eu.r2.cloudflarestorage.com/plans/acme/a/" == storage.info.place


def test_a_url_with_a_path_of_its_own_opens_a_folder_of_the_disk(tmp_path: Path) -> None:
    with Storage.from_url(f"kazinexlocal://{tmp_path}/made?create=true&durable=false") as storage:
        storage.put("a.pdf", b"%PDF")

    assert b"%PDF" == (tmp_path / "made" / "a.pdf").read_bytes()


def test_another_url_of_the_disk_is_a_folder_below_the_root_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAZINEX_STORAGE_LOCAL_ROOT", str(tmp_path))

    with Storage.from_url("kazinexlocal://plans") as storage:
        storage.put("a.pdf", b"%PDF")

    assert (tmp_path / "plans" / "a.pdf").is_file()


def test_secrets_are_given_beside_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAZINEX_STORAGE_R2_SECRET_ACCESS_KEY")

    with Storage.from_url("r2://plans", {"secret_access_key": SecretStr(SECRET)}) as storage:
        assert "r2" == storage.info.kind


def test_a_url_may_leave_the_bucket_to_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAZINEX_STORAGE_R2_BUCKET", "plans")

    with Storage.from_url("r2://") as storage:
        assert "plans" == storage.info.location


def test_the_same_is_there_for_asyncio() -> None:
    async def main() -> bytes:
        async with AsyncStorage.from_url("kazinexmemory://opening-aio") as storage:
            await storage.put("a.pdf", b"%PDF")
            return await storage.get_bytes("a.pdf")

    assert b"%PDF" == asyncio.run(main())


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("plans", "no URL of a storage"),
        ("ftp://plans", "'ftp' is no scheme of a storage"),
        (f"r2:{SECRET}@plans://x", "what stands before :// is no scheme"),
        ("kazinexmemory://a\0b", "holds no control character"),
        ("ftp://plans", "known are kazinexazure://, kazinexlocal://, kazinexmemory://, r2://, kazinexs3://"),
        ("s3://plans", "did you mean kazinexs3://"),
        ("az://plans", "did you mean kazinexazure://"),
        ("kazinexloacl:///srv", "did you mean kazinexlocal://"),
        ("kazinex://acme/bridge", "a DocumentStore and fsspec open"),
        (f"r2://example:{SECRET}@plans", "something before an @"),
        (f"sharepoint://{SECRET}@Documents", "something before an @"),
        (f"r2://plans?secret_access_key={SECRET}", "secret_access_key is a secret"),
        (f"r2://plans?age_identities={SECRET}", "age_identities is a secret"),
        (f"r2://plans?{SECRET}", "what stands there"),
        ("r2://plans?jurisdicton=eu", "'jurisdicton', which r2 has not; it has access_key_id,"),
        ("sharepoint://Documents?looked_up.site=x", "which sharepoint has not"),
        ("r2://plans?bucket=other", "gives bucket in its path and again"),
        ("r2://plans?prefix=a&prefix=b", "prefix twice"),
        ("r2://plans:9000/a", "is not 1 to 128 characters"),
        ("r2:///folder", "a folder and no bucket"),
        ("r2://plans/../other", "names no folder"),
        ("kazinexlocal://../etc", "names no folder"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_and_no_secret_repeated(url: str, says: str) -> None:
    with pytest.raises(InvalidUrlError) as refused:
        Storage.from_url(url)

    assert says in str(refused.value)
    assert SECRET not in str(refused.value)


def test_no_frame_of_a_refusal_shows_what_the_url_held() -> None:
    with pytest.raises(InvalidUrlError) as refused:
        parse_storage_url(f"r2://example:{SECRET}@plans?secret_access_key={SECRET}")

    shown = [repr(frame.frame.f_locals) for frame in refused.traceback if "kazinex_storage" in str(frame.path)]
    assert shown
    assert not any(SECRET in text for text in shown[1:])


def test_missing_settings_are_told_with_the_variables_that_give_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAZINEX_STORAGE_R2_SECRET_ACCESS_KEY")

    with pytest.raises(
        SettingsError, match=r"'secret_access_key' is missing.* as variables KAZINEX_STORAGE_R2_<FIELD>"
    ):
        Storage.from_url("r2://plans")


def test_a_setting_is_given_once() -> None:
    with pytest.raises(SettingsError, match="bucket: given by the URL and by settings="):
        Storage.from_url("r2://plans", {"bucket": "other"})


def test_the_environment_has_a_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAZINEX_STORAGE_URL", "r2://plans/bridge")

    with Storage.from_environment() as storage:
        assert "bridge/" == storage.prefix


def test_without_one_the_message_names_the_variable() -> None:
    with pytest.raises(SettingsError, match="KAZINEX_STORAGE_URL is not set"):
        Storage.from_environment()


def test_a_name_has_a_url_and_settings_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAZINEX_STORAGE_MEDIA_URL", f"kazinexlocal://{tmp_path}")
    monkeypatch.setenv("KAZINEX_STORAGE_MEDIA_ACCESS", "group")

    with Storage.from_environment("media") as storage:
        storage.put("a.pdf", b"%PDF")

    assert 0o660 == (tmp_path / "a.pdf").stat().st_mode & 0o777


def test_a_name_may_be_that_of_a_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAZINEX_STORAGE_LOCAL_ROOT", str(tmp_path))

    with Storage.from_environment("local") as storage:
        assert "local" == storage.info.kind


def test_a_storage_that_is_named_by_a_url_travels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAZINEX_STORAGE_MEDIA_URL", f"kazinexlocal://{tmp_path}")
    (tmp_path / "a").mkdir()

    with open_named("media") as storage, pickle.loads(pickle.dumps(storage.scoped("a"))) as again:  # noqa: S301
        again.put("a.pdf", b"%PDF")

    assert (tmp_path / "a" / "a.pdf").is_file()


def test_one_that_was_opened_by_a_url_has_views_and_stays_here() -> None:
    with NamedStorage.from_url("kazinexmemory://opening-views") as storage:
        view = storage.scoped("a").read_only()

        with pytest.raises(TypeError, match="open_named"):
            pickle.dumps(view)


@pytest.mark.parametrize(
    "system",
    [
        AzureFileSystem,
        LocalDiskFileSystem,
        R2FileSystem,
        S3FileSystem,
        SharePointFileSystem,
        SupabaseFileSystem,
    ],
)
def test_a_kind_has_the_schemes_of_its_file_system(system: type[R2FileSystem]) -> None:
    kind = default_registry().get(system.kind)

    assert system.protocol == kind.schemes
    assert getattr(system, "place_field", "root") == kind.place


def test_the_memory_has_the_schemes_of_its_file_system() -> None:
    assert MemoryFileSystem.protocol == default_registry().get("memory").schemes


def test_a_kind_of_a_third_party_has_its_schemes() -> None:
    registry = Registry(
        ProviderKind(
            kind="shelf",
            title="Shelf",
            settings="kazinex_storage.providers.memory:MemorySettings",
            factory="kazinex_storage.providers.memory:MemoryProvider",
            schemes=("shelf",),
            place="name",
        ),
        entry_points=False,
    )

    assert {"name": "one"} == parse_storage_url("shelf://one", registry).settings


def test_a_scheme_has_a_form() -> None:
    with pytest.raises(SettingsError, match="is not a scheme"):
        ProviderKind(kind="shelf", title="Shelf", settings="a:b", factory="a:b", schemes=("Shelf://",))
