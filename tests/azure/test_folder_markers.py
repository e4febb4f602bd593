"""What other tools leave in a container beside keys: markers of folders in both spellings (issue 18)."""

from __future__ import annotations

import pytest
from azure.storage.blob import ContainerClient

from kazinex_storage import Storage, adopt_unkeyed, find_unkeyed, read_unkeyed
from kazinex_storage.errors import InvalidKeyError
from kazinex_storage.fs import AzureFileSystem
from kazinex_storage.providers.azure_blob.provider import AzureBlobProvider
from kazinex_storage.testing.servers import AzuriteServer

from .conftest import target_of
from .test_file_systems import base as base

DIRECTORY = {"hdi_isfolder": "true"}


@pytest.fixture
def fs(azurite_server: AzuriteServer) -> AzureFileSystem:
    server = azurite_server
    return AzureFileSystem(account=server.account, account_key=server.account_key, endpoint_url=server.account_url)


@pytest.fixture(params=["slash", "directory"])
def marked(
    request: pytest.FixtureRequest,
    azurite_server: AzuriteServer,
    shared_witness: ContainerClient,
    base: str,
) -> str:
    """A folder of three, of which two are empty, marked by a slash or as Hadoop and Data Lake do."""
    folder = base.partition("/")[2]
    for name in ("p", "p/empty", "p/d"):
        if request.param == "slash":
            shared_witness.upload_blob(f"{folder}/{name}/", b"")
        else:
            shared_witness.upload_blob(f"{folder}/{name}", b"", metadata=DIRECTORY)
    return f"{base}/p"


def test_all_calls_agree_that_a_marked_folder_is_there(fs: AzureFileSystem, marked: str) -> None:
    folders = [f"{marked}/d", f"{marked}/empty"]

    assert folders == fs.ls(marked, detail=False) == fs.glob(f"{marked}/*")
    assert [] == fs.ls(folders[1]) == fs.find(marked)
    assert [marked, *folders] == fs.find(marked, withdirs=True)
    assert all(fs.isdir(folder) and fs.exists(folder) and not fs.isfile(folder) for folder in (marked, *folders))


def test_removing_a_folder_removes_its_markers(
    fs: AzureFileSystem, marked: str, shared_witness: ContainerClient, base: str
) -> None:
    fs.pipe_file(f"{marked}/d/f.txt", b"1")

    fs.rm(marked, recursive=True)

    assert [] == list(shared_witness.list_blob_names(name_starts_with=base.partition("/")[2]))
    assert not fs.exists(marked)


def test_an_empty_folder_is_removed_alone(
    fs: AzureFileSystem, marked: str, shared_witness: ContainerClient, base: str
) -> None:
    with pytest.raises(OSError, match="not empty"):
        fs.rmdir(marked)
    fs.rmdir(f"{marked}/empty")
    fs.rmdir(f"{marked}/d")
    fs.rmdir(marked)

    assert [] == list(shared_witness.list_blob_names(name_starts_with=base.partition("/")[2]))


def test_a_moved_folder_leaves_no_marker(
    fs: AzureFileSystem, marked: str, shared_witness: ContainerClient, base: str
) -> None:
    fs.pipe_file(f"{marked}/d/f.txt", b"1")

    fs.mv(marked, f"{base}/moved", recursive=True)

    folder = base.partition("/")[2]
    assert [f"{folder}/moved/d/f.txt"] == list(shared_witness.list_blob_names(name_starts_with=folder))


def test_an_object_is_no_marker(fs: AzureFileSystem, base: str) -> None:
    fs.pipe({f"{base}/p": b"", f"{base}/p/x": b"1"})

    fs.rm(f"{base}/p/x")

    assert fs.isfile(f"{base}/p")


def test_what_no_key_names_is_read_and_given_a_key(
    azurite_server: AzuriteServer, shared_witness: ContainerClient, base: str
) -> None:
    container, _, folder = base.partition("/")
    shared_witness.upload_blob(f"{folder}/Mu\u0308ller.pdf", b"1")
    shared_witness.upload_blob("Mu\u0308ller.pdf", b"2", overwrite=True)
    target = target_of(azurite_server, container)
    with Storage(AzureBlobProvider(target)) as all_of, Storage(AzureBlobProvider(target), prefix=folder) as storage:
        (found,) = find_unkeyed(storage)
        taken = bytearray()

        read_unkeyed(storage, found, taken.extend)
        adopt_unkeyed(storage, found, "M\u00fcller.pdf")

        assert (b"1", b"1") == (bytes(taken), storage.get_bytes("M\u00fcller.pdf"))
        for one in find_unkeyed(all_of):
            if one.name != found.name:
                with pytest.raises(InvalidKeyError):
                    read_unkeyed(storage, one, taken.extend)
