"""Every goal as one row: which measures are compared, and what is asked. Nothing is computed here; see ``judge.py``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

OURS = "kazinex-storage"
OURS_SHA256 = f"{OURS} + sha256"
PEERS = ("obstore", "opendal", "minio", "boto3", "s3fs")
PEERS_SHA256 = ("obstore + sha256", "opendal + sha256")
MEMORY_MIB = 64.0
"""How far the resident set may grow, whatever passes through."""


class Quantity(Enum):
    """What is compared."""

    CPU = "processor time, against the peer that needs least of it"
    ITS_CPU = "processor time, against the peer that is fastest"
    TIME = "time, against the peer that is fastest"
    SPEED = "how many times as fast as the peer that is fastest"
    GROWTH = "MiB by which the resident set grows"
    ADDED = "seconds more than the one beneath"
    RESIDENT = "MiB of the resident set, by itself"
    OWN_CPU = "seconds of processor time, by itself"
    OWN_TIME = "seconds, by itself"
    SENT = "KiB that are sent, by itself"


ALONE = frozenset({Quantity.GROWTH, Quantity.RESIDENT, Quantity.OWN_CPU, Quantity.OWN_TIME, Quantity.SENT})
"""What is judged without a peer."""
BYTES = {Quantity.GROWTH: 1024 * 1024, Quantity.RESIDENT: 1024 * 1024, Quantity.SENT: 1024}
"""What is counted in bytes, and how many make its unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One row."""

    group: str
    """Heading of the plot and of the table."""
    row: str
    """What the work is; names of ``Run.sizes`` in braces."""
    section: str
    what: str
    """With the section: the name of the measures."""
    quantity: Quantity
    bound: float
    """A ratio; of what is judged alone its own unit, of ``ADDED`` seconds. At least for ``SPEED``, at most for all
    others."""
    ours: str = OURS
    """Which contender is ours; empty: the worst of all."""
    peers: tuple[str, ...] = PEERS
    other_ways: tuple[str, ...] = ()
    """What else the peers did that counts as this work, when it is better."""
    rate: bool = False
    """Whether operations a second are shown instead of seconds."""
    floor_of: str = ""
    """The work whose floor is shown, where this one has none of its own."""


def _small() -> list[Goal]:
    places = (("two cores", "", 0.75), ("one core", ", one core", 1.15))
    return [
        Goal(
            group="S3, 4 KiB",
            row=f"{job}, one after another, {where}",
            section="s3-small",
            what=f"{job}{suffix}",
            quantity=Quantity.CPU,
            bound=bound,
        )
        for where, suffix, bound in places
        for job in ("get", "put", "head", "delete")
    ]


def _bulk() -> list[Goal]:
    rows = []
    for title, what, speed, cpu in (
        ("put_many, 64 in flight", "put_many", 1.25, 0.6),
        ("get_many, 64 in flight", "get_many", 1.25, 0.6),
        ("asyncio put, 64 in flight", "async_put", 1.4, 0.5),
        ("asyncio get, 64 in flight", "async_get", 1.4, 0.5),
    ):
        # In bulk a peer is as good as the better of its two ways.
        other_ways = (what.replace("put_many", "async_put").replace("get_many", "async_get"),) if "many" in what else ()
        for quantity, bound in ((Quantity.SPEED, speed), (Quantity.ITS_CPU, cpu)):
            rows.append(
                Goal(
                    group="S3, 4 KiB",
                    row=title,
                    section="s3-bulk",
                    what=what,
                    quantity=quantity,
                    bound=bound,
                    other_ways=other_ways,
                    rate=quantity is Quantity.SPEED,
                    floor_of=f"{what.removeprefix('async_').removesuffix('_many')}_many",
                )
            )
    return rows


def _listings() -> list[Goal]:
    return [
        Goal(
            group="S3, listings and ranges",
            row=f"list {{{size}:,}} keys",
            section="s3-list",
            what=what,
            quantity=quantity,
            bound=bound,
        )
        for what, size in (("short", "listed"), ("long", "listed_long"))
        for quantity, bound in ((Quantity.SPEED, 1.0), (Quantity.GROWTH, MEMORY_MIB))
    ]


def _files() -> list[Goal]:
    return [
        Goal(
            group="S3, files",
            row=f"{{files:,}} files of 100 KiB {way}",
            section="s3-files",
            what=what,
            quantity=Quantity.SPEED,
            bound=bound,
            peers=(peer,),
        )
        for way, what in (("up through fsspec", "tree_up"), ("down through fsspec", "tree_down"))
        for peer, bound in (("opendal", 0.8), ("obstore.fsspec", 2.0), ("s3fs", 4.0))
    ]


def _large() -> list[Goal]:
    rows = []
    for way, what in (("up", "upload"), ("down", "download")):
        for ours, note, peers, bound in (
            (OURS, "service's checksum", PEERS, 0.9),
            (OURS_SHA256, "sha256", PEERS_SHA256, 1.0),
        ):
            for quantity, asked in ((Quantity.SPEED, bound), (Quantity.GROWTH, MEMORY_MIB)):
                rows.append(
                    Goal(
                        group="S3, files",
                        row=f"{{large_mib:,}} MiB {way} over TLS, {note}",
                        section="s3-large",
                        what=f"{what}, TLS",
                        quantity=quantity,
                        bound=asked,
                        ours=ours,
                        peers=peers,
                    )
                )
    return rows


def _ranges() -> list[Goal]:
    return [
        Goal(
            group="S3, listings and ranges",
            row="64 KiB, one of {ranges} random ranges",
            section="s3-ranges",
            what="ranges",
            quantity=Quantity.SPEED,
            bound=bound,
            peers=(peer,),
        )
        for peer, bound in (("obstore", 1.0), ("obstore.fsspec", 3.0))
    ]


def _starts() -> list[Goal]:
    return (
        [
            Goal(
                group="Starts",
                row=f"first byte of a fresh process, {way}",
                section="s3-start",
                what="start",
                quantity=Quantity.TIME,
                bound=1.3,
                ours=ours,
                peers=("bare libcurl (floor)",),
            )
            for way, ours in (("Storage", OURS), ("fsspec.open", f"{OURS}, fsspec"))
        ]
        + [
            Goal(
                group="Starts",
                row=f"`{statement}`",
                section="import",
                what="import",
                quantity=Quantity.ADDED,
                bound=0.060,
                ours=statement,
                peers=("pass",),
            )
            for statement in ("import kazinex_storage", "from kazinex_storage import Storage")
        ]
        + [
            Goal(
                group="Starts",
                row=f"`{command}`",
                section="commands",
                what="command",
                quantity=Quantity.OWN_CPU,
                bound=bound,
                ours=command,
                peers=(),
            )
            for command, bound in (("kazinex-storage --help", 0.150), ("kazinex-storage ls", 0.400))
        ]
    )


def _local() -> list[Goal]:
    small = [
        Goal(
            group="Local disk",
            row=f"4 KiB {what}",
            section="small-objects",
            what=what,
            quantity=Quantity.TIME,
            bound=1.6,
            peers=("fsspec",),
        )
        for what in ("get", "head")
    ]
    durable = Goal(
        group="Local disk",
        row="4 KiB durable put",
        section="small-objects",
        what="put",
        quantity=Quantity.TIME,
        bound=1.5,
        ours=f"{OURS}, durable",
        peers=("by hand, durable",),
    )
    bulk = [
        Goal(
            group="Local disk",
            row=f"{name} of 4 KiB, {what.partition(', ')[2]}",
            section="bulk",
            what=what,
            quantity=Quantity.SPEED,
            bound=1.0,
            ours=name,
            peers=("one by one",),
        )
        for name, what in (("put_many", "put, durable"), ("put_many", "put, not durable"), ("get_many", "get, warm"))
    ]
    large = Goal(
        group="Local disk",
        row="{local_mib:,} MiB durable put from a path",
        section="large-put",
        what="put",
        quantity=Quantity.SPEED,
        bound=0.95,
        peers=("cp + fsync",),
    )
    grown = [
        Goal(
            group="Local disk",
            row=row,
            section="memory",
            what=what,
            quantity=Quantity.GROWTH,
            bound=MEMORY_MIB,
            ours="",
        )
        for row, what in (
            ("{memory_mib:,} MiB in and out, worst of six ways", "body"),
            ("list {listed_local:,} files, worse of two ways", "listing"),
        )
    ]
    overhead = [
        Goal(
            group="Local disk",
            row=f"{call} of Storage, scoped, policy, over memory",
            section="overhead",
            what=call,
            quantity=Quantity.ADDED,
            bound=15e-6,
            ours="Storage, scoped, policy",
            peers=("provider",),
        )
        for call in ("get_bytes", "head", "put")
    ]
    return [*small, durable, *bulk, large, *grown, *overhead]


def _sharepoint() -> list[Goal]:
    rows = [
        Goal(
            group="SharePoint",
            row=row,
            section="sharepoint",
            what=what,
            quantity=Quantity.SPEED,
            bound=bound,
            peers=("office365",),
        )
        for row, what, bound in (
            ("4 KiB put", "put", 2.0),
            ("4 KiB get", "get", 2.0),
            ("{sharepoint_mib} MiB up", "up", 1.5),
            ("{sharepoint_mib} MiB down", "down", 2.0),
        )
    ]
    return rows + [_growth("SharePoint", "{sharepoint_mib}", "sharepoint", way) for way in ("up", "down")]


def _azure() -> list[Goal]:
    sdk = [
        Goal(
            group="Azure",
            row=f"4 KiB {job}, {where}",
            section="azure",
            what=f"{job}, {where}",
            quantity=Quantity.CPU,
            bound=0.2,
            peers=("azure-storage-blob",),
        )
        for where, jobs in (("Azurite", ("put", "get", "delete")), ("null server", ("put", "get")))
        for job in jobs
    ]
    crc64 = f"{OURS}, CRC-64"
    large = [
        Goal(
            group="Azure",
            row=f"{{azure_mib}} MiB {way}, {where}, {note}",
            section="azure",
            what=f"{way}, {where}",
            quantity=Quantity.SPEED,
            bound=1.0,
            ours=ours,
            peers=(peer,),
        )
        for way, where, note, ours, peer in (
            ("up", "Azurite", "MD5", OURS, "obstore"),
            ("up", "Azurite", "MD5 and sha256", OURS_SHA256, "obstore + sha256"),
            ("down", "Azurite", "MD5", OURS, "obstore"),
            ("down", "Azurite", "sha256", OURS_SHA256, "obstore + sha256"),
            ("up", "null server", "CRC-64", crc64, "obstore"),
            ("up", "null server", "CRC-64 and sha256", f"{crc64} + sha256", "obstore + sha256"),
            ("down", "null server", "CRC-64", crc64, "obstore"),
            ("down", "null server", "sha256", f"{crc64} + sha256", "obstore + sha256"),
        )
    ]
    return [*sdk, *large, *(_growth("Azure", "{azure_mib}", "azure", way) for way in ("up", "down"))]


def _growth(group: str, size: str, section: str, way: str) -> Goal:
    return Goal(
        group=group,
        row=f"{size} MiB {way}",
        section=section,
        what=f"large file, {way}",
        quantity=Quantity.GROWTH,
        bound=MEMORY_MIB,
    )


def _service() -> list[Goal]:
    def goal(row: str, what: str, quantity: Quantity, bound: float, ours: str = OURS) -> Goal:
        return Goal(
            group="HTTP service", row=row, section="service", what=what, quantity=quantity, bound=bound, ours=ours
        )

    transfers = [
        Goal(
            group="HTTP service",
            row=f"{{service_mib}} MiB {way} through the router, {where}",
            section="service",
            what=f"{job}, {where}",
            quantity=Quantity.CPU,
            bound=1.3,
            ours=f"{OURS}, HTTP",
            peers=("library",),
        )
        for where in ("local disk", "S3")
        for way, job in (("up", "upload"), ("down", "download"))
    ]
    return [
        *transfers,
        goal("{crowd} downloads of {crowd_mib} MiB at once", "crowd", Quantity.RESIDENT, 300.0),
        goal("ticket, begin and confirm", "ticket", Quantity.OWN_CPU, 0.005),
        goal("first view of the page", "page", Quantity.SENT, 100.0, f"{OURS}, on the wire"),
        goal("first view of the page", "page", Quantity.OWN_TIME, 0.300),
    ]


def _migration() -> list[Goal]:
    def goal(row: str, what: str, quantity: Quantity, bound: float, peer: str = "", ours: str = OURS) -> Goal:
        return Goal(
            group="Migration",
            row=row,
            section="migration",
            what=what,
            quantity=quantity,
            bound=bound,
            ours=ours,
            peers=(peer,),
        )

    copies = [
        goal(f"{{{count}:,}} objects of {size}, S3 to S3", f"copy {size}", Quantity.SPEED, bound, peer)
        for size, count in (("4 KiB", "moved_small"), ("1 MiB", "moved"), ("64 MiB", "moved_large"))
        for peer, bound in (("get or put alone, the slower", 0.9), ("rclone", 1.0))
    ]
    return [
        *copies,
        goal("one object, memory to memory", "own time", Quantity.OWN_CPU, 0.001),
        goal("plan of {planned:,} keys", "plan", Quantity.OWN_TIME, 60.0),
        goal("plan of {planned:,} keys", "plan", Quantity.GROWTH, 100.0),
        goal("two workers of Dask beside two processes", "executors", Quantity.TIME, 1.1, "pool", "dask"),
    ]


def _syncs() -> list[Goal]:
    return [
        Goal(
            group="Synchronisation",
            row=f"{{synced:,}} unchanged files of 4 KiB, local disk{how}",
            section="sync",
            what="unchanged",
            quantity=Quantity.OWN_TIME,
            bound=3.0,
            ours=ours,
            peers=(),
        )
        for how, ours in (("", OURS), (", by sha256", f"{OURS}, by sha256"))
    ]


GOALS: tuple[Goal, ...] = (
    *_small(),
    *_bulk(),
    *_listings(),
    *_ranges(),
    *_files(),
    *_large(),
    *_starts(),
    *_local(),
    *_sharepoint(),
    *_azure(),
    *_service(),
    *_migration(),
    *_syncs(),
)
"""All of them, in the order of table and plot."""
