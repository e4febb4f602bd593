"""How much the sections of S3 do, in the three sizes of the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..sizes import MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Sizes:
    """One set of sizes; all sizes are bytes."""

    small_count: int
    """Objects of 4 KiB in one round; slow clients do a tenth."""
    small_rounds: int
    bulk_count: int
    bulk_rounds: int
    large_size: int
    large_rounds: int
    listed: int
    listed_rounds: int
    listed_long: int
    listed_long_rounds: int
    files: int
    """Files of 100 KiB; slow clients do all of them too."""
    files_rounds: int
    ranges: int
    ranges_rounds: int
    presigned: int
    presign_rounds: int
    starts: int
    peers: bool = True
    """Whether clients take part that have an environment of their own."""
    real_server: bool = True
    """Whether SeaweedFS is measured as well; it mostly measures itself, so it gets less of the time."""
    real_rounds: int = 3
    real_share: int = 4
    """SeaweedFS gets one in so many of the small objects."""


SIZES: Mapping[str, S3Sizes] = {
    "full": S3Sizes(
        small_count=1_000,
        small_rounds=11,
        bulk_count=8_000,
        bulk_rounds=9,
        large_size=1024 * MIB,
        large_rounds=4,
        listed=20_000,
        listed_rounds=7,
        listed_long=1_000_000,
        listed_long_rounds=3,
        files=1_000,
        files_rounds=5,
        ranges=200,
        ranges_rounds=9,
        presigned=2_000,
        presign_rounds=5,
        starts=11,
    ),
    "quick": S3Sizes(
        small_count=500,
        small_rounds=9,
        bulk_count=3_000,
        bulk_rounds=5,
        large_size=256 * MIB,
        large_rounds=3,
        listed=20_000,
        listed_rounds=3,
        listed_long=1_000_000,
        listed_long_rounds=1,
        files=300,
        files_rounds=3,
        ranges=200,
        ranges_rounds=5,
        presigned=500,
        presign_rounds=3,
        starts=5,
    ),
    "tiny": S3Sizes(
        small_count=10,
        small_rounds=1,
        bulk_count=20,
        bulk_rounds=1,
        large_size=MIB,
        large_rounds=1,
        listed=1_500,
        listed_rounds=1,
        listed_long=2_500,
        listed_long_rounds=1,
        files=4,
        files_rounds=1,
        ranges=5,
        ranges_rounds=1,
        presigned=5,
        presign_rounds=1,
        starts=1,
        peers=False,
        real_server=False,
    ),
}
"""By the name of the general sizes."""
