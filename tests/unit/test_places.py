"""Two settings that name one place are one place, however they spell it; what differs is another one."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from kazinex_storage import default_registry
from kazinex_storage.providers.local import LocalProvider, LocalSettings
from kazinex_storage.providers.memory import MemoryProvider, MemorySettings
from kazinex_storage.providers.settings.place import is_confidential

ACCOUNT = "0123456789abcdef0123456789abcdef"
KEYS = {"access_key_id": "0" * 32, "secret_access_key": "0" * 64}
S3 = {"bucket": "plans", **KEYS}
R2 = {"bucket": "plans", "account_id": ACCOUNT, **KEYS}
AZURE_KEY = "ZXhhbXBsZS1rZXktbm90LXJlYWw="
AZURE = {"account": "example", "container": "plans", "account_key": AZURE_KEY}
LIBRARY = {
    "tenant_id": "contoso.onmicrosoft.com",
    "client_id": "00000000-0000-0000-0000-000000000001",
    "client_secret": "example-secret",
    "site_url": "https://contoso.sharepoint.com/sites/Plans",
}


def place(kind: str, settings: dict[str, object]) -> str:
    registry = default_registry()
    provider = registry.open(kind, registry.parse_settings(kind, settings))
    try:
        return provider.info.place
    finally:
        provider.close()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(
            ("r2", {**R2, "endpoint_url": "https://minio.example"}),
            ("s3", {**S3, "endpoint_url": "https://minio.example"}),
            id="two-kinds",
        ),
        pytest.param(
            ("s3", {**S3, "endpoint_url": "https://minio.example"}),
            ("s3", {**S3, "endpoint_url": "https://MinIO.example:443/"}),
            id="case-port-slash",
        ),
        pytest.param(
            ("s3", {**S3, "region": "eu-central-1"}),
            ("s3", {**S3, "region": "eu-central-1", "endpoint_url": "https://s3.dualstack.eu-central-1.amazonaws.com"}),
            id="aws-endpoints",
        ),
        pytest.param(
            ("azure_blob", AZURE),
            ("azure_blob", {**AZURE, "endpoint_url": "https://Example.blob.core.windows.net/"}),
            id="azure",
        ),
        pytest.param(
            ("sharepoint", LIBRARY),
            ("sharepoint", {**LIBRARY, "site_url": "https://CONTOSO.sharepoint.com/sites/plans/"}),
            id="sharepoint",
        ),
    ],
)
def test_two_forms_of_one_address_are_one_place(
    one: tuple[str, dict[str, object]], other: tuple[str, dict[str, object]]
) -> None:
    assert place(*one) == place(*other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(("r2", R2), ("r2", {**R2, "bucket": "other"}), id="bucket"),
        pytest.param(("r2", R2), ("r2", {**R2, "prefix": "below"}), id="prefix"),
        pytest.param(("r2", R2), ("r2", {**R2, "account_id": "f" * 32}), id="account"),
        pytest.param(("r2", R2), ("r2", {**R2, "jurisdiction": "eu"}), id="jurisdiction"),
        pytest.param(("azure_blob", AZURE), ("azure_blob", {**AZURE, "container": "other"}), id="container"),
        pytest.param(("sharepoint", LIBRARY), ("sharepoint", {**LIBRARY, "root_folder": "Archive"}), id="folder"),
        pytest.param(("sharepoint", LIBRARY), ("sharepoint", {**LIBRARY, "library": "Plans"}), id="library"),
    ],
)
def test_what_differs_is_another_place(
    one: tuple[str, dict[str, object]], other: tuple[str, dict[str, object]]
) -> None:
    assert place(*one) != place(*other)


def test_every_path_to_a_folder_is_one_place(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "other").mkdir()
    os.symlink("root", tmp_path / "link")
    paths = [tmp_path / "root", tmp_path / "link", tmp_path / "other" / ".." / "root", tmp_path / "other"]

    places = [LocalProvider(LocalSettings(root=path)).info.place for path in paths]

    assert places[0] == places[1] == places[2] != places[3]


def test_a_store_in_memory_that_has_a_name_is_one_place() -> None:
    one, same, unnamed = (MemoryProvider(MemorySettings(name=name)).info.place for name in ("a", "a", None))

    assert one == same != ""
    assert unnamed == ""


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example",
        "HTTPS://a.example",
        "http://localhost",
        "http://localhost:9000/path",
        "http://127.0.0.1:80",
        "http://[::1]:9000",
        "http://LOCALHOST/",
        "http://a.example",
        "http://localhost.a.example",
        "http://localhost@a.example",
        "http://localhost:80@a.example/",
        "http://localhost#@a.example",
        "http://127.0.0.1.a.example",
        "ftp://localhost",
        "localhost",
        "",
    ],
)
def test_a_token_goes_where_the_parser_of_the_library_says(url: str) -> None:
    """The common ones are told without it, which takes 2 ms to load."""
    parts = urlsplit(url)

    expected = parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1", "::1")
    assert expected == is_confidential(url)
