"""Finishing a bag: its tag files, its manifests, and ``bagit.txt`` last, so that what is a bag is a whole one.

Everything is written from the journal and the register, the same each time, so a process that was killed here leaves
nothing that the next one would not write again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Final, cast

from ...documents.listing import RevisionListing
from ...json_text import write_json
from ...policy import format_bytes
from ...types import Folder
from ...values import value
from ...version import __version__
from ..journal import Count, Entry, EntryState, Journal, Run
from .formats import BAG_INFO, BAGIT, BAGIT_TEXT, PAYLOAD, Oxum, manifest_line, write_info
from .inventory import records_of
from .packing import hash_of, put_tag
from .places import BagPlace
from .spans import BagSpan
from .tags import LEFT_OUT, REMOVALS, removal_line

MANIFEST: Final = "manifest-sha256.txt"
TAG_MANIFEST: Final = "tagmanifest-sha256.txt"


@value
class FinishJob:
    """What finishing needs to know; the same for all bags."""

    journal: Journal
    run: Run
    listing: RevisionListing
    place: BagPlace
    spans: tuple[BagSpan, ...]


@value
class FinishedBag:
    """A bag that is whole."""

    name: str
    project: str | None
    """Whose documents are in it; None: objects that are no documents."""
    objects: int
    """How many are in it."""
    bytes: int
    """Of all of them."""
    tag_manifest: str
    """The sha256 of ``tagmanifest-sha256.txt``, which covers all of the bag: kept elsewhere, it shows changes."""

    def to_dict(self) -> dict[str, object]:
        """Return it as values that JSON can hold."""
        return {name: getattr(self, name) for name in ("name", "project", "objects", "bytes", "tag_manifest")}

    @classmethod
    def from_dict(cls, fields: Mapping[str, object]) -> FinishedBag:
        """Return what ``to_dict`` wrote."""
        return cls(
            name=cast(str, fields["name"]),
            project=cast("str | None", fields["project"]),
            objects=cast(int, fields["objects"]),
            bytes=cast(int, fields["bytes"]),
            tag_manifest=cast(str, fields["tag_manifest"]),
        )


def finish(job: FinishJob, span: BagSpan) -> FinishedBag:
    """Write what is missing of the bag of *span*, all of whose payload is there.

    Raises:
        StorageError: the target did not answer, or is full.
    """
    packed = _packed(job, span)
    place, name = job.place, span.name
    place.make_folder(f"{name}/{PAYLOAD}")
    for path, chunks in ((LEFT_OUT, partial(_left_out, job, span)), (REMOVALS, partial(_removals, job, span))):
        if any(chunks()):
            put_tag(place, f"{name}/{path}", chunks)
    put_tag(place, f"{name}/{BAG_INFO}", partial(_info, job, span, packed))
    put_tag(place, f"{name}/{MANIFEST}", partial(_manifest, job, span))
    tags = dict(_hashed(place, f"{name}/"))
    lines = [manifest_line(tags[path], path) for path in sorted(tags)]
    put_tag(place, f"{name}/{TAG_MANIFEST}", partial(iter, lines))
    put_tag(place, f"{name}/{BAGIT}", partial(iter, [BAGIT_TEXT]))
    return FinishedBag(
        name=name,
        project=span.project,
        objects=packed.objects,
        bytes=packed.bytes,
        tag_manifest=hashlib.sha256(b"".join(lines)).hexdigest(),
    )


def entries_of(journal: Journal, run: Run, span: BagSpan, states: Iterable[EntryState]) -> Iterator[Entry]:
    """Yield the entries of *span* that are in one of *states*, page by page."""
    first, wanted = span.first, tuple(states)
    while first <= span.last and (page := journal.entries(run, first=first, last=span.last, states=wanted)):
        yield from page
        first = page[-1].number + 1


def _packed(job: FinishJob, span: BagSpan) -> Count:
    objects = size = 0
    for entry in entries_of(job.journal, job.run, span, [EntryState.PACKED]):
        objects, size = objects + 1, size + entry.size
    return Count(objects=objects, bytes=size)


def _manifest(job: FinishJob, span: BagSpan) -> Iterator[bytes]:
    organisation = job.run.organisation
    for entry in entries_of(job.journal, job.run, span, [EntryState.PACKED]):
        yield manifest_line(entry.sha256 or "", f"{PAYLOAD}{organisation}/{entry.key}")


def _info(job: FinishJob, span: BagSpan, packed: Count) -> Iterator[bytes]:
    fields = {
        "Bag-Software-Agent": f"kazinex-storage {__version__}",
        "Source-Organization": job.run.organisation,
        "External-Identifier": span.project or span.name,
        "External-Description": "Documents of one project"
        if span.project is not None
        else "Objects that are no documents",
        "Bagging-Date": f"{job.run.begun_at:%Y-%m-%d}",
        "Payload-Oxum": str(Oxum(bytes=packed.bytes, files=packed.objects)),
        "Bag-Size": format_bytes(packed.bytes),
        "Bag-Group-Identifier": job.run.id,
        "Bag-Count": f"{job.spans.index(span) + 1} of {len(job.spans)}",
    }
    yield write_info(fields)


def _left_out(job: FinishJob, span: BagSpan) -> Iterator[bytes]:
    for entry in entries_of(job.journal, job.run, span, [EntryState.FAILED]):
        yield f"{write_json({'key': entry.key, 'size': entry.size, 'reason': entry.reason})}\n".encode()


def _removals(job: FinishJob, span: BagSpan) -> Iterator[bytes]:
    """Yield the removals of the project; those of projects without a bag are in the first one."""
    same = [each for each in job.spans if each.project == span.project]
    if span.project is not None and same[0] == span:
        yield from _removed(job, span.project, frozenset())
    if job.spans[0] == span and job.run.project is None:
        yield from _removed(job, None, frozenset(each.project for each in job.spans if each.project is not None))


def _removed(job: FinishJob, project: str | None, but: frozenset[str]) -> Iterator[bytes]:
    for record in records_of(job.listing, job.run.organisation, project):
        if record.removal is not None and record.document.project not in but:
            yield removal_line(record, record.removal)


def _hashed(place: BagPlace, bag: str) -> Iterator[tuple[str, str]]:
    """Yield the path in the bag and the sha256 of each tag file, as they are read back from the target."""
    storage = place.storage
    yield BAGIT, hashlib.sha256(BAGIT_TEXT).hexdigest()
    for found in place.entries(bag):
        if isinstance(found, Folder):
            if found.prefix.removeprefix(bag) != PAYLOAD:
                for info in storage.list(found.prefix):
                    yield info.key.removeprefix(bag), storage.transport.run(hash_of(storage.operations, info.key))
        elif (name := found.key.removeprefix(bag)) not in (BAGIT, TAG_MANIFEST):
            yield name, storage.transport.run(hash_of(storage.operations, found.key))
