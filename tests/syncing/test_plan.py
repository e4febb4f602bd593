"""The plan of a synchronisation: pure, and carried out it makes the target equal to the source."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kazinex_storage import InvalidKeyError, SettingsError, Storage
from kazinex_storage.providers.memory import MemoryProvider
from kazinex_storage.syncing.entries import Entry, LeftOut
from kazinex_storage.syncing.guarding import DeletesRefusedError, MostDeletes, check_deletes
from kazinex_storage.syncing.judging import judge_of
from kazinex_storage.syncing.names import misfit
from kazinex_storage.syncing.plan import Step, StepKind, plan
from kazinex_storage.syncing.selecting import Selection
from kazinex_storage.syncing.syncs import SyncOptions, sync

NAMES = st.sampled_from(("a", "b", "a!", "B", "é", "a/b", "a/c d", "x/y/z", "x/y!", "z.tmp"))
CONTENTS = st.dictionaries(NAMES, st.sampled_from((b"", b"1", b"2", b"33")), max_size=6)
ALL = MostDeletes(100, percent=True)


def listed(found: dict[str, bytes]) -> list[Entry]:
    return [Entry(key, len(body), sha256=body.hex()) for key, body in sorted(found.items())]


def applied(steps: list[Step], source: dict[str, bytes], target: dict[str, bytes]) -> dict[str, bytes]:
    made = dict(target)
    for step in steps:
        if step.kind in (StepKind.COPY, StepKind.REPLACE):
            made[step.key] = source[step.key]
        elif step.kind is StepKind.DELETE:
            del made[step.key]
    return made


@given(CONTENTS, CONTENTS)
def test_a_plan_carried_out_makes_the_target_equal_and_a_second_one_is_empty(
    source: dict[str, bytes], target: dict[str, bytes]
) -> None:
    judge = judge_of("sha256", keeps_times=False)

    steps = list(plan(listed(source), listed(target), judge, delete=True))
    made = applied(steps, source, target)
    again = plan(listed(source), listed(made), judge, delete=True)

    assert source == made
    assert all(step.kind is StepKind.SAME for step in again)
    assert sorted({*source, *target}) == [step.key for step in steps], "one step for each key, in their order"


@settings(max_examples=25)
@given(CONTENTS, CONTENTS)
def test_a_storage_is_made_equal_to_another_and_nothing_is_left_to_do(
    source: dict[str, bytes], target: dict[str, bytes]
) -> None:
    one, other = Storage(MemoryProvider()), Storage(MemoryProvider())
    for storage, contents in ((one, source), (other, target)):
        for key, body in contents.items():
            storage.put(key, body)
    options = SyncOptions(by="sha256", delete=True, max_delete=ALL, allow_empty=True)

    sync(one, other, options)
    second = sync(one, other, options)

    assert source == {info.key: other.get_bytes(info.key) for info in other.list()}
    assert len(source) == second.same
    assert [] == second.items


@settings(max_examples=12)
@given(st.dictionaries(st.sampled_from(("a", "b/c", "b/d e", "é")), st.sampled_from((b"", b"1", b"22")), max_size=4))
def test_what_goes_up_comes_down_again(source: dict[str, bytes]) -> None:
    storage = Storage(MemoryProvider())
    with TemporaryDirectory() as folder:
        up, down = Path(folder, "up"), Path(folder, "down")
        up.mkdir()
        for key, body in source.items():
            (up / key).parent.mkdir(parents=True, exist_ok=True)
            (up / key).write_bytes(body)

        sync(up, storage)
        sync(storage, down)
        reports = [sync(up, storage), sync(storage, down)]

        assert source == {str(path.relative_to(down)): path.read_bytes() for path in down.rglob("*") if path.is_file()}
    assert [(len(source), [])] * 2 == [(report.same, report.items) for report in reports]


def kinds(source: list[Entry], target: list[Entry], *, delete: bool = True) -> list[tuple[str, str]]:
    steps = plan(source, target, judge_of("size", keeps_times=False), delete=delete)
    return [(step.kind.value, step.key) for step in steps]


def test_what_the_source_leaves_out_keeps_what_the_target_has_there_and_below() -> None:
    source = [Entry("a"), Entry("b", left_out=LeftOut.LINK), Entry("c")]
    target = [Entry(key) for key in ("b", "b!", "b/x", "b/y/z", "b0", "c")]

    assert [
        ("copy", "a"),
        ("leave out", "b"),
        ("delete", "b!"),
        ("extra", "b/x"),
        ("extra", "b/y/z"),
        ("delete", "b0"),
        ("same", "c"),
    ] == kinds(source, target)


def test_nothing_is_written_where_the_target_has_a_link_nor_below_it() -> None:
    source = [Entry("a"), Entry("b/x"), Entry("b!")]
    target = [Entry("a", left_out=LeftOut.SPECIAL), Entry("b", left_out=LeftOut.LINK)]

    found = kinds(sorted(source, key=lambda one: one.key), target)

    assert [("refuse", "a"), ("copy", "b!"), ("refuse", "b/x")] == found


def test_times_are_the_same_within_two_seconds_and_an_unknown_one_takes_the_bytes() -> None:
    service, disk = judge_of("time", keeps_times=False), judge_of("time", keeps_times=True)
    at = [Entry("a", 1, moment) for moment in (100.0, 101.9, 102.1, None)]

    assert [True, True, True, None] == [service(at[0], other) for other in at], "the target is newer, so it is whole"
    assert [True, True, False, None] == [service(one, at[0]) for one in at], "the source was changed after that"
    assert [True, True, False, None] == [disk(at[0], other) for other in at], "files have the time of the source"
    assert service(at[0], Entry("a", 2, 200.0)) is False, "another size is another object"


@pytest.mark.parametrize(
    ("pattern", "taken"),
    [
        ("*.tmp", ["b.tmp", "x/b.tmp"]),
        ("/*.tmp", ["b.tmp"]),
        ("x/*.tmp", ["x/b.tmp"]),
        ("x", ["x/b.tmp", "x/y/c", "y/x"]),
        ("x/", ["x/b.tmp", "x/y/c"]),
        ("**/c", ["x/y/c"]),
        ("x/**/c", ["x/y/c"]),
        ("?.tmp", ["b.tmp", "x/b.tmp"]),
        ("[!b].tmp", []),
        ("[a-c].tmp", ["b.tmp", "x/b.tmp"]),
    ],
)
def test_patterns_mean_what_they_mean_in_gitignore(pattern: str, taken: list[str]) -> None:
    keys = ["b.tmp", "x/b.tmp", "x/y/c", "y/x"]

    assert taken == [key for key in keys if Selection(include=(pattern,)).takes(key)]
    assert taken == [key for key in keys if not Selection(exclude=(pattern,)).takes(key)]


@pytest.mark.parametrize("pattern", ["", "/", "a[b", "[z-a]", "x" * 2000], ids=str)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidKeyError):
        Selection(exclude=(pattern,))


def test_deletes_are_limited_by_number_or_by_share_rounded_up() -> None:
    check_deletes(1, 5, MostDeletes.parse("10%"), empty=False, allow_empty=False)
    with pytest.raises(DeletesRefusedError, match=r"2 of 5 .* at most 10% .*--max-delete 2"):
        check_deletes(2, 5, MostDeletes.parse("10%"), empty=False, allow_empty=False)
    with pytest.raises(DeletesRefusedError, match="source is empty"):
        check_deletes(1, 5, ALL, empty=True, allow_empty=False)
    for wrong in ("", "x", "-1", "101%", "1.5"):
        with pytest.raises(SettingsError):
            MostDeletes.parse(wrong)


def test_names_that_windows_cannot_hold_are_known_everywhere() -> None:
    for name in ("a:b", "con", "NUL.txt", "com1", "a.", "b ", "x/a?"):
        assert misfit(name, windows=True) is not None, name
        assert misfit(name, windows=False) is None, name
    assert "255" in str(misfit("ä" * 128, windows=False))
