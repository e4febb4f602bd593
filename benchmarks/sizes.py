"""How much each benchmark does, in three sizes."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """One set of sizes; all sizes are bytes."""

    name: str
    large_size: int
    """The body of the large put."""
    large_rounds: int
    small_count: int
    """Small objects in one round."""
    small_rounds: int
    calls: int
    """Calls in one round of the overhead."""
    call_rounds: int
    starts: int
    """Interpreters started for each contender of the import."""
    read_size: int
    """The large body that is read through fsspec."""
    read_rounds: int
    memory_size: int
    """The body whose passage is watched."""
    memory_limit: int
    """How far the resident set may grow."""
    listed: int
    """Objects in the listing that is watched."""
    bulk_count: int
    bulk_rounds: int
    azure_size: int
    azure_rounds: int
    sharepoint_size: int
    sharepoint_rounds: int
    service_size: int
    """One document through the HTTP service."""
    service_count: int
    service_rounds: int
    crowd: int
    """Downloads at once."""
    crowd_size: int
    moved_small: int
    """Objects of 4 KiB in one copy."""
    moved: int
    """Those of 1 MiB."""
    moved_large: int
    moved_large_size: int
    moved_rounds: int
    moved_pooled: int
    """Objects of 64 KiB that two processes copy."""
    planned: int
    """Keys in the plan."""
    synced: int
    """Files of one synchronisation."""


FULL = Sizes(
    name="full",
    large_size=1024 * MIB,
    large_rounds=5,
    small_count=300,
    small_rounds=7,
    calls=10_000,
    call_rounds=15,
    starts=15,
    read_size=64 * MIB,
    read_rounds=15,
    memory_size=1024 * MIB,
    memory_limit=64 * MIB,
    listed=100_000,
    bulk_count=2_000,
    bulk_rounds=5,
    azure_size=256 * MIB,
    azure_rounds=5,
    sharepoint_size=64 * MIB,
    sharepoint_rounds=9,
    service_size=16 * MIB,
    service_count=10,
    service_rounds=7,
    crowd=200,
    crowd_size=50 * MIB,
    moved_small=1_000,
    moved=200,
    moved_large=10,
    moved_large_size=64 * MIB,
    moved_rounds=5,
    moved_pooled=2_000,
    planned=1_000_000,
    synced=10_000,
)

QUICK = Sizes(
    name="quick",
    large_size=64 * MIB,
    large_rounds=7,
    small_count=100,
    small_rounds=5,
    calls=3_000,
    call_rounds=9,
    starts=7,
    read_size=64 * MIB,
    read_rounds=7,
    memory_size=256 * MIB,
    memory_limit=64 * MIB,
    listed=10_000,
    bulk_count=300,
    bulk_rounds=3,
    azure_size=64 * MIB,
    azure_rounds=3,
    sharepoint_size=64 * MIB,
    sharepoint_rounds=5,
    service_size=16 * MIB,
    service_count=5,
    service_rounds=3,
    crowd=200,
    crowd_size=50 * MIB,
    moved_small=300,
    moved=50,
    moved_large=4,
    moved_large_size=64 * MIB,
    moved_rounds=3,
    moved_pooled=500,
    planned=100_000,
    synced=10_000,
)

TINY = Sizes(
    name="tiny",
    large_size=MIB,
    large_rounds=1,
    small_count=3,
    small_rounds=1,
    calls=20,
    call_rounds=1,
    starts=1,
    read_size=MIB,
    read_rounds=1,
    memory_size=2 * MIB,
    memory_limit=64 * MIB,
    listed=30,
    bulk_count=5,
    bulk_rounds=1,
    azure_size=MIB,
    azure_rounds=1,
    sharepoint_size=MIB,
    sharepoint_rounds=1,
    service_size=MIB,
    service_count=2,
    service_rounds=1,
    crowd=4,
    crowd_size=2 * MIB,
    moved_small=5,
    moved=3,
    moved_large=1,
    moved_large_size=9 * MIB,
    moved_rounds=1,
    moved_pooled=4,
    planned=2_000,
    synced=20,
)
