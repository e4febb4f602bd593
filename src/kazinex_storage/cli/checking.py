"""``check --recursive``: every document that the register has below a path, compared with what it has of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import typer

from ..documents.checking import RecordChecks, records_below
from ..documents.integrity import IntegrityState
from ..errors import NotFoundError
from ..policy import format_bytes
from .batches import WINDOW, gravest
from .exits import ExitCode, exit_code, message_of
from .operands import parse_remote
from .selecting import nothing_there

if TYPE_CHECKING:
    from ..documents.integrity import Evidence
    from ..documents.register import RevisionRecord
    from .command import RunningCommand

_MISSING = "missing"
"""The state of a document that is recorded and not stored."""

_WRONG = {IntegrityState.TAMPERED.value, IntegrityState.UNKNOWN.value, _MISSING}


def check_below(command: RunningCommand, path: str, by: Evidence) -> None:
    """Check all below *path*, print a table, and end with 3 when one was tampered with, is unproved or missing.

    Raises:
        InvalidUrlError: *path* is in no organisation.
        NotFoundError: the register has nothing there.
        typer.Exit: not all is well.
    """
    operand = parse_remote(path)
    if operand.organisation is None:
        raise nothing_there(operand)
    below = operand.prefix if operand.key.count("/") < 3 else operand.key
    records = list(records_below(command.listing, operand.organisation, operand.project, below))
    if not records and operand.key:
        raise nothing_there(operand)
    labels = {record.id: record.label for record in command.organisations.providers(operand.organisation)}
    checks, found = RecordChecks(command.resolver), dict[int, str]()
    errors = dict[int, Exception]()
    try:
        exchanges = (checks.check(record, by) for record in records)
        for index, outcome in command.transport.run_many(exchanges, WINDOW):
            if isinstance(outcome.error, NotFoundError):
                found[index] = _MISSING
            elif isinstance(outcome.error, Exception):
                errors[index] = outcome.error
                command.out.problem(message_of(outcome.error))
            else:
                found[index] = outcome.result().value
    except KeyboardInterrupt:
        command.out.note(f"{len(found)} of {len(records)} were checked; nothing was changed")
        raise
    _print(command, [(record, found.get(index), errors.get(index)) for index, record in enumerate(records)], labels)
    if errors or _WRONG & set(found.values()):
        codes = {exit_code(error) for error in errors.values()}
        raise typer.Exit(ExitCode.VERIFICATION if _WRONG & set(found.values()) else gravest(codes))


def _print(
    command: RunningCommand, checked: list[tuple[RevisionRecord, str | None, Exception | None]], labels: dict[str, str]
) -> None:
    entries = [
        {
            "key": str(record.document.build()),
            "provider": record.provider,
            "size": record.size,
            "state": state,
            "error": message_of(error) if error is not None else None,
        }
        for record, state, error in checked
    ]
    rows = [
        [state or "not checked", labels.get(record.provider, record.provider), str(record.document.build())]
        for record, state, _ in checked
    ]
    counts = Counter(row[0] for row in rows)
    document = {"items": entries, "counts": dict(sorted(counts.items()))}
    command.out.table(document, ["STATE", "PROVIDER", "DOCUMENT"], rows, "the register has no documents here")
    size = format_bytes(sum(record.size or 0 for record, _, _ in checked))
    said = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    command.out.note(f"{len(rows)} documents ({size}): {said}" if rows else "")
