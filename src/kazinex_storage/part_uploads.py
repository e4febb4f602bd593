"""The contract of uploads that outlive their process: ``Capability.PARTS``, and ``RESUME`` where parts have an order.

Such an upload survives the process that began it: whoever has its ``UploadState`` goes on with it. Nothing of it is
visible before it is completed. Keys are those of the provider, not relative to a storage. ``storage/uploads.py`` is the
caller, ``providers/memory.py`` the reference; ``provider.py`` has the rest of the contract.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast, runtime_checkable

from .bodies.source import Source
from .keys import ObjectKey, Prefix
from .transport import Call, Exchange
from .types import Buffer, ObjectInfo, PartInfo, PendingUpload, PutOptions, UploadState


@runtime_checkable
class StateSecret(Protocol):
    """What a provider adds when it is opened by a secret: upload states are sealed under a key derived from that."""

    def state_secret(self) -> bytes | None:
        """Return what only those know who can open the provider; None when there is nothing lasting. It may block.

        The same for every process with the same settings, for as long as the settings hold.

        Raises:
            StorageError: the credentials cannot be looked up.
        """
        ...


@runtime_checkable
class PartUploader(Protocol):
    """What a provider adds to declare ``Capability.PARTS``."""

    def begin_upload(self, key: ObjectKey, size: int, options: PutOptions, sha256: str | None) -> UploadState:
        """Begin an upload of *size* bytes, cut as the provider wants it; *sha256* is that of the whole, when known.

        Raises:
            AlreadyExistsError: ``PutMode.CREATE`` and the key exists; may be left to the end, which decides.
            PreconditionFailedError: ``if_match`` and the object is another version or absent; likewise.
            NotSupportedError: a condition that holds for puts, but that this service cannot keep for uploads in parts.
            InvalidKeyError: this service cannot hold the key.
        """
        ...

    def put_part(self, state: UploadState, number: int, data: Buffer) -> PartInfo:
        """Write part *number*, from 1, in any order; writing it again replaces it.

        *data* is valid during the call only.

        Raises:
            NotFoundError: the upload is gone.
        """
        ...

    def list_parts(self, state: UploadState) -> Sequence[PartInfo]:
        """Return the parts that the service holds, in order.

        Raises:
            NotFoundError: the upload is gone: completed, aborted or expired.
        """
        ...

    def complete_upload(self, state: UploadState, parts: Sequence[PartInfo]) -> ObjectInfo:
        """Make the *parts*, which are in order and whole, the object; atomic, under the condition of the beginning.

        Raises:
            AlreadyExistsError: it was create-only, and the key exists.
            PreconditionFailedError: the object is not the version ``if_match``.
            NotFoundError: the upload is gone.
        """
        ...

    def find_upload(self, state: UploadState) -> ObjectInfo | None:
        """Return the object that the upload became, after an answer was lost; None when it did not, or nobody knows.

        Raises:
            StorageError: the service refuses.
        """
        ...

    def abort_upload(self, key: ObjectKey, upload_id: str) -> None:
        """Throw the upload and its parts away; silent when it is gone.

        Raises:
            StorageError: the service refuses.
        """
        ...

    def pending_uploads(self, prefix: Prefix) -> Sequence[PendingUpload]:
        """Return the uploads that are neither completed nor aborted and whose keys begin with *prefix*.

        Raises:
            StorageError: the service refuses.
        """
        ...


@runtime_checkable
class UploadResumer(Protocol):
    """What a provider adds to declare ``Capability.RESUME``, when its service takes a body in order and lists nothing.

    ``begin_upload`` and ``abort_upload`` as ``PartUploader`` has them; *sha256* may be demanded.
    """

    def begin_upload(self, key: ObjectKey, size: int, options: PutOptions, sha256: str | None) -> UploadState:
        """Begin as in ``PartUploader.begin_upload``."""
        ...

    def resume_upload(self, state: UploadState, source: Source) -> ObjectInfo:
        """Send what is missing of *source*, which has the size of the state, and make it the object; atomic.

        Raises:
            IntegrityError: it is another body than the upload was begun for; nothing of it becomes part of an object.
            AlreadyExistsError: it was create-only, and the key exists.
            PreconditionFailedError: the object is not the version ``if_match``.
            NotFoundError: the upload is gone, and what it was to become is not there.
        """
        ...

    def abort_upload(self, key: ObjectKey, upload_id: str) -> None:
        """Abort as in ``PartUploader.abort_upload``."""
        ...


class PartExchanges(Protocol):
    """``PartUploader`` as exchanges."""

    def begin_upload(self, key: ObjectKey, size: int, options: PutOptions, sha256: str | None) -> Exchange[UploadState]:
        """Begin as in ``PartUploader.begin_upload``."""
        ...

    def put_part(self, state: UploadState, number: int, data: Buffer) -> Exchange[PartInfo]:
        """Write as in ``PartUploader.put_part``."""
        ...

    def list_parts(self, state: UploadState) -> Exchange[Sequence[PartInfo]]:
        """List as in ``PartUploader.list_parts``."""
        ...

    def complete_upload(self, state: UploadState, parts: Sequence[PartInfo]) -> Exchange[ObjectInfo]:
        """Complete as in ``PartUploader.complete_upload``."""
        ...

    def find_upload(self, state: UploadState) -> Exchange[ObjectInfo | None]:
        """Look as in ``PartUploader.find_upload``."""
        ...

    def abort_upload(self, key: ObjectKey, upload_id: str) -> Exchange[None]:
        """Abort as in ``PartUploader.abort_upload``."""
        ...

    def pending_uploads(self, prefix: Prefix) -> Exchange[Sequence[PendingUpload]]:
        """List as in ``PartUploader.pending_uploads``."""
        ...


class ResumeExchanges(Protocol):
    """``UploadResumer`` as exchanges."""

    def begin_upload(self, key: ObjectKey, size: int, options: PutOptions, sha256: str | None) -> Exchange[UploadState]:
        """Begin as in ``PartUploader.begin_upload``."""
        ...

    def resume_upload(self, state: UploadState, source: Source) -> Exchange[ObjectInfo]:
        """Go on as in ``UploadResumer.resume_upload``."""
        ...

    def abort_upload(self, key: ObjectKey, upload_id: str) -> Exchange[None]:
        """Abort as in ``PartUploader.abort_upload``."""
        ...


class LiftedParts:
    """The blocking methods of a ``PartUploader`` or an ``UploadResumer`` as exchanges of one ``Call`` each."""

    def __init__(self, provider: object) -> None:
        """Lift *provider*, which need not be one until it is asked to."""
        self._provider = cast(PartUploader, provider)

    def begin_upload(self, key: ObjectKey, size: int, options: PutOptions, sha256: str | None) -> Exchange[UploadState]:
        """Begin."""
        call = Call(self._provider.begin_upload, key, size, options, sha256, discard=self._forget)
        return cast(UploadState, (yield call))

    def put_part(self, state: UploadState, number: int, data: Buffer) -> Exchange[PartInfo]:
        """Write one part."""
        return cast(PartInfo, (yield Call(self._provider.put_part, state, number, data)))

    def list_parts(self, state: UploadState) -> Exchange[Sequence[PartInfo]]:
        """List the parts."""
        return cast("Sequence[PartInfo]", (yield Call(self._provider.list_parts, state)))

    def complete_upload(self, state: UploadState, parts: Sequence[PartInfo]) -> Exchange[ObjectInfo]:
        """Complete."""
        return cast(ObjectInfo, (yield Call(self._provider.complete_upload, state, parts)))

    def find_upload(self, state: UploadState) -> Exchange[ObjectInfo | None]:
        """Look for the object."""
        return cast("ObjectInfo | None", (yield Call(self._provider.find_upload, state)))

    def resume_upload(self, state: UploadState, source: Source) -> Exchange[ObjectInfo]:
        """Go on."""
        call = Call(cast(UploadResumer, self._provider).resume_upload, state, source, cancel=source.cancel)
        return cast(ObjectInfo, (yield call))

    def abort_upload(self, key: ObjectKey, upload_id: str) -> Exchange[None]:
        """Abort."""
        yield Call(self._provider.abort_upload, key, upload_id)

    def pending_uploads(self, prefix: Prefix) -> Exchange[Sequence[PendingUpload]]:
        """List the unfinished."""
        return cast("Sequence[PendingUpload]", (yield Call(self._provider.pending_uploads, prefix)))

    def _forget(self, state: UploadState) -> None:
        """Abort an upload whose caller went away before it could know of it."""
        self._provider.abort_upload(ObjectKey(state.key), state.upload_id)
