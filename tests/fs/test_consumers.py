"""Libraries that read and write through fsspec: pandas, pyarrow, duckdb."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from kazinex_storage.fs import MemoryFileSystem

duckdb: Any = importlib.import_module("duckdb")
pandas: Any = importlib.import_module("pandas")
pyarrow: Any = importlib.import_module("pyarrow")
dataset: Any = importlib.import_module("pyarrow.dataset")
parquet: Any = importlib.import_module("pyarrow.parquet")


@pytest.fixture
def frame() -> Any:
    return pandas.DataFrame({"drawing": ["A", "B", "C"], "revision": [1, 2, 3]})


def test_pandas_writes_and_reads_parquet(frame: Any, store: str) -> None:
    url = f"kazinex+memory://{store}/register.parquet"

    frame.to_parquet(url)

    pandas.testing.assert_frame_equal(frame, pandas.read_parquet(url))


@pytest.mark.parametrize("name", ["register.csv", "register.csv.gz"])
def test_pandas_writes_and_reads_csv(frame: Any, store: str, name: str) -> None:
    url = f"kazinex+memory://{store}/{name}"

    frame.to_csv(url, index=False)

    pandas.testing.assert_frame_equal(frame, pandas.read_csv(url))


def test_pandas_publishes_nothing_when_it_fails(store: str) -> None:
    class Unprintable:
        def __str__(self) -> str:
            raise RuntimeError("stop")

    broken = pandas.DataFrame({"a": [1, Unprintable()]})

    with pytest.raises(RuntimeError, match="stop"):
        broken.to_csv(f"kazinex+memory://{store}/a.csv")

    assert MemoryFileSystem().find(store) == []


def test_pyarrow_writes_and_reads_a_dataset(store: str) -> None:
    table = pyarrow.table({"project": ["p", "p", "q"], "size": [1, 2, 3]})
    fs = MemoryFileSystem()

    parquet.write_to_dataset(table, f"{store}/register", partition_cols=["project"], filesystem=fs)
    found = dataset.dataset(f"{store}/register", filesystem=fs, partitioning="hive").to_table()

    assert sorted(found.column("size").to_pylist()) == [1, 2, 3]
    assert set(found.column("project").to_pylist()) == {"p", "q"}


def test_duckdb_reads_and_writes(frame: Any, store: str) -> None:
    frame.to_parquet(f"kazinex+memory://{store}/one.parquet")
    with duckdb.connect() as connection:
        connection.register_filesystem(MemoryFileSystem())

        source, target = f"kazinex+memory://{store}/*.parquet", f"kazinex+memory://{store}/ten.csv"
        connection.read_parquet(source).project("revision * 10 as revision").write_csv(target)
        found = connection.read_csv(target).fetchall()

    assert sorted(found) == [(10,), (20,), (30,)]
