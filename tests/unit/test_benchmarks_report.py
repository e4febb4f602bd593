"""The published figures are what the generator makes of one stored run, and the goals are those that were asked for."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"

# The table of issue 20 and its steps 8 and 9: section, work, quantity, bound, peers that the goal names, ours.
ASKED = {
    *((f"s3-small/{job}", "CPU", 0.75, "", "kazinex-storage") for job in ("get", "put", "head", "delete")),
    *((f"s3-small/{job}, one core", "CPU", 1.15, "", "kazinex-storage") for job in ("get", "put", "head", "delete")),
    *((f"s3-bulk/{job}", "SPEED", 1.25, "", "kazinex-storage") for job in ("put_many", "get_many")),
    *((f"s3-bulk/{job}", "ITS_CPU", 0.6, "", "kazinex-storage") for job in ("put_many", "get_many")),
    *((f"s3-bulk/{job}", "SPEED", 1.4, "", "kazinex-storage") for job in ("async_put", "async_get")),
    *((f"s3-bulk/{job}", "ITS_CPU", 0.5, "", "kazinex-storage") for job in ("async_put", "async_get")),
    *((f"s3-list/{what}", "SPEED", 1.0, "", "kazinex-storage") for what in ("short", "long")),
    *((f"s3-list/{what}", "GROWTH", 64.0, "", "kazinex-storage") for what in ("short", "long")),
    *((f"s3-files/{way}", "SPEED", 0.8, "opendal", "kazinex-storage") for way in ("tree_up", "tree_down")),
    *((f"s3-files/{way}", "SPEED", 2.0, "obstore.fsspec", "kazinex-storage") for way in ("tree_up", "tree_down")),
    *((f"s3-files/{way}", "SPEED", 4.0, "s3fs", "kazinex-storage") for way in ("tree_up", "tree_down")),
    *((f"s3-large/{way}, TLS", "SPEED", 0.9, "", "kazinex-storage") for way in ("upload", "download")),
    *(
        (f"s3-large/{way}, TLS", "SPEED", 1.0, "obstore + sha256, opendal + sha256", "kazinex-storage + sha256")
        for way in ("upload", "download")
    ),
    *((f"s3-large/{way}, TLS", "GROWTH", 64.0, "", "kazinex-storage") for way in ("upload", "download")),
    ("s3-ranges/ranges", "SPEED", 1.0, "obstore", "kazinex-storage"),
    ("s3-ranges/ranges", "SPEED", 3.0, "obstore.fsspec", "kazinex-storage"),
    ("s3-start/start", "TIME", 1.3, "bare libcurl (floor)", "kazinex-storage"),
    ("s3-start/start", "TIME", 1.3, "bare libcurl (floor)", "kazinex-storage, fsspec"),
    ("small-objects/get", "TIME", 1.6, "fsspec", "kazinex-storage"),
    ("small-objects/head", "TIME", 1.6, "fsspec", "kazinex-storage"),
    ("small-objects/put", "TIME", 1.5, "by hand, durable", "kazinex-storage, durable"),
    ("bulk/put, durable", "SPEED", 1.0, "one by one", "put_many"),
    ("bulk/put, not durable", "SPEED", 1.0, "one by one", "put_many"),
    ("bulk/get, warm", "SPEED", 1.0, "one by one", "get_many"),
    ("sharepoint/up", "SPEED", 1.5, "office365", "kazinex-storage"),
}


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The modules of the benchmarks, which are no package that is installed."""
    monkeypatch.syspath_prepend(str(ROOT))
    yield lambda name: importlib.import_module(f"benchmarks.{name}")
    for name in [name for name in sys.modules if name.partition(".")[0] == "benchmarks"]:
        del sys.modules[name]


@pytest.fixture
def stored(modules: Any) -> Any:
    """The run whose figures are published."""
    return modules("results").Run.load(ROOT / "docs" / "benchmarks.json")


def test_every_goal_that_was_asked_for_is_a_row(modules: Any) -> None:
    goals = modules("goals")

    rows = {
        (
            f"{goal.section}/{goal.what}",
            goal.quantity.name,
            goal.bound,
            "" if goal.peers == goals.PEERS else ", ".join(goal.peers),
            goal.ours,
        )
        for goal in goals.GOALS
    }

    assert set() == ASKED - rows


@pytest.mark.parametrize("path", ["docs/benchmarks.json", "docs/benchmarks.md", "docs/benchmarks.svg", "README.md"])
def test_what_is_published_is_what_the_generator_makes(path: str, modules: Any, stored: Any) -> None:
    assert modules("report").generated(stored, ROOT)[path] == (ROOT / path).read_text(encoding="utf-8")


def test_the_run_says_where_when_and_of_what_it_was(stored: Any) -> None:
    facts = stored.facts

    assert re.fullmatch(r"\d{4}-\d\d-\d\d", facts["date"])
    assert re.match(r"[0-9a-f]{12}", facts["commit"])
    assert re.search(r"\d+ of \d+ cores, \d+ GiB", facts["machine"])
    assert all(re.search(rf"{name} \d", facts["versions"]) for name in ("kazinex-storage", "pycurl", "fsspec"))
    assert all(re.search(rf"{name} \d", facts["peers on S3"]) for name in ("obstore", "opendal", "boto3", "s3fs"))


