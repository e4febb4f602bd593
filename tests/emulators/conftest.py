"""One real server behind the fronts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kazinex_storage.testing.servers import S3Server, ministack


@pytest.fixture(scope="session")
def upstream() -> Iterator[S3Server]:
    with ministack() as server:
        yield server
