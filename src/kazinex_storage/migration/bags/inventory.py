"""All that an organisation has stored: what the register knows, and what else its providers hold, each object once.

Nothing is read but listings and the register; they come in any order and are sorted on disk, so memory stays flat.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final, Protocol

from ...documents.listing import RECORDS_PAGE, RevisionListing
from ...documents.receipts import ResolvedProvider
from ...documents.register import RevisionRecord
from ...documents.searching import places_of, relative_key
from ...errors import InvalidKeyError, StorageError
from ...keys import DocumentKey
from ...values import value
from .sorting import Sorted

OWN: Final = ".kazinex"
"""What begins like this below an organisation is not its own: probes, parts of direct uploads, bags."""

_DOCUMENT, _OBJECT = "d", "o"
_STORED, _REMOVED, _FOUND = "0", "1", "2"


@value
class Item:
    """One object to be packed."""

    key: str
    """Below the organisation."""
    project: str | None
    """Of a document; None for what is none."""
    size: int
    """Bytes, as far as known."""
    etag: str | None = None
    last_modified: datetime | None = None
    """Aware UTC."""
    shadowed: bool = False
    """Whether another place holds an object under this key too, and no register says which one counts."""


class OnSilent(Protocol):
    """Is told which provider could not be listed, and decides."""

    def __call__(self, provider: ResolvedProvider, error: StorageError, /) -> None:
        """Return to go on without it; raise to end."""
        ...


def records_of(listing: RevisionListing, organisation: str, project: str | None) -> Iterator[RevisionRecord]:
    """Yield all records of an organisation, or of one of its projects, page by page."""
    page = listing.records(organisation, project=project)
    while page:
        yield from page
        if len(page) < RECORDS_PAGE:
            return
        page = listing.records(organisation, project=project, after=page[-1].document)


def inventory(
    organisation: str,
    project: str | None,
    records: Iterator[RevisionRecord],
    providers: Sequence[ResolvedProvider],
    on_silent: OnSilent,
) -> Iterator[Item]:
    """Yield every object once, documents first, in the order of their keys.

    Raises:
        StorageError: a provider did not answer, and *on_silent* says so.
        OSError: the temporary folder is full.
    """
    with Sorted() as rows:
        for record in records:
            kind = _STORED if record.removal is None else _REMOVED
            size = "" if record.size is None else str(record.size)
            rows.add(_DOCUMENT, relative_key(record.document), kind, record.provider, size, "", "")
        for number, place in enumerate(places_of(providers)):
            _list(rows, organisation, project, place, number, on_silent)
        for (kind, key), group in groupby(rows.rows(), key=lambda row: (row[0], row[1])):
            item = _item(kind, key, list(group))
            if item is not None:
                yield item


def _list(
    rows: Sorted,
    organisation: str,
    project: str | None,
    place: Sequence[ResolvedProvider],
    number: int,
    on_silent: OnSilent,
) -> None:
    """Add what *place* holds, through the first of its providers that answers."""
    for last, provider in enumerate(place, 1 - len(place)):
        try:
            for info in provider.storage.list("" if project is None else f"{project}/"):
                if info.key.startswith(OWN):
                    continue
                kind = _DOCUMENT if _is_document(organisation, info.key) else _OBJECT
                time = info.last_modified.isoformat() if info.last_modified is not None else ""
                source = (f"{_FOUND}{number:06}", provider.provider)
                rows.add(kind, info.key, *source, str(info.size), info.etag or "", time)
        except StorageError as error:
            if last == 0 and any(each.used for each in place):
                on_silent(provider, error)
        else:
            return


def _item(kind: str, key: str, group: Sequence[Sequence[str]]) -> Item | None:
    """Return what is packed under one key; None for a revision that was removed."""
    first = group[0]
    if first[2] == _REMOVED:
        return None
    found = [row for row in group if row[2].startswith(_FOUND)]
    recorded = first[2] == _STORED
    # The version on the provider that the register names; of what no register knows, the first place counts.
    here = [row for row in found if row[3] == first[3]] or found[:0] if recorded else found[:1]
    size = first[4] or (here[0][4] if here else "0")
    return Item(
        key=key,
        project=key.partition("/")[0] if kind == _DOCUMENT else None,
        size=int(size),
        etag=here[0][5] or None if here else None,
        last_modified=datetime.fromisoformat(here[0][6]) if here and here[0][6] else None,
        shadowed=not recorded and len({row[2] for row in found}) > 1,
    )


def _is_document(organisation: str, key: str) -> bool:
    try:
        DocumentKey.parse(f"{organisation}/{key}")
    except InvalidKeyError:
        return False
    return True
