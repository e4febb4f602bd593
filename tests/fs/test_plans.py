"""Many copies and moves at once lose nothing: as if all were made at the same moment, or refused before the first."""

from __future__ import annotations

import graphlib
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazinex_storage import NotFoundError, Storage
from kazinex_storage.capabilities import Capability
from kazinex_storage.fs import StorageFileSystem
from kazinex_storage.fs.disk import local_ids
from kazinex_storage.fs.plans import Step, in_order
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.testing.recording import RecordingProvider

COMPOSED, DECOMPOSED = "M\u00fcller.pdf", "Mu\u0308ller.pdf"
NAMES = ("log", "log.1", "log.2", "d/a", "d/sub/a", "z")
PAIRS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), min_size=1, max_size=6)
HELD = st.sets(st.sampled_from(NAMES), min_size=1)


def held(face: Any, below: str) -> dict[str, bytes]:
    return {path.removeprefix(f"{below}/"): face.cat_file(path) for path in face.find(below)}


def fresh(*, moves: bool) -> StorageFileSystem:
    without = frozenset[Capability]() if moves else frozenset({Capability.SERVER_MOVE})
    return StorageFileSystem(storage=Storage(RecordingProvider(MemoryProvider(), without=without)))


def is_sound(pairs: Sequence[tuple[str, str]]) -> bool:
    """Say whether each target has one source, and some order keeps every source until it was read."""
    goals = [target for _, target in set(pairs)]
    graph: dict[str, set[str]] = {}
    for source, target in pairs:
        if source != target:
            graph.setdefault(source, set()).add(target)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError:
        return False
    return len(goals) == len(set(goals))


def test_the_source_of_one_move_is_looked_up_once_before_it_is_copied_and_once_after() -> None:
    recording = RecordingProvider(MemoryProvider(), without=frozenset({Capability.SERVER_MOVE}))
    fs = StorageFileSystem(storage=Storage(recording))
    fs.pipe_file("a", b"plan")
    recording.calls.clear()

    fs.mv("a", "b")

    calls = [(operation, str(key)) for operation, key in recording.calls]
    assert 2 == calls.count(("head", "a"))
    assert b"plan" == fs.cat_file("b")


@pytest.mark.parametrize("moves", [True, False], ids=["by the service", "copied"])
@given(pairs=PAIRS, there=HELD)
def test_moves_are_made_as_if_at_once_or_not_at_all(moves: bool, pairs: list[tuple[str, str]], there: set[str]) -> None:
    fs = fresh(moves=moves)
    before = {name: name.encode() for name in there}
    fs.pipe(before)
    sources, targets = [source for source, _ in pairs], [target for _, target in pairs]
    kept = {name: value for name, value in before.items() if name not in sources}
    movable = is_sound(pairs) and len(set(sources)) == len(set(pairs))

    refusal: Exception | None = None

    try:
        fs.mv(sources, targets)
    except (ValueError, NotFoundError) as error:
        refusal = error

    if refusal is not None:
        lacking = {source for source, target in pairs if source != target} - there
        assert lacking if isinstance(refusal, NotFoundError) else not movable
        assert held(fs, "") == before
    else:
        assert movable
        assert held(fs, "") == kept | {
            target: before[source] for source, target in pairs if source in before or source != target
        }


@given(pairs=PAIRS)
def test_copies_are_made_as_if_at_once_or_not_at_all(pairs: list[tuple[str, str]]) -> None:
    fs = fresh(moves=True)
    before = {name: name.encode() for name in NAMES}
    fs.pipe(before)
    sound = is_sound(pairs) and all(source != target for source, target in pairs)

    try:
        fs.copy([source for source, _ in pairs], [target for _, target in pairs])
    except ValueError:
        assert not sound
        assert held(fs, "") == before
    else:
        assert sound
        assert held(fs, "") == before | {target: before[source] for source, target in pairs}


@pytest.mark.parametrize("length", [1, 10_000])
def test_a_long_chain_is_put_in_order(length: int) -> None:
    steps = [
        Step(source=f"log.{n}", target=f"log.{n + 1}", source_id=f"{n}", target_id=f"{n + 1}") for n in range(length)
    ]

    assert [[step] for step in reversed(steps)] == in_order(steps, "mv")


def test_a_rotation_moves_the_oldest_first(face: Any, below: str) -> None:
    face.pipe({f"{below}/log": b"new", f"{below}/log.1": b"old", f"{below}/log.2": b"oldest"})

    face.mv([f"{below}/log", f"{below}/log.1"], [f"{below}/log.1", f"{below}/log.2"])

    assert held(face, below) == {"log.1": b"new", "log.2": b"old"}


def test_a_chain_of_copies_copies_what_was_there_before(face: Any, below: str) -> None:
    face.pipe({f"{below}/a": b"a", f"{below}/b": b"b"})

    face.copy([f"{below}/a", f"{below}/b"], [f"{below}/b", f"{below}/c"])

    assert held(face, below) == {"a": b"a", "b": b"a", "c": b"b"}


def test_a_folder_is_moved_into_one_of_its_own(face: Any, below: str) -> None:
    face.pipe({f"{below}/d/a": b"1", f"{below}/d/sub/a": b"2", f"{below}/d/sub/sub/a": b"3"})

    face.mv(f"{below}/d/", f"{below}/d/sub/", recursive=True)

    assert held(face, below) == {"d/sub/a": b"1", "d/sub/sub/a": b"2", "d/sub/sub/sub/a": b"3"}


