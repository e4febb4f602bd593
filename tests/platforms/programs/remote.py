"""Everything is imported, and buckets and memory are used: alone, many at once, and by asyncio."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil
import sys

import pytest
from pydantic import SecretStr

import kazinex_storage
from kazinex_storage import AsyncStorage, NotSupportedError, Storage
from kazinex_storage.cli import main as command_line
from kazinex_storage.organisations import open_organisations
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.providers.s3 import S3Settings, open_s3

# distributed is no dependency here, and MLflow needs POSIX itself; `fork` and the like are what workers of tests are
# made with.
NOT_HERE = (
    "kazinex_storage.migration.dask",
    "kazinex_storage.integrations.mlflow_artifacts",
    "kazinex_storage.testing",
    "kazinex_storage.cli.__main__",
)
FILES = [(f"many/{number}.bin", bytes([number]) * 100_000) for number in range(12)]


class Proactor(asyncio.SelectorEventLoop):
    """A loop that watches no sockets, as that of Windows."""

    add_reader = asyncio.AbstractEventLoop.add_reader


def import_everything() -> None:
    for module in pkgutil.walk_packages(kazinex_storage.__path__, "kazinex_storage."):
        if not module.name.startswith(NOT_HERE):
            importlib.import_module(module.name)


async def over_asyncio(storage: AsyncStorage) -> bytes:
    await storage.put("async.bin", b"1" * 50_000)
    return await storage.get_bytes("async.bin")


async def refusal_of(storage: AsyncStorage) -> str:
    with pytest.raises(NotSupportedError) as refused:
        await over_asyncio(storage)
    return str(refused.value)


def use(storage: Storage) -> None:
    storage.put("a/plan.pdf", b"%PDF")
    assert b"%PDF" == storage.get_bytes("a/plan.pdf")
    storage.put_many(FILES)
    assert dict(FILES) == {key: outcome.value for key, outcome in storage.get_many(key for key, _ in FILES)}
    assert 13 == len(list(storage.list()))


def main() -> None:
    import_everything()
    use(Storage(MemoryProvider()))
    endpoint, bucket, key, secret, home = sys.argv[1:]
    settings = S3Settings(
        endpoint_url=endpoint, bucket=bucket, region="us-east-1", access_key_id=key, secret_access_key=SecretStr(secret)
    )
    storage = Storage(open_s3(settings))
    use(storage)
    assert 50_000 == len(asyncio.run(over_asyncio(AsyncStorage(storage))))
    with asyncio.Runner(loop_factory=Proactor) as runner:
        said = runner.run(refusal_of(AsyncStorage(storage)))
    assert "SelectorEventLoop" in said
    organisations = open_organisations({"KAZINEX_STORAGE_HOME": home})
    organisations.add_provider("acme", "s3", "bucket", settings.model_dump(mode="json") | {"secret_access_key": secret})
    organisations.close()
    assert 0 == command_line(["--help"])


if __name__ == "__main__":
    main()
