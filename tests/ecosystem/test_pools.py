"""File systems in pools of processes: they always arrive, and secrets never travel with them."""

from __future__ import annotations

import multiprocessing
from operator import methodcaller

import pytest

from kazinex_storage.errors import SettingsError
from kazinex_storage.fs import R2FileSystem


def test_a_pool_answers_for_a_file_system_whose_secret_was_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be unpickled kills the worker, the pool starts another one, and so on for ever."""
    monkeypatch.delenv("KAZINEX_STORAGE_R2_SECRET_ACCESS_KEY", raising=False)
    fs = R2FileSystem(
        account_id="0" * 32,
        access_key_id="1" * 32,
        secret_access_key="not-a-real-secret",  # noqa: S106
        endpoint_url="http://127.0.0.1:9",
    )

    with multiprocessing.get_context("spawn").Pool(1) as pool:
        shown = pool.map_async(repr, [fs]).get(60)
        used = pool.map_async(methodcaller("exists", "plans/a"), [fs])
        with pytest.raises(SettingsError, match="set KAZINEX_STORAGE_R2_SECRET_ACCESS_KEY"):
            used.get(60)

    assert shown == [repr(fs)]
