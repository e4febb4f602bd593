"""Uploads in parts, as exchanges: begin, parts, complete, abort.

``Multipart.upload`` is a large put, aborted however it fails. Copies, resumable uploads (``storage/uploads.py``) and
the sweeper are made of the single steps.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final, TypeVar, cast

from ...bodies.checksums import sha256_checksum
from ...bodies.crc_combine import crc32_of_parts
from ...bodies.part_plan import PartPlan, crc32_of, plan_parts
from ...bodies.part_upload import checksum_first, send_parts
from ...bodies.source import Source
from ...errors import NotFoundError, PreconditionFailedError, StorageError, UnavailableError
from ...keys import Prefix
from ...transport import Call, Exchange, Response
from ...types import Buffer, Checksum, ObjectInfo, PartInfo, PendingUpload, PutOptions, UploadState
from ..objectstore.cycle_guard import CycleGuard, not_advancing
from ..objectstore.header_text import info_of
from ..objectstore.writing import check_unchanged, refused_write
from .answers import parse_part_etag, parse_parts, parse_result_etag, parse_upload_id, parse_uploads
from .errors import S3, S3_REMOVALS, failure_of, map_error
from .headers import date_of, etag_of
from .objects import Objects
from .orphans import Orphans
from .part_requests import PartDigests, PartRequests
from .requests import Headers
from .target import HASH_FIRST_BYTES

# A request to begin that failed at name, address or trust never reached a server.
_NEVER_SENT: Final = ("connect", "dns", "tls", "settings")

_MOST_ATTEMPTS: Final = 5
"""How often a request to begin was sent at most, when it failed without a response."""

_GONE: Final = "NoSuchUpload"

T = TypeVar("T")


class Multipart:
    """Uploads in parts to one bucket. Its verbs raise what the contract says, and what is added here."""

    def __init__(self, objects: Objects) -> None:
        """Upload to the bucket of *objects*."""
        self._objects = objects
        self.requests = PartRequests(objects.requests)
        """Builds the requests."""
        self._preset = objects.requests.target.preset
        self.orphans = Orphans(objects.requests)
        """Uploads that were left behind."""

    def upload(self, key: str, source: Source, options: PutOptions) -> Exchange[ObjectInfo]:
        """Write a large body.

        Raises:
            IntegrityError: the body changed while it was being sent.
            UnavailableError: the service lost the upload.
            StorageError: as in ``StorageProvider.put``; the upload was aborted.
        """
        yield from self._objects.check(key, options)  # before gibibytes are sent in vain; completion decides
        algorithm = source.hashed_by(self._objects.requests.target.body_checksum)
        kept = sha256_checksum(source.declared_sha256)
        if kept is None and source.size <= HASH_FIRST_BYTES and not source.is_fetched:
            kept = cast(Checksum, (yield Call(checksum_first, source, cancel=source.cancel)))
        if algorithm == "crc32":
            source.leave_to_parts()
        plan = plan_parts(source.size, self._preset.part_rule)
        state = yield from self.begin(key, plan, options, kept)
        try:
            return (yield from self.guarded(state, self._fill(state, source, plan, options, kept)))
        except NotFoundError as error:
            raise UnavailableError("the service lost the upload; repeat it", key=key, code=error.code) from error

    def _fill(
        self, state: UploadState, source: Source, plan: PartPlan, options: PutOptions, kept: Checksum | None
    ) -> Exchange[ObjectInfo]:
        parts = yield from send_parts(source, plan, partial(self.put_part, state), self._objects)
        found = check_unchanged(source.checksum if source.hashed_by(None) else crc32_of_parts(parts), kept)
        etag, moment = yield from self.complete(state, parts)
        return info_of(state.key, source.size, options, etag=etag, last_modified=moment, checksum=found)

    def guarded(self, state: UploadState, work: Exchange[T]) -> Exchange[T]:
        """Do the *work* of an upload; however it fails, the upload is aborted, or remembered where that fails too."""
        try:
            return (yield from work)
        except GeneratorExit:
            self.orphans.remember(state.key, state.upload_id)
            raise  # the exchange is no longer driven, so nothing can be sent
        except BaseException:
            yield from self._give_up(state.key, state.upload_id)
            raise

    def begin(
        self,
        key: str,
        plan: PartPlan,
        options: PutOptions,
        kept: Checksum | None,
        *,
        others: Headers = (),
        checked: bool = True,
    ) -> Exchange[UploadState]:
        """Begin an upload; nothing is visible before it is completed. *checked* parts come with their CRC-32;
        *kept*, and *others*, headers, are kept with the object.
        """
        token = secrets.token_hex(8)
        written = self._objects.requests.written(options, kept, token, others)
        upload_id = yield from self._opened(key, written, checked)
        if self.orphans.count:
            yield from self.orphans.sweep()
        return UploadState(
            key=key,
            upload_id=upload_id,
            size=plan.size,
            part_bytes=plan.part_bytes,
            mode=options.mode,
            if_match=options.if_match,
            write_token=token,
            sha256=kept.value if kept is not None and kept.algorithm == "sha256" else None,
        )

    def _opened(self, key: str, written: Headers, checked: bool) -> Exchange[str]:
        """Begin an upload and return its id; look for uploads whose response was lost."""
        auth = self._objects.requests.auth
        if auth.at_hand is None:
            yield from auth.fetch()  # without credentials nothing is begun, so nothing is lost
        since, late = self.orphans.now(), list[Response]()
        request = replace(self.requests.begin(key, written, checked=checked), late=late.append)
        try:
            response: Response = yield request
        except GeneratorExit:
            self.orphans.remember_lost(key, since, 1)
            raise
        except BaseException as error:
            if late and late[0].status == 200:
                yield from self._give_up(key, parse_upload_id(late[0].body))
            elif not late and not (isinstance(error, StorageError) and error.code in _NEVER_SENT):
                yield from self.orphans.find(key, since, _MOST_ATTEMPTS, broken_off=True)
            raise
        upload_id = parse_upload_id(response.body) if response.status == 200 else None
        if upload_id is not None:
            self.orphans.began(upload_id)
        if response.attempts > 1:
            try:
                lost = response.attempts - (upload_id is not None)
                yield from self.orphans.find(key, since, lost, broken_off=False)
            except BaseException:
                if upload_id is not None:
                    yield from self._give_up(key, upload_id)
                raise
        if upload_id is None:
            raise map_error(response, key)
        return upload_id

    def put_part(self, state: UploadState, number: int, data: Buffer, *, checked: bool = True) -> Exchange[PartInfo]:
        """Write one part; writing it again replaces it. *checked* is as in ``begin``.

        Raises:
            NotFoundError: the upload is gone.
        """
        digests = cast(PartDigests, (yield Call(self._digests, data, checked)))
        request = self.requests.put_part(state.key, state.upload_id, number, data, digests)
        response = yield from S3.send(request, key=state.key)
        return PartInfo(number=number, size=len(data), etag=parse_part_etag(response), crc32=digests.crc32)

    def complete(self, state: UploadState, parts: Sequence[PartInfo]) -> Exchange[tuple[str | None, datetime | None]]:
        """Make the *parts* the object, under the condition that the upload was begun with.

        Returns its etag and, by the clock of the service, when it was made: ``Last-Modified`` is when it was begun.

        Raises:
            AlreadyExistsError: it was create-only, and the key exists.
            PreconditionFailedError: the object is another version.
            NotFoundError: the upload is gone.
        """
        options = PutOptions(mode=state.mode, if_match=state.if_match)
        response: Response = yield self.requests.complete(state.key, state.upload_id, parts, options)
        error = failure_of(response, state.key)
        if error is None:
            self.orphans.ended(state.upload_id)
            return etag_of(parse_result_etag(response.body)), date_of(response.headers.get("date"))
        # The response to an earlier attempt may have been lost: then the upload is gone, or its own object is in the
        # way.
        try:
            own = yield from self._objects.find_own_write(state.key, state.write_token)
        except UnavailableError:
            if isinstance(error, NotFoundError | PreconditionFailedError):  # a repeat of a success gets these too
                raise
            own = None
        if own is not None:
            self.orphans.ended(state.upload_id)
            return own.etag, date_of(response.headers.get("date"))
        raise error if error.code == _GONE else refused_write(error, options)

    def abort_upload(self, key: str, upload_id: str) -> Exchange[None]:
        """Discard the parts; no error when they are gone."""
        with suppress(NotFoundError):
            yield from S3_REMOVALS.send(self.requests.abort(key, upload_id), ok=(200, 204), key=key)
        self.orphans.ended(upload_id)

    def _give_up(self, key: str, upload_id: str) -> Exchange[None]:
        with suppress(StorageError):  # it is remembered then, and the log says so
            yield from self.orphans.abort(key, upload_id)

    def list_parts(self, state: UploadState) -> Exchange[list[PartInfo]]:
        """Return the parts that the service holds, in order; one request for 1,000.

        Raises:
            NotFoundError: the upload is gone.
            UnavailableError: the service returns the same page again and again.
        """
        found: list[PartInfo] = []
        after: int | None = 0
        while after is not None:
            request = self.requests.list_parts(state.key, state.upload_id, after)
            page, further = parse_parts((yield from S3.send(request, key=state.key)).body)
            if further is not None and further <= after:
                raise not_advancing()
            found += page
            after = further
        return found

    def pending_uploads(self, prefix: Prefix) -> Exchange[list[PendingUpload]]:
        """Return the unfinished uploads to keys below *prefix*; one request for 1,000.

        Raises:
            UnavailableError: the service returns the same page again and again.
        """
        found: list[PendingUpload] = []
        codec, guard = self._objects.requests.codec, CycleGuard()
        after: tuple[str, str] | None = None
        while True:
            request = self.requests.list_uploads(codec.name_prefix(prefix), after)
            page, after = parse_uploads((yield from S3.send(request)).body)
            keyed = ((upload, codec.key_of(upload.key)) for upload in page)
            found += [replace(upload, key=key) for upload, key in keyed if key is not None and key.startswith(prefix)]
            if after is None:
                return found
            guard.advance(after, empty=not page)

    def _digests(self, data: Buffer, checked: bool) -> PartDigests:
        requests = self._objects.requests
        if not requests.target.over_tls:
            bound = checked and requests.bound_checksum is not None
            sha256, md5 = None if bound else hashlib.sha256(data).hexdigest(), None
        else:
            # An upload that was begun without an algorithm accepts no other checksum; MD5 is half as fast as SHA-256.
            sha256 = None
            md5 = None if checked else b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        crc32 = crc32_of(data) if checked and self._preset.checksums else None
        return PartDigests(sha256, crc32, md5)
