"""Requests that clients without credentials send: signed under the rules of now, and checked when they have arrived.

A service refuses what a signature binds (``PresignedUrl.bound``) and takes everything else, so what is not bound is
checked afterwards, by ``confirm_object``. ``operations.py`` runs these. Keys are full.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from ..bodies.first_bytes import FIRST_BYTES
from ..capabilities import Capability
from ..errors import (
    AlreadyExistsError,
    IntegrityError,
    NotFoundError,
    NotSupportedError,
    PolicyError,
    StorageError,
)
from ..keys import ObjectKey
from ..lazy import module
from ..policy import extension_of
from ..transport import Exchange
from ..types import WHOLE, ByteRange, Checksum, ObjectInfo, PresignedUrl, PresignOptions, PutMode, UploadState
from .claiming import give_back
from .contents import check_declared, check_first, check_signature
from .guards import keep_existing
from .operation import Context
from .quota import SIGNED_GRACE

if TYPE_CHECKING:
    import hashlib
    import secrets
else:
    hashlib = module(__name__, "hashlib")
    secrets = module(__name__, "secrets")


_METHODS: Final = ("GET", "HEAD", "PUT", "DELETE")


def presign_object(context: Context, key: ObjectKey, options: PresignOptions) -> Exchange[PresignedUrl]:
    """Sign a request; see ``Storage.presign``.

    Raises:
        NotSupportedError: the provider does not sign, or the key is written once and the request would change it.
        AlreadyExistsError: a PUT of a key that was given away for good.
        QuotaExceededError: a PUT that a quota has no room for; what is signed holds it for a while.
        PolicyError: a PUT that the policy does not allow, or one without a size.
        ValueError: the method, the size or the expiry makes no sense.
    """
    context.rules.need(Capability.PRESIGN, "presigning")
    if options.upload is not None:
        raise ValueError("the requests of an upload in parts are signed by presign_upload")
    if options.method not in _METHODS:
        raise ValueError(f"a URL is signed for GET, HEAD, PUT or DELETE, not {options.method!r}")
    if options.method == "DELETE" and context.trash is not None and context.trash.always:
        raise NotSupportedError("what is deleted here is kept for a while, which a signed DELETE cannot do; use delete")
    if options.expires_in <= timedelta(0):
        raise ValueError("expires_in is a positive time")
    once = context.rules.creates(key)
    if once and options.method == "DELETE":
        raise NotSupportedError(
            "this key is written once, and no URL is signed to remove it; remove it in this process"
        )
    if options.method == "PUT":
        yield from context.rules.check_taken(key)
        options = _admitted_put(context, key, options, once=once)
    elif options.mode is PutMode.CREATE:
        context.rules.need(Capability.CREATE_ONLY, "a create-only URL")
    claim = None
    if options.method == "PUT" and context.rules.quota is not None:
        claim = context.rules.quota.claim(key, options.write_token or "")
        yield from claim.reserve(options.size or 0, options.expires_in + SIGNED_GRACE)
    try:
        url = yield from context.exchanges.presign(key, options)
    except StorageError:
        yield from give_back(claim)
        raise
    if options.method != "PUT":
        return url
    # A provider that cannot bind the mode refuses to sign; whatever else it cannot bind it leaves out.
    bound = url.bound | ({"create"} if options.mode is PutMode.CREATE else frozenset())
    return replace(url, bound=bound, needs_confirm=bool(_wanted(options) - bound))


def confirm_object(
    context: Context, key: ObjectKey, options: PresignOptions, write_token: str | None
) -> Exchange[ObjectInfo]:
    """Check what a signed PUT brought, and remove what does not fit; see ``Storage.confirm``.

    Raises:
        NotFoundError: nothing has arrived.
        AlreadyExistsError: the object is another one than the URL with *write_token* brought, and is left alone; or the
            revision is taken, and what the URL brought was removed.
        PolicyError: the policy does not allow it; what was confirmed before stays.
        IntegrityError: it is not what *options* say; what was confirmed before stays here too.
        ValueError: the options are not those of a PUT, or a revision is confirmed without a write token.
    """
    if options.method != "PUT":
        raise ValueError(f"what a PUT brought is confirmed, not a {options.method}")
    write = context.write_of(key, write_token or "")
    if write is not None and write_token is None:
        raise ValueError("what was sent to this key is recorded for good: confirm it with the write_token of its URL")
    info = yield from context.exchanges.head(key)
    if write_token is not None and not (yield from carries(context, key, info, write_token)):
        raise AlreadyExistsError("the object that is there was not sent to this URL; nothing was removed")
    try:
        if write is None:
            yield from context.rules.check_taken(key)
        sha256 = yield from _check_arrived(context, key, options, info)
    except (AlreadyExistsError, PolicyError, IntegrityError) as error:
        # Without the write token it may be what was there before, or what another writer has put there since.
        # What is recorded was confirmed under the rules of that day: a document, which no rule of today removes.
        stays = write_token is None or (write is not None and (yield from write.recorded()))
        removed = not stays and (yield from remove_version(context, key, info))
        outcome = "it was removed" if removed else "it was left alone, look at it"
        raise type(error)(f"{error.message}; {outcome}") from error
    if sha256 is not None:
        info = replace(info, checksum=Checksum(algorithm="sha256", value=sha256))
    if write is not None:
        undo = partial(remove_version, context, key, info)
        yield from keep_existing(write, info, proven=sha256 is not None, undo=undo)
    elif context.rules.quota is not None and write_token is not None:
        yield from context.rules.quota.claim(key, write_token).keep(info.size, 1)
    return info


def remove_version(context: Context, key: ObjectKey, checked: ObjectInfo) -> Exchange[bool]:
    """Remove the object if it is still the one that was *checked*; say whether it was.

    Raises:
        StorageError: the service does not answer, or may not remove it.
    """
    try:
        now = yield from context.exchanges.head(key)
    except NotFoundError:
        return False
    if now.etag is None or now.etag != checked.etag:
        return False
    yield from context.exchanges.delete(key)
    return True


def _admitted_put(context: Context, key: ObjectKey, options: PresignOptions, *, once: bool) -> PresignOptions:
    if once:
        options = replace(options, mode=PutMode.CREATE)
    if options.mode is PutMode.CREATE:
        context.rules.need(Capability.CREATE_ONLY, "a create-only URL")
    if options.mode is PutMode.CREATE or _wanted(options):  # there will be something to confirm
        options = replace(options, write_token=secrets.token_hex(8))
    context.rules.check_name(key)
    check_declared(context.rules.policy, key, options.content_type)
    if options.size is None:
        if context.rules.policy is not None or context.rules.quota is not None:
            raise PolicyError(
                "under a limit a PUT is signed together with its size; give presign() PresignOptions(size=...)"
            )
        return options
    if options.size < 0:
        raise ValueError(f"an object has 0 bytes or more, not {options.size}")
    context.rules.check_size(options.size)
    return options


def _wanted(options: PresignOptions) -> frozenset[str]:
    """Return what *options* ask a PUT to be bound to."""
    asked = {"size": options.size, "type": options.content_type, "sha256": options.sha256}
    return frozenset(name for name, value in asked.items() if value is not None)


def carries(context: Context, key: ObjectKey, info: ObjectInfo, write_token: str) -> Exchange[bool]:
    """Say whether the object carries *write_token*, which is found as that of an upload in parts is."""
    context.rules.need(Capability.PARTS, "the write token of a signed PUT")
    upload = UploadState(
        key=key, upload_id=write_token, size=info.size, part_bytes=max(1, info.size), write_token=write_token
    )
    return (yield from context.exchanges.find_upload(upload)) is not None


def _check_arrived(context: Context, key: ObjectKey, options: PresignOptions, info: ObjectInfo) -> Exchange[str | None]:
    """Compare the object with what was signed and with the rules of now; return its sha256 where it was asked for."""
    context.rules.check_name(key)
    check_declared(context.rules.policy, key, info.content_type)
    context.rules.check_size(info.size)
    if options.size is not None and info.size != options.size:
        raise IntegrityError(f"the object has {info.size:,} bytes, and {options.size:,} were signed for")
    if options.content_type is not None and (info.content_type or "").lower() != options.content_type.lower():
        raise IntegrityError(
            f"the object is of type {info.content_type!r}, and {options.content_type!r} was signed for"
        )
    policy = context.rules.policy
    if policy is not None and (policy.extensions or policy.files.looks_inside):
        first = bytearray()
        yield from context.exchanges.get(key, ByteRange(end=FIRST_BYTES), first.extend, info.etag)
        if policy.extensions:
            check_signature(extension_of(key.name), bytes(first))
        check_first(policy, key, bytes(first))
    if options.sha256 is None:
        return None
    digest = hashlib.sha256()
    yield from context.exchanges.get(key, WHOLE, digest.update, info.etag)
    if digest.hexdigest() != options.sha256.lower():
        raise IntegrityError(f"the object has sha256 {digest.hexdigest()}, and {options.sha256} was signed for")
    return digest.hexdigest()
