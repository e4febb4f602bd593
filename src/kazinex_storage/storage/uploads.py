"""Uploads in parts that outlive the process that began them: begin, resume, abort, list; as exchanges.

``Storage`` and ``AsyncStorage`` run these as they run ``operations.py``; ``operation.py`` adds scope and error context,
``rules.py`` says what may enter. Whatever fails, an upload stays where it is: it is resumed, aborted,
or swept (``sweeping.py``). ``docs/large-files.md`` is for users.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, cast

from ..bodies.part_plan import PartPlan
from ..bodies.part_upload import send_parts, sha256_of
from ..bodies.same_part import same_part
from ..bodies.source import Source
from ..capabilities import Capability
from ..contract import Sweeper
from ..errors import (
    AlreadyExistsError,
    IntegrityError,
    InvalidKeyError,
    NotFoundError,
    NotSupportedError,
    PolicyError,
    SettingsError,
)
from ..keys import ObjectKey
from ..lazy import regex
from ..transport import Call, Exchange
from ..types import (
    ObjectInfo,
    PartInfo,
    PendingUpload,
    PresignedUrl,
    PresignOptions,
    Progress,
    PutMode,
    PutOptions,
    UploadState,
)
from .operation import Context, operation, unscoped_operation
from .recording import ask_guard, ask_guard_unseen, claim_parts, claimed, keep, prove, unclaimed
from .rules import Body
from .signed import remove_version
from .tickets import PartsTicket, TicketPart

_SHA256: Final = regex(r"[0-9a-f]{64}")


class Uploads:
    """The uploads in parts to one storage."""

    __slots__ = ("_exchanges", "context")

    def __init__(self, context: Context) -> None:
        """Work with what *context* says."""
        self.context = context
        """Provider, prefix and rules."""
        self._exchanges = context.exchanges

    @operation("begin_upload")
    def begin(self, key: ObjectKey, size: int, options: PutOptions, sha256: str | None) -> Exchange[UploadState]:
        """Begin an upload; see ``Storage.begin_upload``.

        Raises:
            ValueError: the size or the sha256 makes no sense.
        """
        context = self.context
        self._need_resuming()
        options = context.rules.admit(key, options)
        if size < 0:
            raise ValueError(f"an upload has 0 bytes or more, not {size}")
        if sha256 is not None and not _SHA256.fullmatch(sha256.lower()):
            raise ValueError("a sha256 is 64 hexadecimal digits")
        context.rules.check_size(size)
        declared = sha256.lower() if sha256 is not None else None
        write = context.write_of(key)
        if write is not None:
            yield from write.before(declared)  # refused early; it is asked again before the end
        else:
            yield from context.rules.check_taken(key)
        state = yield from claimed(context, key, size, self._exchanges.begin_upload(key, size, options, declared))
        scope, kind, location = context.scope, context.info.kind, context.info.location
        state = replace(state, key=scope.relative_key(key), scope=scope.prefix, provider=kind, location=location)
        return cast(UploadState, (yield Call(context.seal.seal, state)))

    @unscoped_operation("resume_upload")
    def resume(self, state: UploadState, body: Body, on_progress: Progress | None = None) -> Exchange[ObjectInfo]:
        """Send what is missing, and complete; see ``Storage.resume_upload``.

        Raises:
            IntegrityError: *body* has another size.
        """
        context = self.context
        self._need_resuming()
        own = yield from self._own(state)
        if context.write_of(ObjectKey(own.key)) is None:
            yield from context.rules.check_taken(ObjectKey(own.key))
        self._check_rules(own)
        expected = None if isinstance(body, Source) else own.sha256
        source = yield from context.rules.source(body, expected, on_progress)
        try:
            if source.size != own.size:
                raise IntegrityError(
                    f"the upload was begun for {own.size:,} bytes, this body has {source.size:,}; nothing was sent, "
                    "resume it with the body that it was begun for"
                )
            in_order = not context.info.can(Capability.PARTS)
            info = yield from (self._in_order(own, source) if in_order else self._go_on(own, source))
            known = info.sha256 is not None or source.checksum is None
            info = info if known else replace(info, checksum=source.checksum)
            return (yield from keep(context, own, info, proven=True))
        finally:
            if source is not body:
                source.close()

    def _in_order(self, state: UploadState, source: Source) -> Exchange[ObjectInfo]:
        yield from ask_guard(self.context, state, source, resumed=True)
        return (yield from self._exchanges.resume_upload(state, source))

    def _go_on(self, state: UploadState, source: Source) -> Exchange[ObjectInfo]:
        plan = self._plan(state)
        try:
            held = {part.number: part for part in (yield from self._exchanges.list_parts(state))}
        except NotFoundError:
            found = yield from self._exchanges.find_upload(state)
            if found is None:
                raise
            # An earlier resume completed it and could not say so any more.
            sha256 = cast(str, (yield Call(sha256_of, source, cancel=source.cancel)))
            _check_body(sha256, state, found)
            yield from prove(self.context, state, found, sha256)
            return found
        yield from ask_guard(self.context, state, source)
        yield from claim_parts(self.context, ObjectKey(state.key), state.size, state.reservation)
        parts = yield from send_parts(source, plan, partial(self._send, state, held), self._exchanges)
        checksum = source.checksum
        if checksum is None:
            raise IntegrityError("the body was read elsewhere in the meantime; resume the upload again")
        _check_body(checksum.value, state, None)
        overtaken = False
        try:
            info = yield from self._exchanges.complete_upload(replace(state, sha256=checksum.value), parts)
        except NotFoundError:
            # Another process resumed it as well, and was faster.
            other = yield from self._exchanges.find_upload(state)
            if other is None:
                raise
            info, overtaken = other, True
        if info.size != state.size:
            raise IntegrityError(f"the service made {info.size} of {state.size} bytes an object; delete it")
        _check_body(checksum.value, state, info)
        if overtaken:
            yield from prove(self.context, state, info, checksum.value)
        return info

    @unscoped_operation("presign_upload")
    def ticket(self, state: UploadState, expires_in: timedelta) -> Exchange[PartsTicket]:
        """Sign every request of an upload; see ``Storage.presign_upload``.

        Raises:
            ValueError: the expiry makes no sense.
        """
        own = yield from self._signable(state, expires_in)
        complete = yield from self._sign(own, expires_in, "POST")
        abort = yield from self._sign(own, expires_in, "DELETE")
        parts = yield from self._signed_parts(own, expires_in)
        expires_at = min(request.expires_at for request in (complete, abort, *(part.request for part in parts)))
        bound = frozenset.intersection(*(part.request.bound for part in parts)) | complete.bound
        return PartsTicket(state=state, parts=parts, complete=complete, abort=abort, expires_at=expires_at, bound=bound)

    @unscoped_operation("presign_upload")
    def sign_parts(self, state: UploadState, expires_in: timedelta) -> Exchange[tuple[TicketPart, ...]]:
        """Sign the request of every part: who has them can neither complete nor abort, where the service binds that."""
        own = yield from self._signable(state, expires_in)
        return (yield from self._signed_parts(own, expires_in))

    @unscoped_operation("abort_upload")
    def discard(self, state: UploadState) -> Exchange[None]:
        """Remove the parts, or the object that carries the token of the upload; see ``documents/direct.py``."""
        yield from self._throw_away((yield from self._own(state)))

    @unscoped_operation("complete_upload")
    def complete(self, state: UploadState) -> Exchange[ObjectInfo]:
        """Make what others sent the object; see ``Storage.complete_upload``.

        Raises:
            IntegrityError: a part is missing or has another size.
            PolicyError: the policy of now does not allow what is there.
        """
        self._need()
        own = yield from self._own(state)
        plan = self._plan(own)
        write = self.context.write_of(ObjectKey(own.key))
        if write is None:
            yield from self._check_taken(own)
        try:
            held: Sequence[PartInfo] = yield from self._exchanges.list_parts(own)
        except NotFoundError:
            found = yield from self._exchanges.find_upload(own)
            if found is None:
                raise
            info = yield from self._kept(own, found)  # the client completed it itself
            return (yield from keep(self.context, own, info, proven=False))
        if write is not None:
            yield from ask_guard_unseen(self.context, write, own)
        try:
            self._check_rules(own, max(own.size, sum(part.size for part in held)))
        except PolicyError as error:
            yield from self._exchanges.abort_upload(ObjectKey(own.key), own.upload_id)
            raise type(error)(f"{error.message}; the upload was thrown away") from error
        wanted: set[tuple[int, int]] = set()
        for number, span in plan.spans():
            start, end = span.resolve(own.size)
            wanted.add((number, end - start))
        wrong = sorted(wanted ^ {(part.number, part.size) for part in held})
        if wrong:
            raise IntegrityError(
                f"part {wrong[0][0]} is missing or has another size; nothing was stored, send it, then complete again"
            )
        yield from claim_parts(self.context, ObjectKey(own.key), own.size, own.reservation)
        info = yield from self._exchanges.complete_upload(own, held)
        return (yield from keep(self.context, own, info, proven=False))

    def _signable(self, state: UploadState, expires_in: timedelta) -> Exchange[UploadState]:
        self._need()
        self.context.rules.need(Capability.PRESIGN, "presigning")
        if expires_in <= timedelta(0):
            raise ValueError("expires_in is a positive time")
        own = yield from self._own(state)
        yield from self.context.rules.check_taken(ObjectKey(own.key))
        self._check_rules(own)
        return own

    def _sign(
        self, own: UploadState, expires_in: timedelta, method: str, part: int | None = None, size: int | None = None
    ) -> Exchange[PresignedUrl]:
        options = PresignOptions(method=method, expires_in=expires_in, size=size, upload=own, part=part)
        return self.context.exchanges.presign(ObjectKey(own.key), options)

    def _signed_parts(self, own: UploadState, expires_in: timedelta) -> Exchange[tuple[TicketPart, ...]]:
        parts: list[TicketPart] = []
        for number, span in self._plan(own).spans():
            start, end = span.resolve(own.size)
            request = yield from self._sign(own, expires_in, "PUT", number, end - start)
            parts.append(TicketPart(number=number, offset=start, size=end - start, request=request))
        return tuple(parts)

    def _check_taken(self, own: UploadState) -> Exchange[None]:
        try:
            yield from self.context.rules.check_taken(ObjectKey(own.key))
        except AlreadyExistsError:
            yield from self._throw_away(own)
            raise

    def _throw_away(self, own: UploadState) -> Exchange[None]:
        """Remove the parts of an upload, or the object with its write token that a client has made of them."""
        found = yield from self._exchanges.find_upload(own)
        if found is not None:
            yield from remove_version(self.context, ObjectKey(own.key), found)
        yield from self._exchanges.abort_upload(ObjectKey(own.key), own.upload_id)

    def _send(
        self, state: UploadState, held: Mapping[int, PartInfo], number: int, data: memoryview
    ) -> Exchange[PartInfo]:
        part = held.get(number)
        if part is not None:
            same = cast("PartInfo | None", (yield Call(same_part, part, data)))
            if same is not None:
                return same
        return (yield from self._exchanges.put_part(state, number, data))

    @unscoped_operation("abort_upload")
    def abort(self, upload: UploadState | PendingUpload) -> Exchange[None]:
        """Throw an upload away; see ``Storage.abort_upload``."""
        self._need_resuming()
        if isinstance(upload, UploadState):
            full = ObjectKey((yield from self._own(upload)).key)
            yield from unclaimed(self.context, full, upload)
        else:
            self._need()  # only a service that lists uploads gives such a value; elsewhere its id may be an address
            full = self.context.scope.full_key(upload.key)
        yield from self._exchanges.abort_upload(full, upload.upload_id)

    @unscoped_operation("pending_uploads")
    def pending(self, prefix: str = "", older_than: timedelta | None = None) -> Exchange[list[PendingUpload]]:
        """Return the unfinished uploads; see ``Storage.pending_uploads``.

        Raises:
            ValueError: *older_than* is negative.
        """
        self._need()
        if older_than is not None and older_than < timedelta(0):
            raise ValueError("older_than is not a time in the future")
        scope = self.context.scope
        full = scope.full_prefix(prefix)
        found: Sequence[PendingUpload] = yield from self._exchanges.pending_uploads(full)
        latest = datetime.now(UTC) - older_than if older_than is not None else None
        return [
            replace(upload, key=scope.relative_key(upload.key))
            for upload in found
            if upload.key.startswith(full) and (latest is None or upload.was_begun_by(latest))
        ]

    @unscoped_operation("sweep")
    def leftovers(self, *, dry_run: bool) -> Exchange[int | None]:
        """Let the provider remove, or only count, what killed writers left; None when it is no ``Sweeper``."""
        if not isinstance(self.context.provider, Sweeper):
            return None
        return (yield from self._exchanges.sweep(self.context.scope.prefix, dry_run=dry_run))

    def _need(self) -> None:
        self.context.rules.need(Capability.PARTS, "an upload in parts")

    def _need_resuming(self) -> None:
        if not self.context.info.can(Capability.RESUME):
            self._need()

    def _check_rules(self, own: UploadState, size: int | None = None) -> None:
        """Refuse what the rules of now do not allow, whatever they were when the upload was begun."""
        rules, key = self.context.rules, ObjectKey(own.key)
        rules.check_name(key)
        rules.check_size(own.size if size is None else size)
        if rules.creates(key) and own.mode is not PutMode.CREATE:
            raise NotSupportedError("the upload was begun to replace, and this key is written once; abort it")

    def _kept(self, own: UploadState, found: ObjectInfo) -> Exchange[ObjectInfo]:
        """Return the object that a client has made of the upload, or remove it when it is not what was begun.

        It carries the write token of the upload, so it is no other object. What the policy of now does not allow is
        refused and left alone: it may have been accepted long ago, by the first of two calls.
        """
        if found.size != own.size:
            removed = yield from remove_version(self.context, ObjectKey(own.key), found)
            raise IntegrityError(
                f"the object has {found.size:,} bytes, the upload was begun for {own.size:,}; "
                + ("it was removed" if removed else "it was replaced in the meantime, look at it")
            )
        try:
            self._check_rules(own)
        except PolicyError as error:
            raise type(error)(f"{error.message}; a client has completed the upload, look at the object") from error
        return found

    def _own(self, state: UploadState) -> Exchange[UploadState]:
        """Return *state* as the provider knows it, if it is of this place and as it was sealed."""
        info = self.context.info
        if (state.provider, state.location) != (info.kind, info.location):
            raise SettingsError(
                f"the upload was begun on {state.provider} {state.location!r}, this is {info.kind} {info.location!r}; "
                "resume it where it was begun"
            )
        yield Call(self.context.seal.check, state)
        full = ObjectKey(state.scope + state.key)
        if not full.startswith(self.context.scope.prefix):
            raise InvalidKeyError("the upload belongs to a key outside this storage; resume it where it was begun")
        return replace(state, key=full, scope="")

    def _plan(self, state: UploadState) -> PartPlan:
        """Return how the upload was cut, as its *state* says."""
        plan, rule = PartPlan.resumed(state.size, state.part_bytes), self.context.info.part_rule
        if rule is not None and not plan.follows(rule):
            raise SettingsError(
                f"the state says {state.size:,} bytes in parts of {state.part_bytes:,}, which this service does not "
                "take; begin the upload again"
            )
        return plan


def _check_body(found: str, state: UploadState, info: ObjectInfo | None) -> None:
    """Compare the sha256 of the body with what was declared, and with what is known of the object."""
    for expected in (state.sha256, info.sha256 if info is not None else None):
        if expected is not None and expected != found:
            raise IntegrityError(
                f"the body has sha256 {found}, but the upload was begun for {expected}; resume it with that body"
            )
