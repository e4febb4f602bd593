"""Break the package one line at a time and see whether the tests notice; see README.md.

``.venv/bin/python -m tests.mutation [--tree FOLDER] [--only TARGET] [--promises] [--list] [--skip N]``
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import zip_longest
from pathlib import Path

from .operators import Mutant, mutants_of
from .promises import PROMISES
from .targets import TARGETS, Target

ROOT = Path(__file__).parents[2]
PACKAGE = Path("src/kazinex_storage")
LEAST_TIMEOUT_S = 120.0
TIMEOUT_S = 600.0
"""Of a stage that was not run without a mutant."""
PATIENCE = 5
"""A stage may last so many times longer with a mutant than without."""
FLAGS = ("-x", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", "-p", "no:xdist")


@dataclass(frozen=True, kw_only=True)
class Order:
    """One mutant and the tests that it must not pass."""

    target: Target
    mutant: Mutant
    promise: str = ""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the tests made of it."""

    verdict: str
    """killed, SURVIVED, timeout, or broken: pytest could not run."""
    by: str = ""
    """The first test that failed."""


class Bench:
    """Copies of a tree's package, one for each worker, in which mutants are tried."""

    def __init__(self, tree: Path, home: Path) -> None:
        self._tree = tree
        self._home = home
        self._own = threading.local()
        self._made = 0
        self._lock = threading.Lock()
        self._seconds: dict[tuple[str, ...], float] = {}
        """How long each stage lasted without a mutant."""

    def try_out(self, target: Target, mutant: Mutant | None) -> Outcome:
        """Run the tests of *target* over the package with *mutant* in it; None: over the package as it is."""
        source = self._copy()
        if mutant is None:
            return self._judge(target, source, proving=True)
        path = source / "kazinex_storage" / mutant.module
        whole = path.read_bytes()
        path.write_bytes(mutant.applied(whole))
        try:
            return self._judge(target, source)
        finally:
            path.unlink()
            shutil.copy2(self._tree / PACKAGE / mutant.module, path)
            for stale in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
                stale.unlink()

    def _copy(self) -> Path:
        """Return the folder for PYTHONPATH of this worker."""
        if not hasattr(self._own, "source"):
            with self._lock:
                self._made += 1
                source = self._home / f"src-{self._made}"
            shutil.copytree(self._tree / "src", source)
            self._own.source = source
        found: Path = self._own.source
        return found

    def _judge(self, target: Target, source: Path, *, proving: bool = False) -> Outcome:
        for stage in target.stages:
            known = self._seconds.get(stage)
            timeout = TIMEOUT_S if known is None else max(LEAST_TIMEOUT_S, PATIENCE * known)
            start = time.monotonic()
            arguments = [argument.replace("src/kazinex_storage", str(source / "kazinex_storage")) for argument in stage]
            outcome = self._run(arguments, source, timeout)
            if proving:
                self._seconds[stage] = time.monotonic() - start
            if outcome.verdict != "SURVIVED":
                return outcome
        return Outcome(verdict="SURVIVED")

    def _run(self, arguments: list[str], source: Path, timeout: float) -> Outcome:
        home = Path(tempfile.mkdtemp(prefix="", dir=self._home))  # short: a socket has 108 bytes for its path
        environment = {**os.environ, "PYTHONPATH": str(source), "TMPDIR": str(home)}
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *FLAGS, "-rfE", *arguments],
            cwd=self._tree,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            printed, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
            return Outcome(verdict="timeout", by=" ".join(arguments))
        finally:
            shutil.rmtree(home, ignore_errors=True)
        failed = [line for line in printed.splitlines() if line.startswith(("FAILED ", "ERROR "))]
        if process.returncode == 0:
            return Outcome(verdict="SURVIVED")
        if process.returncode in (1, 2) or (process.returncode == 4 and "Error" in printed):  # 4: a conftest that fails
            return Outcome(verdict="killed", by=failed[0].split(" ")[1] if failed else "collection")
        return Outcome(verdict="broken", by=(printed.strip().splitlines() or ["nothing was printed"])[-1])


def sources_of(tree: Path) -> dict[str, bytes]:
    """Return every module of *tree* by its path below the package."""
    package = tree / PACKAGE
    return {str(path.relative_to(package)): path.read_bytes() for path in sorted(package.rglob("*.py"))}


def promised(sources: dict[str, bytes]) -> tuple[list[Order], list[str]]:
    """Return the mutants written by hand, and the names of those whose text is not there exactly once."""
    found, stale = list[Order](), list[str]()
    for promise in PROMISES:
        before = promise.before.encode()
        places = [name for name in sources if fnmatch(name, promise.module) and before in sources[name]]
        target = target_of(places[0]) if places else None
        if target is None or len(places) != 1 or sources[places[0]].count(before) != 1:
            stale.append(promise.name)
            continue
        start = sources[places[0]].index(before)
        mutant = Mutant(
            module=places[0],
            line=sources[places[0]][:start].count(b"\n") + 1,
            operator="promise",
            before=promise.before,
            after=promise.after,
            start=start,
            end=start + len(before),
        )
        found.append(Order(target=target, promise=promise.name, mutant=mutant))
    return found, stale


