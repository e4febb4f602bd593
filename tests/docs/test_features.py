"""The table of features is what the providers declare, and leaves nothing out."""

from __future__ import annotations

from pathlib import Path

from kazinex_storage.capabilities import Capability
from kazinex_storage.registry import default_registry
from kazinex_storage.testing import features
from kazinex_storage.testing.feature_rows import COLUMNS, LIBRARY, ROWS

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_the_one_that_is_computed() -> None:
    assert features.page() == (DOCS / "features.md").read_text(encoding="utf-8")


def test_each_capability_has_one_row() -> None:
    assert sorted(capability.value for capability in Capability) == sorted(row.capability.value for row in ROWS)


def test_what_is_refused_says_why_for_each_provider() -> None:
    assert [] == features.unexplained()


def test_each_switch_of_a_column_switches_something_on() -> None:
    known = default_registry()
    idle = [
        f"{column.kind}: {name}"
        for column in COLUMNS
        for name, fields in column.switches.items()
        if features.info_of(column, fields, registry=known).capabilities
        <= features.info_of(column, registry=known).capabilities
    ]

    assert [] == idle


def test_each_how_to_has_a_block_that_runs() -> None:
    """Links and anchors are looked at with those of all pages."""
    pages = {how.partition("#")[0] for how in [row.how for row in ROWS] + [one.how for one in LIBRARY]}

    assert [] == [page for page in sorted(pages) if "<!-- run" not in (DOCS / page).read_text(encoding="utf-8")]