@pytest.mark.parametrize("call", ["mv", "copy"])
def test_a_swap_is_refused_and_names_what_stands_in_the_circle(face: Any, below: str, call: str) -> None:
    before = {"a": b"1", "b": b"2", "c": b"3"}
    face.pipe({f"{below}/{name}": value for name, value in before.items()})

    with pytest.raises(ValueError, match=rf"{below}/a.*{below}/b.*in a circle; nothing was changed"):
        getattr(face, call)([f"{below}/c", f"{below}/a", f"{below}/b"], [f"{below}/x", f"{below}/b", f"{below}/a"])

    assert held(face, below) == before


@pytest.mark.parametrize("call", ["mv", "copy"])
def test_two_sources_of_one_target_are_refused_and_both_named(face: Any, below: str, call: str) -> None:
    before = {"x/a.txt": b"X", "y/a.txt": b"Y", "z/b.txt": b"Z"}
    face.pipe({f"{below}/{name}": value for name, value in before.items()})

    with pytest.raises(ValueError, match=f"{below}/x/a.txt.*{below}/y/a.txt.*nothing was changed"):
        getattr(face, call)([f"{below}/{name}" for name in before], f"{below}/t/")

    assert held(face, below) == before


def test_two_objects_that_become_one_file_are_refused(face: Any, below: str, tmp_path: Path) -> None:
    face.pipe({f"{below}/x/a.txt": b"X", f"{below}/y/a.txt": b"Y"})
    got = tmp_path / "got"

    with pytest.raises(ValueError, match=r"x/a.txt.*y/a.txt.*nothing was changed"):
        face.get([f"{below}/x/a.txt", f"{below}/y/a.txt"], f"{got}/")
    with pytest.raises(ValueError, match=r"x/a.txt.*y/a.txt"):
        face.get([f"{below}/x/a.txt", f"{below}/y/a.txt"], [str(got / "t"), str(got / "." / "t")])

    assert not got.exists()


def test_two_files_that_become_one_object_are_refused(face: Any, below: str, tmp_path: Path) -> None:
    for name in ("x", "y"):
        (tmp_path / "from" / name).mkdir(parents=True)
        (tmp_path / "from" / name / "a.txt").write_text(name)

    with pytest.raises(ValueError, match=r"x/a.txt.*y/a.txt.*nothing was changed"):
        face.put([str(tmp_path / "from" / name / "a.txt") for name in "xy"], f"{below}/t/")

    assert held(face, below) == {}


def test_two_forms_of_one_name_are_refused_where_they_become_one_object(face: Any, below: str, tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    for name in (COMPOSED, DECOMPOSED):
        (tmp_path / "from" / name).write_text(name)
    if len(list((tmp_path / "from").iterdir())) == 1:
        return  # the disk holds one of them only, so there is nothing to lose

    with pytest.raises(ValueError, match="nothing was changed"):
        face.put(str(tmp_path / "from"), f"{below}/t/", recursive=True)
    with pytest.raises(ValueError, match="are one path; nothing was written"):
        face.pipe({f"{below}/{COMPOSED}": b"1", f"{below}/{DECOMPOSED}": b"2"})

    assert held(face, below) == {}


def test_two_forms_of_one_folder_name_become_one(face: Any, below: str, tmp_path: Path) -> None:
    for folder, name in ((COMPOSED, "1"), (DECOMPOSED, "2")):
        (tmp_path / "from" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "from" / folder / name).write_text(name)

    face.put(f"{tmp_path}/from/", f"{below}/t/", recursive=True)

    assert held(face, below) == {f"t/{COMPOSED}/1": b"1", f"t/{COMPOSED}/2": b"2"}


def test_one_source_is_not_moved_to_two_targets(face: Any, below: str) -> None:
    face.pipe({f"{below}/a": b"1"})

    with pytest.raises(ValueError, match="would become both"):
        face.mv([f"{below}/a", f"{below}/a"], [f"{below}/b", f"{below}/c"])
    face.copy([f"{below}/a", f"{below}/a"], [f"{below}/b", f"{below}/c"])

    assert held(face, below) == {"a": b"1", "b": b"1", "c": b"1"}


def test_nothing_is_moved_when_one_of_several_is_missing(face: Any, below: str) -> None:
    face.pipe({f"{below}/a": b"1", f"{below}/b": b"2"})

    with pytest.raises(FileNotFoundError):
        face.mv([f"{below}/a", f"{below}/missing", f"{below}/b"], f"{below}/t/")

    assert held(face, below) == {"a": b"1", "b": b"2"}


def test_local_paths_are_one_when_they_lead_to_one_file(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    ignores_case, composes = ((tmp_path / name).exists() for name in ("REAL", "re\u0061l"))
    assert composes

    ids = local_ids([f"{tmp_path}/{name}" for name in ("real/a", "link/a", "link/../real/a", "real/A", "real/b")])

    assert len(set(ids)) == (2 if ignores_case else 3)
    assert ids[0] == ids[1] == ids[2] != ids[4]
    assert [path.name for path in tmp_path.iterdir()].count("real") == 1
    assert [] == list((tmp_path / "real").iterdir())


def test_names_that_differ_in_composition_are_two_files_where_the_disk_holds_two(tmp_path: Path) -> None:
    (tmp_path / COMPOSED).touch()
    same = (tmp_path / unicodedata.normalize("NFD", COMPOSED)).exists()

    ids = local_ids([f"{tmp_path}/new/{name}" for name in (COMPOSED, DECOMPOSED)])

    assert same == (ids[0] == ids[1])
