"""``evidence``: what was stored, removed and moved, signed line by line; for others, who check it offline."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..lazy import regex
from .check import read_receipt
from .command import Organisation, RunningCommand, command_of
from .exits import ExitCode, UsageError

if TYPE_CHECKING:
    from ..organisations.evidence.checking import ChainReport

_KNOWN = regex(r"([0-9]+):([0-9a-f]{64})")
_BLOCK = 1 << 20

Project = Annotated[str, typer.Option("--project", help="The id of the project.")]
"""The option that names the project."""

Known = Annotated[
    str | None,
    typer.Option("--known", metavar="NUMBER:HASH", help="What an earlier check printed: shows a rollback."),
]
"""The option for what is known from outside."""


def build(epilog: str) -> typer.Typer:
    """Return the group."""
    group = typer.Typer(
        help="Export, prove, stamp and verify the signed evidence of receipts.",
        rich_markup_mode=None,
    )
    for name, command in (
        ("verify", verify),
        ("key", key),
        ("export", export),
        ("proof", proof),
        ("stamp", stamp),
        ("check", check),
        ("complete", complete),
    ):
        group.command(name, epilog=epilog)(command)
    return group


def verify(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What export, proof or 'migrate evidence' wrote.")],
    keys: Annotated[list[Path], typer.Option("--key", metavar="FILE", help="Public keys, as 'key' printed them.")],
    known: Known = None,
    document: Annotated[
        Path | None, typer.Option("--document", metavar="FILE", help="A file that has to be one of those it is of.")
    ] = None,
    roots: Annotated[
        list[Path] | None,
        typer.Option("--time-stamp-root", metavar="FILE", help="Certificates in PEM, whose stamps are believed."),
    ] = None,
    previous: Annotated[
        str | None, typer.Option("--previous", metavar="HASH", help="Of the report before, for a report of a run.")
    ] = None,
) -> None:
    """Check evidence of any sort, without a catalogue and a network. Exit code 3 when something is wrong with it."""
    command = command_of(context)
    if _is_report(file):
        if known or document or roots or len(keys) != 1:
            raise UsageError(f"{file} is the report of a run; it takes one --key, and --previous")
        _verify_report(command, file, keys[0], previous)
        return
    if previous is not None:
        raise UsageError("--previous is for reports of runs; give --known")
    from ..organisations.evidence.checking import Trust, check_receipts
    from ..organisations.signing import public_keys_in

    trust = Trust(
        keys=tuple(pem for each in keys for pem in public_keys_in(each.read_text(encoding="utf-8"))),
        known=earlier(known),
        sha256=_sha256_of(document) if document is not None else None,
        stamp_roots=tuple(each.read_bytes() for each in roots or ()),
    )
    _show(command, check_receipts(file, trust))


def key(
    context: typer.Context,
    organisation: Organisation,
    key_id: Annotated[
        str | None, typer.Option("--id", help="The id that an earlier line names; by default, that of now.")
    ] = None,
) -> None:
    """Print the public key that the evidence of an organisation is checked with; give it away before any evidence."""
    command = command_of(context)
    found = command.organisations.evidence.key(organisation, key_id)
    command.out.result(found.to_dict(), found.pem.splitlines())


def export(
    context: typer.Context,
    organisation: Organisation,
    project: Project,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A new file, or - for standard output.")],
    after: Annotated[int, typer.Option("--after", min=0, help="Leave out the lines up to this number.")] = 0,
) -> None:
    """Write the evidence of a project, for somebody who checks it with 'evidence verify', or openssl."""
    command = command_of(context)
    evidence = command.organisations.evidence
    if file == "-":
        for line in evidence.lines(organisation, project, after=after):
            command.out.data(line)
        return
    with open(_new(file), "wb") as written:
        end = evidence.export(organisation, project, written, after=after)
    command.out.result(
        {**end.to_dict(), "file": file}, [f"{end.lines} lines in {file}; keep this: {end.number}:{end.hash}"]
    )


def proof(
    context: typer.Context,
    receipt: Annotated[str, typer.Argument(metavar="RECEIPT", help="What put --json printed; - is standard input.")],
    file: Annotated[str, typer.Argument(metavar="FILE", help="A new file.")],
) -> None:
    """Write the proof of one receipt, which 'evidence verify --document' checks together with the document."""
    command = command_of(context)
    found = command.documents.proof(read_receipt(receipt))
    with open(_new(file), "wb") as written:
        written.write(found.content)
    seen = f", and seen by a time stamp service at {found.stamped_at:%Y-%m-%d %H:%M:%S} UTC" if found.stamped_at else ""
    lines = [f"{found.document.build()}: {found.kind} as the line {found.number} of its project{seen}"]
    lines += [f"since then: {', '.join(found.later)}"] if found.later else []
    command.out.result({**found.to_dict(), "file": file}, lines)


def stamp(
    context: typer.Context,
    organisation: Organisation,
    project: Annotated[
        str | None, typer.Option("--project", help="The id of a project; by default, all of the organisation.")
    ] = None,
) -> None:
    """Have the time stamp service of KAZINEX_STORAGE_TIME_STAMP_URL see what was added since it did last."""
    command = command_of(context)
    evidence = command.organisations.evidence
    projects: Sequence[str] = (project,) if project is not None else evidence.projects(organisation)
    made = [evidence.stamp(organisation, each, command.resolver.transport) for each in projects]
    found = [each for each in made if each is not None]
    lines = [f"{each.project}: all up to the line {each.number} was there at {each.at.isoformat()}" for each in found]
    command.out.result(
        {"organisation": organisation, "stamps": [each.to_dict() for each in found]},
        lines or ["nothing was added since the last stamp"],
    )


def check(context: typer.Context, organisation: Organisation, project: Project, known: Known = None) -> None:
    """Check the evidence in the catalogue itself, with its own keys. Exit code 3 when something is wrong with it."""
    command = command_of(context)
    _show(command, command.organisations.evidence.verify(organisation, project, earlier(known)))


def complete(context: typer.Context, organisation: Organisation) -> None:
    """Add lines of what releases before the evidence have stored."""
    command = command_of(context)
    count = command.organisations.evidence.complete(organisation)
    command.out.result({"organisation": organisation, "added": count}, [f"{count} lines were added"])


def earlier(known: str | None) -> tuple[int, str] | None:
    """Return what ``--known`` says.

    Raises:
        UsageError: it is written in another way.
    """
    if known is None:
        return None
    found = _KNOWN.fullmatch(known)
    if found is None:
        raise UsageError("--known is NUMBER:HASH as 'evidence export' prints it")
    return int(found[1]), found[2]


def _show(command: RunningCommand, report: ChainReport) -> None:
    lines = [f"{'whole' if each.line is None else f'line {each.line}'}: {each.problem}" for each in report.problems]
    if report.ok:
        what = f"{report.organisation}/{report.project}: {report.lines} of {report.chain_end} lines"
        lines = [f"{what} are as they were signed; keep this: {report.number}:{report.hash}"]
        if report.document is not None:
            said = report.document
            name = "/".join(str(said[part]) for part in ("document", "revision", "filename"))
            lines.append(f"{name}: {said['kind']} at {said['at']}, sha256 {said['sha256']}")
        lines += [f"seen by a time stamp service at {each}" for each in report.stamps]
    command.out.result(report.to_dict(), lines)
    if not report.ok:
        raise typer.Exit(ExitCode.VERIFICATION)


def _verify_report(command: RunningCommand, file: Path, key: Path, previous: str | None) -> None:
    from . import proving

    proving.check_evidence(command, file, key, previous)


def _is_report(file: Path) -> bool:
    """Say whether *file* begins as the report of a run does."""
    with file.open("rb") as opened:
        return opened.read(64).lstrip().startswith(b'{"kazinex_evidence"')


def _sha256_of(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while block := opened.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _new(file: str) -> int:
    from ..system import CLOSE_ON_EXEC  # what only looks at commands does without

    try:
        return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | CLOSE_ON_EXEC, 0o600)
    except FileExistsError as error:
        raise UsageError(f"{file!r} exists already, and evidence is never overwritten; name another file") from error
