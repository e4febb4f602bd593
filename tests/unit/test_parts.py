"""The arithmetic of parts, against the rules of the services that will use it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazinex_storage.bodies.part_plan import WANTED_PART_BYTES, PartPlan, plan_parts
from kazinex_storage.errors import FileTooLargeError
from kazinex_storage.types import MIB, PartRule

GIB = 1024 * MIB
TIB = 1024 * GIB
R2 = PartRule(min_part_bytes=5 * MIB, max_part_bytes=5 * GIB - 5 * MIB, max_parts=10_000)
AZURE = PartRule(min_part_bytes=1, max_part_bytes=4000 * MIB, max_parts=50_000)
GRAPH_UNIT = 327_680
GRAPH = PartRule(min_part_bytes=GRAPH_UNIT, max_part_bytes=60 * MIB - 1, max_parts=2_000_000, multiple_of=GRAPH_UNIT)
RULES = pytest.mark.parametrize("rule", [R2, AZURE, GRAPH], ids=["r2", "azure", "graph"])

tight_rules = st.builds(
    lambda low, more, parts, unit: PartRule(
        min_part_bytes=low, max_part_bytes=low + more + unit, max_parts=parts, multiple_of=unit
    ),
    st.integers(0, 3 * MIB),
    st.integers(0, 3 * MIB),
    st.integers(1, 50),
    st.sampled_from([1, 2, 7, 512, GRAPH_UNIT]),
)


@RULES
@given(size=st.integers(0, 5 * TIB), wanted=st.integers(1, 6 * GIB))
def test_every_plan_up_to_five_tebibytes_keeps_the_rule_of_the_service(rule: PartRule, size: int, wanted: int) -> None:
    plan = plan_parts(size, rule, wanted_part_bytes=wanted)

    assert 1 <= plan.count <= rule.max_parts
    assert rule.min_part_bytes <= plan.part_bytes <= rule.max_part_bytes
    assert plan.part_bytes % rule.multiple_of == 0
    assert plan.follows(rule)
    assert (plan.count - 1) * plan.part_bytes < max(size, 1) <= max(plan.count * plan.part_bytes, 1)


@given(rule=tight_rules, size=st.integers(0, 200 * MIB), wanted=st.integers(-1, 10 * MIB))
def test_spans_cover_the_body_once_in_order_and_only_the_last_is_short(rule: PartRule, size: int, wanted: int) -> None:
    largest = rule.max_part_bytes // rule.multiple_of * rule.multiple_of
    if size > largest * rule.max_parts:
        with pytest.raises(FileTooLargeError):
            plan_parts(size, rule, wanted_part_bytes=wanted)
        return

    plan = plan_parts(size, rule, wanted_part_bytes=wanted)
    numbers, spans = zip(*plan.spans(), strict=True)
    lengths = [(span.end or 0) - span.start for span in spans]

    assert list(range(1, plan.count + 1)) == list(numbers)
    assert plan.count <= rule.max_parts
    assert [sum(lengths[:index]) for index in range(len(lengths))] == [span.start for span in spans]
    assert size == sum(lengths)
    assert {plan.part_bytes} >= set(lengths[:-1])
    assert lengths[-1] <= plan.part_bytes
    assert rule.min_part_bytes <= plan.part_bytes <= rule.max_part_bytes
    assert plan.part_bytes % rule.multiple_of == 0


@RULES
def test_an_empty_body_is_one_empty_part(rule: PartRule) -> None:
    (number, span), *rest = plan_parts(0, rule).spans()

    assert (1, 0, 0, []) == (number, span.start, span.end, rest)


def test_parts_have_the_wanted_size_where_nothing_speaks_against_it() -> None:
    assert WANTED_PART_BYTES == plan_parts(GIB, R2).part_bytes
    assert 128 == plan_parts(GIB, R2).count


def test_parts_grow_to_whole_mebibytes_when_there_would_be_too_many() -> None:
    plan = plan_parts(5 * TIB, R2)

    assert 525 * MIB == plan.part_bytes
    assert 9987 == plan.count


def test_parts_of_graph_are_the_wanted_size_rounded_up_to_its_multiple() -> None:
    assert 26 * GRAPH_UNIT == plan_parts(GIB, GRAPH).part_bytes


def test_rounding_never_leaves_the_bounds_of_the_rule() -> None:
    rule = PartRule(min_part_bytes=1, max_part_bytes=MIB + 1, max_parts=2)

    plan = plan_parts(2 * MIB + 2, rule)

    assert (MIB + 1, 2) == (plan.part_bytes, plan.count)


@RULES
def test_one_byte_more_than_the_largest_plan_is_refused_with_both_numbers(rule: PartRule) -> None:
    most = rule.max_part_bytes // rule.multiple_of * rule.multiple_of * rule.max_parts

    assert rule.max_parts == plan_parts(most, rule).count
    with pytest.raises(FileTooLargeError, match=f"{most + 1:,} bytes.*{rule.max_parts:,} parts"):
        plan_parts(most + 1, rule)


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(ValueError, match="0 bytes or more"):
        plan_parts(-1, R2)


@pytest.mark.parametrize(
    "rule",
    [
        PartRule(min_part_bytes=10, max_part_bytes=9, max_parts=1),
        PartRule(min_part_bytes=1, max_part_bytes=9, max_parts=0),
        PartRule(min_part_bytes=1, max_part_bytes=9, max_parts=1, multiple_of=10),
        PartRule(min_part_bytes=1, max_part_bytes=9, max_parts=1, multiple_of=0),
        PartRule(min_part_bytes=0, max_part_bytes=0, max_parts=1),
    ],
    ids=["crossed bounds", "no parts", "multiple above the largest", "no multiple", "empty parts"],
)
def test_a_rule_that_contradicts_itself_is_refused(rule: PartRule) -> None:
    with pytest.raises(ValueError, match="correct the rule"):
        plan_parts(1, rule)


@pytest.mark.parametrize(
    ("size", "part_bytes"),
    [(GIB, 5 * MIB - 1), (6 * GIB, 5 * GIB), (10_001 * 5 * MIB, 5 * MIB), (GIB, 1)],
    ids=["short", "long", "many", "bytes"],
)
def test_other_parts_do_not_follow_the_rule(size: int, part_bytes: int) -> None:
    assert not PartPlan.resumed(size, part_bytes).follows(R2)


def test_parts_of_an_odd_size_do_not_follow_a_rule_of_multiples() -> None:
    assert PartPlan.resumed(GIB, 2 * GRAPH_UNIT).follows(GRAPH)
    assert not PartPlan.resumed(GIB, 2 * GRAPH_UNIT + 1).follows(GRAPH)
