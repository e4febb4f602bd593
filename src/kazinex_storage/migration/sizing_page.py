"""docs/sizing.md: what moving a fleet costs, computed by ``sizing.py``.

``python -m kazinex_storage.migration.sizing_page > docs/sizing.md`` writes the page of the project, and with options
that of another fleet.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from .sizing import AZURE, DAY_S, GB, HOUR_S, R2, TB, Estimate, Fleet, estimate, sharepoint
from .sizing import source_load as to_source
from .sizing import target_load as to_target

GBIT: Final = 1e9
"""Bits a second of the line that the page is for."""

_SMALL, _LARGE = sharepoint(1000), sharepoint(50_001)
_MOVES: Final = (
    (_SMALL, R2),
    (_LARGE, R2),
    (_LARGE, AZURE),
    (AZURE, R2),
    (R2, AZURE),
    (R2, _LARGE),
    (R2, _SMALL),
    (R2, replace(_SMALL, read_back=False, name=f"{_SMALL.name}, `--verify size`")),
)

_HEAD: Final = """\
# Sizing: what a run costs before it is begun

Computed by `python -m kazinex_storage.migration.sizing_page{options}`; for another fleet give options (`--help`).
Requests are those that a copy makes, and a test compares them with what the servers counted in real runs
(`tests/migration/test_sizing.py`). Limits and prices are of the services; their sources, and when they were read, stand
in `migration/sizing.py`. Prices of Azure differ by region and contract, and are list prices at second hand.

The fleet: {objects:,} objects with {bytes:,.0f} TB, each a revision in a folder of its own. {large:,} of them are
larger than 8 MiB, {mean:,.0f} MB on average, and are copied in pieces; the others have {small:,.1f} MB on average.
"""

_AFTER: Final = """\
"Hours" are the least by the limits of both services and by a line of {line:g} Gbit/s in each direction, whichever is
the narrowest; there are workers enough (`--workers`, `--dask`), and nobody else uses the services.

Dollars are for requests, for bytes that leave Azure at its price for the first 10 TB a month (beyond it is less, so
this is an upper bound), and for nothing else. From then on {storage} are paid for what is stored.

## What the narrowest limits mean

- **SharePoint** counts resource units: 1 for a look or a download, 2 for a page of a listing or a write. A read takes a
  look and a download, and one more for each further part of a large file; a file that is put takes a write, a look for
  its new folder, and with `--verify full` a look and a download to prove it, since the service reports no sha256. Who
  is above the limit gets 429, and what is refused counts too: so the transport waits as it is told and spreads what is
  left, and a run takes half of that (ADR 0057). Fragments of large files are counted as writes here; Microsoft does not
  say. Bytes are bounded as well, at 400 GB an hour: 250 hours for 100 TB.
- A revision in a folder of its own makes a listing of SharePoint one request a folder: most of the plan there.
- **R2** documents no rate but one write a second to a key, and every copied object is another key.
- **Azure** gives an account 20,000 requests a second and takes 25 Gbit/s, and more in some regions.
- SharePoint keeps no metadata, so a plan looks at each object of a source that does, for what would be lost.
"""


def page(fleet: Fleet, line_bits: float = GBIT, options: str = "") -> str:
    """Return the page for *fleet* over a line of so many bits a second, as Markdown."""
    found = [estimate(fleet, source, target, line_bits) for source, target in _MOVES]
    storage = " or ".join(
        f"{service.name} {fleet.bytes / GB * (service.storage_price or 0):,.0f} dollars a month"
        for service in (R2, AZURE)
    )
    head = _HEAD.format(
        options=options,
        objects=fleet.objects,
        bytes=fleet.bytes / TB,
        large=fleet.large,
        mean=fleet.mean_large / 1e6,
        small=(fleet.bytes - fleet.large_bytes) / max(1, fleet.small) / 1e6,
    )
    after = _AFTER.format(line=line_bits / GBIT, storage=storage)
    return "\n".join([head, *_moves(found), "", after, "## Requests by verb", "", *_verbs(fleet)]) + "\n"


def _moves(found: Iterable[Estimate]) -> Iterable[str]:
    yield "| from | to | requests to the source | to the target | hours | days | bound by | dollars |"
    yield "|---|---|---|---|---|---|---|---|"
    for each in found:
        yield (
            f"| {each.source.name} | {each.target.name} | {_millions(each.source_requests, each.source_units)} "
            f"| {_millions(each.target_requests, each.target_units)} | {each.seconds / HOUR_S:,.0f} "
            f"| {each.seconds / DAY_S:,.1f} | {each.bound} | {each.dollars:,.0f} |"
        )


def _millions(requests: int, units: int) -> str:
    counted = f" ({units / 1e6:,.1f} M units)" if units != requests else ""
    return f"{requests / 1e6:,.2f} M{counted}"


def _verbs(fleet: Fleet) -> Iterable[str]:
    yield "| | list | head | get | put | begin | part | complete |"
    yield "|---|---|---|---|---|---|---|---|"
    for service in (R2, AZURE, _LARGE):
        name = service.name.partition(",")[0]
        other = R2 if service is not R2 else AZURE
        yield _row(f"reading {name}", to_source(fleet, service, other))
        yield _row(f"writing {name}", to_target(fleet, service))
    yield _row(f"reading {R2.name} for SharePoint", to_source(fleet, R2, _LARGE))


def _row(name: str, load: dict[str, int]) -> str:
    verbs = ("list", "head", "get", "put", "begin", "part", "complete")
    return f"| {name} | {' | '.join(f'{load[verb]:,}' if load.get(verb) else '' for verb in verbs)} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the page for the fleet that *arguments* describe."""
    default = Fleet()
    parser = argparse.ArgumentParser(prog="kazinex_storage.migration.sizing_page", description=__doc__)
    parser.add_argument("--objects", type=int, default=default.objects)
    parser.add_argument("--bytes", type=int, default=default.bytes)
    parser.add_argument("--large", type=int, default=default.large, help="objects above 8 MiB")
    parser.add_argument("--large-bytes", type=int, default=default.large_bytes, help="bytes in those")
    parser.add_argument("--documents", type=int, default=default.documents)
    parser.add_argument("--projects", type=int, default=default.projects)
    parser.add_argument("--line", type=float, default=1.0, help="Gbit/s in each direction")
    given = parser.parse_args(arguments)
    line = given.__dict__.pop("line")
    typed = list(sys.argv[1:] if arguments is None else arguments)
    sys.stdout.write(page(Fleet(**vars(given)), line * GBIT, "".join(f" {each}" for each in typed)))


if __name__ == "__main__":
    main()
