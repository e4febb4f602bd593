"""What the evidence of receipts costs: one change of the register in a SQLite catalogue, with its signed line."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from kazinex_storage import DocumentKey
from kazinex_storage.documents.register import RevisionRecord
from kazinex_storage.organisations import KeyFile, KeyRing, Sealer, SqlCatalogue
from kazinex_storage.organisations.evidence.checking import Trust, check_receipts
from kazinex_storage.organisations.evidence.log import ReceiptEvidence

from .results import AGAIN, Log
from .rounds import Contender, alternate, heading, show
from .sizes import Sizes


def run(folder: Path, sizes: Sizes, log: Log) -> None:
    """Print the section."""
    heading("Receipts: one revision recorded in a catalogue in SQLite, and the check of its line")
    count, numbers = max(sizes.small_count, 20), itertools.count()
    keys, ring = KeyFile(folder / "sealing.key"), KeyRing.generate()
    plain, kept, filed = (
        SqlCatalogue(folder / f"{name}.db", Sealer(source))
        for name, source in (("plain", ring), ("kept", ring), ("filed", keys))
    )
    plain.receipts.swapped = lambda *_: None  # type: ignore[method-assign]  # the register as it is without evidence
    contenders = [
        Contender(name=name, work=functools.partial(record, catalogue, numbers, count), operations=count)
        for name, catalogue in (
            ("no evidence", plain),
            (f"no evidence{AGAIN}", plain),
            ("evidence, keys in a variable", kept),
            ("evidence, keys in a file", filed),
        )
    ]
    record(kept, numbers, count)
    exported = folder / "bridge.jsonl"
    with exported.open("wb") as file:
        lines = ReceiptEvidence(kept).export("acme", "bridge", file).lines
    trust = Trust(keys=(ReceiptEvidence(kept).key("acme").pem,))
    check = Contender(name="check of a line", work=functools.partial(check_receipts, exported, trust), operations=lines)
    samples = alternate([*contenders, check], sizes.small_rounds)
    show("one revision", samples)
    log.keep("receipts", samples)
    for catalogue in (plain, kept, filed):
        catalogue.close()


def record(catalogue: SqlCatalogue, numbers: Iterator[int], count: int) -> None:
    """Record *count* revisions, each in a transaction of its own."""
    for number in itertools.islice(numbers, count):
        document = DocumentKey("acme", "bridge", f"DRG-{number}", "P01", "plan.pdf")
        record = RevisionRecord(
            document=document, provider="office", sha256=f"{number:064x}", size=1 << 20, recorded_at=datetime.now(UTC)
        )
        if not catalogue.revisions.swap_revision(None, record):
            raise AssertionError(f"{document} is there already")
