"""What people put into a library that no key names, and folders that nothing is in (issue 18)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from kazinex_storage import Storage, Unkeyed, adopt_unkeyed, find_unkeyed, read_unkeyed
from kazinex_storage.errors import (
    AlreadyExistsError,
    BulkError,
    InvalidKeyError,
    NotFoundError,
    NotSupportedError,
    StorageError,
    UnavailableError,
)
from kazinex_storage.fs import StorageFileSystem
from kazinex_storage.keys import Prefix
from kazinex_storage.providers.sharepoint.provider import SharePointProvider
from kazinex_storage.testing.emulators.graph import Answer, Kind, RequestFault
from kazinex_storage.testing.emulators.graph.drive import GraphError, Node
from kazinex_storage.transport import Exchange, Request

from .conftest import Place

NFC, NFD = "M\u00fcller.pdf", "Mu\u0308ller.pdf"
# A superfluous escape, a device, a blank at the end, a folder in NFD.
ODD = (NFD, "d/a=41.pdf", "CON.txt", "blank ", "Mu\u0308ller/x.pdf", "Mu\u0308ller/deep/=3D", "line=0Abreak")


def poke(place: Place, path: str, body: bytes | None = b"1") -> Node:
    """Put a file, or without *body* a folder, at *path*, whatever its name."""
    drive = place.drive
    with drive.lock:
        above, _, name = path.rpartition("/")
        try:
            parent = drive.find(above)
        except GraphError:
            parent = poke(place, above, None)
        node = drive.add(parent, "new", body)
        parent.children[name.casefold()] = parent.children.pop("new")
        node.name = name
        return node


def names(place: Place, *, folders: bool = False) -> set[str]:
    nodes = (node for node in place.drive.root.walk() if node.parent is not None and (folders or node.is_file))
    return {"/".join(node.path) for node in nodes}


def system(place: Place, storage: Storage | None = None, **options: Any) -> StorageFileSystem:
    return StorageFileSystem(storage=storage or place.storage, **options)


def storage_of(place: Place, root: str = "", *, prefix: str = "", permanent: bool = False) -> Storage:
    target = replace(place.target, root_folder=root, permanent_delete=permanent)
    return Storage(SharePointProvider(target), prefix=prefix, transport=place.storage.transport)


def read(storage: Storage, found: Unkeyed) -> bytes:
    taken = bytearray()
    assert read_unkeyed(storage, found, taken.extend).size == len(taken)
    return bytes(taken)


@pytest.mark.parametrize("way", ["blocking", "awaited"])
@pytest.mark.parametrize("above", ["p", "s/p"])
def test_removing_a_folder_removes_everything_in_it(place: Place, way: str, above: str) -> None:
    for name in ODD:
        poke(place, f"{above}/{name}")
    poke(place, f"{above}/empty/deep", None)
    poke(place, f"{above}/notebook", None).package = "oneNote"
    poke(place, f"{above}/b/c/d.pdf")
    outside = {poke(place, f"q/{name}").name for name in (NFD, "a.pdf")}

    if way == "blocking":
        system(place).rm(above, recursive=True)
    else:
        asyncio.run(system(place)._rm([above], recursive=True))

    assert {"q", *(f"q/{name}" for name in outside), *("s",)[: above.count("/")]} == names(place, folders=True)
    assert not system(place).exists(above)


@pytest.mark.parametrize("root", ["", "Root"])
def test_removing_everything_leaves_the_root(place: Place, root: str) -> None:
    above = f"{root}/" if root else ""
    poke(place, "Forms/Document.dotx")  # the service's own in each library
    for name in (*ODD, "a/b.pdf", "Forms.pdf"):
        poke(place, f"{above}{name}")
    poke(place, f"{above}empty/deep", None)

    with storage_of(place, root) as storage:
        system(place, storage).rm("", recursive=True)

        assert {"Forms", "Forms/Document.dotx", *filter(None, [root])} == names(place, folders=True)
        assert [] == find_unkeyed(storage)


def test_an_empty_folder_of_the_service_itself_stays(place: Place) -> None:
    poke(place, "Forms/empty", None)
    poke(place, "empty", None)

    system(place).rm("", recursive=True)

    assert {"Forms", "Forms/empty"} == names(place, folders=True)


def test_a_scope_removes_nothing_beyond_it(place: Place) -> None:
    for name in ODD:
        poke(place, f"mine/{name}")
        poke(place, f"other/{name}")
        poke(place, f"other/mine/{name}")
    before = {name for name in names(place, folders=True) if not name.startswith("mine/")}

    with storage_of(place, prefix="mine") as mine:
        system(place, mine).rm("", recursive=True)

    assert before == names(place, folders=True)


def test_a_folder_of_another_case_is_another_organisation(place: Place) -> None:
    poke(place, f"MINE/p/{NFD}")
    poke(place, "MINE/p/empty", None)
    before = names(place, folders=True)

    with storage_of(place, prefix="mine") as mine:
        fs = system(place, mine)

        assert (False, [], []) == (fs.exists("p"), find_unkeyed(mine), fs.find(""))
        fs.rm("", recursive=True)
        with pytest.raises(NotFoundError):
            fs.rm("p", recursive=True)

    assert before == names(place, folders=True)


@pytest.mark.parametrize("name", [NFD, "Mu\u0308ller/x.pdf", "d/a=41.pdf", "d/Mu\u0308ller/e/x.pdf", "blank /x.pdf"])
@pytest.mark.parametrize("body", [b"1", b""])
def test_all_calls_agree_that_a_folder_of_what_no_key_names_is_there(place: Place, name: str, body: bytes) -> None:
    poke(place, f"p/{name}", body)
    fs = system(place)

    assert (True, True, False) == (fs.exists("p"), fs.isdir("p"), fs.isfile("p"))
    assert "directory" == fs.info("p")["type"]
    assert [] == fs.find("p")
    assert ["p"] == fs.ls("", detail=False) == fs.glob("*")
    assert (["p/d"] if name.startswith("d/") else []) == fs.ls("p", detail=False)
    with pytest.raises(OSError, match="not empty"):
        fs.rmdir("p")
    with pytest.raises(IsADirectoryError):
        fs.rm("p")
    fs.rm("p", recursive=True)

    assert (False, set()) == (fs.exists("p"), names(place, folders=True))


def test_a_folder_that_nothing_is_in_is_none_and_goes_with_the_one_above(place: Place) -> None:
    fs = system(place)
    poke(place, "p/empty/deep", None)
    poke(place, "p/Mu\u0308ller/empty", None)

    assert (False, False, []) == (fs.exists("p"), fs.isdir("p"), fs.find("", withdirs=True))
    with pytest.raises(NotFoundError):
        fs.rm("p", recursive=True)
    fs.pipe_file("p/a.pdf", b"1")
    fs.rm("p", recursive=True)

    assert set() == names(place, folders=True)


def test_a_moved_folder_leaves_what_no_key_names_and_its_folders(place: Place) -> None:
    fs = system(place)
    fs.pipe({"p/a.pdf": b"1", "p/d/e/b.pdf": b"2", "q/c.pdf": b"3"})
    poke(place, f"p/odd/{NFD}")

    fs.mv("p", "moved", recursive=True)
    fs.mv("q", "also", recursive=True)

    assert {"moved/a.pdf", "moved/d/e/b.pdf", "also/c.pdf", f"p/odd/{NFD}"} == names(place)
    # Another writer may be about to store something in a folder that was left; only "rm" says that it is to go.
    assert {"p", "p/d", "p/d/e", "p/odd", "q"} <= names(place, folders=True)
    assert ["also", "moved", "p"] == fs.ls("", detail=False)
    assert not fs.isdir("p/d")


def test_one_object_that_is_removed_leaves_its_folder(place: Place) -> None:
    fs = system(place)
    fs.pipe_file("p/a.pdf", b"1")

    fs.rm("p/a.pdf")

    assert {"p"} == names(place, folders=True)


def test_what_is_written_into_a_folder_that_was_removed_is_stored(place: Place) -> None:
    fs = system(place)
    fs.pipe_file("p/d/a.pdf", b"1")
    fs.rm("p", recursive=True)

    poke(place, "P/D", None)
    with pytest.raises(InvalidKeyError, match="another spelling"):
        fs.pipe_file("p/d/a.pdf", b"2")
    place.drive.delete(place.drive.find("P"))
    fs.pipe_file("p/d/a.pdf", b"3")

    assert {"p/d/a.pdf"} == names(place)


@pytest.mark.parametrize("permanent", [False, True])
def test_what_no_key_names_goes_where_deleted_objects_go(place: Place, permanent: bool) -> None:
    poke(place, f"p/{NFD}")

    with storage_of(place, permanent=permanent) as storage:
        system(place, storage).rm("p", recursive=True)

    assert ([] if permanent else [NFD, "p"]) == [node.name for node in place.drive.recycled]


def test_what_is_refused_is_reported(place: Place) -> None:
    poke(place, f"p/{NFD}").locked = True
    poke(place, "p/a=41.pdf")

    with pytest.raises(BulkError, match=r"1 of 2 failed, the others are done; the first: delete 'p/Mu") as caught:
        system(place).rm("p", recursive=True)

    assert [f"p/{NFD}"] == [getattr(failure, "key", None) for failure in caught.value.failures]
    assert {f"p/{NFD}"} == names(place)


def test_a_folder_that_is_refused_is_reported(place: Place) -> None:
    system(place).pipe_file("p/d/a.pdf", b"1")
    place.drive.find("p/d").locked = True

    with storage_of(place, prefix="p") as storage, pytest.raises(BulkError, match="1 of 1 failed") as caught:
        system(place, storage).rm("d", recursive=True)

    assert ["d"] == [getattr(failure, "key", None) for failure in caught.value.failures]
    assert {"p", "p/d"} == names(place, folders=True)


def test_what_was_moved_away_meanwhile_stays(place: Place) -> None:
    node = poke(place, f"p/{NFD}")
    (found,) = find_unkeyed(place.storage)
    place.drive.move(node, place.drive.folder("q", make=True), node.name)

    with pytest.raises(NotFoundError):
        read(place.storage, found)
    outcomes = place.storage.transport.run(place.provider.delete_unkeyed([found.name]))

    assert ([None], {f"q/{NFD}"}) == (list(outcomes), names(place))


def test_a_folder_that_something_comes_into_meanwhile_stays(place: Place) -> None:
    poke(place, "p/empty", None)

    def meddled() -> Exchange[Sequence[StorageError | None]]:
        """Write into the folder between the listing and the last look at it."""
        exchange = place.provider.remove_folders(Prefix("p/"), itself=True)
        step = next(exchange)
        while True:
            if isinstance(step, Request) and step.url.endswith("/$batch") and not names(place):
                poke(place, "p/empty/a.pdf")
            answer = yield step
            try:
                step = exchange.send(answer)
            except StopIteration as ended:
                return cast("Sequence[StorageError | None]", ended.value)

    outcomes = place.storage.transport.run(meddled())

    assert not any(outcomes)
    assert {"p", "p/empty", "p/empty/a.pdf"} == names(place, folders=True)


def test_a_throttled_batch_is_finished_one_by_one(place: Place) -> None:
    for number in range(3):
        poke(place, f"p/{number}=41.pdf")
    place.emulator.faults.add(RequestFault(kind=Kind.ANSWER, contains="/$batch", answer=Answer(status=200, body=b"{}")))

    system(place).rm("p", recursive=True)

    assert set() == names(place, folders=True)


def test_what_no_key_names_is_found_read_and_adopted(place: Place) -> None:
    for name in ODD:
        poke(place, f"p/{name}", name.encode())
    place.storage.put(f"p/{NFC}", b"twin")

    found = {one.key: one for one in find_unkeyed(place.storage, "p/")}

    # The text is that of a key wherever our spelling can be undone, so that NFC makes one of it.
    assert {f"p/{name}".replace("=0A", "\n"): name for name in ODD} == {
        key: read(place.storage, one).decode() for key, one in found.items()
    }
    assert found == {one.key: one for one in find_unkeyed(place.storage)}  # of the whole library, by its feed
    with pytest.raises(AlreadyExistsError):
        adopt_unkeyed(place.storage, found[f"p/{NFD}"], f"p/{NFC}")
    info = adopt_unkeyed(place.storage, found[f"p/{NFD}"], "adopted.pdf")
    assert ("adopted.pdf", NFD.encode()) == (info.key, place.storage.get_bytes("adopted.pdf"))
    assert b"twin" == place.storage.get_bytes(f"p/{NFC}")
    assert found.keys() == {one.key for one in find_unkeyed(place.storage)}


def test_a_notebook_is_found_and_has_no_bytes(place: Place) -> None:
    poke(place, "p/notebook", None).package = "oneNote"

    for prefix in ("", "p/"):
        (found,) = find_unkeyed(place.storage, prefix)
        with pytest.raises(NotSupportedError, match="no bytes"):
            read(place.storage, found)


@pytest.mark.parametrize("root", ["", "Root", "ROOT"])
def test_a_storage_of_a_prefix_finds_and_reads_nothing_beyond_it(place: Place, root: str) -> None:
    above = "Root/" if root else ""
    poke(place, f"{above}mine/{NFD}", b"mine")
    others = [
        poke(place, f"{above}other/{NFD}", b"other"),
        poke(place, f"{above}other/mine/{NFD}", b"deep"),
        poke(place, f"Elsewhere/mine/{NFD}", b"elsewhere"),
        poke(place, f"{above}{NFD}", b"above"),
    ]
    with storage_of(place, root, prefix="mine") as mine:
        (found,) = find_unkeyed(mine)
        path = found.name.rpartition(":")[0]

        assert (NFD, b"mine") == (found.key, read(mine, found))
        for other in others:
            for name in (f"{path}:{other.id}", f"{'/'.join(other.path)}:{other.id}"):
                with pytest.raises((InvalidKeyError, NotFoundError)):
                    read(mine, replace(found, name=name))
                with pytest.raises((InvalidKeyError, NotFoundError)):
                    adopt_unkeyed(mine, replace(found, name=name), "stolen")
        assert not mine.exists("stolen")


def test_a_feed_that_is_refused_is_replaced_by_the_folders(place: Place) -> None:
    poke(place, f"p/{NFD}")
    refused = Answer(status=501, body=b'{"error": {"code": "notSupported"}}')
    place.emulator.faults.add(RequestFault(kind=Kind.ANSWER, contains="/delta", answer=refused))

    assert [f"p/{NFD}"] == [one.key for one in find_unkeyed(place.storage)]


def test_a_key_that_is_too_long_fails_alone_among_many(place: Place) -> None:
    place.storage.put("a.pdf", b"1")
    longest = "/".join(["x" * 200] * 3)

    with pytest.raises(BulkError, match="1 of 2 failed, the others are done") as caught:
        place.storage.delete_many([longest, "a.pdf"])

    assert [longest] == [getattr(failure, "key", None) for failure in caught.value.failures]
    assert set() == names(place)


def test_an_item_that_keeps_changing_is_reported(place: Place) -> None:
    poke(place, f"p/{NFD}")
    (found,) = find_unkeyed(place.storage)
    place.emulator.faults.add(RequestFault(kind=Kind.ANSWER, contains="/$batch", answer=Answer(status=200, body=b"{}")))
    changed = Answer(status=412, body=b'{"error": {"code": "resourceModified"}}')
    place.emulator.faults.add(RequestFault(kind=Kind.ANSWER, method="DELETE", times=3, answer=changed))

    (outcome,) = place.storage.transport.run(place.provider.delete_unkeyed([found.name]))

    assert isinstance(outcome, UnavailableError)
    assert {f"p/{NFD}"} == names(place)
