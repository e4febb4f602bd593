"""The public names and signatures are those that were accepted; a change of them is a decision, not an accident."""

from __future__ import annotations

import difflib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
COMMAND = "python tests/architecture/public_names.py > tests/architecture/public_names.txt"


def test_public_names_and_signatures_are_the_accepted_ones() -> None:
    accepted = (HERE / "public_names.txt").read_text(encoding="utf-8")

    run = subprocess.run([sys.executable, HERE / "public_names.py"], capture_output=True, text=True, check=True)

    changes = "\n".join(
        difflib.unified_diff(accepted.splitlines(), run.stdout.splitlines(), "accepted", "found", lineterm="", n=0)
    )
    assert "" == changes, f"if it is meant, note it in the changelog and run: {COMMAND}"
