"""The benchmarks run; what they measure is not judged here."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# What starts servers and clients, or takes long, is run by `make soak`; what all sections share, the measuring and the
# report, is in the others too.
GROUPS = {
    "local": {
        "overhead": "Overhead",
        "receipts": "Receipts",
        "fs": "fsspec",
        "sync": "Sync",
        "s3-presign": "S3, presign",
    },
    "services": {
        "sharepoint": "SharePoint",
        "s3-bulk": "S3, bulk",
        "s3-list": "S3, list",
        "s3-files": "S3, files",
        "s3-ranges": "S3, ranges",
    },
    "long": {
        "bulk": "Bulk",
        "import": "Import",
        "small-objects": "Small objects",
        "large-put": "Large put",
        "memory": "Memory",
        "azure": "Azure",
        "service": "Service",
        "migration": "Migration",
        "commands": "Commands",
        "s3-start": "S3, start",
        "s3-small": "S3, small",
        "s3-large": "S3, large",
    },
}
"""The title of each section by its name."""


@pytest.mark.parametrize(
    "group", [pytest.param(name, marks=[] if name == "local" else [pytest.mark.soak]) for name in GROUPS]
)
def test_every_section_prints_its_figures(group: str, tmp_path: Path) -> None:
    chosen = [part for name in GROUPS[group] for part in ("--only", name)]
    here, kept = tmp_path / "here", tmp_path / "run.json"
    here.mkdir()

    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", "benchmarks", "--tiny", "--folder", here, "--json", kept, *chosen],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (0, "") == (run.returncode, run.stderr)
    assert [] == [title for title in GROUPS[group].values() if f"\n{title}: " not in run.stdout]
    assert "skipped" not in run.stdout
    assert [] == list(here.iterdir())
    assert set(GROUPS[group]) == set(json.loads(kept.read_text())["elapsed_s"])
    assert "not measured" not in run.stdout  # of a goal: its section calls the work or ours by another name


def test_no_section_is_left_out() -> None:
    usage = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    offered = re.search(r"--only \{([^}]*)\}", usage.stdout)

    assert offered is not None
    assert {name for group in GROUPS.values() for name in group} == set(re.sub(r"\s", "", offered[1]).split(","))
