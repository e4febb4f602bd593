"""The operators break code, and leave what is written for people alone."""

from __future__ import annotations

import ast

from .__main__ import ROOT, promised, sources_of
from .operators import mutants_of

SOURCE = '''\
"""A module of 1 line."""

def read(size: int, limit: int = 3) -> bool:
    """Return True if the size is 1."""
    if size > limit:
        raise ValueError(f"at most {limit + 1}")
    note(size)
    return size == 2 and allowed("if-match")
'''


def test_every_operator_changes_one_piece_of_the_line_that_it_names() -> None:
    changes = {(mutant.line, mutant.operator, mutant.after) for mutant in mutants_of("a.py", SOURCE.encode())}

    assert {
        (5, "drop the guard", "False"),
        (5, "negate the condition", "not (size > limit)"),
        (5, "swap the comparison", "size >= limit"),
        (7, "drop the call", "pass"),
        (8, "swap and, or", "((size == 2) or allowed('if-match'))"),
        (8, "swap the comparison", "size != 2"),
        (8, "off by one", "3"),
        (8, "another header", '"if-matc"'),
    } == changes


def test_every_mutant_can_be_parsed_and_is_another_program() -> None:
    original = ast.dump(ast.parse(SOURCE))

    for mutant in mutants_of("a.py", SOURCE.encode()):
        assert original != ast.dump(ast.parse(mutant.applied(SOURCE.encode())))


def test_the_draw_of_a_mutant_does_not_change_with_code_elsewhere() -> None:
    before = {mutant.rank for mutant in mutants_of("a.py", SOURCE.encode())}

    after = {mutant.rank for mutant in mutants_of("a.py", f"import os\n{SOURCE}".encode())}

    assert before == after


def test_every_mutant_that_is_written_by_hand_has_its_place() -> None:
    _, stale = promised(sources_of(ROOT))

    assert [] == stale
