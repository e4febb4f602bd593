"""Credentials from a function of the caller's: asked for when they are needed, and again before they expire."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NoReturn

import pytest
from pydantic import ValidationError

from kazinex_storage import ClosedError, SettingsError, Storage, StorageError, UnavailableError
from kazinex_storage.providers.s3 import Credentials, open_r2, open_s3, open_supabase
from kazinex_storage.testing.servers import S3Server


@pytest.fixture
def fields(seaweedfs_server: S3Server) -> dict[str, object]:
    """Settings without keys."""
    server = seaweedfs_server
    return {"bucket": server.make_bucket(), "endpoint_url": server.endpoint_url, "region": server.region}


def asked(server: S3Server, lasts: timedelta | None) -> tuple[list[int], Callable[[], Credentials]]:
    times: list[int] = []

    def fetch() -> Credentials:
        times.append(len(times))
        expires_at = None if lasts is None else datetime.now(UTC) + lasts
        return Credentials(
            access_key_id=server.access_key_id, secret_access_key=server.secret_access_key, expires_at=expires_at
        )

    return times, fetch


@pytest.mark.parametrize(("lasts", "times"), [(None, 1), (timedelta(hours=1), 1), (timedelta(), 3)])
def test_keys_are_asked_for_once_a_minute_and_before_they_expire(
    seaweedfs_server: S3Server, fields: dict[str, object], lasts: timedelta | None, times: int
) -> None:
    seen, fetch = asked(seaweedfs_server, lasts)
    with Storage(open_s3(fields, credentials=fetch)) as storage:
        before = len(seen)
        storage.put("a", b"1")
        found = storage.get_bytes("a")
        storage.delete("a")

    assert (b"1", times) == (found, len(seen) - before)


def test_a_key_that_the_function_replaces_is_used_from_then_on(
    seaweedfs_server: S3Server, fields: dict[str, object]
) -> None:
    good = Credentials(
        access_key_id=seaweedfs_server.access_key_id, secret_access_key=seaweedfs_server.secret_access_key
    )
    over = datetime.now(UTC)
    keys = [Credentials(access_key_id="example-not-real", secret_access_key="example-not-real", expires_at=over)]  # noqa: S106
    with Storage(open_s3(fields, credentials=lambda: keys[-1])) as storage:
        with pytest.raises(StorageError):
            storage.put("a", b"1")
        keys.append(good)

        assert 1 == storage.put("a", b"1").size


def test_what_the_function_raises_is_told_without_its_text(fields: dict[str, object]) -> None:
    secret = "example-secret-in-an-error"  # noqa: S105  # no real one

    def fail() -> NoReturn:
        raise ValueError(secret)

    with Storage(open_s3(fields, credentials=fail)) as storage:
        with pytest.raises(UnavailableError, match=r"failed \(ValueError\)") as caught:
            storage.head("a")
        assert secret not in str(caught.value)
        assert caught.value.__cause__ is None

    def refuse() -> NoReturn:
        raise ClosedError("the broker is closed")

    with Storage(open_s3(fields, credentials=refuse)) as storage, pytest.raises(ClosedError):
        storage.head("a")


def test_what_is_no_key_is_refused(fields: dict[str, object]) -> None:
    def wrong() -> Credentials:
        return "example"  # type: ignore[return-value]  # a mistake of the caller's

    with (
        Storage(open_s3(fields, credentials=wrong)) as storage,
        pytest.raises(SettingsError, match="return Credentials"),
    ):
        storage.head("a")


def test_every_kind_takes_its_fields_without_keys(seaweedfs_server: S3Server) -> None:
    _, fetch = asked(seaweedfs_server, None)
    r2 = {"account_id": "0123456789abcdef0123456789abcdef", "bucket": "plans"}
    supabase = {"project_ref": "abcdefghijklmnopqrst", "region": "eu-central-1", "bucket": "plans"}

    opened = [open_r2(r2, credentials=fetch), open_supabase(supabase, credentials=fetch)]

    assert ["r2", "supabase"] == [provider.info.kind for provider in opened]
    assert all(not isinstance(provider.target.credentials, Credentials) for provider in opened)
    with pytest.raises(ValidationError):
        open_r2(r2)
