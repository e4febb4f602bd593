"""What a run costs before it is begun: requests, hours and money, from what services document.

The requests are those that a copy makes, counted from the library's own rules; a test compares them with what the
servers counted in a real run. Prices and limits are of the services, with their sources. Read next: ``sizing_page.py``,
which writes docs/sizing.md.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import field
from typing import Final

from ..bodies.part_plan import plan_parts
from ..providers.azure_blob.target import PAGE_BLOBS
from ..providers.azure_blob.target import PART_RULE as AZURE_RULE
from ..providers.s3.target import R2 as R2_PRESET
from ..providers.sharepoint.sessions import FRAGMENT_BYTES
from ..types import PartRule
from ..values import value

GB: Final = 10**9
TB: Final = 10**12
HOUR_S: Final = 3600.0
DAY_S: Final = 24 * HOUR_S


@value
class Fleet:
    """Objects that are to be moved. Each is a revision in a folder of its own, as Kazinex names documents."""

    objects: int = 10_000_000
    """How many in all."""
    bytes: int = 100 * TB
    """In all."""
    large: int = 500_000
    """How many of them are above ``CopyOptions.small_bytes``, and so copied in pieces."""
    large_bytes: int = 81 * TB
    """In these."""
    documents: int = 2_500_000
    """What they are revisions of."""
    projects: int = 1000
    """What documents belong to."""

    @property
    def small(self) -> int:
        """How many are copied in one piece."""
        return self.objects - self.large

    @property
    def folders(self) -> int:
        """Folders of revisions, documents and projects, and that of the organisation."""
        return self.objects + self.documents + self.projects + 1

    @property
    def mean_large(self) -> int:
        """Bytes in a large one, on average."""
        return round(self.large_bytes / self.large) if self.large else 0


@value
class Service:
    """What a service asks for requests and bytes."""

    kind: str
    """Of the provider."""
    name: str
    """As people call it."""
    page: int | None
    """Objects in one page of a listing; None: it is listed folder by folder."""
    parts: PartRule
    """How a large object is cut."""
    begins: bool = True
    """Whether a large object needs a request to begin it."""
    completes: bool = True
    """Whether it needs one to complete it."""
    read_back: bool = False
    """Whether a copy is read again, because the service reports no checksum that proves it."""
    folder_looks: bool = False
    """Whether folders are looked for before a file is put into a new one."""
    looks: bool = False
    """Whether a file is looked up before it is read."""
    keeps_metadata: bool = True
    """Whether it keeps metadata; else the plan looks at every object of the source, for what would be lost."""
    prices: Mapping[str, float] = field(default_factory=dict)
    """US dollars for a million requests, by verb."""
    units: Mapping[str, int] = field(default_factory=dict)
    """What a request counts against the limit, by verb; 1 unless said."""
    storage_price: float | None = None
    """US dollars for a GB and month."""
    egress_price: float = 0.0
    """US dollars for a GB that leaves the service."""
    most_per_minute: float | None = None
    """Units a minute."""
    most_per_day: float | None = None
    """Units a day."""
    most_bytes_hour: float | None = None
    """Bytes an hour, in each direction."""

    def cost(self, load: Mapping[str, int]) -> float:
        """Return what the requests cost, in US dollars."""
        return sum(self.prices.get(verb, 0.0) * count / 1e6 for verb, count in load.items())

    def units_of(self, load: Mapping[str, int]) -> int:
        """Return what the requests count against its limits."""
        return sum(self.units.get(verb, 1) * count for verb, count in load.items())

    def seconds(self, load: Mapping[str, int], size: int) -> float:
        """Return how long the requests and *size* bytes take at least by its limits; 0 where it has none."""
        units = self.units_of(load)
        return max(
            units / self.most_per_minute * 60 if self.most_per_minute else 0.0,
            units / self.most_per_day * DAY_S if self.most_per_day else 0.0,
            size / self.most_bytes_hour * HOUR_S if self.most_bytes_hour else 0.0,
        )


# developers.cloudflare.com/r2/pricing (read 2026-11): class A 4.50, class B 0.36, storage 0.015, egress free; a delete
# is free. developers.cloudflare.com/r2/platform/limits (read 2026-11): one write a second to a key, no other rate.
R2: Final = Service(
    kind="r2",
    name="Cloudflare R2",
    page=1000,
    parts=R2_PRESET.part_rule,
    prices={"list": 4.5, "put": 4.5, "begin": 4.5, "part": 4.5, "complete": 4.5, "get": 0.36, "head": 0.36},
    storage_price=0.015,
)

# learn.microsoft.com/azure/storage/common/scalability-targets-standard-account (read 2026-11): 20,000 requests a
# second, 25 Gbit/s in, outside of the regions that have more. azure.microsoft.com/pricing/details/storage/blobs and
# /pricing/details/bandwidth, hot, LRS, East US, as github.com/api-evangelist/microsoft-azure-blob-storage and
# c3x.dev/blog/azure-egress-bandwidth-cost quote them (read 2026-11): writes 0.055 and reads 0.0044 for 10,000, 0.018 a
# GB and month, 0.087 a GB to the internet up to 10 TB and less beyond. learn.microsoft.com/azure/storage/blobs/
# map-rest-apis-transaction-categories (read 2026-11): a page of a listing is as dear as a write.
AZURE: Final = Service(
    kind="azure_blob",
    name="Azure Blob Storage",
    page=PAGE_BLOBS,
    parts=AZURE_RULE,
    begins=False,
    prices={"list": 5.5, "put": 5.5, "part": 5.5, "complete": 5.5, "get": 0.44, "head": 0.44},
    storage_price=0.018,
    egress_price=0.087,
    most_per_minute=20_000 * 60,
    most_bytes_hour=25e9 / 8 * HOUR_S,
)

_FRAGMENTS: Final = PartRule(min_part_bytes=FRAGMENT_BYTES, max_part_bytes=FRAGMENT_BYTES, max_parts=1_000_000)


def sharepoint(licences: int) -> Service:
    """Return SharePoint in a tenant of so many *licences*; there are figures for up to 1,000, and for 50,000 and more.

    learn.microsoft.com/sharepoint/dev/general-development/how-to-avoid-getting-throttled-or-blocked-in-sharepoint-online
    (read 2026-11): an app in a tenant has 1,250 to 6,250 resource units a minute, 1,200,000 to 6,000,000 a day and
    400 GB an hour; a look or a download is 1 unit, a page of a listing or a write 2.
    """
    small = licences <= 1000
    return Service(
        kind="sharepoint",
        name=f"SharePoint, {'up to 1,000' if small else 'over 50,000'} licences",
        page=None,
        parts=_FRAGMENTS,
        completes=False,
        read_back=True,
        folder_looks=True,
        looks=True,
        keeps_metadata=False,
        units={"list": 2, "put": 2, "begin": 2, "part": 2},
        most_per_minute=1250 if small else 6250,
        most_per_day=1_200_000 if small else 6_000_000,
        most_bytes_hour=400 * GB,
    )


def source_load(fleet: Fleet, source: Service, target: Service) -> Counter[str]:
    """Return the requests to *source* of planning and copying *fleet*, by verb."""
    load: Counter[str] = Counter()
    load["list"] = math.ceil(fleet.objects / source.page) if source.page is not None else fleet.folders - 1
    # A part of a large object is read into the memory from which it is sent.
    load["get"] = fleet.small + fleet.large * plan_parts(fleet.mean_large, target.parts).count
    load["head"] = fleet.large
    if source.looks:
        load["head"] += fleet.objects
    if source.keeps_metadata and not target.keeps_metadata:
        load["head"] += fleet.objects
    return load


def target_load(fleet: Fleet, target: Service) -> Counter[str]:
    """Return the requests to *target* of planning and copying *fleet* to where nothing of it is, by verb."""
    load: Counter[str] = Counter()
    load["put"] = fleet.small
    load["head"] = fleet.large
    load["part"] = fleet.large * plan_parts(fleet.mean_large, target.parts).count
    load["begin"] = fleet.large if target.begins else 0
    load["complete"] = fleet.large if target.completes else 0
    if target.folder_looks:
        # Once each as long as it is not there, and once more when a second folder is made in it.
        load["head"] += fleet.folders + fleet.projects + min(fleet.documents, fleet.objects - fleet.documents)
        load["list"] = fleet.projects  # what is there, since names that differ in case alone would collide
    if target.read_back:
        load["head"] += fleet.objects
        load["get"] = fleet.objects
    return +load


@value
class Estimate:
    """What moving a fleet from one service to another costs."""

    source: Service
    target: Service
    source_requests: int
    """To the source."""
    target_requests: int
    """To the target."""
    source_units: int
    """What they count against its limits."""
    target_units: int
    """Likewise."""
    dollars: float
    """Of requests on both sides, and of bytes that leave the source or are read back from the target."""
    seconds: float
    """By the limits of both services and the line, whichever is the narrowest."""
    bound: str
    """Which that is."""


def estimate(fleet: Fleet, source: Service, target: Service, line_bits: float) -> Estimate:
    """Return what moving *fleet* costs over a line of *line_bits* a second in each direction."""
    read, written = source_load(fleet, source, target), target_load(fleet, target)
    back = fleet.bytes if target.read_back else 0
    bounds = {
        "the line": (fleet.bytes + back) * 8 / line_bits,
        f"the limits of {source.name}": source.seconds(read, fleet.bytes),
        f"the limits of {target.name}": target.seconds(written, fleet.bytes),
    }
    bound = max(bounds, key=lambda name: bounds[name])
    dollars = source.cost(read) + target.cost(written)
    return Estimate(
        source=source,
        target=target,
        source_requests=read.total(),
        target_requests=written.total(),
        source_units=source.units_of(read),
        target_units=target.units_of(written),
        dollars=dollars + (fleet.bytes * source.egress_price + back * target.egress_price) / GB,
        seconds=bounds[bound],
        bound=bound,
    )
