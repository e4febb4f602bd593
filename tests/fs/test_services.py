"""What every file system over a service owes: a bucket, a container or a library is where its paths begin."""

from __future__ import annotations

import importlib
import secrets
from typing import Any

import fsspec
import pytest

from kazinex_storage.errors import InvalidUrlError, NotFoundError, NotSupportedError, SettingsError

from .services import Service

# Untyped.
pandas: Any = importlib.import_module("pandas")

SCHEMES = {"s3": "kazinex+s3", "azure": "kazinex+azure", "sharepoint": "sharepoint"}


@pytest.fixture(params=SCHEMES)
def service(request: pytest.FixtureRequest) -> Service:
    found: Service = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def scheme(request: pytest.FixtureRequest) -> str:
    return SCHEMES[request.node.callspec.params["service"]]


@pytest.mark.parametrize(
    ("kind", "scheme"),
    [
        ("s3", "kazinex+s3"),
        ("r2", "r2"),
        ("r2", "kazinex+r2"),
        ("azure", "kazinex+azure"),
        ("sharepoint", "sharepoint"),
        ("sharepoint", "kazinex+sharepoint"),
    ],
)
def test_a_url_begins_with_the_place(
    kind: str, scheme: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    service: Service = request.getfixturevalue(kind)
    for name, value in service.variables().items():
        monkeypatch.setenv(name, value)
    base = service.folder()

    with fsspec.open(f"{scheme}://{base}/Plan Müller #1.csv", "wb") as file:
        file.write(b"a,b\n1,2\n")

    assert b"a,b\n1,2\n" == service.read(f"{base.partition('/')[2]}/Plan Müller #1.csv")
    assert [[1, 2]] == pandas.read_csv(f"{scheme}://{base}/Plan Müller #1.csv").to_numpy().tolist()


def test_files_that_others_wrote_are_found(service: Service, scheme: str) -> None:
    base = service.folder()
    service.write(f"{base.partition('/')[2]}/a/b.txt", b"12345")

    assert [f"{base}/a/b.txt"] == service.fs.find(f"{scheme}://{base}")
    assert 5 == service.fs.size(f"{base}/a/b.txt")


@pytest.mark.parametrize(
    ("service", "path"),
    [
        *((service, path) for service in SCHEMES for path in ("place/../other/a", "/a")),
        *((service, "user@place/a") for service in ("s3", "azure")),  # a library may be called so
    ],
    indirect=["service"],
)
def test_urls_that_name_no_object_are_refused(service: Service, scheme: str, path: str) -> None:
    with pytest.raises(InvalidUrlError):
        service.fs.cat_file(f"{scheme}://{path}")


def test_places_are_not_listed(service: Service, scheme: str) -> None:
    with pytest.raises(NotSupportedError):
        service.fs.ls(f"{scheme}://")


@pytest.mark.parametrize(
    ("service", "word"), [("s3", "bucket"), ("azure", "container"), ("sharepoint", "library")], indirect=["service"]
)
def test_a_missing_place_is_named_as_such(service: Service, word: str) -> None:
    with pytest.raises(SettingsError, match=word):
        service.fs.pipe_file(f"missing-{secrets.token_hex(4)}/a", b"1")


def test_a_missing_object_is_not_found(service: Service) -> None:
    with pytest.raises(NotFoundError):
        service.fs.cat_file(f"{service.folder()}/missing")
