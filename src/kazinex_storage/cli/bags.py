"""``export`` and ``import``: all that an organisation has stored, into bags (RFC 8493) and out of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from ..errors import RecordNotFoundError
from ..json_text import write_json
from ..keys import check_identifier
from .command import Organisation, RunningCommand, command_of
from .exits import ExitCode, UsageError
from .progress import TransferBar

if TYPE_CHECKING:
    from ..documents.receipts import StoredDocument
    from ..migration.bags.exporting import ExportReport
    from ..migration.bags.importing import ImportReport
    from ..migration.journal import Entry
    from ..migration.progress import OnProgress
    from ..migration.rates import RateLimits
    from ..storage.sync import Storage

# What an export to a provider is called unless it is said; one name, so that the same command goes on.
_NAME = "export"


class Format(Enum):
    """What a bag is."""

    BAGIT = "bagit"


FormatOption: TypeAlias = Annotated[Format, typer.Option("--format", help="BagIt, RFC 8493.")]

_WHERE = "FOLDER|PROVIDER[:NAME]"
To: TypeAlias = Annotated[
    str, typer.Option("--to", metavar=_WHERE, help="A folder, or the label or id of one of the providers.")
]
From: TypeAlias = Annotated[
    str, typer.Option("--from", metavar=_WHERE, help="A bag or a folder of bags, or what export --to was given.")
]

Bandwidth: TypeAlias = Annotated[
    str | None, typer.Option("--bandwidth", metavar="RATE", help="The most that is read and written, such as 50MB/s.")
]


def export(
    context: typer.Context,
    organisation: Organisation,
    to: To,
    project: Annotated[str | None, typer.Option("--project", help="The only project.")] = None,
    max_bag_size: Annotated[
        str | None, typer.Option("--max-bag-size", metavar="SIZE", help="Begin another bag before one is larger.")
    ] = None,
    accept_rewritten: Annotated[
        bool, typer.Option("--accept-rewritten", help="Pack files that SharePoint rewrote as they are now.")
    ] = False,
    leave_out_failed: Annotated[
        bool, typer.Option("--leave-out-failed", help="Finish bags without what cannot be read, and name it in them.")
    ] = False,
    bandwidth: Bandwidth = None,
    format_: FormatOption = Format.BAGIT,  # noqa: ARG001  # there is one
) -> None:
    """Pack all that an organisation has stored into bags, with receipts and removals; nothing is deleted.

    The same command goes on after an interrupt or a failure. A bag is finished when all of it is there, and never
    written over. Exit code 3 when something is not in a finished bag.
    """
    from ..migration.bags.exporting import export_bags
    from ..migration.bags.options import ExportOptions
    from .sizes import parse_size

    command = command_of(context)
    options = ExportOptions(
        max_bag_bytes=parse_size(max_bag_size) if max_bag_size is not None else None,
        accept_rewritten=accept_rewritten,
        leave_out_failed=leave_out_failed,
        limits=_limits(bandwidth),
    )
    place = _place(command, organisation, to)
    with TransferBar(command.out, f"exporting {organisation}", None) as bar:
        report = export_bags(
            command.resolver, organisation, place, project=project, options=options, on_progress=_moving(command, bar)
        )
    _print_export(command, report)


def import_(
    context: typer.Context,
    organisation: Organisation,
    from_: From,
    as_: Annotated[
        str | None,
        typer.Option("--as", metavar="ORGANISATION", help="Store them for another organisation than the bags are of."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the bags, and store nothing.")] = False,
    restore_removed: Annotated[
        bool, typer.Option("--restore-removed", help="Store documents again that were removed since.")
    ] = False,
    receipts: Annotated[
        Path | None, typer.Option("--receipts", metavar="FILE", help="Append the receipts, a line of JSON each.")
    ] = None,
    bandwidth: Bandwidth = None,
    format_: FormatOption = Format.BAGIT,  # noqa: ARG001  # there is one
) -> None:
    """Check bags whole, then store their documents for the organisation that they are of, under its own rules.

    Nothing is stored when one of the bags was altered or is incomplete, and nothing is written over. The same command
    goes on after an interrupt or a failure. Exit code 3 when something of the bags is not stored.
    """
    from ..migration.bags.importing import import_bags
    from ..migration.bags.options import ImportOptions

    command = command_of(context)
    options = ImportOptions(
        renamed_from=organisation if as_ is not None else None,
        restore_removed=restore_removed,
        dry_run=dry_run,
        limits=_limits(bandwidth),
    )
    place = _place(command, organisation, from_)
    with ExitStack() as stack:
        bar = stack.enter_context(TransferBar(command.out, f"importing {as_ or organisation}", None))
        report = import_bags(
            command.resolver,
            as_ or organisation,
            place,
            options=options,
            on_receipt=_writer(receipts, stack) if receipts is not None else None,
            on_progress=_moving(command, bar),
        )
    _print_import(command, report)


def _place(command: RunningCommand, organisation: str, text: str) -> Path | Storage:
    """Return the folder, or the place on a provider of the organisation, that *text* names.

    Raises:
        UsageError: it names both.
    """
    if os.sep in text or text in (".", ".."):
        return Path(text)
    from ..migration.bags.places import bags_on

    label, name = text, _NAME
    try:
        record = command.organisations.find(organisation, text)
    except RecordNotFoundError:
        label, colon, name = text.rpartition(":")
        if not colon:
            return Path(text)
        record = command.organisations.find(organisation, label)
    if Path(text).exists():
        raise UsageError(f"{text!r} is a folder and a provider; write ./{text}, or {record.id}:{name}")
    check_identifier(name, "name of an export")
    return bags_on(command.resolver.by_id(organisation, record.id), name)


def _limits(bandwidth: str | None) -> RateLimits:
    from ..migration.rates import RateLimits, parse_bandwidth

    return RateLimits(bandwidth=parse_bandwidth(bandwidth) if bandwidth is not None else None)


def _moving(command: RunningCommand, bar: TransferBar) -> OnProgress | None:
    if not command.out.shows_progress:
        return None
    return lambda progress: bar.advance(progress.done.bytes, progress.total.bytes)


def _writer(file: Path, stack: ExitStack) -> Callable[[StoredDocument], object]:
    """Return what appends receipts to *file*, each in one write, so that a kill leaves whole lines."""
    from ..system import CLOSE_ON_EXEC  # what only looks at commands does without

    opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | CLOSE_ON_EXEC, 0o600)
    stack.callback(os.close, opened)
    return lambda receipt: os.write(opened, f"{write_json(receipt.to_dict())}\n".encode())


def _print_export(command: RunningCommand, report: ExportReport) -> None:
    lines = [f"{bag.name}: {bag.objects} objects, {bag.bytes:,} bytes, {bag.tag_manifest}" for bag in report.bags]
    lines += [f"{name}: not finished" for name in report.unfinished]
    command.out.result(report.to_dict(), lines or [f"{report.run.organisation} has nothing stored"])
    for label in report.unlisted:
        command.out.note(f"the provider {label} did not answer and is left out")
    if report.shadowed:
        command.out.note(
            f"{report.shadowed} objects are left out: another provider, which comes first, has one of the same key"
        )
    _print_failures(command, report.failures)
    if report.whole:
        command.out.note(
            f"all is in {report.to}; keep the last column elsewhere: it is the sha256 of each tagmanifest-sha256.txt"
        )
        return
    if report.unfinished:
        command.out.note("the same command tries these again; --leave-out-failed finishes the bags without them")
    raise typer.Exit(ExitCode.VERIFICATION)


def _print_import(command: RunningCommand, report: ImportReport) -> None:
    counts = {state.value: count for state, count in report.counts.items() if count.objects}
    lines = [f"{name}: {count.objects} objects, {count.bytes:,} bytes" for name, count in sorted(counts.items())]
    command.out.result(report.to_dict(), lines)
    if report.removals:
        command.out.note(f"{report.removals} revisions that were removed before are taken here too")
    _print_failures(command, report.failures)
    if not report.whole:
        raise typer.Exit(ExitCode.VERIFICATION)


def _print_failures(command: RunningCommand, failures: tuple[Entry, ...]) -> None:
    for entry in failures:
        command.out.note(f"{entry.key}: {entry.state.value}: {entry.reason}")
