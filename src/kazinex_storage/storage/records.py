"""What a record keeper does with objects: the methods of ``Storage`` for versions, retention, tags and the like.

Those for uploads in parts, which outlive a process, stand here as well.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from ..lazy import module
from ..types import DEFAULTS, ObjectInfo, PendingUpload, Progress, PutOptions, UploadState

if TYPE_CHECKING:
    from ..contract_reading import Page
    from ..contract_writing import PostForm, PostOptions
    from ..retention import Protection, Retention
    from ..transport import Runner
    from ..types import ObjectInfo
    from ..versions import DeletedObject, ObjectVersion
    from . import digests
    from .digests import Adoption, OnAdopted
    from .operations import Operations
    from .rules import Body
    from .tickets import PartsTicket
else:
    digests = module(__name__, ".digests")


class RecordVerbs:
    """The methods of ``Storage`` beyond reading and writing; each is one exchange of its operations."""

    _operations: Operations
    _run: Runner

    def sha256(self, key: str) -> str | None:
        """Return the sha256 of the object if it is known, without reading it: the object carries it, or a record does.

        One request where it carries it, else two. None means that nobody has hashed this version; ``adopt`` does.

        Raises:
            NotFoundError: no such key.
        """
        return self._run(digests.Digests(self._operations.context).known(key))

    def adopt(self, prefix: str = "", *, on_adopted: OnAdopted | None = None) -> Adoption:
        """Hash every object below *prefix* whose sha256 is not known, once, and record it beside the objects.

        What other programs wrote, and what was put without a sha256, is read whole. A record says it of one version
        only. Memory is flat; a call that was ended is repeated, and reads nothing again that it has recorded. Cost: one
        request for each page, one for each object that carries its sha256, two for one that is recorded, three and its
        bytes for one that is hashed.

        Args:
            prefix: Where to look.
            on_adopted: Called with the key and the sha256 of each object that was hashed.

        Raises:
            StorageError: the listing ended; what failed for single objects is in the result.
        """
        return self._run(digests.Digests(self._operations.context).adopt(prefix, on_adopted))

    def retain(self, key: str, retention: Retention | None, *, bypass: bool = False) -> Protection:
        """Keep the object from change and removal until a date; return what keeps it now. Two requests.

        Every way to change it through this library raises ``RetentionError`` until then. Where the capability is not
        in ``info.ours``, the service itself keeps the bytes from whoever reaches it in another way.

        Args:
            key: Of an object that is there.
            retention: From now on; None ends the one that there is.
            bypass: End a GOVERNANCE retention, or let it end earlier; the service may ask for a permission of its own.

        Raises:
            NotSupportedError: without ``Capability.RETENTION``.
            NotFoundError: no such key.
            RetentionError: the one that there is would end earlier, and is COMPLIANCE or *bypass* is not said.
            PolicyError: the retention would be over already.
        """
        return self._run(self._operations.keeping.retain(key, retention, bypass))

    def hold(self, key: str) -> None:
        """Keep the object from change and removal until ``release``; silent when it is held already.

        Two requests.

        Raises:
            NotSupportedError: without ``Capability.LEGAL_HOLD``.
            NotFoundError: no such key.
        """
        return self._run(self._operations.keeping.hold(key, True))

    def release(self, key: str) -> None:
        """End the hold of the object; a retention goes on. Two requests.

        Raises:
            NotSupportedError: without ``Capability.LEGAL_HOLD``.
            NotFoundError: no such key.
        """
        return self._run(self._operations.keeping.hold(key, False))

    def retention(self, key: str) -> Protection:
        """Return what keeps the object. One request.

        Raises:
            NotSupportedError: with neither ``Capability.RETENTION`` nor ``Capability.LEGAL_HOLD``.
            NotFoundError: no such key.
        """
        return self._run(self._operations.keeping.protection(key))

    def list_page(
        self, prefix: str = "", *, recursive: bool = True, token: str | None = None, limit: int = 1000
    ) -> Page:
        """Return one page of what begins with *prefix*, and the token that asks for the next, in any process.

        The token is bound to this place, scope, prefix and *recursive*, and sealed under the state key: nothing else
        can be listed with it. It is no secret. One request of most services; SharePoint gives 200 entries at most, one
        request for a level, and in a recursive page one for each folder that it enters.

        Args:
            token: That of the page before; None begins.
            limit: Entries of the page at most, 1 to 1,000; it may have fewer, and only the last one none.

        Raises:
            InvalidTokenError: the token was altered, or is of another listing.
            InvalidKeyError: no key can begin with *prefix*; ``ValueError``: the limit is none.
            NotSupportedError: listings of this provider cannot be resumed.
        """
        return self._run(self._operations.list_page(prefix, token, limit, recursive))

    def versions(self, key: str) -> builtins.list[ObjectVersion]:
        """Return the versions of the object that the place keeps, the newest first; also of one that was deleted.

        One request for each 1,000. ``get_bytes``, ``stream``, ``download`` and ``head`` take a *version*.

        Raises:
            NotFoundError: nothing is kept under that key.
            NotSupportedError: the place keeps no versions, or the settings do not say that it does.
        """
        return self._run(self._operations.history.versions(key))

    def restore(self, key: str, version: str) -> ObjectInfo:
        """Make what *version* holds the object again, under the rules of a put; what is there becomes a version.

        The service copies it: two or three requests.

        Raises:
            NotFoundError: there is no such version of the object.
            NotSupportedError: the place keeps no versions, or the key is written once.
            PolicyError: the policy does not allow the name or the size.
        """
        return self._run(self._operations.history.restore(key, version))

    def deleted(self, prefix: str = "") -> builtins.list[DeletedObject]:
        """Return what was deleted below *prefix* and can be brought back, the latest first; a request for each 1,000.

        Each delete is an entry of its own, also when the key names an object again.

        Raises:
            NotSupportedError: nothing that is deleted is kept here.
        """
        return self._run(self._operations.history.deleted(prefix))

    def undelete(self, key: str, version: str | None = None) -> ObjectInfo:
        """Bring back what was deleted last, or exactly the *version* that ``deleted`` names, under the rules of a put.

        Raises:
            NotFoundError: nothing that was deleted is kept under that key.
            AlreadyExistsError: the key names an object; move that away first.
            NotSupportedError: nothing that is deleted is kept here; or the file of a revision, see ``DocumentStore``.
            PolicyError: the policy does not allow the name or the size; ``QuotaExceededError``: there is no room.
        """
        return self._run(self._operations.history.undelete(key, version))

    def purge(self, key: str) -> None:
        """Remove the object, its versions and what is kept of it after it was deleted, for good; silent when absent.

        Raises:
            NotSupportedError: nothing that is deleted is kept here: ``delete`` is for good then.
            RetentionError: something of it may not be removed yet.
        """
        return self._run(self._operations.history.purge(key))


class UploadVerbs:
    """The methods of ``Storage`` for uploads in parts; each is one exchange of its operations."""

    _operations: Operations
    _run: Runner

    def begin_upload(
        self, key: str, size: int, options: PutOptions = DEFAULTS, *, sha256: str | None = None
    ) -> UploadState:
        """Begin an upload in parts that any process can resume from the state; nothing is visible. One or two requests.

        Raises:
            NotSupportedError: the provider takes no such uploads, or cannot do what *options* ask for.
            PolicyError: the policy does not allow name or size.
            AlreadyExistsError: ``PutMode.CREATE`` and the key exists; the end of the upload decides.
        """
        return self._run(self._operations.uploads.begin(key, size, options, sha256))

    def resume_upload(self, state: UploadState, body: Body, *, on_progress: Progress | None = None) -> ObjectInfo:
        """Read *body* once, send the parts that are missing or differ, make the object; after any error repeat it.

        Raises:
            IntegrityError: *body* has another size or sha256 than the upload was begun for.
            NotFoundError: the upload was aborted, or has expired.
            AlreadyExistsError: it was begun with ``PutMode.CREATE``, and the key exists by now.
            PreconditionFailedError: the object is not the version ``if_match``.
            SettingsError: it was begun elsewhere, or its state altered; outside this storage: ``InvalidKeyError``.
        """
        return self._run(self._operations.uploads.resume(state, body, on_progress))

    def presign_upload(self, state: UploadState, expires_in: timedelta) -> PartsTicket:
        """Sign every request of an upload that was begun, for a client that sends the parts itself. No request.

        Raises:
            NotSupportedError: the provider takes no uploads in parts, or does not sign.
            PolicyError: the policy of now does not allow name or size.
        """
        return self._run(self._operations.uploads.ticket(state, expires_in))

    def complete_upload(self, state: UploadState) -> ObjectInfo:
        """Make the parts that a client sent the object, when all are there; atomic. Two requests per 1,000 parts.

        Raises:
            IntegrityError: a part is missing or has another size; else as ``resume_upload`` does.
            PolicyError: the policy of now does not allow what is there; it is thrown away.
        """
        return self._run(self._operations.uploads.complete(state))

    def abort_upload(self, upload: UploadState | PendingUpload) -> None:
        """Throw an upload and its parts away; silent when it is gone. One request.

        Raises:
            SettingsError: it was begun elsewhere, or its state altered; outside this storage: ``InvalidKeyError``.
        """
        return self._run(self._operations.uploads.abort(upload))

    def pending_uploads(self, prefix: str = "", *, older_than: timedelta | None = None) -> builtins.list[PendingUpload]:
        """Return the unfinished uploads below *prefix*, whatever process began them. One request per 1,000.

        Raises:
            NotSupportedError: the provider takes no uploads in parts.
        """
        return self._run(self._operations.uploads.pending(prefix, older_than))

    def tags(self, key: str) -> dict[str, str]:
        """Return the tags of the object. One request.

        Raises:
            NotSupportedError: without ``Capability.TAGS``.
            NotFoundError: no such key.
        """
        return self._run(self._operations.labels.tags(key))

    def set_tags(self, key: str, tags: Mapping[str, str]) -> None:
        """Replace all tags of the object, at most 10; the bytes and the version stay. One request.

        Raises:
            NotSupportedError: without ``Capability.TAGS``.
            NotFoundError: no such key.
            ValueError: there are too many, or one has a character that not every service takes.
        """
        return self._run(self._operations.labels.set_tags(key, tags))

    def set_storage_class(self, key: str, storage_class: str) -> ObjectInfo:
        """Give the object another storage class or access tier, and return what it is now; the bytes stay.

        In place on Azure, two requests; on S3 and R2 the service copies the object onto itself, three requests, which
        makes a new version. What an archive tier holds is read only after it was restored: ``ArchivedError``.

        Args:
            key: Of an object that is there.
            storage_class: In the words of the service; ``info.storage_classes`` has those that are known.

        Raises:
            NotSupportedError: without ``Capability.STORAGE_CLASS``; no such class; or the key is written once, and the
                service does not do it in place (``info.classes_in_place``).
            NotFoundError: no such key.
        """
        return self._run(self._operations.labels.set_storage_class(key, storage_class))

    def public_url(self, key: str) -> str:
        """Return where anyone reads the object, under the public host of the settings. No request: it may be absent.

        Raises:
            NotSupportedError: without ``Capability.PUBLIC_URL``.
            InvalidKeyError: the key is not legal.
        """
        return self._operations.labels.public_url(key)

    def presign_post(self, key: str, options: PostOptions | None = None) -> PostForm:
        """Sign a form by which a browser uploads that one key, within limits that the service enforces. No request.

        What came is compared with the policy of now by ``confirm``, with ``PresignOptions(method="PUT")`` and the
        ``write_token`` of the form. A form replaces what is there, so none is signed for what is written once.

        Raises:
            NotSupportedError: without ``Capability.POST_POLICY``, or the key is written once.
            PolicyError: the policy does not allow the name or so large a file.
            ValueError: the expiry or the sizes make no sense.
        """
        return self._run(self._operations.labels.presign_post(key, options))
