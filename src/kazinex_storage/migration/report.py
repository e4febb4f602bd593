"""The report on a run as one HTML page that can be filed: no script, nothing from elsewhere, every text escaped."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from ..json_text import write_json
from ..policy import format_bytes
from .journal import Count, Entry, EntryState, RunKind, RunState
from .plot import duration, plot
from .progress import WRONG, summed
from .summary import KNOWN, NOTABLE, RunSummary

STYLE: Final = (
    ":root{color-scheme:light dark;--text:#1b2129;--soft:#545e6b;--ground:#fff;--line:#d5dae1;--tint:#f0f2f5;"
    "--good:#0c6b3d;--bad:#ab2118;--warn:#7a4d00;--area:#2857d8}"
    "@media(prefers-color-scheme:dark){:root{--text:#e9edf3;--soft:#a5b0bf;--ground:#12161c;--line:#333b47;"
    "--tint:#1e232c;--good:#6fdba3;--bad:#ffa69e;--warn:#f3c76d;--area:#7ea4ff}}"
    "body{margin:0 auto;max-width:1080px;padding:32px 28px 64px;background:var(--ground);color:var(--text);"
    'font:15px/1.5 system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}'
    "h1{font-size:25px;margin:0 0 4px}h2{font-size:17px;margin:32px 0 8px}p{margin:4px 0}.soft{color:var(--soft)}"
    ".state{font-weight:600}.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}"
    "table{border-collapse:collapse;width:100%;font-size:14px}"
    "caption{text-align:left;color:var(--soft);padding:0 0 8px}"
    "th{text-align:left;font-weight:600;color:var(--soft)}"
    "th,td{padding:6px 14px 6px 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}"
    ".number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}.nowrap{white-space:nowrap}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 20px;margin:16px 0}dt{color:var(--soft)}dd{margin:0;"
    'overflow-wrap:anywhere}code{font:13px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace}'
    "svg{width:100%;height:auto;background:var(--tint);border-radius:9px}svg text{font-size:11px;fill:var(--soft)}"
    "svg .right{text-anchor:end}svg .grid{stroke:var(--line)}svg .area{fill:var(--area);fill-opacity:.75}"
    "svg .pause{stroke:var(--soft);stroke-dasharray:4 4}"
    "@media print{body{max-width:none;padding:0}tr{break-inside:avoid}}"
)
"""The style of the page; a Content-Security-Policy may name its hash."""

STYLE_HASH: Final = f"sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}"
"""As a Content-Security-Policy writes it."""

_TITLES: Final[Mapping[RunKind, str]] = {
    RunKind.COPY: "Copy",
    RunKind.MIRROR: "Mirror",
    RunKind.AUDIT: "Audit",
    RunKind.EXPORT: "Export",
    RunKind.IMPORT: "Import",
}
MEANINGS: Final[Mapping[EntryState, str]] = {
    EntryState.PLANNED: "to be done",
    EntryState.COPIED: "copied, and proven on the target",
    EntryState.SAME: "was on the target before, and is the same",
    EntryState.REFUSED: "the target cannot hold it",
    EntryState.FAILED: "failed; the next pass tries again",
    EntryState.VANISHED: "gone from the source meanwhile",
    EntryState.PRUNED: "deleted from the source after the target was proven",
    EntryState.RETAINED: "to be deleted, and kept by the source",
    EntryState.MATCHED: "alike on both sides",
    EntryState.MISSING: "missing on the target",
    EntryState.EXTRA: "on the target alone",
    EntryState.DIFFERENT: "different",
    EntryState.REWRITTEN: "rewritten by the service itself",
    EntryState.PACKED: "packed",
    EntryState.STORED: "stored, with a receipt",
}
"""The states in words."""
_OPEN: Final = frozenset({RunState.PLANNING, RunState.PLANNED, RunState.RUNNING})


def report_html(summary: RunSummary) -> str:
    """Return the page."""
    return "".join(report_pieces(summary))


def report_pieces(summary: RunSummary) -> Iterator[str]:
    """Yield the page in pieces."""
    run = summary.run
    title = f"{_TITLES[run.kind]} of {run.organisation}"
    yield (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '{STYLE_HASH}'\">"
        f"<title>{text(title)}, run {text(run.id)}</title><style>{STYLE}</style></head><body>"
        f"<h1>{text(title)}</h1>{_outcome(summary)}"
    )
    yield _facts(summary)
    yield _totals(summary)
    drawn = plot(summary.throughput)
    yield f"<h2>Throughput</h2><p class=soft>An object counts when it was done.</p>{drawn}" if drawn else ""
    yield from _entries("Failures", summary.wrong, _in(summary, WRONG))
    yield from _entries("Refused", summary.known, _in(summary, KNOWN))
    yield from _entries("Worth knowing", summary.notable, _in(summary, NOTABLE))
    yield _requests(summary)
    yield _options(run.options)
    yield "</body></html>\n"


def text(value: object) -> str:
    """Return *value* as text of HTML; what cannot be printed, or would turn the line around, is shown by its number."""
    shown = "".join(
        character if character.isprintable() else f"\\u{ord(character):04x}" if character != "\n" else " "
        for character in str(value)
    )
    return html.escape(shown)


def _outcome(summary: RunSummary) -> str:
    wrong = _in(summary, WRONG)
    left = summary.counts.get(EntryState.PLANNED, Count())
    state = summary.run.state
    if wrong:
        said = "missing, different or not compared" if summary.run.kind is RunKind.AUDIT else "failed"
        return f'<p class="state bad">{said.capitalize()}: {wrong:,} of {_objects(summary.total.objects)}.</p>'
    if left.objects or state in _OPEN:
        return f'<p class="state warn">It has not ended: {_objects(left.objects)} left.</p>'
    refused = _in(summary, KNOWN)
    if refused:
        return f'<p class="state warn">It ended, and {_objects(refused)} stayed where they are.</p>'
    return f'<p class="state good">It ended, and nothing failed: {text(state.value)}.</p>'


def _facts(summary: RunSummary) -> str:
    run = summary.run
    facts: list[tuple[str, str]] = [
        ("Run", f"<code>{text(run.id)}</code>"),
        ("From", text(summary.source)),
        ("To", text(summary.target)),
        ("Project", text(run.project or "all")),
        ("State", text(run.state.value)),
        ("Begun", _time(run.begun_at) + (f" by {text(run.begun_by)}" if run.begun_by else "")),
    ]
    if run.ended_at is not None:
        lasted = (run.ended_at - run.begun_at).total_seconds()
        facts.append(("Last pass ended", f"{_time(run.ended_at)}, {text(duration(lasted))} after the first began"))
    if summary.pending:
        facts.append(("Still to be mirrored", f"{summary.pending:,} changes"))
    facts.append(("Report made", _time(summary.made_at)))
    return f"<dl>{''.join(f'<dt>{name}</dt><dd>{said}</dd>' for name, said in facts)}</dl>"


def _totals(summary: RunSummary) -> str:
    rows = [
        (f"<b>{state.value}</b>: {MEANINGS[state]}", f"{count.objects:,}", format_bytes(count.bytes))
        for state in EntryState
        if (count := summary.counts.get(state)) is not None
    ]
    total = summary.total
    rows.append(("<b>all</b>", f"{total.objects:,}", format_bytes(total.bytes)))
    return f"<h2>Objects</h2>{_table(('State', '#Objects', '#Size'), rows)}"


def _entries(title: str, entries: Sequence[Entry], count: int) -> Iterator[str]:
    if not count:
        return
    left_out = f"; the first {len(entries):,} are shown" if len(entries) < count else ""
    rows = [
        (
            f"<bdi>{text(entry.key)}</bdi>",
            text(entry.state.value),
            text(entry.reason or ""),
            f"{entry.size:,}",
            f"{entry.attempts:,}",
            "" if entry.changed_at is None else f'<span class="nowrap">{_time(entry.changed_at)}</span>',
        )
        for entry in entries
    ]
    columns = ("Key", "State", "Reason", "#Bytes", "#Attempts", "When")
    yield f"<h2>{title}</h2>{_table(columns, rows, f'{_objects(count)}{left_out}')}"


def _requests(summary: RunSummary) -> str:
    if not summary.requests:
        return ""
    sides = {summary.run.source: summary.source, summary.run.target: summary.target}
    rows = []
    for name, count in sorted(summary.requests.items()):
        provider, _, kind = name.rpartition(":")
        rows.append((text(sides.get(provider, provider)), text(kind), f"{count:,}"))
    return f"<h2>Requests</h2>{_table(('Provider', 'Class', '#Attempts'), rows, 'of the passes that ended')}"


def _options(options: Mapping[str, object]) -> str:
    if not options:
        return ""
    rows = [
        (text(name), text(said if isinstance(said, str) else write_json(said)))
        for name, said in sorted(options.items())
    ]
    return f"<h2>Options</h2>{_table(('Option', 'Value'), rows)}"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """Return a table; a column whose name begins with # holds numbers. Cells are HTML."""
    numbers = [column.startswith("#") for column in columns]

    def cell(tag: str, said: str, number: bool, more: str = "") -> str:
        return f"<{tag}{more}{' class=number' if number else ''}>{said}</{tag}>"

    head = "".join(
        cell("th", column.removeprefix("#"), number, ' scope="col"')
        for column, number in zip(columns, numbers, strict=True)
    )
    body = "".join(
        f"<tr>{''.join(cell('td', said, number) for said, number in zip(row, numbers, strict=True))}</tr>"
        for row in rows
    )
    named = f"<caption>{caption}</caption>" if caption else ""
    return f"<table>{named}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _objects(count: int) -> str:
    return f"{count:,} object{'' if count == 1 else 's'}"


def _in(summary: RunSummary, states: frozenset[EntryState]) -> int:
    return summed(summary.counts, states).objects


def _time(moment: datetime) -> str:
    return f'<time datetime="{moment.isoformat()}">{moment:%Y-%m-%d %H:%M:%S}Z</time>'
