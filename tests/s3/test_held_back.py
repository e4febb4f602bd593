"""A botocore that s3fs holds back is named before it is used."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from kazinex_storage.providers.s3 import S3Settings
from kazinex_storage.providers.s3.held_back import warn_of_old_botocore

EXPORTED = {"bucket": "bkt", "region": "us-east-1", "access_key_id": "a" * 16, "secret_access_key": "b" * 16}


def install(folder: Path, name: str, version: str, *needs: str) -> None:
    """Put into *folder* what pip leaves of a distribution."""
    (made := folder / f"{name}-{version}.dist-info").mkdir()
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {version}",
        *(f"Requires-Dist: {need}" for need in needs),
    ]
    (made / "METADATA").write_text("\n".join(lines) + "\n")


def test_the_package_that_holds_botocore_back_is_named_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "botocore", "1.34.51")
    install(
        tmp_path, "aiobotocore", "2.12.1", "aiohttp<4", "botocore <1.34.52,>=1.34.41", "boto3 <1.35 ; extra == 'boto3'"
    )
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.warns(RuntimeWarning) as told:
        S3Settings.model_validate(EXPORTED).export("boto3")

    said = str(told[0].message)
    assert "botocore 1.34.51 is older than 1.36" in said
    assert "aiobotocore 2.12.1, on which s3fs stands, holds it there (botocore <1.34.52,>=1.34.41)" in said
    assert "pip install --upgrade s3fs" in said


def test_an_old_botocore_by_itself_is_to_be_upgraded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "botocore", "1.9.23")
    install(tmp_path, "aiobotocore", "3.9.0")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.warns(RuntimeWarning, match="botocore 1.9.23 is older than 1.36"):
        warn_of_old_botocore()


def test_one_that_is_new_enough_is_not_spoken_of() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_old_botocore()
