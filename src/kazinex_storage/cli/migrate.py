"""``migrate``: the commands of runs and their options; what they do is loaded with the first that is called.

Without a further word it copies. Read next: ``copying.py``, ``modes.py``, ``proving.py`` and ``runs.py``.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from ..lazy import module
from .command import Organisation, Yes, command_of

if TYPE_CHECKING:
    from . import copying, modes, proving, runs
else:
    copying, modes = module(__name__, ".copying"), module(__name__, ".modes")
    proving, runs = module(__name__, ".proving"), module(__name__, ".runs")


class Verify(Enum):
    """What proves a copy."""

    FULL = "full"
    SIZE = "size"


class Proof(Enum):
    """What proves before a prune that the target still has an object."""

    FULL = "full"
    VERSION = "version"


class Level(Enum):
    """How closely an audit looks."""

    SIZE = "size"
    CHECKSUM = "checksum"
    FULL = "full"


Source: TypeAlias = Annotated[
    str, typer.Option("--from", metavar="PROVIDER", help="Where the objects are: a label or an id.")
]
Target: TypeAlias = Annotated[
    str, typer.Option("--to", metavar="PROVIDER", help="Where they are to be: a label or an id.")
]
Project: TypeAlias = Annotated[str | None, typer.Option("--project", "-p", help="Only the objects of this project.")]
ReportFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="Write the report there as HTML, or as JSON if it ends with .json."),
]
Concurrency: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--concurrency",
        metavar="COUNT",
        min=1,
        help="Objects under way at once; by default as many as pay off at both ends.",
    ),
]
RunId: TypeAlias = Annotated[str, typer.Argument(metavar="RUN", help="The id of a run, as 'migrate list' shows it.")]

# Of the group itself nothing is required, because its commands have options of their own.
AnyOrganisation: TypeAlias = Annotated[
    str | None,
    typer.Option("--organisation", "-o", envvar="KAZINEX_STORAGE_ORGANISATION", help="The id of the organisation."),
]
AnySource: TypeAlias = Annotated[
    str | None, typer.Option("--from", metavar="PROVIDER", help="Where the objects are: a label or an id.")
]
AnyTarget: TypeAlias = Annotated[
    str | None, typer.Option("--to", metavar="PROVIDER", help="Where they are to be: a label or an id.")
]
DryRun: TypeAlias = Annotated[
    bool, typer.Option("--dry-run", help="Plan only: what would be copied, and what the target cannot hold.")
]
Bandwidth: TypeAlias = Annotated[
    str | None, typer.Option("--bandwidth", metavar="RATE", help="Such as 50MB/s, for all workers together.")
]
Requests: TypeAlias = Annotated[
    float | None,
    typer.Option("--requests", metavar="COUNT", min=0.001, help="Requests a second to each side, at most."),
]
AcceptRewritten: TypeAlias = Annotated[
    bool, typer.Option("--accept-rewritten", help="Copy files that the service itself has rewritten as they are.")
]
DropProperties: TypeAlias = Annotated[
    bool, typer.Option("--drop-properties", help="Copy objects without the properties that the target cannot keep.")
]
WorkerCount: TypeAlias = Annotated[
    int | None, typer.Option("--workers", metavar="COUNT", min=1, help="Processes that work on it, on this machine.")
]
Dask: TypeAlias = Annotated[
    str | None,
    typer.Option("--dask", metavar="ADDRESS", help="A scheduler of Dask, such as tcp://scheduler:8786, or 'local'."),
]


def build(epilog: str) -> typer.Typer:
    """Return the group."""
    group = typer.Typer(
        help="Copy what one provider holds to another one, and prove it. Nothing is deleted from the source, and "
        "nothing on the target is replaced. Killed or interrupted, the same command goes on. Exit code 3 when not all "
        "objects are on the target.",
        epilog=epilog,
        rich_markup_mode=None,
        invoke_without_command=True,
        subcommand_metavar="[COMMAND] [ARGS]...",
    )
    group.callback()(copy)
    for name, command in (
        ("mirror", mirror),
        ("cut-over", cut_over),
        ("roll-back", roll_back),
        ("prune", prune),
        ("audit", audit),
        ("evidence", evidence),
        ("evidence-key", evidence_key),
        ("check-evidence", check_evidence),
        ("list", list_),
        ("status", status),
        ("report", report_),
    ):
        group.command(name, epilog=epilog)(command)
    return group


def copy(
    context: typer.Context,
    organisation: AnyOrganisation = None,
    source: AnySource = None,
    target: AnyTarget = None,
    project: Project = None,
    dry_run: DryRun = False,
    concurrency: Concurrency = None,
    bandwidth: Bandwidth = None,
    requests: Requests = None,
    verify: Annotated[
        Verify | None, typer.Option("--verify", help="What proves a copy: every byte (the default), or its size.")
    ] = None,
    accept_rewritten: AcceptRewritten = False,
    drop_properties: DropProperties = False,
    workers: WorkerCount = None,
    dask: Dask = None,
    report: ReportFile = None,
) -> None:
    """Copy; with a command, that."""
    if context.invoked_subcommand is not None:
        copying.check_alone(context.invoked_subcommand, source, target)
        return
    given: dict[str, object] = {
        "verify": verify.value if verify is not None else None,
        "concurrency": concurrency,
        "accept_rewritten": accept_rewritten or None,
        "drop_properties": drop_properties or None,
        "limits": copying.limits_of(bandwidth, requests) or None,
    }
    options = {name: value for name, value in given.items() if value is not None}
    ends = copying.ends_of(organisation, source, target, project)
    asked = copying.CopyRequest(ends=ends, options=options, dry_run=dry_run, report=report)
    copying.copy(command_of(context), asked, workers=workers, dask=dask)


def mirror(
    context: typer.Context,
    organisation: Organisation,
    source: Source,
    target: Target,
    project: Project = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on until Ctrl-C, or a cut-over.")] = False,
    interval: Annotated[
        float, typer.Option("--interval", metavar="SECONDS", min=0.1, help="Between two looks at what has changed.")
    ] = 2,
    end: Annotated[
        bool, typer.Option("--end", help="Bring nothing to the target any more; what is there stays.")
    ] = False,
    report: ReportFile = None,
) -> None:
    """Bring to the target what the source has, and what changes there from now on, removals included.

    Changes are queued in the catalogue with each upload, whether a mirror runs or not; without --watch what is due is
    brought once. Exit code 3 when something is not there yet.
    """
    ends = copying.ends_of(organisation, source, target, project)
    if end:
        modes.end_mirror(command_of(context), ends)
    else:
        modes.mirror(command_of(context), ends, watch=watch, interval=interval, file=report)


def cut_over(
    context: typer.Context,
    organisation: Organisation,
    source: Source,
    target: Target,
    project: Project = None,
    allow_refused: Annotated[
        bool, typer.Option("--allow-refused", help="Go on though the target cannot hold some: they stay readable.")
    ] = False,
) -> None:
    """Send new documents to the target: the default, and the overrides that name the source.

    The target is verified first, and what came since the copy is copied. Exit code 3 when something came while that
    was done and is not there yet: the same command brings it.
    """
    ends = copying.ends_of(organisation, source, target, project)
    modes.cut_over(command_of(context), ends, allow_refused=allow_refused)


def roll_back(
    context: typer.Context,
    organisation: Organisation,
    source: Source,
    target: Target,
    project: Project = None,
    copy_back: Annotated[
        bool, typer.Option("--copy-back", help="Copy to the source what was uploaded to the target since.")
    ] = False,
) -> None:
    """Send new documents to the source again, as before the cut-over. Nothing is deleted, and all stays readable.

    --from and --to are those of the copy.
    """
    modes.roll_back(command_of(context), copying.ends_of(organisation, source, target, project), copy_back=copy_back)


def prune(
    context: typer.Context,
    organisation: Organisation,
    source: Source,
    target: Target,
    project: Project = None,
    verify: Annotated[
        Proof, typer.Option("--verify", help="Read the target again and hash it, or ask for its version alone.")
    ] = Proof.FULL,
    keep_days: Annotated[
        float, typer.Option("--keep-days", metavar="DAYS", min=0, help="Keep what was copied later than that.")
    ] = 0,
    allow_failed: Annotated[
        bool, typer.Option("--allow-failed", help="Go on though some objects could not be copied: they stay.")
    ] = False,
    allow_chosen: Annotated[
        bool, typer.Option("--allow-chosen", help="Go on though new documents still go to the source.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Delete from the source what is proven to be on the target, with the same sha256. Nothing else ever deletes there.

    SharePoint keeps what is deleted in its recycle bin. What a retention rule or a lock keeps stays. Exit code 3 when
    objects stayed for another reason.
    """
    options = {"verify": verify.value, "allow_failed": allow_failed, "allow_chosen": allow_chosen}
    ends = copying.ends_of(organisation, source, target, project)
    modes.prune(command_of(context), ends, options, keep_days=keep_days, yes=yes)


