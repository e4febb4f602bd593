"""The documents of an organisation, or of a folder of it, as one end, wherever its providers keep them.

Documents, keys of five segments with the organisation, go through ``DocumentStore``: they are written once, have
receipts, and are removed into the trash under the retention that there is. Other keys are objects of the provider that
is chosen, under the same rules. Every provider that was ever used has to answer: what it holds would seem to be gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar, cast

from ..bodies.source import Source as BodySource
from ..documents.patience import Patience
from ..documents.receipts import ProviderResolver, ResolvedProvider
from ..documents.register import RevisionRecord
from ..documents.searching import places_of
from ..documents.store import DocumentStore
from ..documents.writing import guarded_storage
from ..errors import InvalidKeyError, ReadOnlyError, RecordNotFoundError, StorageError
from ..keys import DocumentKey, Prefix, check_identifier, is_revision
from ..lazy import logger
from ..organisations import commands
from ..storage.rules import Body
from ..transport import Call, Exchange, Transport
from ..types import ObjectInfo, PutOptions
from .ends import Deleted, Source, through
from .entries import Entry
from .objects import OWN_KEY, Objects, entry_of, is_own
from .selecting import Selection

_T = TypeVar("_T")
_log = logger(__name__)


class OrganisationFolder:
    """A folder of an organisation, or all of it."""

    keeps_times = False

    def __init__(self, resolver: ProviderResolver, organisation: str, folder: str = "") -> None:
        """Work on what *resolver* has of *organisation* below *folder*, such as ``bridge`` or ``bridge/DRG-0042``.

        Raises:
            InvalidKeyError: one of the two is not legal.
        """
        self._organisation = check_identifier(organisation, "organisation")
        self._prefix = Prefix.folder(folder)
        project = folder.partition("/")[0]
        self._project = check_identifier(project, "project") if project else None
        self._resolver = resolver
        self._documents = DocumentStore(resolver, organisation=organisation)
        self._patience = Patience()
        self._ends = dict[str, Objects]()
        """Of the providers, by their ids; below the folder."""
        self._writers = dict[str, Objects]()
        """Where the documents of each project go."""

    @property
    def transport(self) -> Transport:
        """What runs its exchanges."""
        return self._documents.transport

    @property
    def concurrency(self) -> int:
        """How many objects at once pay off: at the provider that is asked first."""
        return min((end.concurrency for end in self._providers()), default=1)

    @property
    def ignores_case(self) -> bool:
        """Whether keys that differ only in case are one at any of the providers."""
        return any(end.ignores_case for end in self._providers())

    @property
    def hierarchical(self) -> bool:
        """Whether folders are real at any of the providers."""
        return any(end.hierarchical for end in self._providers())

    @property
    def whereabouts(self) -> tuple[str, str]:
        """Its place, and the folder in it."""
        return f"organisation {self._organisation}", self._prefix

    def entries(self, selection: Selection) -> Iterator[Entry]:
        """Yield what takes part, each key first from the provider that it would be read from.

        Raises:
            RecordNotFoundError: the organisation has no provider.
            StorageError: a provider that was used does not answer.
        """
        providers = self._resolver.in_order(self._organisation, self._project)
        if not providers:
            raise RecordNotFoundError(
                f"the organisation {self._organisation!r} has no provider; add one: {commands.add(self._organisation)}"
            )
        for place in places_of(providers):
            error: StorageError | None = None
            for provider in place:
                try:
                    yield from self._listed(provider, selection)
                    break
                except StorageError as found:
                    error = found
            else:
                if error is not None and any(provider.used for provider in place):
                    raise error
                _log.warning("provider %s was never used, and did not answer: %s", place[0].label, error)

    def sha256(self, entry: Entry) -> Exchange[str]:
        """Return what the register has of a document, else as of any object.

        Raises:
            StorageError: the provider does not give it.
        """
        recorded = yield from self._recorded(entry.key)
        if recorded is not None and recorded.sha256 is not None:
            return recorded.sha256
        return (yield from self._ends[entry.holder].sha256(entry))

    def body(self, entry: Entry) -> Exchange[tuple[Body, ObjectInfo | None]]:
        """Return the object as a body; a document proves to be what the register says."""
        recorded = yield from self._recorded(entry.key)
        sha256 = None if recorded is None else recorded.sha256
        return (yield from self._ends[entry.holder].body(entry, sha256))

    def download(self, entry: Entry, path: Path) -> Exchange[None]:
        """Write it into the file *path*, a document proved by its receipt."""
        document = self._document(entry.key)
        if document is None:
            yield from self._ends[entry.holder].download(entry, path)
        else:
            yield from self._on(self._documents.operations.download(document, path, None))

    def refusal(self, key: str, size: int) -> str | None:
        """Return why the provider that is written to, or the policy, does not take it.

        Raises:
            UnresolvedOrganisationError: none is chosen.
        """
        if is_own(key):
            return OWN_KEY
        try:
            writer = self._writer(key)
        except InvalidKeyError as error:
            return error.message
        return writer.refusal(key, size)

    def is_written_once(self, key: str) -> bool:
        """Say whether *key* names a document."""
        return is_revision(f"{self._organisation}/{self._prefix}{key}")

    def take(self, source: Source, entry: Entry, before: Entry | None, options: PutOptions) -> Exchange[None]:
        """Store a document, or put an object where the organisation has chosen.

        Raises:
            AlreadyExistsError: the revision has, or had, another file.
            StorageError: either end refuses.
        """
        document = self._document(entry.key)
        if document is None:
            yield from self._writer(entry.key).take(source, entry, before, options)
            return
        body, info = yield from source.body(entry)
        content_type = None if info is None else info.content_type
        try:
            yield from self._on(self._documents.operations.upload(document, body, content_type, None, None))
        finally:
            if isinstance(body, BodySource):
                body.close()

    def delete(self, entries: Sequence[Entry]) -> Exchange[Deleted]:
        """Remove documents as ``DocumentStore.remove`` does, and other objects from every provider that holds them."""
        deleted: Deleted = []
        for entry in entries:
            try:
                yield from self._remove(entry)
            except (StorageError, OSError) as refused:
                deleted.append((entry, refused))
            else:
                deleted.append((entry, None))
        return deleted

    def _remove(self, entry: Entry) -> Exchange[None]:
        document = self._document(entry.key)
        if document is not None:
            yield from self._on(self._documents.operations.remove(document))
            return
        for end in self._providers():
            for _, error in (yield from end.delete([entry])):
                # A retired provider refuses whatever it holds, and need not hold this.
                if isinstance(error, ReadOnlyError) and not (yield from end.has(entry.key)):
                    continue
                if error is not None:
                    raise error

    def _listed(self, provider: ResolvedProvider, selection: Selection) -> Iterator[Entry]:
        end = self._end(provider)
        for info in end.storage.list():
            if not is_own(f"{self._prefix}{info.key}") and selection.takes(info.key):
                yield entry_of(info, provider.provider)

    def _recorded(self, key: str) -> Exchange[RevisionRecord | None]:
        """Return what the register has of the document *key*, if it is one and was not removed."""
        document = self._document(key)
        if document is None:
            return None
        found = yield Call(self._resolver.revisions.revision, document, owner=self._organisation)
        record = cast("RevisionRecord | None", found)
        return record if record is not None and record.document == document and record.removal is None else None

    def _document(self, key: str) -> DocumentKey | None:
        full = f"{self._organisation}/{self._prefix}{key}"
        return DocumentKey.parse(full) if is_revision(full) else None

    def _providers(self) -> list[Objects]:
        return [self._end(found) for found in self._resolver.in_order(self._organisation, self._project)]

    def _end(self, provider: ResolvedProvider) -> Objects:
        end = self._ends.get(provider.provider)
        if end is None:
            storage = guarded_storage(self._resolver, self._organisation, provider, self._patience)
            end = self._ends[provider.provider] = Objects(storage.scoped(self._prefix) if self._prefix else storage)
        return end

    def _writer(self, key: str) -> Objects:
        """Return where *key* is written to: what its project, else the organisation, has chosen.

        Raises:
            UnresolvedOrganisationError: neither has; ``InvalidKeyError``: its first segment is no project.
        """
        project = self._project or check_identifier(key.partition("/")[0], "project")
        writer = self._writers.get(project)
        if writer is None:
            writer = self._writers[project] = self._end(self._resolver.chosen(self._organisation, project))
        return writer

    def _on(self, exchange: Exchange[_T]) -> Exchange[_T]:
        return through(self.transport, exchange)

    def __repr__(self) -> str:
        return f"OrganisationFolder({self._organisation!r}, {str(self._prefix)!r})"
