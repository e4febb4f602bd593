"""Moving single objects: each operation once, as an exchange. ``bulk.py`` does the same to many."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias, cast

from ..bodies.small_download import Destination
from ..bodies.source import Source
from ..capabilities import Capability
from ..errors import (
    AlreadyExistsError,
    IntegrityError,
    NotFoundError,
    NotSupportedError,
    PreconditionFailedError,
)
from ..storage.rules import Body, options_of_copy
from ..storage.sync import Storage
from ..transport import Call, Exchange
from ..types import WHOLE, Buffer, ByteRange, ObjectInfo, PresignOptions, Progress, PutMode, PutOptions
from .entries import slice_span
from .lookups import Lookups
from .spaces import Place, object_at
from .upstream import Callback, listens
from .urls import check_new_name

LocalPath: TypeAlias = str | os.PathLike[str]
"""A path on the disk of this machine."""


class Writable(Protocol):
    """An open file that is written to."""

    def write(self, data: Buffer, /) -> object:
        """Append *data*."""
        ...


class Transfers:
    """Operations on single objects of one space; ``calls.py`` says what each of them does, and what it raises."""

    def __init__(self, lookups: Lookups) -> None:
        self.lookups = lookups
        """What finds things."""
        self.space = lookups.space
        """Where paths lead."""

    def cat_file(self, path: str, start: int | None = None, end: int | None = None) -> Exchange[bytes]:
        """Do what ``Calls.cat_file`` says."""
        place = self._object(path)
        candidates = yield from self.space.candidates(place)
        span = slice_span(start, end, None)
        if span is None:
            storage, info = yield from self.lookups.head(place, candidates)
            span = cast(ByteRange, slice_span(start, end, info.size))
            return (yield from storage.operations.get_bytes(place.key, span, info.etag))
        _, data = yield from self.lookups.first(
            place, candidates, lambda storage: storage.operations.get_bytes(place.key, span)
        )
        return data

    def pipe_file(self, path: str, value: Body, options: PutOptions) -> Exchange[ObjectInfo]:
        """Do what ``Calls.pipe_file`` says, and return what was stored."""
        storage, place, options = yield from self.writing(path, options)
        return (yield from storage.operations.put(place.key, value, options))

    def put_file(self, lpath: LocalPath, path: str, callback: Callback, options: PutOptions) -> Exchange[None]:
        """Do what ``Calls.put_file`` says."""
        try:
            place = self._object(path)
            storage, options = yield from self._writer(place, path, options)
            put = storage.operations.put(place.key, Path(lpath), options, on_progress=progress_of(callback))
            yield from put
        except Exception:  # no folder can be put, so a look at what failed tells as much as one at each file before
            if not (yield Call(os.path.isdir, lpath)):
                raise

    def get_file(
        self,
        path: str,
        lpath: LocalPath | None,
        callback: Callback,
        outfile: Writable | None = None,
        size: int | None = None,
    ) -> Exchange[None]:
        """Do what ``Calls.get_file`` says; *size* is what a listing said of the object."""
        place = self._object(path)
        if outfile is None and lpath is not None and hasattr(lpath, "write"):
            outfile = cast(BinaryIO, lpath)
        if outfile is not None:
            yield from self._append(place, outfile, callback)
            return
        try:
            yield from self.get_object(path, cast(LocalPath, lpath), callback, size)
        except NotFoundError:
            if not (yield from self.lookups.is_folder(path)):
                raise
            yield Call(_make_folder, cast(LocalPath, lpath))

    def get_object(self, path: str, lpath: LocalPath, callback: Callback, size: int | None = None) -> Exchange[None]:
        """Write the object into the local file *lpath*, as ``get_file``; a folder is NotFoundError."""
        place = self._object(path)
        into, on_progress = Destination(path=Path(lpath), size=size, folders=True), progress_of(callback)
        candidates = yield from self.space.candidates(place)

        def download(storage: Storage) -> Exchange[ObjectInfo]:
            return storage.operations.download(place.key, into, on_progress)

        yield from self.lookups.first(place, candidates, download)

    def _append(self, place: Place, outfile: Writable, callback: Callback) -> Exchange[None]:
        candidates, etag = (yield from self.space.candidates(place)), None
        if len(candidates) > 1 or listens(callback):  # what a first storage wrote could not be undone
            storage, known = yield from self.lookups.head(place, candidates)
            candidates = [candidate for candidate in candidates if candidate.storage is storage]
            callback.set_size(known.size)
            etag = known.etag
        _, info = yield from self.lookups.first(
            place, candidates, lambda storage: storage.operations.get(place.key, outfile.write, WHOLE, etag)
        )
        callback.absolute_update(info.size)

    def cp_file(self, source: str, target: str) -> Exchange[ObjectInfo]:
        """Do what ``Calls.cp_file`` says, and return what was stored."""
        origin = self._object(source)
        writer, goal, options = yield from self.writing(target, PutOptions())
        storage, _ = yield from self.holder(source)
        if same_objects(storage, writer):
            return (yield from writer.operations.copy(origin.key, goal.key, options.mode))
        return (yield from _copy_across(storage, origin.key, writer, goal.key, options.mode))

    def mv_file(self, source: str, target: str) -> Exchange[None]:
        """Let the service move it where it can; else copy it, then remove *source* unless it was replaced in between.

        Raises:
            NotFoundError: there is no *source*.
            PreconditionFailedError: *source* was replaced while it was copied; both exist.
            ValueError: both are the same.
        """
        mover = yield from self.mover(source, target)
        if mover is not None:
            yield from self.move_by(mover, source, target)
            return
        place = self._object(source)
        before = yield from self.known(source)
        yield from self.cp_file(source, target)
        if (yield from self.known(source)).etag != before.etag:
            raise PreconditionFailedError(
                f"the object was replaced while it was copied to {target!r}; both are there, nothing was removed",
                operation="mv",
                key=place.name,
            )
        yield from self._remove(place)

    def mover(self, source: str, target: str) -> Exchange[Storage | None]:
        """Return the storage that can move *source* to *target* itself; None where it has to be copied.

        Raises:
            NotFoundError: several storages are asked, and none holds the object.
        """
        self._object(source)
        writer = yield from self.space.writer(self._object(target))
        if not writer.info.can(Capability.SERVER_MOVE):
            return None
        storage, _ = yield from self.holder(source)
        return writer if same_objects(storage, writer) else None

    def move_by(self, mover: Storage, source: str, target: str) -> Exchange[None]:
        """Move *source* within *mover*, and remove it from all other storages.

        Raises:
            NotFoundError: there is no *source*.
            ValueError: both are the same.
        """
        place = self._object(source)
        _, goal, options = yield from self.writing(target, PutOptions())
        yield from mover.operations.move(place.key, goal.key, options.mode)
        for candidate in (yield from self.space.candidates(place)):
            if not same_objects(candidate.storage, mover):
                yield from candidate.storage.operations.delete(place.key)

    def known(self, path: str) -> Exchange[ObjectInfo]:
        """Return what is known of the object, or raise NotFoundError."""
        return (yield from self.locate(path))[2]

    def rm_file(self, path: str) -> Exchange[None]:
        """Do what ``Calls.rm_file`` says."""
        yield from self.known(path)
        yield from self._remove(self._object(path))

    def _remove(self, place: Place) -> Exchange[None]:
        for candidate in (yield from self.space.candidates(place)):
            yield from candidate.delete_many([place.key])

    def make_folder(self, path: str, *, exist_ok: bool) -> Exchange[None]:
        """Do what ``Calls.makedirs`` says.

        Raises:
            AlreadyExistsError: something is there, unless *exist_ok*.
        """
        if exist_ok or not path:
            return
        try:
            entry = yield from self.lookups.info(path)
        except NotFoundError:
            return
        what = "a folder" if entry.is_folder else "an object"
        raise AlreadyExistsError(f"{what} is there already; choose another path", operation="mkdir", key=path)

    def touch(self, path: str, *, truncate: bool) -> Exchange[None]:
        """Do what ``Calls.touch`` says.

        Raises:
            NotSupportedError: something is there and is not to be truncated.
        """
        if not truncate and (yield from self.lookups.exists(path)):
            raise NotSupportedError("the time of an object cannot be set; it changes when it is written", key=path)
        yield from self.pipe_file(path, b"", PutOptions())

    def tags(self, path: str) -> Exchange[dict[str, str]]:
        """Return the tags of an object."""
        storage, place = yield from self.holder(path)
        return (yield from storage.operations.labels.tags(place.key))

    def set_tags(self, path: str, tags: Mapping[str, str]) -> Exchange[None]:
        """Replace the tags of an object."""
        place = self._object(path)
        storage = yield from self.space.writer(place)
        yield from storage.operations.labels.set_tags(place.key, tags)

    def sign(self, path: str, method: str, expires_in: timedelta, content_type: str | None) -> Exchange[str]:
        """Do what ``Queries.sign`` says.

        Raises:
            NotSupportedError: the provider does not sign, or the request needs headers, which no URL holds.
        """
        place = self._object(path)
        if method == "PUT":
            storage = yield from self.space.writer(place)
        else:
            storage, _ = yield from self.holder(path)
        if not storage.info.can(Capability.PRESIGN):
            raise NotSupportedError(
                f"the provider {storage.info.kind} does not sign; read through this process", operation="sign", key=path
            )
        options = PresignOptions(method=method, expires_in=expires_in, content_type=content_type)
        signed = yield from storage.operations.presign(place.key, options)
        if signed.headers:
            raise NotSupportedError(
                f"this {method} has to be sent with the headers {', '.join(sorted(signed.headers))}, which no URL "
                "holds; Storage.presign gives both",
                operation="sign",
                key=path,
            )
        return signed.url

    def writing(self, path: str, options: PutOptions) -> Exchange[tuple[Storage, Place, PutOptions]]:
        """Return the storage that the object *path* is written to, and the options that apply there.

        The file of a revision is always created, never replaced. An object is created only if no other storage of the
        space holds it.

        Raises:
            AlreadyExistsError: it is to be created, and another storage of the space holds it.
            InvalidUrlError: the name is more likely a mistake than intended.
        """
        place = self._object(path)
        storage, options = yield from self._writer(place, path, options)
        return storage, place, options

    def _writer(self, place: Place, path: str, options: PutOptions) -> Exchange[tuple[Storage, PutOptions]]:
        check_new_name(path)
        storage = yield from self.space.writer(place)
        if place.write_once:  # the storage itself asks the others: a revision has one file, whatever its name
            return storage, replace(options, mode=PutMode.CREATE)
        if options.mode is PutMode.CREATE:
            candidates = yield from self.space.candidates(place)
            others = [
                candidate
                for candidate in candidates
                if candidate.takes_part and not same_objects(candidate.storage, storage)
            ]
            if (yield from self.lookups.any_holds(place, others)):
                raise AlreadyExistsError("an object has that key already; nothing was changed", key=place.name)
        return storage, options

    def locate(self, path: str) -> Exchange[tuple[Storage, Place, ObjectInfo]]:
        """Return the storage that holds the object *path*, and what is known of it; one request for each storage."""
        place = self._object(path)
        storage, info = yield from self.lookups.head(place, (yield from self.space.candidates(place)))
        return storage, place, info

    def holder(self, path: str) -> Exchange[tuple[Storage, Place]]:
        """Return the storage that holds the object *path*.

        Raises:
            NotFoundError: several storages are asked, and none holds the object.
        """
        place = self._object(path)
        candidates = yield from self.space.candidates(place)
        if len(candidates) == 1:
            return candidates[0].storage, place
        return (yield from self.lookups.head(place, candidates))[0], place

    def _object(self, path: str) -> Place:
        return object_at(self.space, path)


def put_options(mode: str, content_type: str | None, metadata: Mapping[str, str] | None) -> PutOptions:
    """Return the options of a write; *mode* is that of fsspec, ``overwrite`` or ``create``.

    Raises:
        ValueError: another mode.
    """
    if mode not in ("overwrite", "create"):
        raise ValueError(f"mode {mode!r} is neither 'overwrite' nor 'create'")
    return PutOptions(
        mode=PutMode.CREATE if mode == "create" else PutMode.REPLACE,
        content_type=content_type,
        metadata=metadata or {},
    )


def progress_of(callback: Callback) -> Progress | None:
    """Return what reports progress to *callback*; None when it ignores progress, which saves a request."""
    if not listens(callback):
        return None

    def report(done: int, total: int | None) -> None:
        callback.set_size(total)
        callback.absolute_update(done)

    return report


def same_objects(one: Storage, other: Storage) -> bool:
    """Say whether both are views of the same keys of the same provider."""
    return one is other or (
        one.operations.context.provider is other.operations.context.provider and str(one.prefix) == str(other.prefix)
    )


def _copy_across(source: Storage, origin: str, target: Storage, goal: str, mode: PutMode) -> Exchange[ObjectInfo]:
    spool = target.operations.spool(goal)
    try:
        info = yield from source.operations.get(origin, spool.write, WHOLE)
        if spool.size != info.size:
            raise IntegrityError(f"{spool.size} of {info.size} bytes arrived; nothing was copied")
        options = options_of_copy(info, target.info, mode)
        with Source(spool.body(), sha256=info.sha256) as body:
            return (yield from target.operations.put(goal, body, options))
    finally:
        spool.discard()


def _make_folder(path: LocalPath) -> None:
    os.makedirs(path, exist_ok=True)
