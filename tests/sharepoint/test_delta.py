"""Listings of a whole library: by the feed of its items, whatever order it comes in and however often."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazinex_storage import UnavailableError
from kazinex_storage.providers.sharepoint.answers import Item, item_of
from kazinex_storage.providers.sharepoint.delta import _Tree
from kazinex_storage.testing.emulators.graph import Answer, Kind, RequestFault

from .conftest import Place

KEYS = [f"org-{index % 3}/project/doc-{index}/P01/a.ifc" for index in range(40)]


@pytest.fixture
def filled(place: Place) -> Place:
    for key in KEYS:
        place.storage.put(key, b"12345")
    del place.emulator.log[:]
    return place


def listed(place: Place) -> list[str]:
    return sorted(info.key for info in place.storage.list(""))


def test_a_whole_library_is_one_request_for_200_files_and_folders(filled: Place) -> None:
    found = {info.key: (info.size, info.etag) for info in filled.storage.list("")}

    assert dict.fromkeys(KEYS, (5, None)) == found
    assert 1 == filled.requests()  # the library, 3 + 3 + 40 + 40 folders, 40 files


@pytest.mark.parametrize("page_items", [1, 7, 126])
def test_items_that_come_twice_are_listed_once(filled: Place, page_items: int) -> None:
    filled.emulator.knobs.page_items = page_items
    filled.emulator.knobs.delta_repeats = page_items > 1

    assert sorted(KEYS) == listed(filled)


def test_folders_may_come_after_what_is_in_them(filled: Place) -> None:
    filled.emulator.knobs.page_items = 5
    for node in list(filled.drive.root.walk()):
        if not node.is_file and node.parent is not None:
            filled.drive._note(node)

    assert sorted(KEYS) == listed(filled)


def test_files_are_found_by_the_names_that_their_folders_have_now(filled: Place) -> None:
    filled.drive.move(filled.drive.find("org-1"), filled.drive.root, "org-9")

    assert sorted(key.replace("org-1/", "org-9/") for key in KEYS) == listed(filled)


def test_a_prefix_that_is_part_of_a_name_takes_what_begins_with_it(filled: Place) -> None:
    found = sorted(info.key for info in filled.storage.list("org-1"))

    assert sorted(key for key in KEYS if key.startswith("org-1")) == found
    assert 1 == filled.requests()


def test_a_folder_is_walked_through(filled: Place) -> None:
    found = {info.key: info.etag for info in filled.storage.list("org-1/")}

    assert {key: filled.storage.head(key).etag for key in KEYS if key.startswith("org-1/")} == found


@pytest.mark.parametrize("status", [400, 403, 405, 501])
def test_where_there_is_no_feed_the_folders_are_walked_through(filled: Place, status: int) -> None:
    refused = Answer(status=status, body=b'{"error": {"code": "notSupported"}}')
    filled.emulator.faults.add(RequestFault(kind=Kind.ANSWER, contains="/delta", answer=refused))

    assert sorted(KEYS) == listed(filled)


@pytest.mark.parametrize("status", [404, 410])
def test_a_feed_that_is_lost_does_not_end_the_listing(filled: Place, status: int) -> None:
    filled.emulator.knobs.page_items = 10
    gone = Answer(status=status, body=b'{"error": {"code": "resyncRequired"}}')
    filled.emulator.faults.add(RequestFault(kind=Kind.ANSWER, contains="skiptoken", answer=gone))

    with pytest.raises(UnavailableError, match="lost a listing"):
        listed(filled)


@pytest.mark.parametrize("status", [400, 404, 410])
def test_a_level_that_is_lost_does_not_end_the_listing(filled: Place, status: int) -> None:
    filled.emulator.knobs.page_items = 1
    gone = Answer(status=status, body=b'{"error": {"code": "itemNotFound"}}')
    filled.emulator.faults.add(RequestFault(kind=Kind.ANSWER, contains="skiptoken", answer=gone))

    with pytest.raises(UnavailableError, match="lost a listing"):
        list(filled.storage.list("", recursive=False))


@pytest.mark.parametrize("recursive", [True, False])
def test_a_listing_that_goes_round_in_circles_ends(filled: Place, recursive: bool) -> None:
    link = f"{filled.emulator.graph_url}/drives/{filled.drive.id}/next"
    body = json.dumps({"value": [], "@odata.nextLink": link}).encode()
    filled.emulator.faults.add(
        RequestFault(kind=Kind.ANSWER, contains="/drives/", times=3, answer=Answer(status=200, body=body))
    )

    with pytest.raises(UnavailableError, match="does not advance"):
        list(filled.storage.list("", recursive=recursive))


def test_a_file_whose_folder_did_not_come_is_looked_up(filled: Place) -> None:
    stray = filled.drive.find(KEYS[7])
    answer = {
        "value": [
            {"id": stray.id, "name": stray.name, "size": 5, "file": {}, "parentReference": {"id": "unknown"}},
            {"id": "gone", "name": "gone.ifc", "size": 5, "file": {}, "parentReference": {"id": "unknown"}},
        ]
    }
    answered = Answer(status=200, body=json.dumps(answer).encode())
    filled.emulator.faults.add(RequestFault(kind=Kind.ANSWER, contains="/delta", answer=answered))

    assert [KEYS[7]] == listed(filled)


@st.composite
def feeds(draw: st.DrawFn) -> tuple[list[list[dict[str, object]]], set[str]]:
    """Return pages of a feed, and the paths of the files in it."""
    count = draw(st.integers(0, 12))
    folders = [("root", None)] + [
        (f"f{index}", f"f{draw(st.integers(0, index - 1))}" if index else "root") for index in range(count)
    ]
    named: dict[str, str | None] = dict(folders)
    entries: list[dict[str, object]] = [{"id": "root", "name": "root", "folder": {}, "parentReference": {}}]
    entries += [
        {"id": name, "name": name, "folder": {}, "parentReference": {"id": above}} for name, above in folders[1:]
    ]
    paths = set()
    for number in range(draw(st.integers(0, 10))):
        above = draw(st.sampled_from(sorted(named)))
        entries.append({"id": f"x{number}", "name": f"x{number}", "file": {}, "parentReference": {"id": above}})
        paths.add("/".join(reversed([f"x{number}", *_names(named, above)])))
    entries += draw(st.lists(st.sampled_from(entries), max_size=5))
    draw(st.randoms(use_true_random=False)).shuffle(entries)
    size = draw(st.integers(1, 8))
    return [entries[start : start + size] for start in range(0, len(entries), size)], paths


def _names(named: dict[str, str | None], folder: str) -> Iterator[str]:
    while folder != "root":
        yield folder
        folder = named[folder] or "root"


@given(feeds())
def test_every_file_of_a_feed_is_given_once_in_whatever_order_it_comes(
    feed: tuple[list[list[dict[str, object]]], set[str]],
) -> None:
    pages, paths = feed
    tree = _Tree()

    given_ = [path for page in pages for path, _ in tree.take([item_of(entry) for entry in page])]

    assert sorted(paths) == sorted(given_)
    assert [] == tree.strays()


def test_folders_that_are_in_one_another_hold_nothing() -> None:
    def item(**found: object) -> Item:
        return item_of({"name": "n", **found})

    tree = _Tree()
    first = item(id="a", folder={}, parentReference={"id": "b"})
    second = item(id="b", folder={}, parentReference={"id": "a"})

    assert [] == list(tree.take([first, second, item(id="x", file={}, parentReference={"id": "a"})]))


def test_deleted_files_are_not_given() -> None:
    tree = _Tree()
    root = item_of({"id": "root", "name": "root", "folder": {}, "parentReference": {}})
    file = item_of({"id": "x", "name": "x", "file": {}, "parentReference": {"id": "root"}})

    assert [] == list(tree.take([file]))
    assert [] == list(tree.take([item_of({"id": "x", "deleted": {}}), root]))


@pytest.mark.parametrize("recursive", [True, False])
def test_a_folder_of_151_pages_is_listed_whole(place: Place, recursive: bool) -> None:
    """As many pages as 30,001 files have: the limit of 30,000 is one of copies and views, not of listings."""
    count, place.emulator.knobs.page_items = 1_201, 8
    place.storage.put("folder/first.ifc", b"1")
    with place.drive.lock:
        folder = place.drive.find("folder")
        for number in range(count - 1):
            place.drive.add(folder, f"{number}.ifc", b"")
    del place.emulator.log[:]

    found = [str(entry) for entry in place.storage.list("" if recursive else "folder/", recursive=recursive)]

    assert count == len(found) == len(set(found))
    assert math.ceil((count + 2 * recursive) / 8) == place.requests()
