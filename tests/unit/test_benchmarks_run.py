"""The benchmarks run; what they measure is not judged here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECTIONS = (
    "Large put",
    "Small objects",
    "Overhead",
    "Import",
    "fsspec",
    "Memory",
    "Bulk",
    "S3, small",
    "S3, bulk",
    "S3, large",
    "S3, list",
    "S3, files",
    "S3, ranges",
    "S3, presign",
    "S3, start",
)


def test_every_section_prints_its_figures(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", "benchmarks", "--tiny", "--folder", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (0, "") == (run.returncode, run.stderr)
    assert [] == [section for section in SECTIONS if f"\n{section}: " not in run.stdout]
    assert "skipped" not in run.stdout
    assert [] == list(tmp_path.iterdir())
