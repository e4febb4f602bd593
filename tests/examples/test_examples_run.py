"""Every short example runs as it stands, without a warning, and says what it did."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("0[1-69]*.py"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_prints_what_it_did(example: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", str(example)]

    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False, timeout=120)

    assert (0, "") == (done.returncode, done.stderr)
    assert 2 <= len(done.stdout.splitlines())
    assert [] == list(tmp_path.iterdir()), "an example leaves nothing in the current folder"


def test_no_short_example_is_missing() -> None:
    assert ["01", "02", "03", "04", "05", "06", "09"] == [path.name[:2] for path in EXAMPLES]
