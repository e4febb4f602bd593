"""pyarrow, pandas, polars, dask, zarr, xarray and universal_pathlib work in the storage, and nowhere else."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kazinex_storage.fs import ObjectFileSystem

from .conftest import Served

# Untyped, or with types that need further packages.
dask: Any = importlib.import_module("dask")
dataframe: Any = importlib.import_module("dask.dataframe")
dataset: Any = importlib.import_module("pyarrow.dataset")
numpy: Any = importlib.import_module("numpy")
pandas: Any = importlib.import_module("pandas")
parquet: Any = importlib.import_module("pyarrow.parquet")
polars: Any = importlib.import_module("polars")
pyarrow: Any = importlib.import_module("pyarrow")
upath: Any = importlib.import_module("upath")
xarray: Any = importlib.import_module("xarray")
zarr: Any = importlib.import_module("zarr")

pytestmark = pytest.mark.usefixtures("working_folder")


@pytest.fixture(autouse=True)
def _calm() -> Iterator[None]:
    # They warn of releases of each other.
    with warnings.catch_warnings(), dask.config.set(scheduler="synchronous"):
        warnings.simplefilter("ignore")
        yield


@pytest.fixture
def fs(served: Served) -> ObjectFileSystem:
    return served.open()


@pytest.fixture
def folder(served: Served) -> str:
    return served.folder()


@pytest.fixture
def frame() -> Any:
    return pandas.DataFrame({"size": range(4), "kind": ["x", "y"] * 2})


def test_pandas_writes_and_reads_partitions(served: Served, fs: ObjectFileSystem, folder: str, frame: Any) -> None:
    url = served.url(f"{folder}/register")

    frame.to_parquet(url, partition_cols=["kind"], storage_options=served.options or None)

    assert [0, 1, 2, 3] == sorted(pandas.read_parquet(url, storage_options=served.options or None)["size"])
    assert {f"{folder}/register/kind=x", f"{folder}/register/kind=y"} == set(fs.ls(f"{folder}/register", detail=False))


def test_pandas_writes_and_reads_csv(served: Served, folder: str, frame: Any) -> None:
    url = served.url(f"{folder}/register.csv.gz")

    frame.to_csv(url, index=False, storage_options=served.options or None)

    found = pandas.read_csv(url, storage_options=served.options or None)
    pandas.testing.assert_frame_equal(frame, found, check_dtype=False)


def test_pyarrow_writes_replaces_and_reads_a_dataset(fs: ObjectFileSystem, folder: str) -> None:
    for size in (1, 2):
        table = pyarrow.table({"size": [size]})
        dataset.write_dataset(
            table, f"{folder}/register", filesystem=fs, format="parquet", existing_data_behavior="delete_matching"
        )

    assert {"size": [2]} == parquet.read_table(f"{folder}/register", filesystem=fs).to_pydict()
    assert [f"{folder}/register/part-0.parquet"] == fs.find(folder)


def test_pyarrow_reads_nothing_of_the_disk_it_runs_on(
    fs: ObjectFileSystem, folder: str, working_folder: Callable[[], list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.parquet"
    parquet.write_table(pyarrow.table({"outside": [1]}), outside)

    for path in (str(outside), str(outside)[1:]):
        with pytest.raises((OSError, ValueError, NotImplementedError)):
            parquet.read_table(path, filesystem=fs)


def test_polars_writes_and_reads(fs: ObjectFileSystem, folder: str, frame: Any) -> None:
    table = polars.from_pandas(frame)

    table.write_parquet(
        f"{folder}/parted", use_pyarrow=True, pyarrow_options={"partition_cols": ["kind"], "filesystem": fs}
    )
    with fs.open(f"{folder}/whole.parquet", "wb") as file:
        table.write_parquet(file)

    parted = polars.read_parquet(f"{folder}/parted", use_pyarrow=True, pyarrow_options={"filesystem": fs})
    scanned = polars.scan_pyarrow_dataset(dataset.dataset(f"{folder}/parted", filesystem=fs)).collect()
    with fs.open(f"{folder}/whole.parquet", "rb") as file:
        whole = polars.read_parquet(file)
    assert [0, 1, 2, 3] == sorted(parted["size"]) == sorted(scanned["size"]) == sorted(whole["size"])


def test_polars_takes_no_url_and_says_so(served: Served, folder: str) -> None:
    with pytest.raises(OSError, match=served.scheme):
        polars.DataFrame({"size": [1]}).write_parquet(served.url(f"{folder}/a.parquet"))


def test_dask_writes_counts_filters_appends_and_overwrites(served: Served, folder: str, frame: Any) -> None:
    url, options = served.url(f"{folder}/register"), dict(served.options)
    parts = dataframe.from_pandas(frame, npartitions=2)

    parts.to_parquet(url, storage_options=options)
    counted = len(dataframe.read_parquet(url, storage_options=options))
    large = dataframe.read_parquet(url, storage_options=options, filters=[("size", ">", 2)]).compute()
    parts.to_parquet(url, append=True, ignore_divisions=True, storage_options=options)
    doubled = len(dataframe.read_parquet(url, storage_options=options))
    parts.to_parquet(url, overwrite=True, partition_on=["kind"], write_metadata_file=True, storage_options=options)
    again = dataframe.read_parquet(url, storage_options=options).compute()

    assert (4, [3], 8) == (counted, list(large["size"]), doubled)
    assert [0, 1, 2, 3] == sorted(again["size"])


def test_dask_reads_csv_by_a_pattern(served: Served, folder: str, frame: Any) -> None:
    options = dict(served.options)

    dataframe.from_pandas(frame, npartitions=2).to_csv(served.url(f"{folder}/part-*.csv"), storage_options=options)

    assert 4 == len(dataframe.read_csv(served.url(f"{folder}/part-*.csv"), storage_options=options))


def test_zarr_and_xarray_write_read_and_append_by_url(served: Served, fs: ObjectFileSystem, folder: str) -> None:
    url, options = served.url(f"{folder}/levels.zarr"), dict(served.options) or None
    levels = xarray.Dataset({"level": ("point", numpy.arange(3))})

    levels.to_zarr(url, mode="w", storage_options=options)
    levels.to_zarr(url, append_dim="point", storage_options=options)

    assert [0, 1, 2, 0, 1, 2] == xarray.open_zarr(url, storage_options=options).level.values.tolist()
    assert ["level"] == list(zarr.open_group(url, mode="r", storage_options=options).array_keys())
    assert fs.exists(f"{folder}/levels.zarr/zarr.json")


def test_universal_pathlib_walks_writes_and_removes(served: Served, fs: ObjectFileSystem, folder: str) -> None:
    path = upath.UPath(served.url(folder), **served.options) / "sub"

    path.mkdir(parents=True, exist_ok=True)
    (path / "a.txt").write_text("plan")

    assert [served.url(f"{folder}/sub/a.txt")] == [str(found) for found in path.iterdir()]
    assert ("plan", True, 4) == ((path / "a.txt").read_text(), path.is_dir(), (path / "a.txt").stat().st_size)
    (path / "a.txt").unlink()
    assert [] == fs.find(folder)
