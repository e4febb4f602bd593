"""The house stays small: the median of its modules, and how often a verb is defined; bounds that are only lowered."""

from __future__ import annotations

from .house import house_of

MEDIAN_LINES = 140
PUTS = 14
"""The goal is 14."""


def test_most_modules_are_short() -> None:
    assert house_of().median <= MEDIAN_LINES


def test_put_is_defined_no_more_often_than_it_was() -> None:
    assert house_of().verbs["put"] <= PUTS
