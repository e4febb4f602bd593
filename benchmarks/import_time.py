"""What importing the package costs a program that may never store anything."""

from __future__ import annotations

import functools
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

from .results import AGAIN, Log
from .rounds import Contender, alternate, heading, show
from .sizes import Sizes

STATEMENTS = (
    "pass",
    "import kazinex_storage",
    "from kazinex_storage import Storage",
    "from kazinex_storage import DocumentStore, AsyncStorage",
    "import fsspec",
)
HEAVY = (
    "asyncio",
    "azure",
    "boto3",
    "botocore",
    "cryptography",
    "fsspec",
    "msal",
    "pycurl",
    "pydantic",
    "rich",
    "sqlalchemy",
    "typer",
)


def run(folder: Path, sizes: Sizes, log: Log) -> None:
    """Print the section."""
    heading("Import: a fresh interpreter each time, wall clock")
    variables = compiling_once(folder / "bytecode")
    for statement in STATEMENTS:
        start(statement, variables)
    contenders = [
        Contender(name=name, work=functools.partial(start, statement, variables))
        for name, statement in [(f"pass{AGAIN}", "pass"), *((each, each) for each in STATEMENTS)]
    ]
    samples = alternate([contenders[1], contenders[0], *contenders[2:]], sizes.starts)
    show("one start", samples)
    log.keep("import", samples)
    for statement in STATEMENTS[1:3]:
        runs = [import_times(statement, variables) for _ in range(sizes.starts)]
        median_ms = statistics.median(milliseconds for milliseconds, _ in runs)
        print(
            f"  -X importtime, {statement!r}: {median_ms:.1f} ms (median of {len(runs)}), {runs[0][1]} modules of ours"
        )
        print(f"  of {', '.join(HEAVY)}: {loaded(statement) or 'none loaded'}")


def compiling_once(bytecode: Path) -> dict[str, str]:
    """Return variables with which everything is compiled into *bytecode* once, as it is where pip installed it."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**variables, "PYTHONPYCACHEPREFIX": str(bytecode)}


def start(statement: str, variables: dict[str, str]) -> None:
    """Run an interpreter with one statement."""
    subprocess.run([sys.executable, "-c", statement], check=True, env=variables)


def import_times(statement: str, variables: dict[str, str]) -> tuple[float, int]:
    """Return the milliseconds that ``-X importtime`` counts for the package, and how many of its modules it loaded."""
    found = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", statement],
        check=True,
        capture_output=True,
        text=True,
        env=variables,
    ).stderr
    lines = re.findall(r"^import time:\s+\d+ \|\s+(\d+) \| ( *)(\S+)$", found, re.MULTILINE)
    own = [(int(cumulative), name) for cumulative, indent, name in lines if name.startswith("kazinex_storage")]
    top = [int(cumulative) for cumulative, indent, name in lines if name.startswith("kazinex_storage") and not indent]
    return sum(top) / 1e3, len(own)


def loaded(statement: str) -> str:
    """Return which heavy packages are loaded after *statement*."""
    program = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return " ".join(sorted(set(run.stdout.split()) & set(HEAVY)))
