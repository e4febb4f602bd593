"""Print the counts of the house: ``.venv/bin/python tests/architecture/house.py [FOLDER]``.

FOLDER holds the package (default: ``src/kazinex_storage`` of this tree). The kit, ``testing/``, is left out. A verb is
counted wherever a function or a method has its name, with or without an underscore before it: protocols too.
"""

from __future__ import annotations

import ast
import statistics
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "src" / "kazinex_storage"
VERBS = ("put", "get", "head", "delete", "scan", "children", "copy", "move", "presign", "begin", "complete", "abort")


@dataclass(frozen=True, kw_only=True)
class House:
    """What was counted."""

    lengths: dict[str, int]
    """Lines of each module, by its path."""
    verbs: Counter[str]
    """How often each verb is defined."""

    @property
    def lines(self) -> int:
        return sum(self.lengths.values())

    @property
    def median(self) -> float:
        return statistics.median(self.lengths.values())

    @property
    def longest(self) -> str:
        return max(self.lengths, key=self.lengths.__getitem__)


def house_of(package: Path = PACKAGE) -> House:
    """Read every module of *package* but those of the kit."""
    lengths, verbs = dict[str, int](), Counter[str]()
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package)
        if name.parts[0] != "testing":
            text = path.read_text(encoding="utf-8")
            lengths[str(name)] = len(text.splitlines())
            verbs.update(
                node.name.removeprefix("_")
                for node in ast.walk(ast.parse(text))
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.removeprefix("_") in VERBS
            )
    return House(lengths=lengths, verbs=verbs)


if __name__ == "__main__":
    house = house_of(*map(Path, sys.argv[1:]))
    print(f"lines    {house.lines:,} in {len(house.lengths)} modules, without the kit")
    print(f"median   {house.median:g} lines; longest {house.lengths[house.longest]}, {house.longest}")
    print(f"defined  {', '.join(f'{verb} {house.verbs[verb]}' for verb in VERBS)}")
