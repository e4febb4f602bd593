"""Uploads of documents that outlive their process, for programs that hold the file and the credentials themselves.

``direct.py`` is for clients without credentials. Here the caller keeps the state of ``Storage.begin_upload``; the rule
of revisions is asked at the beginning and again at the end, as by every other way in.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..capabilities import Capability
from ..keys import DocumentKey
from ..storage.operations import Operations
from ..transport import Exchange
from ..types import Progress, PutMode, PutOptions, UploadState
from .patience import Patience
from .receipts import ProviderResolver, ResolvedProvider, StoredDocument, receipt_of
from .searching import Search, relative_key
from .telling import announced_if_refused
from .writing import guarded_storage


class ResumableUploads:
    """Begins and resumes the uploads of documents."""

    def __init__(self, resolver: ProviderResolver) -> None:
        """Resolve providers with *resolver*."""
        self._resolver = resolver
        self._search = Search(resolver, None)

    def begin(
        self, document: DocumentKey, size: int, content_type: str | None, sha256: str | None
    ) -> Exchange[UploadState]:
        """Begin an upload of the file of *document*; nothing is visible. One or two requests.

        Raises:
            NotSupportedError: the provider takes no uploads that can be resumed, or none without a sha256.
            AlreadyExistsError: the revision has, or had, another file.
            PolicyError: the organisation does not allow the name or the size.
            UnresolvedOrganisationError: no provider is chosen.
        """
        chosen = yield from self._search.chosen(document)
        options = PutOptions(mode=PutMode.CREATE, content_type=content_type)
        begun = self._operations(document, chosen).uploads.begin(relative_key(document), size, options, sha256)
        return (yield from announced_if_refused(self._search, document, chosen, begun))

    def resume(
        self, document: DocumentKey, state: UploadState, file: Path, on_progress: Progress | None
    ) -> Exchange[StoredDocument]:
        """Send what is missing of *file*, make it the file of the revision, and return the receipt.

        Raises:
            NotFoundError: the upload was aborted, or has expired.
            AlreadyExistsError: the revision has another file by now.
            IntegrityError: *file* has another size or sha256 than the upload was begun for.
            SettingsError: it was begun on another provider, or its state cannot be verified.
        """
        chosen = yield from self._search.chosen(document)
        operations = self._operations(document, chosen)
        resumed = operations.uploads.resume(state, file, on_progress)
        info = yield from announced_if_refused(self._search, document, chosen, resumed)
        stored = yield from operations.head(relative_key(document))  # the answer to a completion says less
        if chosen.storage.info.can(Capability.RETENTION):
            from .retaining import tell_default

            yield from tell_default(self._search, chosen, document)
        return receipt_of(document, chosen, replace(stored, checksum=info.checksum))

    def _operations(self, document: DocumentKey, chosen: ResolvedProvider) -> Operations:
        return guarded_storage(self._resolver, document.organisation, chosen, Patience()).operations