def audit(
    context: typer.Context,
    organisation: Organisation,
    target: Annotated[str, typer.Option("--to", metavar="PROVIDER", help="What is audited: a label or an id.")],
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="PROVIDER", help="What it is compared with; by default, the receipts."),
    ] = None,
    project: Project = None,
    level: Annotated[
        Level, typer.Option("--level", help="Sizes, the checksums of the services, or every byte of both.")
    ] = Level.FULL,
    concurrency: Concurrency = None,
    bandwidth: Bandwidth = None,
    workers: WorkerCount = None,
    dask: Dask = None,
    report: ReportFile = None,
) -> None:
    """Find out what is missing, different, or only there, without writing anything to either side.

    Exit code 3 when something is missing or different.
    """
    plan = proving.plan_of(target, source, project, level.value, concurrency)
    plan = proving.limited(plan, bandwidth)
    proving.audit(command_of(context), organisation, plan, workers=workers, dask=dask, file=report)


def evidence(
    context: typer.Context,
    organisation: Organisation,
    run: RunId,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")],
) -> None:
    """Write the signed report of a run that has ended, mostly an audit, for an auditor who checks it offline."""
    proving.evidence(command_of(context), organisation, run, file)


def evidence_key(
    context: typer.Context,
    organisation: Organisation,
    key_id: Annotated[
        str | None, typer.Option("--id", help="The id that an earlier report names; by default, that of now.")
    ] = None,
) -> None:
    """Print the public key that the evidence of an organisation is checked with; give it away before any report."""
    proving.evidence_key(command_of(context), organisation, key_id)


def check_evidence(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What 'migrate evidence' wrote.")],
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="The public key, as 'evidence-key' printed it.")],
    previous: Annotated[
        str | None, typer.Option("--previous", metavar="HASH", help="The hash of the report that it has to follow.")
    ] = None,
) -> None:
    """Check a signed report, without a catalogue and a network. Exit code 3 when something is wrong with it."""
    proving.check_evidence(command_of(context), file, key, previous)


def list_(
    context: typer.Context,
    organisation: Organisation,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="The newest runs, at most.")] = 20,
) -> None:
    """Show the runs of an organisation, the newest first."""
    runs.list_(command_of(context), organisation, limit)


def status(context: typer.Context, organisation: Organisation, run: RunId) -> None:
    """Show how far a run is: what was done, what is left, what failed and why."""
    runs.status(command_of(context), organisation, run)


def report_(
    context: typer.Context,
    organisation: Organisation,
    run: RunId,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="HTML, or JSON if it ends with .json.")],
) -> None:
    """Write the report on a run into a file, in the place of an earlier one."""
    runs.report(command_of(context), organisation, run, file)
