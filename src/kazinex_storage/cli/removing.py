"""``rm``: documents, by the rules that keep them, and other objects; several at once, folders, patterns."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from ..errors import RetentionError
from ..policy import format_bytes
from ..values import value
from .batches import Batch, Job, Told, refuse_all
from .command import confirm
from .exits import UsageError
from .selecting import Selected, select, single_document

if TYPE_CHECKING:
    from ..documents.receipts import StoredDocument
    from ..transport import Exchange
    from .command import RunningCommand


@value
class RemoveRequest:
    """What a command line says about a removal."""

    sources: tuple[str, ...]
    by: str | None = None
    reason: str | None = None
    purge: bool = False
    recursive: bool = False
    yes: bool = False
    dry_run: bool = False


def remove(command: RunningCommand, asked: RemoveRequest) -> None:
    """Remove what is *asked*.

    Raises:
        UsageError: what is asked for makes no sense.
        typer.Exit: of several, some were not removed, or the answer is no.
        StorageError: the only one was not removed.
    """
    alone = len(asked.sources) == 1 and not asked.recursive and not asked.dry_run
    receipt = single_document(command, asked.sources[0]) if alone else None
    if receipt is not None:
        _remove_document(command, asked, receipt)
        return
    selection = select(command, asked.sources, recursive=asked.recursive)
    refuse_all(command, selection.problems)
    others = [item for item in selection.items if item.found.document is None]
    if asked.purge and others:
        raise UsageError(f"--purge is for documents, and {others[0].address} is none; leave it away")
    batch = Batch(command, dry_run=asked.dry_run)
    if asked.dry_run:
        _show(command, batch, selection.items)
    else:
        confirm(_question(asked, selection.items), yes=asked.yes)
        jobs = [
            Job(
                name=item.address,
                fields={"source": item.address},
                work=partial(removed, command, item, asked.by, asked.reason, purge=asked.purge),
            )
            for item in selection.items
        ]
        try:
            batch.run(command.transport, jobs)
        except KeyboardInterrupt:
            command.out.note("what was removed is named above; the same command goes on with the rest")
            raise
    for problem in selection.unseen:
        batch.fail(*problem)
    batch.finish("dry run: nothing was changed" if asked.dry_run else "")


def removed(
    command: RunningCommand, item: Selected, by: str | None, reason: str | None, *, purge: bool = False
) -> Exchange[Told]:
    """Remove one object from everywhere, a document by the rules that keep it.

    Raises:
        RetentionError: something keeps it.
        StorageError: a provider did not answer, or refused.
    """
    if item.found.document is not None:
        yield from command.documents.operations.remove(item.found.document, by, reason, purge=purge)
    else:
        for storage in item.place.holders(item.found.key):
            yield from storage.operations.delete(item.found.key)
    return Told(fields={"source": item.address, "removed": item.address}, line=f"removed {item.address}")


def _remove_document(command: RunningCommand, asked: RemoveRequest, receipt: StoredDocument) -> None:
    ending = " for good" if asked.purge else ""
    confirm(f"Remove {receipt.key} ({format_bytes(receipt.size)}){ending}?", yes=asked.yes)
    command.documents.remove(receipt.document, by=asked.by, reason=asked.reason, purge=asked.purge)
    command.out.result({"removed": receipt.key}, [f"removed {receipt.key}"])


def _question(asked: RemoveRequest, items: Sequence[Selected]) -> str:
    size = format_bytes(sum(item.found.size for item in items))
    ending = " for good" if asked.purge else ""
    if len(items) == 1:
        return f"Remove {items[0].address} ({size}){ending}?"
    shown = ", ".join(item.address for item in items[:3])
    return f"Remove {len(items):,} objects ({size}){ending}: {shown}{', ...' if len(items) > 3 else ''}?"


def _show(command: RunningCommand, batch: Batch, items: Sequence[Selected]) -> None:
    for item in items:
        fields = {"source": item.address, "size": item.found.size}
        if item.found.document is not None and command.documents.retention(item.found.document).keeps():
            kept = RetentionError("a retention or a hold keeps it; it would stay", key=item.address)
            batch.fail(item.address, fields, kept)
        else:
            batch.done(fields, f"would remove {item.address} ({format_bytes(item.found.size)})")
