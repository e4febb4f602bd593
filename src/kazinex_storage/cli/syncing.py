"""``sync``: a folder, a URL or a part of an organisation is made equal to another, one way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal, cast, get_args

import typer

from .command import RunningCommand, Yes, command_of, confirm
from .exits import ExitCode, UsageError, exit_code, message_of
from .operands import LocalOperand, Operand, parse_either

if TYPE_CHECKING:
    from ..syncing.ends import End
    from ..syncing.reports import SyncItem, SyncReport
    from ..syncing.syncs import SyncOptions

# As the library has them; it is not loaded for --help.
_Comparison = Literal["time", "size", "sha256"]

_GRAVEST: Final = (ExitCode.FAILED, ExitCode.SETTINGS, ExitCode.REFUSED, ExitCode.NOT_FOUND, ExitCode.USAGE)

_END: Final = "A folder, kazinex://organisation/project/..., or a URL such as r2://bucket/folder/."


def sync(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help=_END)],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="Likewise; at least one of the two is a URL.")],
    by: Annotated[
        str, typer.Option("--by", metavar="time|size|sha256", help="What tells whether two are the same.")
    ] = "time",
    delete: Annotated[bool, typer.Option("--delete", help="Delete what the source has no more; asks.")] = False,
    max_delete: Annotated[
        str, typer.Option("--max-delete", metavar="N|N%", help="Change nothing if more would be deleted.")
    ] = "10%",
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="Let an empty source delete all that the target has.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Change nothing, say what would be done.")] = False,
    include: Annotated[
        list[str] | None, typer.Option("--include", metavar="PATTERN", help="Only these, as in .gitignore; repeatable.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option("--exclude", metavar="PATTERN", help="Not these; repeatable.")
    ] = None,
    yes: Yes = False,
) -> None:
    """Make TARGET equal to SOURCE, one way: copy what it lacks, replace what differs. Run it again to go on.

    What is written once is never replaced, and nothing is deleted without --delete.
    """
    from ..syncing.guarding import MostDeletes
    from ..syncing.syncs import SyncOptions

    command = command_of(context)
    if by not in get_args(_Comparison):
        raise UsageError(f"--by {by[:40]!r}: give {', '.join(get_args(_Comparison))}")
    options = SyncOptions(
        by=cast(_Comparison, by),
        delete=delete,
        max_delete=MostDeletes.parse(max_delete),
        allow_empty=allow_empty,
        dry_run=dry_run,
        include=tuple(include or ()),
        exclude=tuple(exclude or ()),
    )
    _run(command, parse_either(source), parse_either(target), options, yes=yes)


def _run(command: RunningCommand, source: Operand, target: Operand, options: SyncOptions, *, yes: bool) -> None:
    from ..syncing.syncs import sync

    if isinstance(source, LocalOperand) and isinstance(target, LocalOperand):
        raise UsageError("both are folders of this machine; use rsync or cp, or name a URL (see sync --help)")
    for operand, is_source in ((source, True), (target, False)):
        if isinstance(operand, LocalOperand) and (is_source or operand.path.exists()) and not operand.path.is_dir():
            reason = "is no folder" if operand.path.exists() else "does not exist; check its path"
            raise UsageError(f"{operand.text!r} {reason}")
    told = _Told(command, target.name if not isinstance(target, LocalOperand) else target.text, options)

    def approve(deletes: int, total: int) -> None:
        question = f"Delete {deletes:,} of {total:,} objects of {told.target}?"
        confirm(question, yes=yes)

    try:
        report = sync(end_of(command, source), end_of(command, target), options, on_step=told.tell, approve=approve)
    except KeyboardInterrupt:
        if told.changed:
            command.out.note(f"{told.changed:,} done, each whole; the same command goes on")
        raise
    told.finish(report)


def end_of(command: RunningCommand, operand: Operand) -> End:
    """Return what *operand* names as one end: a folder, a part of an organisation, or the storage of a URL.

    Raises:
        SettingsError: the settings of a URL are not complete; the message names the variables.
    """
    from ..syncing.folders import Folder
    from ..syncing.objects import Objects
    from ..syncing.organisations import OrganisationFolder

    if isinstance(operand, LocalOperand):
        return Folder(operand.path)
    if operand.organisation is not None:
        return OrganisationFolder(command.resolver, operand.organisation, operand.key)
    storage = command.storage_at(operand.base)
    return Objects(storage.scoped(operand.key) if operand.key else storage)


class _Told:
    """What a person and a script are told of one synchronisation."""

    def __init__(self, command: RunningCommand, target: str, options: SyncOptions) -> None:
        self._command, self._options = command, options
        self._codes = set[ExitCode]()
        self.target = target
        self.changed = 0
        """Objects that were copied, replaced or deleted."""

    def tell(self, item: SyncItem) -> None:
        """Tell of one item as it is done: a line on standard output, of what went wrong one on standard error."""
        out = self._command.out
        if item.error is not None or item.wrong:
            code = exit_code(item.error) if item.error is not None else _code_of(item)
            self._codes.add(code)
            out.problem(f"{item.key}: {item.reason if item.error is None else _reason(item.error, item.reason)}")
        elif item.action == "leave out":
            out.note(f"left out: {item.key}: {item.reason}")
        else:
            self.changed += 1
            if not out.as_json and not out.quiet:
                out.result(None, [f"{'would ' if self._options.dry_run else ''}{item.action} {item.key}"])

    def finish(self, report: SyncReport) -> None:
        """Print the counts, or the document, and end with the exit code.

        Raises:
            typer.Exit: not all is as it should be.
        """
        self._command.out.result({**report.to_dict(), "target": self.target}, summary(report))
        if report.undeleted:
            self._command.out.note(f"{report.undeleted:,} were not deleted, because not all of the rest went well")
        for code in _GRAVEST:
            if code in self._codes:
                raise typer.Exit(code)


def summary(report: SyncReport) -> list[str]:
    """Return what was done as lines for a person."""
    from ..policy import format_bytes

    would = "would be " if report.dry_run else ""
    counts = (
        (report.same, "same"),
        (report.copied, f"{would}copied"),
        (report.replaced, f"{would}replaced"),
        (report.deleted, f"{would}deleted"),
        (report.extra, "only on the target"),
        (report.left_out, "left out"),
        (report.refused, "refused"),
        (report.failed, "failed"),
    )
    told = ", ".join(f"{count:,} {what}" for count, what in counts if count) or "nothing to do"
    return [f"{told} ({format_bytes(report.bytes)})" if report.bytes else told]


def _code_of(item: SyncItem) -> ExitCode:
    """Return the code of what is refused, or of a name that is no key."""
    return ExitCode.REFUSED if item.action == "refuse" else ExitCode.FAILED


def _reason(error: Exception, reason: str) -> str:
    """Return the reason of *error*, whose key stands before it."""
    from ..errors import StorageError

    return reason if isinstance(error, StorageError) else message_of(error)