def test_one_run_measured_every_row(modules: Any, stored: Any) -> None:
    """What a peer cannot do has no ratio; then the row says which peer fails, and how."""
    verdicts = modules("judge").judge(stored)

    assert [] == [each.goal for each in verdicts if each.found is None and " fails: " not in each.missing]


def test_the_plot_can_be_read_by_eyes_and_by_machines(modules: Any, stored: Any) -> None:
    verdicts = modules("judge").judge(stored)

    text = modules("plot").plot(verdicts, stored)

    drawing = ElementTree.fromstring(text)  # noqa: S314  # our own text
    labels = [found.text or "" for found in drawing.iter(f"{SVG}text")]
    assert "img" == drawing.get("role")
    assert ["title", "desc"] == [found.get("id") for found in drawing if found.get("id")]
    assert "prefers-color-scheme: dark" in text
    assert any("log scale" in label for label in labels)
    assert len(verdicts) == sum(found.get("class") == "right" for found in drawing.iter(f"{SVG}text"))


def measure(modules: Any, contender: str, median_s: float, cpu_s: float = 0.0, **fields: Any) -> Any:
    return modules("results").Measure(
        section="s", what="w", contender=contender, median_s=median_s, cpu_s=cpu_s, **fields
    )


def judged(modules: Any, goal: dict[str, Any], *measures: Any) -> Any:
    run = modules("results").Run(measures=list(measures))
    asked = {"group": "g", "row": "r", "section": "s", "what": "w", "quantity": modules("goals").Quantity.SPEED}
    (verdict,) = modules("judge").judge(run, [modules("goals").Goal(**{**asked, **goal})])
    return verdict


def test_speed_is_compared_with_the_fastest_peer(modules: Any) -> None:
    verdict = judged(
        modules,
        {"bound": 1.25},
        measure(modules, "kazinex-storage", 2.0),
        measure(modules, "kazinex-storage", 2.2, again=True),
        measure(modules, "obstore", 3.0),
        measure(modules, "opendal", 2.4),
        measure(modules, "s3fs", 1.0, error="KeyError: 'x'"),
    )

    assert ("opendal", 1.2, False) == (verdict.best.contender, verdict.found, verdict.met)
    assert [0.96, 1.1] == [verdict.margin, verdict.noise]


def test_processor_time_is_compared_with_the_cheapest_peer_or_with_the_fastest(modules: Any) -> None:
    quantity = modules("goals").Quantity
    measures = (
        measure(modules, "kazinex-storage", 1.0, cpu_s=3.0),
        measure(modules, "obstore", 2.0, cpu_s=6.0),
        measure(modules, "opendal", 4.0, cpu_s=4.0),
    )

    cheapest = judged(modules, {"quantity": quantity.CPU, "bound": 0.75}, *measures)
    fastest = judged(modules, {"quantity": quantity.ITS_CPU, "bound": 0.4}, *measures)

    assert ("opendal", 0.75, True) == (cheapest.best.contender, cheapest.found, cheapest.met)
    assert ("obstore", 0.5, False, 0.8) == (fastest.best.contender, fastest.found, fastest.met, fastest.margin)


def test_memory_is_judged_without_a_peer(modules: Any) -> None:
    goal = {"quantity": modules("goals").Quantity.GROWTH, "bound": 64.0}

    verdict = judged(modules, goal, measure(modules, "kazinex-storage", 1.0, growth=128 << 20))

    assert (128.0, False, 0.5, None) == (verdict.found, verdict.met, verdict.margin, verdict.best)


def test_a_peer_that_fails_is_no_win(modules: Any) -> None:
    ours = measure(modules, "kazinex-storage", 1.0)
    theirs = measure(modules, "s3fs", 0.0, error="KeyError: 'x'")

    verdict = judged(modules, {"bound": 1.0, "peers": ("s3fs",)}, ours, theirs)

    assert (None, "s3fs fails: KeyError: 'x'") == (verdict.met, verdict.missing)


def test_a_run_is_kept_as_it_was(modules: Any) -> None:
    results = modules("results")
    kept = results.Run({"date": "2026-11-29"}, {"listed": 5}, {"s": 1.5})
    kept.measures = [measure(modules, "obstore", 0.25, rounds=3, quiet=2), measure(modules, "s3fs", 0.0, error="no")]

    assert kept == results.Run.from_json(kept.to_json())


def test_a_page_without_its_marks_is_refused(modules: Any, stored: Any, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "benchmarks.md").write_text("# Figures\n")

    with pytest.raises(ValueError, match="the marks of facts are missing"):
        modules("report").generated(stored, tmp_path)


def test_a_section_that_fails_does_not_take_the_others_with_it(
    modules: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program, kept = modules("__main__"), tmp_path / "run.json"

    def failing(*_: object) -> None:
        raise OSError("no such server")

    def working(folder: Path, sizes: object, log: Any) -> None:
        log.keep("put", [])

    monkeypatch.setattr(program, "SECTIONS", {"s3-small": failing, "memory": working})

    with pytest.raises(SystemExit, match="failed: s3-small"):
        program.main(["--tiny", "--folder", str(tmp_path), "--json", str(kept)])

    assert "no such server" in capsys.readouterr().err
    assert {"s3-small", "memory"} == set(modules("results").Run.load(kept).elapsed_s)
