"""How a client sends a file to each kind of provider: what is begun there, what has arrived, what is thrown away.

``put``: one signed request. ``parts``: signed requests of an upload in parts, which this side completes; where such a
request could write the whole object, they go to a key of their own and are copied from there. ``session``: a URL of the
service that takes the file in order. ``route``: a request to the host. ``direct.py`` has the order of the steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, cast

from ..bodies.part_plan import WANTED_PART_BYTES, PartPlan
from ..capabilities import Capability
from ..errors import AlreadyExistsError, NotFoundError, StorageError
from ..json_text import parse_own_json, write_json
from ..keys import DocumentKey, ObjectKey
from ..secrecy.masking import Masked
from ..storage.arrivals import NOTE, Arrivals, Declared, IsOurs, by_note, by_version, by_write_token
from ..storage.operation import Context
from ..storage.sync import Storage
from ..storage.tickets import TicketPart
from ..transport import Exchange
from ..types import ObjectInfo, PresignedUrl, PresignOptions, PutMode, PutOptions, UploadState
from ..values import value
from .integrity import is_first_version
from .searching import relative_key
from .ticket_register import PlanName, TicketRecord

STAGING: Final = ".uploads"
"""The folder, below that of the organisation, of what is copied to its key when it is confirmed."""

# Clocks of services and of this machine differ by seconds; nothing was there a moment before a session was begun.
_SKEW: Final = timedelta(minutes=5)


@value
class Wanted:
    """What is to be sent."""

    id: str
    """Of the ticket."""
    document: DocumentKey
    size: int
    content_type: str
    sha256: str | None
    begun_at: datetime
    """Aware UTC."""
    begun_by: str | None
    expires_in: timedelta
    """For how long its requests are valid."""

    @property
    def expires_at(self) -> datetime:
        """When it expires; aware UTC."""
        return self.begun_at + self.expires_in


@value
class Begun:
    """What was begun at a provider."""

    plan: PlanName
    state: str
    """JSON of what ends it."""
    parts: tuple[TicketPart, ...] = ()
    """None for a route: its URL needs the token of the ticket."""

    @property
    def bound(self) -> frozenset[str]:
        """What the service refuses of every part."""
        return frozenset.intersection(*(part.request.bound for part in self.parts)) if self.parts else frozenset()

    def record(self, wanted: Wanted, provider: str) -> TicketRecord:
        """Return what is remembered of it; it expires with the first of its requests."""
        return TicketRecord(
            id=wanted.id,
            document=wanted.document,
            provider=provider,
            size=wanted.size,
            content_type=wanted.content_type,
            sha256=wanted.sha256,
            plan=self.plan,
            state=Masked(self.state),
            begun_at=wanted.begun_at,
            begun_by=wanted.begun_by,
            expires_at=min([wanted.expires_at, *(part.request.expires_at for part in self.parts)]),
        )


def plan_for(storage: Storage, size: int) -> PlanName:
    """Return how a file of *size* bytes is sent to the provider of *storage*."""
    info = storage.info
    if info.can(Capability.PRESIGN):
        # Supabase completes uploads in parts without conditions, so they would not be create-only.
        in_parts = info.can(Capability.PARTS) and info.can(Capability.CONDITIONAL)
        return "parts" if in_parts and size > WANTED_PART_BYTES else "put"
    return "session" if Arrivals(storage.operations.context).opens_sessions and size else "route"


def names_tickets(storage: Storage, plan: PlanName) -> bool:
    """Say whether an object there says which ticket brought it."""
    return plan in ("put", "parts") or (plan == "route" and storage.info.can(Capability.METADATA))


def begin(storage: Storage, plan: PlanName, wanted: Wanted) -> Exchange[Begun]:
    """Begin at the provider of *storage*: none to two requests.

    Raises:
        PolicyError: the name or the size is not allowed.
        AlreadyExistsError: the key is taken.
    """
    if plan == "put":
        return _begin_put(storage, wanted)
    if plan == "parts":
        return _begin_parts(storage, wanted)
    if plan == "session":
        return _begin_session(storage, wanted)
    return _begin_route(wanted)


def arrived(storage: Storage, record: TicketRecord) -> Exchange[ObjectInfo]:
    """Return what the client brought, complete and checked; repeating it changes nothing.

    Raises:
        NotFoundError: nothing has arrived, or not all of it.
        AlreadyExistsError: another object is there.
        PolicyError: the policy of now does not allow it; it was removed.
        IntegrityError: it is not what was declared; it was removed. Or a part is missing: send it, and confirm again.
    """
    key, state = relative_key(record.document), _state(record)
    arrivals = Arrivals(storage.operations.context)
    declared = Declared(
        size=record.size,
        content_type=record.content_type,
        sha256=record.sha256,
        is_untouched=is_first_version,
    )
    if record.plan == "parts":
        upload = UploadState.from_json(state["upload"])
        if storage.info.staged_parts:
            return (yield from _unstaged(storage, upload, key, declared, record.id))
        info = yield from storage.operations.uploads.complete(upload)
        return (yield from arrivals.check(key, declared, by_version(info.etag)))
    if record.plan == "session" and (yield from arrivals.is_session_open(key, state["url"])):
        raise NotFoundError("not all of the file has arrived; send the rest, then confirm again", key=key)
    return (yield from arrivals.check(key, declared, _is_ours(storage, record, state)))


def discard(storage: Storage, record: TicketRecord, *, recorded: bool) -> Exchange[None]:
    """Throw away what the client brought; the object stays when it is *recorded* as that of the revision.

    Raises:
        StorageError: the provider does not answer, or refuses.
    """
    if not record.state:
        return  # sealed under a key that is gone
    key, state = relative_key(record.document), _state(record)
    arrivals, uploads = Arrivals(storage.operations.context), storage.operations.uploads
    if record.plan == "session" and (yield from arrivals.is_session_open(key, state["url"])):
        return (yield from arrivals.end_session(key, state["url"]))
    if record.plan == "parts":
        upload = UploadState.from_json(state["upload"])
        if not storage.info.staged_parts:
            return (yield from (uploads.abort(upload) if recorded else uploads.discard(upload)))
        yield from _clear_stage(storage, upload)
    if not recorded:
        yield from arrivals.discard(key, _is_ours(storage, record, state))


def _begin_put(storage: Storage, wanted: Wanted) -> Exchange[Begun]:
    options = PresignOptions(
        method="PUT",
        expires_in=wanted.expires_in,
        content_type=wanted.content_type,
        size=wanted.size,
        sha256=wanted.sha256,
        mode=PutMode.CREATE,
    )
    url = yield from storage.operations.presign(relative_key(wanted.document), options)
    part = TicketPart(number=1, offset=0, size=wanted.size, request=url)
    return Begun(plan="put", state=write_json({"write_token": url.write_token}), parts=(part,))


def _begin_parts(storage: Storage, wanted: Wanted) -> Exchange[Begun]:
    uploads, key, note = storage.operations.uploads, relative_key(wanted.document), dict[str, str]()
    if storage.info.staged_parts:
        key, note = f"{STAGING}/{wanted.id}/{wanted.document.filename}", {NOTE: wanted.id}
    options = PutOptions(mode=PutMode.CREATE, content_type=wanted.content_type, metadata=note)
    upload = yield from uploads.begin(key, wanted.size, options, wanted.sha256)
    parts = yield from uploads.sign_parts(upload, wanted.expires_in)
    return Begun(plan="parts", state=write_json({"upload": upload.to_json()}), parts=parts)


def _begin_route(wanted: Wanted) -> Exchange[Begun]:
    return Begun(plan="route", state=write_json({"note": wanted.id}))
    yield  # makes an exchange of it


def _begin_session(storage: Storage, wanted: Wanted) -> Exchange[Begun]:
    arrivals, key = Arrivals(storage.operations.context), relative_key(wanted.document)
    session = yield from arrivals.begin_session(key, wanted.size, wanted.content_type)
    plan, parts = PartPlan.resumed(wanted.size, session.part_bytes), list[TicketPart]()
    for number, span in plan.spans():
        start, end = span.resolve(wanted.size)
        request = PresignedUrl(
            method="PUT",
            url=session.url,
            headers={"Content-Range": f"bytes {start}-{end - 1}/{wanted.size}"},
            expires_at=wanted.expires_at,
            bound=frozenset({"create"}),
        )
        parts.append(TicketPart(number=number, offset=start, size=end - start, request=request))
    return Begun(plan="session", state=write_json({"url": str(session.url)}), parts=tuple(parts))


def _unstaged(storage: Storage, upload: UploadState, key: str, declared: Declared, note: str) -> Exchange[ObjectInfo]:
    """Complete the upload at its own key, copy it to *key*, and check it there, where no client can change it."""
    operations, missing = storage.operations, None
    try:
        yield from operations.uploads.complete(upload)
        yield from operations.copy(upload.key, key, PutMode.CREATE)
    except (AlreadyExistsError, NotFoundError) as error:
        missing = error  # another call may have been faster, and have removed what was copied
    try:
        info = yield from Arrivals(operations.context).check(key, declared, by_note(note))
    except NotFoundError:
        if missing is not None:
            raise missing from None
        raise
    except StorageError:
        yield from _clear_stage(storage, upload)
        raise
    yield from operations.delete(upload.key)
    return info


def _clear_stage(storage: Storage, upload: UploadState) -> Exchange[None]:
    """Remove the parts at a key of their own, and whatever else the client may have made there."""
    yield from storage.operations.uploads.abort(upload)
    yield from storage.operations.delete(upload.key)


def _is_ours(storage: Storage, record: TicketRecord, state: Mapping[str, str]) -> IsOurs:
    if record.plan == "put":
        return by_write_token(state["write_token"])
    return by_note(record.id) if record.plan == "parts" or names_tickets(storage, record.plan) else _since(record)


def _since(record: TicketRecord) -> IsOurs:
    """Know the object by its time, where the service keeps nothing that would name the ticket.

    The revision has no other open ticket then, nothing was there when it was begun, and nothing else is recorded.
    """

    def is_ours(context: Context, key: ObjectKey, info: ObjectInfo) -> Exchange[bool]:  # noqa: ARG001
        return info.last_modified is None or info.last_modified >= record.begun_at - _SKEW
        yield  # makes an exchange of it

    return is_ours


def _state(record: TicketRecord) -> Mapping[str, str]:
    found = cast("dict[str, str]", parse_own_json(record.state))
    return {name: Masked(text) for name, text in found.items()}
