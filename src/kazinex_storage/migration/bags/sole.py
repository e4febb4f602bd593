"""One process plans a run: entries are numbered in the order in which they are added, so two must not add at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from ...documents.quotas import utc_now
from ...errors import RecordConflictError, StorageError
from ...lazy import logger
from ..journal import Journal, Run, RunState
from ..leasing import advance
from ..owners import is_gone, this_owner
from .passes import with_facts

_log = logger(__name__)

# A listing of a slow service may give no sign of life for a minute; the thread that renews gives one.
_LEASE: Final = timedelta(seconds=60)


class SolePlanner:
    """That this process plans a run, and no other one does."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self.lost = False
        """Whether another one plans it by now: this one was stopped for too long."""

    def check(self) -> None:
        """Refuse to go on when another process plans the run.

        Raises:
            RecordConflictError: it does.
        """
        if self.lost:
            raise RecordConflictError("another process plans this run by now, as this one was stopped for too long")

    def claim(self, run: Run) -> Run:
        """Return *run* as it is planned by this process, for ``advance``; one that is planned already is left alone.

        Raises:
            RecordConflictError: another process plans it.
        """
        if run.state is not RunState.PLANNING:
            return run
        planner, until = run.facts.get("planner"), run.facts.get("planner_until")
        alive = isinstance(planner, str) and isinstance(until, str) and not is_gone(planner)
        if alive and planner != self._owner and datetime.fromisoformat(str(until)) > utc_now():
            raise RecordConflictError("another process plans this run at the moment; repeat it in a minute")
        return with_facts({"planner": self._owner, "planner_until": (utc_now() + _LEASE).isoformat()})(run)

    def give_back(self, run: Run) -> Run:
        """Return *run* as one that this process does not plan any more, for ``advance``."""
        if run.facts.get("planner") != self._owner:
            return run
        return replace(run, facts={name: fact for name, fact in run.facts.items() if not name.startswith("planner")})


@contextmanager
def planning(journal: Journal, run: Run) -> Iterator[tuple[Run, SolePlanner]]:
    """Plan *run* alone in a block; yield it as it is now, which may be planned already.

    Raises:
        RecordConflictError: another process plans it.
    """
    sole, done = SolePlanner(this_owner()), threading.Event()
    run = advance(journal, run, sole.claim)

    def renew() -> None:
        while not done.wait(_LEASE.total_seconds() / 6):
            try:
                advance(journal, run, sole.claim)
            except RecordConflictError:
                sole.lost = True
                return
            except StorageError as error:  # the next sign of life may come through
                _log.warning("that a run is being planned could not be noted: %s", error)

    thread = threading.Thread(target=renew, name="kazinex-planner", daemon=True)
    thread.start()
    try:
        yield run, sole
    finally:
        done.set()
        thread.join()
        try:
            advance(journal, run, sole.give_back)
        except StorageError as error:  # it was dropped, or ends by itself
            _log.debug("that a run is not being planned any more was not noted: %s", error)
