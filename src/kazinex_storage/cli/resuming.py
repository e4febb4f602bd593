"""``put --resume``: an upload that goes on where an earlier one was interrupted.

What was sent stays with the service, and what is needed to go on in the user's state folder, until it is whole. A file
that was changed since is begun again, and what was sent of the old one is thrown away.
"""

from __future__ import annotations

import hashlib
import shlex
from typing import TYPE_CHECKING

from ..capabilities import Capability
from ..errors import AlreadyExistsError, NotFoundError, NotSupportedError, PolicyError, SettingsError, StorageError
from ..values import value
from .exits import UsageError
from .progress import TransferBar
from .upload_states import FileStamp, UploadStates

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..documents.receipts import StoredDocument
    from ..storage.sync import Storage
    from ..transport import Exchange
    from ..types import ObjectInfo, Progress, UploadState
    from .command import RunningCommand


@value
class Resumable:
    """One file, and where it goes."""

    path: Path
    name: str
    """Where it goes, for a person."""
    writer: Storage
    """The storage that it goes to."""
    sha256: str | None
    begin: Callable[[int, str | None], Exchange[UploadState]]
    """Begins the upload of so many bytes with that sha256."""
    resume: Callable[[UploadState, Path, Progress | None], Exchange[StoredDocument | ObjectInfo]]
    """Sends what is missing."""


def resumes(storage: Storage) -> bool:
    """Say whether *storage* takes uploads that go on after an interruption."""
    return storage.info.can(Capability.PARTS) or storage.info.can(Capability.RESUME)


def upload_resumed(command: RunningCommand, upload: Resumable) -> StoredDocument | ObjectInfo | None:
    """Go on with an upload, or begin it; None where the storage takes a file in one go, and nothing was done.

    Raises:
        UsageError: it is a pipe or a device, which cannot be read again.
        KeyboardInterrupt: it was interrupted; what was sent is kept.
        StorageError: it was not stored.
    """
    if not upload.path.is_file():
        raise UsageError(f"{str(upload.path)!r} is no plain file and cannot be read again; put it without --resume")
    if not resumes(upload.writer):
        command.out.note(f"{upload.writer.info.kind} takes a file in one go, so it is stored without --resume")
        return None
    states, stamp = UploadStates(command.state_folder), FileStamp.of(upload.path)
    state = _saved(command, states, stamp, upload)
    for _ in range(2):  # the second time after a state that is of no use any more
        fresh = state is None
        try:
            state = state if state is not None else _begun(command, states, stamp, upload)
        except NotSupportedError as error:
            command.out.note(f"it is stored without --resume: {error.message}")
            return None
        try:
            return _sent(command, states, upload, state)
        except (NotFoundError, SettingsError) as error:
            if fresh:
                raise
            command.out.note(f"the earlier upload cannot go on ({error.message}); it is begun again")
            states.forget(upload.path, upload.name)
            state = None
    raise AssertionError("the second upload is a fresh one, and its error is raised")


def _saved(command: RunningCommand, states: UploadStates, stamp: FileStamp, upload: Resumable) -> UploadState | None:
    saved = states.load(upload.path, upload.name)
    if saved is None or saved.stamp == stamp:
        return saved.state if saved is not None else None
    command.out.note(f"{upload.path} was changed since the upload was interrupted, so it is begun again")
    _throw_away(command, states, upload, saved.state)
    return None


def _begun(command: RunningCommand, states: UploadStates, stamp: FileStamp, upload: Resumable) -> UploadState:
    sha256 = upload.sha256
    if sha256 is None and not upload.writer.info.can(Capability.PARTS):
        with upload.path.open("rb") as file:  # nothing else tells one body from another there
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    state = command.transport.run(upload.begin(stamp.size, sha256))
    try:
        states.save(stamp, upload.name, state)
    except BaseException:
        _throw_away(command, states, upload, state)
        raise
    return state


def _sent(
    command: RunningCommand, states: UploadStates, upload: Resumable, state: UploadState
) -> StoredDocument | ObjectInfo:
    try:
        with TransferBar(command.out, upload.path.name, state.size) as bar:
            stored = command.transport.run(upload.resume(state, upload.path, bar.callback))
    except KeyboardInterrupt:
        again = f"kazinex-storage put --resume {shlex.quote(str(upload.path))} {shlex.quote(upload.name)}"
        command.out.note(f"what was sent is kept, and nothing is visible yet; go on: {again}")
        raise
    except (AlreadyExistsError, PolicyError):  # it can never be stored
        _throw_away(command, states, upload, state)
        raise
    states.forget(upload.path, upload.name)
    return stored


def _throw_away(command: RunningCommand, states: UploadStates, upload: Resumable, state: UploadState) -> None:
    states.forget(upload.path, upload.name)
    try:
        upload.writer.abort_upload(state)
    except StorageError as error:
        command.out.note(f"what was sent stays with the service until it is swept: {error.message}")
