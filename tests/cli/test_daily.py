"""Several files, folders and patterns: ``put``, ``get``, ``cp``, ``mv``, ``rm`` over organisations and URLs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kazinex_storage.providers.memory import MemoryProvider, MemorySettings
from kazinex_storage.storage.sync import Storage

if TYPE_CHECKING:
    from .conftest import InProcess

FILES = {"DRG-1/P01/a.pdf": b"%PDF one", "DRG-1/P02/a.pdf": b"%PDF two", "DRG-2/P01/b.pdf": b"%PDF three"}


def fill(folder: Path, files: dict[str, bytes] = FILES) -> Path:
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return folder


def stored_at(root: Path) -> dict[str, bytes]:
    """Return what a disk holds, without what it keeps for itself and the trash."""
    found = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    return {name: body for name, body in found.items() if ".~kazinex" not in name and ".trash" not in name}


@pytest.fixture
def disk(line: InProcess) -> Path:
    return line.add_disk()


@pytest.fixture
def bridge(line: InProcess, disk: Path) -> Path:
    """Have three documents of the project ``bridge``."""
    fill(line.work / "in")
    assert 0 == line("put", "in/", "org-1/bridge/", "--recursive").code
    return disk


def test_a_folder_becomes_documents_by_the_names_below_it(line: InProcess, disk: Path) -> None:
    fill(line.work / "in")

    done = line("put", "in/", "org-1/bridge/", "--recursive", "--json")

    assert 0 == done.code, done.err
    assert {f"org-1/bridge/{name}": body for name, body in FILES.items()} == stored_at(disk)
    assert (3, 0) == (done.json["done"], done.json["failed"])
    assert {f"org-1/bridge/{name}" for name in FILES} == {item["target"] for item in done.json["items"]}
    assert {64} == {len(item["sha256"]) for item in done.json["items"]}


def test_a_folder_without_a_slash_comes_with_its_own_name(line: InProcess, disk: Path) -> None:
    fill(line.work)

    done = line("put", "DRG-1", "DRG-2", "org-1/bridge/", "--recursive")

    assert 0 == done.code, done.err
    assert {f"org-1/bridge/{name}" for name in FILES} == set(stored_at(disk))


def test_what_does_not_fit_is_all_named_before_the_first_byte(line: InProcess, disk: Path) -> None:
    fill(line.work / "in", {**FILES, "loose.pdf": b"x", "DRG-3/P01/deep/c.pdf": b"x", "DRG-1/P01/second.pdf": b"x"})

    done = line("put", "in/", "org-1/bridge/", "--recursive")

    assert 2 == done.code
    assert {} == stored_at(disk)
    for name in ("loose.pdf", "deep/c.pdf", "second.pdf"):
        assert any(name in told for told in done.err.splitlines() if told.startswith("error: "))


def test_names_and_sizes_that_the_organisation_refuses_are_named_before_the_first_byte(line: InProcess) -> None:
    root = line.add_disk(max_file_bytes=8)
    fill(line.work / "in", {"DRG-1/P01/a.pdf": b"%PDF", "DRG-2/P01/b.pdf": b"%PDF but too long"})

    done = line("put", "in/", "org-1/bridge/", "--recursive")

    assert (5, {}) == (done.code, stored_at(root))
    assert "the limit is 8 bytes" in done.err


def test_links_and_special_files_are_left_out_and_named(line: InProcess, disk: Path) -> None:
    fill(line.work / "in")
    (line.work / "in" / "DRG-9").symlink_to("/etc")

    done = line("put", "in/", "org-1/bridge/", "--recursive")

    assert (0, 3) == (done.code, len(stored_at(disk)))
    assert "DRG-9 is left out: it is a link" in done.err


def test_what_is_there_fails_by_itself_and_is_skipped_on_request(line: InProcess, bridge: Path) -> None:
    fill(line.work / "in", {"DRG-3/P01/c.pdf": b"%PDF four"})

    again = line("put", "in/", "org-1/bridge/", "--recursive", "--json")
    (line.work / "in" / "DRG-4" / "P01").mkdir(parents=True)
    (line.work / "in" / "DRG-4" / "P01" / "d.pdf").write_bytes(b"%PDF")
    skipped = line("put", "in/", "org-1/bridge/", "--recursive", "--skip-existing", "--json")

    assert (5, 1, 3) == (again.code, again.json["done"], again.json["failed"])
    assert {"AlreadyExistsError"} == {item["error"]["type"] for item in again.json["items"] if "error" in item}
    assert (0, 1) == (skipped.code, skipped.json["done"]), skipped.err
    assert 5 == len(stored_at(bridge))


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(
    line: InProcess, bridge: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stored_at(bridge)
    fill(line.work / "in", {"DRG-3/P01/c.pdf": b"%PDF four"})
    written = list[str]()
    for verb in ("put", "delete", "delete_many", "copy", "move"):
        from kazinex_storage.providers.local import LocalProvider

        original = getattr(LocalProvider, verb, None)
        if original is not None:
            monkeypatch.setattr(LocalProvider, verb, lambda *_, verb=verb, **__: written.append(verb))

    put = line("put", "in/", "org-1/bridge/", "-R", "--dry-run")
    get = line("get", "org-1/bridge/", "out/", "-R", "--dry-run")
    moved = line("mv", "org-1/bridge/DRG-1/", "org-1/tunnel/DRG-1/", "-R", "--dry-run")
    removed = line("rm", "org-1/bridge/DRG-1", "-R", "--dry-run")

    assert [5, 0, 0, 0] == [put.code, get.code, moved.code, removed.code]
    assert "would store in/DRG-3/P01/c.pdf as org-1/bridge/DRG-3/P01/c.pdf (9 bytes)" in put.text
    assert 3 == put.err.count("is there already")
    assert "would write out/DRG-1/P02/a.pdf (8 bytes)" in get.text
    assert "would move org-1/bridge/DRG-1/P01/a.pdf to org-1/tunnel/DRG-1/P01/a.pdf" in moved.text
    assert 2 == removed.text.count("would remove org-1/bridge/DRG-1/")
    assert ([], before, False) == (written, stored_at(bridge), (line.work / "out").exists())


def test_get_brings_folders_patterns_and_several_documents(line: InProcess, bridge: Path) -> None:
    whole = line("get", "org-1/bridge/", "all", "--recursive")
    named = line("get", "org-1/bridge/DRG-1", "here/", "-R")
    pattern = line("get", "org-1/bridge/DRG-?/P01/*.pdf", "flat/")
    revisions = line("get", "org-1/bridge/DRG-1/P02", "org-1/bridge/DRG-2/P01/b.pdf", "two/", "--json")

    assert [0, 0, 0, 0] == [whole.code, named.code, pattern.code, revisions.code], revisions.err
    assert FILES == stored_at(line.work / "all")
    assert {"DRG-1/P01/a.pdf", "DRG-1/P02/a.pdf"} == set(stored_at(line.work / "here"))
    assert {"a.pdf": b"%PDF one", "b.pdf": b"%PDF three"} == stored_at(line.work / "flat")
    assert {"a.pdf": b"%PDF two", "b.pdf": b"%PDF three"} == stored_at(line.work / "two")
    assert 2 == revisions.json["done"]


def test_two_documents_that_would_be_one_file_and_files_that_are_there_are_refused_first(
    line: InProcess, bridge: Path
) -> None:
    clash = line("get", "org-1/bridge/DRG-1/P01", "org-1/bridge/DRG-1/P02", "out/")
    fill(line.work / "mine", {"DRG-1/P01/a.pdf": b"mine"})
    there = line("get", "org-1/bridge/", "mine", "--recursive")
    skipped = line("get", "org-1/bridge/", "mine", "--recursive", "--skip-existing")

    assert (2, 5, 0) == (clash.code, there.code, skipped.code)
    assert "would both be" in clash.err
    assert not (line.work / "out").exists()
    assert "--force" in there.err
    assert {**FILES, "DRG-1/P01/a.pdf": b"mine"} == stored_at(line.work / "mine")


def test_a_folder_needs_recursive_and_a_name_that_is_missing_stops_all(line: InProcess, bridge: Path) -> None:
    folder = line("get", "org-1/bridge/DRG-1", "out/")
    missing = line("get", "org-1/bridge/DRG-1/P01", "org-1/bridge/DRG-7/P01", "org-1/nope/x/y", "out/")
    nothing = line("rm", "org-1/bridge/DRG-7*", "--yes")

    assert (2, 4, 4) == (folder.code, missing.code, nothing.code)
    assert "add --recursive" in folder.err
    assert ("DRG-7" in missing.err, "org-1/nope" in missing.err) == (True, True)
    assert "nothing matches" in nothing.err
    assert not (line.work / "out").exists()


def test_a_name_with_pattern_signs_that_exists_means_itself(line: InProcess, disk: Path) -> None:
    fill(line.work / "in", {"DRG-1/P01/a[1].pdf": b"one", "DRG-2/P01/a1.pdf": b"two"})
    assert 0 == line("put", "in/", "org-1/bridge/", "-R").code

    itself, pattern = line("cat", "org-1/bridge/DRG-1/P01/a[1].pdf"), line("get", "org-1/bridge/*/P01/a[1].pdf", "o/")

    assert b"one" == itself.out
    assert (0, {"a1.pdf"}) == (pattern.code, set(stored_at(line.work / "o")))


def test_rm_removes_folders_and_patterns_into_the_trash(line: InProcess, bridge: Path) -> None:
    asked = line("rm", "org-1/bridge/DRG-1/", "-R")
    removed = line("rm", "org-1/bridge/DRG-1", "org-1/bridge/DRG-2/*/b.pdf", "-R", "--yes", "--by", "anna", "--json")
    kept = line("trash", "list", "--json").json["removed"]

    assert (2, 0, {}) == (asked.code, removed.code, stored_at(bridge))
    assert "--yes" in asked.err
    assert 3 == removed.json["done"]
    assert {"anna"} == {one["removed_by"] for one in kept}
    assert 0 == line("trash", "undelete", "org-1/bridge/DRG-2/P01/b.pdf").code


def test_what_a_hold_keeps_is_neither_removed_nor_moved(line: InProcess, bridge: Path) -> None:
    assert 0 == line("retention", "hold", "org-1/bridge/DRG-1/P01/a.pdf", "--reason", "trial").code

    tried = line("rm", "org-1/bridge/", "-R", "--yes", "--json")
    moved = line("mv", "org-1/bridge/DRG-1/P01/a.pdf", "org-1/bridge/DRG-9/P01/")

    assert (5, 2, 1) == (tried.code, tried.json["done"], tried.json["failed"])
    assert (5, {"org-1/bridge/DRG-1/P01/a.pdf"}) == (moved.code, set(stored_at(bridge)))


def test_cp_and_mv_keep_the_rules_of_documents(line: InProcess, bridge: Path) -> None:
    copied = line("cp", "org-1/bridge/DRG-1/P01/a.pdf", "org-1/bridge/DRG-7/P01/")
    again = line("cp", "org-1/bridge/DRG-1/P02/a.pdf", "org-1/bridge/DRG-7/P01/other.pdf")
    moved = line("mv", "org-1/bridge/DRG-1/", "org-1/tunnel/DRG-8/", "-R", "--json")
    taken = line("put", "-", "org-1/bridge/DRG-1/P01/new.pdf", stdin=b"%PDF new")
    loose = line("cp", "org-1/bridge/DRG-2/P01/b.pdf", "org-1/bridge/loose.pdf")

    assert [0, 5, 0, 5, 2] == [done.code for done in (copied, again, moved, taken, loose)], moved.err
    assert {
        "org-1/bridge/DRG-7/P01/a.pdf": b"%PDF one",
        "org-1/tunnel/DRG-8/P01/a.pdf": b"%PDF one",
        "org-1/tunnel/DRG-8/P02/a.pdf": b"%PDF two",
        "org-1/bridge/DRG-2/P01/b.pdf": b"%PDF three",
    } == stored_at(bridge)
    reasons = {one["reason"] for one in line("trash", "list", "--json").json["removed"]}
    assert {f"moved to org-1/tunnel/DRG-8/{revision}/a.pdf" for revision in ("P01", "P02")} == reasons


def test_urls_open_plain_storages_and_nothing_there_is_replaced_but_by_force(line: InProcess, bridge: Path) -> None:
    place = "kazinexmemory://daily"
    out = line("cp", "org-1/bridge/", f"{place}/backup/", "-R")
    back = line("cp", f"{place}/backup/DRG-1/P01/a.pdf", "org-1/bridge/DRG-5/P01/")
    (line.work / "note.txt").write_bytes(b"first")
    put = [line("put", "note.txt", f"{place}/note.txt", *more).code for more in ((), (), ("--force",))]
    read, known = line("cat", f"{place}/note.txt"), line("stat", f"{place}/note.txt", "--json")
    listed, one = line("ls", place).text.split(), line("ls", "-l", f"{place}/note.txt").text.split()
    got = line("get", f"{place}/note.txt", "copy.txt", "--json")
    moved = line("mv", f"{place}/note.txt", f"{place}/notes/")
    with Storage(MemoryProvider(MemorySettings(name="daily"))) as storage:
        keys = {info.key for info in storage.list()}
        removed = line("rm", f"{place}/", "-R", "--yes")
        left = list(storage.list())

    assert [0, 0, 0, 0, 0] == [out.code, back.code, got.code, moved.code, removed.code], back.err + got.err
    assert [0, 5, 0] == put
    assert (["backup/", "note.txt"], "note.txt") == (listed, one[-1])
    assert (b"first", 5, f"{place}/note.txt") == (read.out, known.json["size"], known.json["url"])
    assert {*(f"backup/{name}" for name in FILES), "notes/note.txt"} == keys
    assert b"%PDF one" == stored_at(bridge)["org-1/bridge/DRG-5/P01/a.pdf"]
    assert "copy.txt" == got.json["file"]
    assert [] == left


def test_settings_of_a_url_that_are_missing_are_named(line: InProcess) -> None:
    done = line("cat", "kazinexlocal://a.txt")

    assert 6 == done.code
    assert "KAZINEX_STORAGE_LOCAL_" in done.err


def test_a_provider_that_does_not_answer_is_told_and_the_rest_is_done(line: InProcess, bridge: Path) -> None:
    second = line.add_disk("Second")
    bridge.rename(line.folder / "unmounted")
    (second / "org-1" / "bridge" / "DRG-9" / "P01").mkdir(parents=True)
    (second / "org-1" / "bridge" / "DRG-9" / "P01" / "z.pdf").write_bytes(b"%PDF")

    done = line("get", "org-1/bridge/", "out", "--recursive", "--json")
    named = line("get", "org-1/bridge", "named", "--recursive", "--json")

    assert done.code in (1, 6)
    assert (done.code, 1) == (named.code, named.json["done"])
    assert {"DRG-9/P01/z.pdf": b"%PDF"} == stored_at(line.work / "out")
    assert ["Disk"] == [item["provider"] for item in done.json["items"] if "error" in item]


def test_check_recursive_compares_all_documents_with_the_register(line: InProcess, bridge: Path) -> None:
    good = line("check", "org-1/bridge", "--recursive", "--json")
    by_version = line("check", "org-1", "-R", "--by", "version", "--json")
    (bridge / "org-1/bridge/DRG-1/P01/a.pdf").write_bytes(b"%PDF 0ne")
    (bridge / "org-1/bridge/DRG-1/P02/a.pdf").unlink()
    bad = line("check", "org-1/bridge/DRG-1/", "--recursive")
    whole = line("check", "org-1/bridge", "-R", "--json")
    nothing = line("check", "org-1/nope", "-R")

    assert [0, 0, 3, 3, 4] == [done.code for done in (good, by_version, bad, whole, nothing)], by_version.err
    assert {"intact": 3} == good.json["counts"]
    assert {"same-version": 3} == by_version.json["counts"]
    assert ["STATE", "PROVIDER", "DOCUMENT"] == bad.text.split("\n")[0].split()
    assert ["missing", "tampered"] == sorted(row.split()[0] for row in bad.text.splitlines()[1:])
    assert {"intact": 1, "missing": 1, "tampered": 1} == whole.json["counts"]


@pytest.mark.parametrize("words", [(), ("put",), ("provider", "verify"), ("trash", "list")], ids=" ".join)
def test_every_command_is_explained_by_h(line: InProcess, words: tuple[str, ...]) -> None:
    done = line(*words, "-h")

    assert (0, "") == (done.code, done.err)
    assert done.text.startswith(" ".join(("Usage: kazinex-storage", *words)))
