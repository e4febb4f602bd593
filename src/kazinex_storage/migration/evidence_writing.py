"""Evidence: what a run found, as a signed file that an auditor can check without this package and without a network.

The reports of an organisation are a chain, as the lines of each are: each names the hash of the one before it, so that
none can be left out or replaced later without a trace. ``evidence_checking.py`` checks one.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from ..errors import AlreadyExistsError, RecordConflictError, RecordNotFoundError, SettingsError
from ..system import sync_folder
from ..values import value
from .evidence_lines import START, ReportPlace, hash_of, lines_of, signature_line
from .journal import Entry, EntryState, Journal, Run, RunKind, RunState

if TYPE_CHECKING:
    from ..organisations.resolver import Resolver

CHAIN_ID: Final = "evidence"
"""The id of the run that keeps where the chain of the reports of an organisation ends; it has no entries."""

_FACTS: Final = "evidence"
_PAGE: Final = 1000
# Each try fails only when another report of the same organisation was kept in between.
_TRIES: Final = 20
_READY: Final = frozenset({RunState.DONE, RunState.CUT_OVER, RunState.ROLLED_BACK, RunState.ENDED})


class Signing(Protocol):
    """Signs for one organisation; ``organisations.signing.EvidenceSigner`` is the one there is."""

    @property
    def key_id(self) -> str:
        """Which key it is."""
        ...

    def sign(self, message: bytes) -> str:
        """Return the signature of *message*, in base64."""
        ...


@value
class Evidence:
    """A report that was written."""

    path: Path
    organisation: str
    run: str
    number: int
    """Its number among the reports of the organisation, from 1."""
    hash: str
    """Names it; the next report holds it. Keep it elsewhere."""
    previous: str
    """That of the report before."""
    entries: int
    """How many objects it lists."""

    def to_dict(self) -> dict[str, object]:
        """Return it as values that JSON can hold."""
        return {
            "path": str(self.path),
            "organisation": self.organisation,
            "run": self.run,
            "number": self.number,
            "hash": self.hash,
            "previous": self.previous,
            "entries": self.entries,
        }


def evidence(resolver: Resolver, organisation: str, run: str, path: str | os.PathLike[str]) -> Evidence:
    """Write the report of a run of *organisation* that is done into the file *path*; see ``write_evidence``.

    It is signed with the key of the organisation, whose public half is ``organisations.signing.evidence_key``.

    Raises:
        SettingsError: the catalogue has no keys, or as in ``write_evidence``.
        StorageError: as in ``write_evidence``.
        OSError: *path* cannot be written.
    """
    from ..organisations.signing import evidence_signer  # loads cryptography

    catalogue = resolver.organisations.catalogue
    return write_evidence(catalogue.journal, organisation, run, path, evidence_signer(catalogue, organisation))


def write_evidence(
    journal: Journal,
    organisation: str,
    run: str,
    path: str | os.PathLike[str],
    signer: Signing,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Evidence:
    """Write the report of a run that is done into the file *path*, whole or not at all.

    As long as the run stays as it is, and the sealing key, further calls write the same report; else the next one.
    Memory stays flat; the file has some 400 bytes for each entry. No request to a provider.

    Raises:
        RecordNotFoundError: the organisation has no such run.
        SettingsError: the run is not done, or something of it is still planned; or the keys cannot be read.
        AlreadyExistsError: *path* is there, and is another report.
        RecordConflictError: other reports of the organisation are being made all the time.
        OSError: *path* cannot be written.
    """
    draft = _Draft(Path(path), signer)
    try:
        made = _written(journal, organisation, run, draft, clock)
        draft.publish()
    finally:
        draft.remove()
    return made


def _written(journal: Journal, organisation: str, run: str, draft: _Draft, clock: Callable[[], datetime]) -> Evidence:
    for _ in range(_TRIES):
        found = journal.run(organisation, run)
        if found is None:
            raise RecordNotFoundError(f"the organisation {organisation!r} has no run with the id {run!r}")
        _check_done(journal, found)
        made = _again(journal, found, draft) or _next(journal, found, draft, clock)
        if made is not None:
            return made
    raise RecordConflictError(
        f"the run {run!r}, or the end of the chain of evidence, is being changed by others; try again"
    )


def _check_done(journal: Journal, run: Run) -> None:
    if run.id == CHAIN_ID or run.state not in _READY or journal.counts(run).get(EntryState.PLANNED):
        raise SettingsError(
            f"the run {run.id!r} is not done: evidence is of what was found, not of what is planned; let it end first"
        )


def _again(journal: Journal, run: Run, draft: _Draft) -> Evidence | None:
    """Write the report that was made of *run* before; None when there was none, or the run has changed since."""
    kept = run.facts.get(_FACTS)
    if not isinstance(kept, Mapping):
        return None
    place = ReportPlace(
        number=int(kept["number"]),
        previous=str(kept["previous"]),
        made_at=str(kept["made_at"]),
        key_id=draft.key_id,
    )
    made = draft.write(journal, run, place)
    return made if made.hash == kept["hash"] else None


def _next(journal: Journal, run: Run, draft: _Draft, clock: Callable[[], datetime]) -> Evidence | None:
    """Write the next report of the organisation, and keep where its chain ends; None when another one was faster."""
    end = journal.run(run.organisation, CHAIN_ID)
    place = ReportPlace(
        number=int(str(end.facts["number"])) + 1 if end is not None else 1,
        previous=str(end.facts["hash"]) if end is not None else START,
        made_at=clock().isoformat(),
        key_id=draft.key_id,
    )
    made = draft.write(journal, run, place)
    facts = {"number": place.number, "hash": made.hash}
    whole = {**facts, "previous": place.previous, "made_at": place.made_at}
    try:
        with journal.together():
            if end is None:
                journal.add_run(_end_of(run.organisation, facts, clock()))
            else:
                journal.replace_run(replace(end, facts=facts))
            journal.replace_run(replace(run, facts={**run.facts, _FACTS: whole}))
    except RecordConflictError:
        return None
    return made


def _end_of(organisation: str, facts: Mapping[str, object], at: datetime) -> Run:
    return Run(
        organisation=organisation,
        id=CHAIN_ID,
        kind=RunKind.AUDIT,
        source="",
        target="",
        state=RunState.ENDED,
        facts=facts,
        begun_at=at,
        ended_at=at,
    )


class _Draft:
    """The file before it has its name."""

    def __init__(self, path: Path, signer: Signing) -> None:
        self._path = path
        self._signer = signer
        self.key_id = signer.key_id
        """The id of the key that signs."""
        self._draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")

    def write(self, journal: Journal, run: Run, place: ReportPlace) -> Evidence:
        """Write all lines, in the place of what was written before."""
        count, line = -2, b""
        with open(self._draft, "wb") as file:
            for line in lines_of(_without_evidence(run), _entries(journal, run), place):
                file.write(line + b"\n")
                count += 1
            file.write(signature_line(self._signer.sign(line)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return Evidence(
            path=self._path,
            organisation=run.organisation,
            run=run.id,
            number=place.number,
            hash=hash_of(line),
            previous=place.previous,
            entries=count,
        )

    def publish(self) -> None:
        """Give the file its name.

        Raises:
            AlreadyExistsError: that is taken by something else.
        """
        try:
            os.link(self._draft, self._path)
        except FileExistsError:
            if not _alike(self._draft, self._path):
                raise AlreadyExistsError(
                    f"there is another file at {str(self._path)!r}, and evidence replaces none; name another path"
                ) from None
        sync_folder(self._path.parent)

    def remove(self) -> None:
        """Remove the hidden name."""
        self._draft.unlink(missing_ok=True)


def _without_evidence(run: Run) -> Run:
    return replace(run, facts={name: fact for name, fact in run.facts.items() if name != _FACTS})


def _entries(journal: Journal, run: Run) -> Iterator[Entry]:
    first = 0
    while page := journal.entries(run, first=first, limit=_PAGE):
        yield from page
        first = page[-1].number + 1


def _alike(one: Path, other: Path) -> bool:
    with open(one, "rb") as first, open(other, "rb") as second:
        while block := first.read(_BLOCK):
            if block != second.read(_BLOCK):
                return False
        return not second.read(1)


_BLOCK: Final = 1 << 20