def generated(sources: dict[str, bytes]) -> Iterator[Order]:
    """Yield the mutants that are drawn from what the operators make."""
    for target in TARGETS:
        modules = {name: source for name, source in sources.items() if target_of(name) is target}
        yield from (Order(target=target, mutant=mutant) for mutant in drawn(modules, target.mutants))


def drawn(modules: dict[str, bytes], count: int) -> list[Mutant]:
    """Draw *count* mutants: the operators in turn, no function twice, the same each time for the same code."""
    found = sorted(
        (mutant for name, source in modules.items() for mutant in mutants_of(name, source)), key=lambda each: each.rank
    )
    functions, one_each = set[tuple[str, str]](), list[Mutant]()
    for mutant in found:
        if mutant.function and (mutant.module, mutant.function) not in functions:
            functions.add((mutant.module, mutant.function))
            one_each.append(mutant)
    by_operator: dict[str, list[Mutant]] = {}
    for mutant in one_each:
        by_operator.setdefault(mutant.operator, []).append(mutant)
    turns = zip_longest(*(by_operator[operator] for operator in sorted(by_operator)))
    return [mutant for turn in turns for mutant in turn if mutant is not None][:count]


def target_of(module: str) -> Target | None:
    """Return the first target that covers *module*."""
    return next((target for target in TARGETS if target.covers(module)), None)


def described(order: Order) -> str:
    mutant = order.mutant
    change = f"{_short(mutant.before)} -> {_short(mutant.after) or 'nothing'}"
    return f"{mutant.module}:{mutant.line}  {order.promise or mutant.operator}  |  {change}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 70 else f"{line[:67]}..."


def main() -> None:
    """Carry out what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tree", type=Path, default=ROOT, help="the tree that is broken and whose tests are run")
    parser.add_argument("--only", action="append", choices=[target.name for target in TARGETS], help="may be repeated")
    parser.add_argument("--promises", action="store_true", help="only the mutants written by hand")
    parser.add_argument("--list", action="store_true", help="print the mutants and run nothing")
    parser.add_argument("--trust", action="store_true", help="do not run the tests without a mutant first")
    parser.add_argument("--skip", type=int, default=0, metavar="N", help="leave the first N mutants of --list out")
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    sources = sources_of(chosen.tree)
    by_hand, stale = promised(sources)
    wanted = [
        order
        for order in [*by_hand, *([] if chosen.promises else generated(sources))]
        if not chosen.only or order.target.name in chosen.only
    ][chosen.skip :]
    for name in stale:
        print(f"stale     the text of {name!r} is not there exactly once; mend promises.py")
    if chosen.list:
        print("\n".join(described(order) for order in wanted), f"\n{len(wanted)} mutants")
        return
    with tempfile.TemporaryDirectory(prefix="k-") as home, ThreadPoolExecutor(chosen.workers) as pool:
        bench = Bench(chosen.tree.resolve(), Path(home))
        run_all(bench, wanted, pool, trust=chosen.trust)


def run_all(bench: Bench, wanted: list[Order], pool: ThreadPoolExecutor, *, trust: bool) -> None:
    """Run the tests as they are, unless they are trusted, then over every mutant; print a line for each as it ends.

    Raises:
        SystemExit: tests fail without any mutant, or a mutant survived.
    """
    begun = time.monotonic()

    def sound(target: Target) -> Outcome:
        start = time.monotonic()
        outcome = bench.try_out(target, None)
        print(
            f"{'passes' if outcome.verdict == 'SURVIVED' else outcome.verdict:<9} {target.name} as it is, "
            f"{time.monotonic() - start:.0f} s  {outcome.by}",
            flush=True,
        )
        return outcome

    def mutated(order: Order) -> Outcome:
        start = time.monotonic()
        outcome = bench.try_out(order.target, order.mutant)
        print(
            f"{outcome.verdict:<9} {time.monotonic() - start:4.0f} s  {described(order)}  |  {outcome.by}", flush=True
        )
        return outcome

    targets = [target for target in TARGETS if not trust and any(order.target is target for order in wanted)]
    unsound = {
        target.name
        for target, outcome in zip(targets, pool.map(sound, targets), strict=True)
        if outcome.verdict != "SURVIVED"
    }
    outcomes = list(pool.map(mutated, [order for order in wanted if order.target.name not in unsound]))
    counts = Counter(outcome.verdict for outcome in outcomes)
    print(
        f"\n{len(outcomes)} mutants in {time.monotonic() - begun:.0f} s: "
        + ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
    )
    if unsound:
        sys.exit(f"not tried, because their tests fail by themselves: {', '.join(sorted(unsound))}")
    if counts["SURVIVED"] or counts["broken"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
