"""What the entries of partitions add up to, by state: what a journal keeps, so that totals cost no look at entries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .journal import PARTITION_ENTRIES, Count, Entry, EntryState, Partition

Tally = dict[str, list[int]]
"""Objects and bytes by the value of a state; a state that no entry has is left out."""


def partition_of(number: int) -> int:
    """Return the number of the partition that the entry of that number is in."""
    return number // PARTITION_ENTRIES


def partition(number: int, entries: int) -> Partition:
    """Return the partition of that number in a run of so many entries."""
    first = number * PARTITION_ENTRIES
    return Partition(number=number, first=first, last=min(first + PARTITION_ENTRIES, entries) - 1)


def add(tally: Tally, state: str, size: int, *, objects: int = 1) -> None:
    """Count *objects* more of *size* bytes in all; fewer where both are negative."""
    found = tally.setdefault(state, [0, 0])
    found[0] += objects
    found[1] += size
    if found[0] == 0:
        del tally[state]


def is_open(tally: Tally) -> bool:
    """Say whether an entry is still PLANNED."""
    return EntryState.PLANNED.value in tally


def reopened(tally: Tally, states: frozenset[str]) -> int:
    """Count those in one of *states* as PLANNED, and return how many they were."""
    objects = 0
    for state in [state for state in tally if state in states]:
        count, size = tally.pop(state)
        add(tally, EntryState.PLANNED.value, size, objects=count)
        objects += count
    return objects


def counted(tallies: Iterable[Tally]) -> Mapping[EntryState, Count]:
    """Return the sum of *tallies*, in the order of the states."""
    sums: Tally = {}
    for tally in tallies:
        for state, (objects, size) in tally.items():
            add(sums, state, size, objects=objects)
    return {
        state: Count(objects=sums[state.value][0], bytes=sums[state.value][1])
        for state in EntryState
        if state.value in sums
    }


def fresh(entries: Iterable[Entry], known: Mapping[str, object]) -> list[Entry]:
    """Return the first of *entries* of each key that is not *known*."""
    seen: dict[str, Entry] = {}
    for entry in entries:
        if entry.key not in known:
            seen.setdefault(entry.key, entry)
    return list(seen.values())


def values(states: Iterable[EntryState]) -> frozenset[str]:
    """Return what the journal keeps for *states*."""
    return frozenset(state.value for state in states)
