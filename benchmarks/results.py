"""What a run measured, as data: sections add to a ``Log``, goals are judged by it, and it is kept as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

AGAIN = " again (A/A)"
"""Ends the name of a contender that is measured a second time, so that the noise shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What one contender needed for one kind of work; times are seconds of one operation."""

    section: str
    what: str
    contender: str
    again: bool = False
    """Whether it is the second of an A/A pair."""
    floor: bool = False
    """Whether it is what the bare engine does, and no peer."""
    median_s: float = 0.0
    low_s: float = 0.0
    high_s: float = 0.0
    cpu_s: float = 0.0
    """Processor time of the client."""
    server_s: float = 0.0
    """Processor time of the server, where it is counted."""
    growth: int | None = None
    """Bytes by which the resident set grew at most; None: not measured."""
    rounds: int = 0
    quiet: int = 0
    """Rounds in which others left the processors alone."""
    error: str = ""
    """Why it was not measured."""


class Measured(Protocol):
    """What can be summed up as one measure: ``rounds.Samples`` and ``s3.crew.Series``."""

    def measure(self, section: str, what: str) -> Measure:
        """Return medians and range."""
        ...


@dataclass(slots=True)
class Run:
    """One run: where it was, and what it measured."""

    facts: dict[str, str] = field(default_factory=dict)
    """Machine, date, commit, versions: without them no figure means anything."""
    sizes: dict[str, int] = field(default_factory=dict)
    """How much was done, for the labels of the rows."""
    elapsed_s: dict[str, float] = field(default_factory=dict)
    """Seconds that each section took."""
    measures: list[Measure] = field(default_factory=list)

    def to_json(self) -> str:
        """Return it as text, one measure a line, so that two runs can be compared by ``diff``."""
        lines = ",\n".join(f"  {json.dumps(_short(measure))}" for measure in self.measures)
        parts = {"facts": self.facts, "sizes": self.sizes, "elapsed_s": self.elapsed_s}
        head = "".join(f'"{name}": {json.dumps(part, indent=1)},\n' for name, part in parts.items())
        return f'{{\n{head}"measures": [\n{lines}\n]\n}}\n'

    @classmethod
    def from_json(cls, text: str) -> Run:
        """Return what ``to_json`` made a text of."""
        found = json.loads(text)
        measures = [Measure(**fields) for fields in found["measures"]]
        return cls(found["facts"], found["sizes"], found["elapsed_s"], measures)

    @classmethod
    def load(cls, path: Path) -> Run:
        """Read a file.

        Raises:
            OSError: it cannot be read.
        """
        return cls.from_json(path.read_text(encoding="utf-8"))


@dataclass(slots=True)
class Log:
    """Where one section leaves what it measured."""

    section: str
    run: Run

    def keep(self, what: str, found: Iterable[Measured]) -> None:
        """Keep the measures of one kind of work; *what* is the name by which a goal finds them."""
        self.run.measures.extend(each.measure(self.section, what) for each in found)

    def grew(self, what: str, contender: str, growth: int) -> None:
        """Keep how many bytes the resident set grew."""
        self.run.measures.append(
            Measure(section=self.section, what=what, contender=contender, growth=growth, rounds=1, quiet=1)
        )


def _short(measure: Measure) -> dict[str, object]:
    default = asdict(Measure(section="", what="", contender=""))
    found = {name: value for name, value in asdict(measure).items() if value != default[name]}
    return {name: float(f"{value:.5g}") if isinstance(value, float) else value for name, value in found.items()}
