"""Patterns match what fsspec's do, in time that no pattern makes grow with a power of the name."""

from __future__ import annotations

import importlib
import re
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kazinex_storage.fs.globbing import glob_matcher

fsspec_utils: Any = importlib.import_module("fsspec.utils")  # it is untyped

PIECES = st.sampled_from(["a", "b", ".", "*", "?", "[ab]", "[!a]", "[a-c]", "[", "]", "[]", "[!]", "-", "\n", "ä"])
SEGMENTS = st.just("**") | st.lists(PIECES, max_size=6).map("".join).filter(lambda segment: "**" not in segment)
PATTERNS = st.lists(SEGMENTS, min_size=1, max_size=6).map("/".join)
NAMES = st.lists(st.text("ab.c-[]!\nä", min_size=1, max_size=5), min_size=1, max_size=6).map("/".join)


def expected(pattern: str) -> re.Pattern[str]:
    """fsspec's own, but for classes: there "[!a]" takes the slash as well."""
    return re.compile(re.sub(r"\[\^(?!/)", "(?!/)[^", fsspec_utils.glob_translate(pattern)))


@pytest.mark.filterwarnings("ignore:Possible nested set")  # of fsspec's expression
@settings(max_examples=300, deadline=None)
@given(pattern=PATTERNS, names=st.lists(NAMES | NAMES.map(lambda name: f"{name}/"), min_size=1, max_size=20))
@example(pattern="**/a/**/b", names=["a/b", "x/a/b", "a/a/x/b/b", "b/a", "a/x"])
@example(pattern="*a*b*", names=["ab", "aab", "ba", "xaxbx", "a/b"])
@example(pattern="**/**/a", names=["a", "b/a", "b/b/a"])
@example(pattern="a/**", names=["a", "a/", "a/b", "a/b/c"])
def test_a_pattern_matches_what_fsspec_matches(pattern: str, names: list[str]) -> None:
    known, matches = expected(pattern), glob_matcher(pattern)

    for name in names:
        assert bool(known.match(name)) == bool(matches(name)), name


@given(st.lists(st.sampled_from(["a", "b", "ab", "**"]), min_size=1, max_size=7).map("/".join), NAMES)
def test_two_stars_match_what_fsspec_matches(pattern: str, name: str) -> None:
    assert bool(expected(pattern).match(name)) == bool(glob_matcher(pattern)(name))


@pytest.mark.parametrize("pattern", ["a**", "a/**b", "***"])
def test_two_stars_within_a_segment_are_refused_as_by_fsspec(pattern: str) -> None:
    for translate in (glob_matcher, fsspec_utils.glob_translate):
        with pytest.raises(ValueError, match="entire path component"):
            translate(pattern)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("*a" * 300 + "b", "a" * 1000),
        ("*[ab]" * 200 + "c", "a" * 1000),
        ("*?a" * 200 + "b", "a" * 1000),
        ("**/a/" * 100 + "b", "a/" * 500),
        ("**/*a*/" * 50 + "b", "aa/" * 330),
        ("*/" * 100 + "**/" + "*a" * 50 + "b", "a/" * 500),
    ],
    ids=["stars", "classes", "any characters", "two stars", "both", "all"],
)
def test_no_pattern_takes_for_ever(pattern: str, name: str) -> None:
    before = time.process_time()

    assert not glob_matcher(pattern)(name)

    assert time.process_time() - before < 2
