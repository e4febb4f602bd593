"""The report on a run: what it says, that nothing in it is taken for HTML, and the plot of its throughput."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from kazinex_storage.migration.journal import Count, Entry, EntryState, Run, RunKind, RunState
from kazinex_storage.migration.plot import duration, plot
from kazinex_storage.migration.report import STYLE, STYLE_HASH, report_html
from kazinex_storage.migration.summary import RunSummary, place_of
from kazinex_storage.migration.throughput import MOST_STEPS, Step, Throughput

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
HOSTILE = 'bridge/<script>alert(1)</script>/"\u202efdp.exe'


class Seen(HTMLParser):
    """What a browser would make of the page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def entry(number: int, state: EntryState = EntryState.FAILED, key: str = HOSTILE, reason: str = "it is full") -> Entry:
    return Entry(number=number, key=key, size=1234, state=state, attempts=5, reason=reason, changed_at=NOON)


@pytest.fixture
def summary() -> RunSummary:
    run = Run(
        organisation="org-1",
        id="run-1",
        kind=RunKind.COPY,
        source="sharepoint-1",
        target="r2-1",
        state=RunState.DONE,
        options={"verify": "full", "label": HOSTILE},
        begun_at=NOON,
        begun_by=HOSTILE,
        ended_at=NOON + timedelta(minutes=90),
    )
    return RunSummary(
        run=run,
        source=place_of("sharepoint-1", {"sharepoint-1": HOSTILE}),
        target=place_of("r2-1", {}),
        counts={
            EntryState.COPIED: Count(objects=40, bytes=2**30),
            EntryState.FAILED: Count(objects=2, bytes=2468),
            EntryState.REFUSED: Count(objects=1, bytes=1234),
        },
        wrong=(entry(0), entry(1, reason=HOSTILE)),
        known=(entry(2, EntryState.REFUSED, reason="the key is too long"),),
        throughput=Throughput(width_s=1, steps=(Step(begun_s=NOON.timestamp(), objects=40, bytes=2**30),)),
        requests={"sharepoint-1:read": 43},
        made_at=NOON + timedelta(hours=2),
    )


def test_everything_that_people_and_services_named_is_text(summary: RunSummary) -> None:
    page = report_html(summary)

    seen = Seen(page)

    assert "script" not in seen.tags
    assert HOSTILE.replace("\u202e", "\\u202e") in seen.texts
    assert "\u202e" not in page
    assert [] == [name for name, _ in seen.attributes if name.startswith("on") or name in ("src", "href", "style")]


def test_the_page_loads_nothing_and_its_policy_lets_its_own_style_in(summary: RunSummary) -> None:
    page = report_html(summary)

    assert [] == re.findall(r"https?://|url\(|@import", page)
    assert f"default-src 'none'; style-src '{STYLE_HASH}'" in page
    assert f"<style>{STYLE}</style>" in page


def test_it_says_who_when_how_much_and_what_went_wrong(summary: RunSummary) -> None:
    said = " ".join(" ".join(Seen(report_html(summary)).texts).split())

    for text in (
        "Copy of org-1",
        "Failed: 2 of 43 objects.",
        "2026-11-29 13:30:00Z , 1 h 30 min after the first began",
        "copied : copied, and proven on the target 40 1 GB",
        "it is full",
        "the key is too long",
        "read 43",
        "verify full",
    ):
        assert text in said, text
    assert "Failures 2 objects" in said
    assert "Refused 1 object" in said


def test_it_says_how_many_failures_are_left_out(summary: RunSummary) -> None:
    counts = {**summary.counts, EntryState.FAILED: Count(objects=5_000, bytes=0)}

    page = report_html(replace(summary, counts=counts))

    assert "5,000 objects; the first 2 are shown" in page


@pytest.mark.parametrize(
    ("counts", "state", "said"),
    [
        ({EntryState.COPIED: Count(objects=2)}, RunState.DONE, "It ended, and nothing failed: done."),
        ({EntryState.PLANNED: Count(objects=3)}, RunState.RUNNING, "It has not ended: 3 objects left."),
        ({EntryState.REFUSED: Count(objects=1)}, RunState.DONE, "It ended, and 1 object stayed where they are."),
    ],
    ids=["done", "under way", "refused"],
)
def test_the_outcome_stands_first(
    summary: RunSummary, counts: dict[EntryState, Count], state: RunState, said: str
) -> None:
    assert said in report_html(replace(summary, counts=counts, run=replace(summary.run, state=state)))


def test_a_summary_has_every_figure_as_json(summary: RunSummary) -> None:
    shown = summary.to_dict()

    assert {"objects": 43, "bytes": 2**30 + 3702} == shown["total"]
    assert {"copied", "failed", "refused"} == set(shown["counts"])  # type: ignore[call-overload]
    assert 2 == len(shown["failures"])  # type: ignore[arg-type]
    assert "facts" not in shown["run"]  # type: ignore[operator]


def test_pauses_between_passes_are_cut_out_of_the_plot() -> None:
    first, night = NOON.timestamp(), 12 * 3600.0
    steps = [Step(begun_s=first + second, objects=1, bytes=2**20) for second in (0, 1, 5)]
    steps += [Step(begun_s=first + night + second, objects=1, bytes=2**20) for second in (0, 1)]

    found = Throughput(steps=tuple(steps))

    assert [6, 2] == [len(span) for span in found.spans()]
    drawn = plot(found)
    assert 2 == drawn.count('class="area"')
    assert f"a pause of {duration(night - 6)}" in drawn
    assert "5 objects and 5 MB in 8 s of work" in drawn


def test_the_plot_of_empty_objects_counts_objects() -> None:
    drawn = plot(Throughput(steps=(Step(begun_s=NOON.timestamp(), objects=7, bytes=0),)))

    assert "7 objects/s" in drawn


def test_nothing_done_has_no_plot() -> None:
    assert "" == plot(Throughput())


@pytest.mark.parametrize(
    "fact", [None, 7, {}, {"width_s": 0, "steps": []}, {"width_s": 1, "steps": 3}, {"width_s": 1, "steps": [[1, 2]]}]
)
def test_facts_of_another_form_are_no_throughput(fact: object) -> None:
    assert () == Throughput.of_fact(fact).steps


def test_a_throughput_is_the_same_from_its_fact() -> None:
    found = Throughput(width_s=2, steps=tuple(Step(begun_s=2.0 * at, objects=at, bytes=at) for at in range(MOST_STEPS)))

    assert found == Throughput.of_fact(found.to_fact())
