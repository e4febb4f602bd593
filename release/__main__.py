"""``python -m release build | audit | sbom``: what ``make package``, ``make audit`` and ``make sbom`` call."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import audit, distributions, sbom


def main(words: list[str]) -> int:
    """Do what *words* ask for and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m release", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="sdist and wheel, built twice and compared")
    build.add_argument("--out", type=Path, default=Path("dist"))
    for name, text in (("audit", "known vulnerabilities of what is installed"), ("sbom", "CycloneDX of the same")):
        command = commands.add_parser(name, help=text)
        command.add_argument(
            "--tools", type=Path, required=True, help="the bin folder that has pip-audit, cyclonedx-py"
        )
        if name == "sbom":
            command.add_argument("--out", type=Path, default=Path("build/sbom.json"))
    given = parser.parse_args(words)
    if given.command == "build":
        return distributions.report(given.out)
    if given.command == "audit":
        return audit.report(given.tools)
    return sbom.report(given.tools, given.out)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
