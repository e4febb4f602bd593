"""The provider for R2, S3 and what speaks like S3: the verbs as exchanges; keys in, the service's names out and back.

``Storage`` runs these. What a single object, an upload in parts, a copy or a listing needs of the service stands in
``objects.py``, ``multipart.py``, ``uploads.py`` and ``copying.py``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, TypeVar, cast
from urllib.parse import quote

from ...bodies.source import Source
from ...errors import StorageError, UnavailableError, for_each_key
from ...keys import MAX_KEY_BYTES, MAX_KEY_CHARACTERS, ObjectKey, Prefix
from ...public_access import PublicAccess
from ...secrecy.pickling import SEND_A_FILE_SYSTEM, not_pickled
from ...transport import Exchange, Many, Outcome, Response
from ...types import (
    WHOLE,
    ByteRange,
    Capability,
    Checksum,
    Diagnosis,
    Folder,
    ObjectInfo,
    PresignedUrl,
    PresignOptions,
    ProviderInfo,
    PutMode,
    PutOptions,
    Sink,
)
from ..objectstore.listed_pages import ListedPages, Listings, Page
from .answers import parse_failures, parse_page
from .copying import Copying
from .errors import S3, map_error
from .multipart import Multipart
from .names import codec_of
from .objects import SINGLE_PUT_BYTES, Objects
from .presign import presign
from .requests import Requests, upload_query
from .rest import RestWrites
from .signing import auth_of, credentials_of
from .target import Credentials, Target
from .uploads import PartUploads
from .xml import is_fit

if TYPE_CHECKING:
    from ...transport.addresses import PublicAddresses

SINGLES_AT_ONCE: Final = 16
"""Deletes of a bulk call that are under way at once because XML cannot carry their keys."""

_ALL: Final = Prefix()
_Entry = TypeVar("_Entry", bound=ObjectInfo | Folder)


_NEEDS_SERVICE_KEY = (
    "the S3 endpoint of the service always replaces; give the service key of the project, so that create-only writes "
    "can go through its REST interface"
)

_MAKE_PRIVATE = {
    "s3": "turn on Block Public Access for the bucket, or remove the bucket policy or ACL that lets everybody read",
    "supabase": "Supabase dashboard, Storage, the bucket, Edit bucket: turn off Public bucket",
}
"""How a bucket is closed to the public, by kind. R2's own endpoint asks everybody for credentials; a bucket is public
there under another host (r2.dev, a custom domain), which no key of objects can ask for."""

# Measured against a server that answers at once: 64 in flight reach what 128 do; a real service is 20 ms away.
CONCURRENCY = 64
"""Requests at once that pay off in bulk work."""


@not_pickled(SEND_A_FILE_SYSTEM)
class S3Provider:
    """One bucket, or the part of it below the prefix of the settings. Thread-safe and fork-safe."""

    offers_exchanges: Literal[True] = True
    addresses: PublicAddresses | None = None

    def __init__(self, target: Target) -> None:
        """Use *target*; nothing is asked before the first call."""
        self.info = _info(target)
        """What it can do."""
        self.target = target
        """The bucket."""
        self.codec = codec_of(target)
        """Keys to names of the service, and back."""
        self.objects = Objects(Requests(target, auth_of(target)))
        """Single objects, by the names of the service."""
        self.multipart = Multipart(self.objects)
        """Uploads in parts, by the names of the service."""
        self._copying = Copying(self.objects, self.multipart)
        self._rest = RestWrites(self.objects, target.rest) if target.rest is not None else None
        self._listings = Listings(self._list, self.codec, target.location)
        uploads = PartUploads(self.objects, self.multipart, self.codec)
        self.begin_upload, self.put_part, self.list_parts = uploads.begin_upload, uploads.put_part, uploads.list_parts
        self.complete_upload, self.find_upload = uploads.complete_upload, uploads.find_upload
        self.abort_upload, self.pending_uploads = uploads.abort_upload, uploads.pending_uploads

    def put(self, key: ObjectKey, source: Source, options: PutOptions) -> Exchange[ObjectInfo]:
        """Write; one request up to 8 MiB, else two and one for each part."""
        name = self.codec.name_of(key)
        if self._rest is not None and options.mode is PutMode.CREATE:
            writing = self._rest.put(name, source, options)
        elif source.size <= SINGLE_PUT_BYTES:
            writing = self.objects.put(name, source, options)
        else:
            writing = self.multipart.put(name, source, options)
        return self._called(key, (yield from writing))

    def get(self, key: ObjectKey, span: ByteRange, sink: Sink, if_match: str | None) -> Exchange[ObjectInfo]:
        """Read; one request."""
        return self._called(key, (yield from self.objects.get(self.codec.name_of(key), span, sink, if_match)))

    def head(self, key: ObjectKey) -> Exchange[ObjectInfo]:
        """Look; one request."""
        return self._called(key, (yield from self.objects.head(self.codec.name_of(key))))

    def checksum(self, key: ObjectKey, info: ObjectInfo) -> Exchange[Checksum | None]:
        """Ask for the checksum of a version that was read in part; at most one request."""
        return (yield from self.objects.checksum(self.codec.name_of(key), info))

    def delete(self, key: ObjectKey) -> Exchange[None]:
        """Remove; one request."""
        yield from self.objects.delete(self.codec.name_of(key))

    def scan(self, prefix: Prefix) -> ListedPages[ObjectInfo]:
        """List everything below; one request for 1,000 objects."""
        return self._listings.scan(prefix)

    def children(self, prefix: Prefix) -> ListedPages[ObjectInfo | Folder]:
        """List one level; one request for 1,000 entries."""
        return self._listings.children(prefix)

    def copy(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> Exchange[ObjectInfo]:
        """Copy inside the service."""
        origin, goal = self.codec.name_of(source), self.codec.name_of(target)
        if self._rest is not None and mode is PutMode.CREATE:
            found = yield from self._rest.copy(origin, goal)
        else:
            found = yield from self._copying.copy(origin, goal, mode)
        return self._called(target, found)

    def delete_many(self, keys: Sequence[ObjectKey]) -> Exchange[Sequence[StorageError | None]]:
        """Remove up to 1,000 objects in one request, and one for each key that XML cannot carry.

        What is refused as a whole, or whose answer does not say which keys are left, failed for each key.
        """
        errors = yield from self.delete_unkeyed([self.codec.name_of(key) for key in keys])
        for key, error in zip(keys, errors, strict=True):
            if error is not None:
                error.key = key
        return errors

    def get_unkeyed(self, name: str, sink: Sink) -> Exchange[ObjectInfo]:
        """Read by the name of the service; one request."""
        return (yield from self.objects.get(name, WHOLE, sink, None))

    def unkeyed_prefix(self, prefix: str) -> str:
        """Return what the names of the service begin with below *prefix*."""
        return self.codec.name_prefix(prefix)

    def delete_unkeyed(self, names: Sequence[str]) -> Exchange[Sequence[StorageError | None]]:
        """Remove up to 1,000 objects by the names of the service; see ``UnkeyedExchanges``."""
        alone = [name for name in names if not is_fit(name)]
        if not alone:
            return (yield from self._delete_fit(names))
        outcomes = cast("list[Outcome[None]]", (yield Many(map(self.objects.delete, alone), SINGLES_AT_ONCE)))
        found = dict(zip(alone, (_refusal(outcome) for outcome in outcomes), strict=True))
        fit = [name for name in names if name not in found]
        found.update(zip(fit, (yield from self._delete_fit(fit)), strict=True))
        return [found[name] for name in names]

    def delete_marker(self, key: ObjectKey) -> Exchange[None]:  # noqa: ARG002
        """Do nothing: markers end with a slash, and listings tell them."""
        return
        yield  # makes an exchange of it

    def _delete_fit(self, names: Sequence[str]) -> Exchange[Sequence[StorageError | None]]:
        try:
            return (yield from self._delete_batch(names)) if names else ()
        except StorageError as error:
            return for_each_key(error, names)

    def _delete_batch(self, names: Sequence[str]) -> Exchange[Sequence[StorageError | None]]:
        response = yield from S3.send(self.objects.requests.delete_many(names))
        failures = {
            self._folded(name): failure
            for name, failure in parse_failures(response.body).items()
            if failure[0] != "NoSuchKey"
        }
        spelt = [self._folded(name) for name in names]
        if failures.keys() - set(spelt):
            raise UnavailableError("the service failed to delete what it was not asked to; look which objects are left")
        return [
            _failure(name, failures[folded]) if folded in failures else None
            for name, folded in zip(names, spelt, strict=True)
        ]

    def presign(self, key: ObjectKey, options: PresignOptions) -> Exchange[PresignedUrl]:
        """Sign a request; none is sent, unless credentials have to be renewed.

        On Supabase its REST interface signs what creates; one request.
        """
        if self._rest is not None and options.method == "PUT" and options.mode is PutMode.CREATE:
            return (yield from self._rest.sign(self.codec.name_of(key), options))
        credentials = yield from credentials_of(self.target)
        query = upload_query(options.upload.upload_id, options.part) if options.upload is not None else ""
        return presign(self.objects.requests, credentials, self.codec.name_of(key), options, query)

    def diagnose(self, error: StorageError, check: str) -> Exchange[Diagnosis | None]:
        """Explain what *check* met; none to five requests, see ``Diagnostics``."""
        from .diagnose import Diagnostics  # only verify pays for the words

        return Diagnostics(self.objects).diagnose(error, check)

    def checks(self) -> Mapping[str, Callable[[], Exchange[Diagnosis | None]]]:
        """Return what else ``verify`` has to look at: CORS where browsers upload, residency where it is demanded."""
        from .checks import cors, residency  # as above

        wanted = {"cors": (cors, self.target.browser_origin), "residency": (residency, self.target.jurisdiction)}
        return {name: partial(check, self.objects) for name, (check, field) in wanted.items() if field is not None}

    def sweep(self, prefix: Prefix = _ALL, *, dry_run: bool = False) -> Exchange[int]:
        """Abort the uploads below *prefix* that this process remembers to have left; return how many there are."""
        orphans = self.multipart.orphans
        if dry_run:
            return orphans.count
        return (yield from orphans.sweep(self.codec.name_prefix(prefix), most=orphans.count))

    def state_secret(self) -> bytes | None:
        """Return the key pair, unless it is a temporary one."""
        given = self.target.credentials
        found = given if isinstance(given, Credentials) else given()
        if found.session_token is not None or found.expires_at is not None:
            return None
        return f"{found.access_key_id}\n{found.secret_access_key}".encode()

    def public_access(self, key: ObjectKey) -> PublicAccess | None:
        """Return where anybody could read the object, if the bucket were public; None on R2."""
        target = self.target
        fix = _MAKE_PRIVATE.get(target.kind)
        if fix is None:
            return None
        name = self.codec.name_of(key)
        if target.kind == "supabase":
            # supabase.com/docs/guides/storage/serving/downloads (read 2026-08).
            rest = target.endpoint_url.removesuffix("/s3")
            return PublicAccess(url=f"{rest}/object/public/{target.bucket}/{quote(name, safe='/~')}", fix=fix)
        return PublicAccess(url=self.objects.requests.url(name), fix=fix)

    def close(self) -> None:
        """Do nothing: the connections are those of the storage."""

    def _folded(self, name: str) -> str:
        folds = self.target.preset.folds_names and len(name) <= MAX_KEY_CHARACTERS
        return unicodedata.normalize("NFC", name) if folds else name

    def _list(self, prefix: str, token: str | None, *, one_level: bool) -> Exchange[Page]:
        response = yield from S3.send(self.objects.requests.list(prefix, token, one_level=one_level))
        return parse_page(response.body)

    def _called(self, key: str, info: ObjectInfo) -> ObjectInfo:
        return info if info.key == key else replace(info, key=key)


def _info(target: Target) -> ProviderInfo:
    preset = target.preset
    capabilities = {
        Capability.METADATA,
        Capability.SERVER_COPY,
        Capability.BULK_DELETE,
        Capability.PARTS,
        Capability.PRESIGN,
    }
    missing: dict[Capability, str] = {}
    if preset.conditional_puts:
        capabilities |= {Capability.CREATE_ONLY, Capability.CONDITIONAL}
    elif target.rest is not None:
        capabilities.add(Capability.CREATE_ONLY)
    else:
        missing[Capability.CREATE_ONLY] = _NEEDS_SERVICE_KEY
    return ProviderInfo(
        kind=target.kind,
        location=target.location,
        place=target.place,
        capabilities=frozenset(capabilities),
        max_object_bytes=target.max_object_bytes,
        max_key_bytes=MAX_KEY_BYTES - len(target.prefix.encode()),
        part_rule=preset.part_rule,
        concurrency=CONCURRENCY,
        missing=missing,
        remote=True,
        write_interval_s=preset.write_interval_s,
    )


def _refusal(outcome: Outcome[None]) -> StorageError | None:
    if outcome.error is not None and not isinstance(outcome.error, StorageError):
        raise outcome.error
    return outcome.error


def _failure(name: str, failure: tuple[str, str]) -> StorageError:
    code, _ = failure
    body = f"<Error><Code>{code}</Code></Error>".encode() if code.isalnum() else b""
    statuses = {"AccessDenied": 403, "InternalError": 500, "SlowDown": 503}
    return map_error(Response(status=statuses.get(code, 500), headers={}, body=body), name)
