"""The list of decisions, made of their files."""

from __future__ import annotations

import re
from pathlib import Path

_TITLE = re.compile(r"# \d+[.:]? +(.+)")


def page(folder: Path) -> str:
    """Return the page that lists every decision of *folder*."""
    rows = []
    for path in sorted(folder.glob("[0-9]*.md")):
        found = _TITLE.match(path.read_text(encoding="utf-8"))
        title = found[1] if found else path.stem[5:].replace("-", " ")
        rows.append(f"| [{path.name[:4]}]({path.name}) | {title[0].upper()}{title[1:]} |")
    return "\n".join(
        [
            "# Decisions",
            "",
            "What was decided, against which alternatives, and what would open the question again: a page each.",
            "",
            "| number | decision |",
            "|---|---|",
            *rows,
            "",
        ]
    )
