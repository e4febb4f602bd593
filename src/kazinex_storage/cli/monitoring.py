"""``usage``, ``quota`` and ``monitor``: what organisations take up, what they may, and whether their providers work."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from ..lazy import module
from ..verification import DEFAULT_TIMEOUT_S
from .command import Organisation, command_of
from .exits import ExitCode, UsageError
from .output import Output, format_time

if TYPE_CHECKING:
    from .. import policy
    from ..documents.quotas import Quota, UsageReport
else:
    policy = module(__name__, "..policy")

OptionalProject: TypeAlias = Annotated[
    str | None, typer.Option("--project", "-p", help="The id of a project; without it, the organisation as a whole.")
]


def build(epilog: str) -> typer.Typer:
    """Return the group ``quota``."""
    group = typer.Typer(help="Limit what an organisation and its projects take up.", rich_markup_mode=None)
    for name, command in (("show", show), ("set", set_), ("clear", clear)):
        group.command(name, epilog=epilog)(command)
    return group


def usage(
    context: typer.Context,
    organisation: Organisation,
    days: Annotated[int, typer.Option(metavar="DAYS", min=1, help="How far requests go back.")] = 31,
    reconcile: Annotated[
        bool, typer.Option("--reconcile", help="List every provider first, and put the counts right.")
    ] = False,
) -> None:
    """Show objects and bytes by project and provider, and requests by class.

    Exit code 1 when --reconcile did not reach a provider.
    """
    command = command_of(context)
    unanswered: tuple[str, ...] = ()
    if reconcile:
        from ..monitoring.reconciling import reconcile as compare

        found = compare(command.resolver, organisation)
        unanswered = found.unanswered
        command.out.note(
            f"listed {found.listed_objects:,} objects: {found.unrecorded:,} are in no register, {found.missing:,} "
            f"documents are missing, {found.sized:,} sizes were filled in"
        )
    report = command.organisations.usage(organisation, days=days)
    labels = {record.id: record.label for record in command.organisations.providers(organisation)}
    _print(command.out, report, labels)
    for provider in unanswered:
        command.out.note(f"{labels.get(provider, provider)} did not answer; its counts are as they were")
    if unanswered:
        raise typer.Exit(ExitCode.FAILED)


def show(context: typer.Context, organisation: Organisation) -> None:
    """Show the quotas, and how much of them is used or being written."""
    command = command_of(context)
    report = command.organisations.usage(organisation, days=1)
    rows = [
        [quota.project or "-", *_share(report, quota, "bytes"), *_share(report, quota, "objects")]
        for quota in report.quotas
    ]
    columns = ["PROJECT", "USED", "OF", "OBJECTS", "OF"]
    fields = report.to_dict()
    document = {name: fields[name] for name in ("organisation", "objects", "bytes", "reserved", "quotas")}
    command.out.table(document, columns, rows, f"{organisation} has no quota")


def set_(
    context: typer.Context,
    organisation: Organisation,
    project: OptionalProject = None,
    max_size: Annotated[
        str | None, typer.Option("--max-size", metavar="SIZE", help="Such as 500GB; 'none' is no limit.")
    ] = None,
    max_objects: Annotated[
        str | None, typer.Option("--max-objects", metavar="COUNT", help="A number; 'none' is no limit.")
    ] = None,
) -> None:
    """Set a quota; what is not given stays. Nothing that is stored already is touched."""
    if max_size is None and max_objects is None:
        raise UsageError("give --max-size, --max-objects, or both")
    from .sizes import parse_size

    command = command_of(context)
    before = command.organisations.quota(organisation, project)
    size, count = before.max_bytes, before.max_objects
    if max_size is not None:
        size = None if _is_none(max_size) else parse_size(max_size)
    if max_objects is not None:
        count = None if _is_none(max_objects) else _count(max_objects)
    after = command.organisations.set_quota(
        organisation, project, max_bytes=size, max_objects=count, version=before.version
    )
    _result(command.out, after)


def clear(context: typer.Context, organisation: Organisation, project: OptionalProject = None) -> None:
    """Let the organisation, or one project, store as much as its providers hold."""
    command = command_of(context)
    _result(command.out, command.organisations.set_quota(organisation, project))


def monitor(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Verify what is due, and end.")] = False,
    interval: Annotated[
        float, typer.Option(metavar="MINUTES", min=0.1, help="Between two verifications of one provider.")
    ] = 60,
    per_minute: Annotated[
        int, typer.Option("--per-minute", metavar="COUNT", min=1, help="Verifications that begin in a minute.")
    ] = 60,
    at_once: Annotated[
        int, typer.Option("--at-once", metavar="COUNT", min=1, help="Verifications under way at once.")
    ] = 4,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", min=0.1, help="How long one may take.")] = (
        DEFAULT_TIMEOUT_S
    ),
) -> None:
    """Verify the providers of all organisations again and again, and say when one is in another state.

    Direct uploads that nobody confirmed in time are removed. Several of these may run, on several machines: each
    check is done by one. PENDING providers wait for a person.
    """
    from ..monitoring.monitor import Monitor, Pace

    command = command_of(context)
    pace = Pace(interval=timedelta(minutes=interval), per_minute=per_minute, at_once=at_once, timeout_s=timeout)
    watching = Monitor(command.organisations, pace, documents=command.documents)
    if not once:
        command.out.note("watching; end it with Ctrl-C")
        watching.run(threading.Event())
        return
    done = watching.run_once()
    document = {
        "verified": done.verified,
        "changed": done.changed,
        "unreachable": done.unreachable,
        "skipped": done.skipped,
        "expired": done.expired,
    }
    text = (
        f"{done.verified} verified, {done.changed} in another state than before, {done.unreachable} not reached, "
        f"{done.skipped} left to others, {done.expired} direct uploads expired"
    )
    command.out.result(document, [text])


def _print(out: Output, report: UsageReport, labels: Mapping[str, str]) -> None:
    rows = [
        [
            entry.project or "-",
            labels.get(entry.provider, entry.provider),
            f"{entry.objects:,}",
            policy.format_bytes(entry.bytes),
            f"{entry.other_objects:,}",
            policy.format_bytes(entry.other_bytes),
            format_time(entry.counted_at) or "-",
        ]
        for entry in report.usage
    ]
    columns = ["PROJECT", "PROVIDER", "DOCUMENTS", "SIZE", "OTHERS", "SIZE", "LISTED"]
    out.table(report.to_dict(), columns, rows, f"{report.organisation} stores nothing")
    if out.as_json:
        return
    totals: dict[tuple[str, str], list[int]] = {}
    for count in report.requests:
        kept = totals.setdefault((count.provider, count.request_class), [0, 0, 0])
        for place, more in enumerate((count.requests, count.throttled, count.failed)):
            kept[place] += more
    asked = [
        [labels.get(provider, provider), name, *(f"{number:,}" for number in totals[provider, name])]
        for provider, name in sorted(totals)
    ]
    if asked:
        out.table(None, ["PROVIDER", "REQUESTS", "COUNT", "THROTTLED", "FAILED"], asked, "")


def _share(report: UsageReport, quota: Quota, unit: str) -> tuple[str, str]:
    held = [each for each in report.reserved if quota.project in (None, each.project)]
    objects, size = (report.objects, report.bytes) if quota.project is None else report.of_project(quota.project)
    if unit == "objects":
        used, most = objects + sum(each.objects for each in held), quota.max_objects
        return f"{used:,}", "-" if most is None else f"{most:,}"
    used, most = size + sum(each.bytes for each in held), quota.max_bytes
    return policy.format_bytes(used), "-" if most is None else policy.format_bytes(most)


def _result(out: Output, quota: Quota) -> None:
    size = "any size" if quota.max_bytes is None else f"at most {policy.format_bytes(quota.max_bytes)}"
    count = "any number of objects" if quota.max_objects is None else f"at most {quota.max_objects:,} objects"
    whose = quota.organisation if quota.project is None else f"{quota.project} of {quota.organisation}"
    document = {
        "organisation": quota.organisation,
        "project": quota.project,
        "max_bytes": quota.max_bytes,
        "max_objects": quota.max_objects,
    }
    out.result(document, [f"{whose} may store {size}, {count}"])


def _is_none(text: str) -> bool:
    return text.strip().lower() == "none"


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise UsageError(f"{text!r} is not a number of objects; write 1000, or none")
    return int(text)
