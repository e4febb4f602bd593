"""Uploads in parts that outlive a process: the methods of ``Storage`` for them; ``uploads.py`` has their bodies."""

from __future__ import annotations

import builtins
from datetime import timedelta
from typing import TYPE_CHECKING

from ..types import DEFAULTS, ObjectInfo, PendingUpload, Progress, PutOptions, UploadState

if TYPE_CHECKING:
    from ..transport import Runner
    from .operations import Operations
    from .rules import Body
    from .tickets import PartsTicket


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
