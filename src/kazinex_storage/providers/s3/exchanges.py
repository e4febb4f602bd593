"""The provider for R2, S3 and services that speak S3: the verbs as exchanges, which ``Storage`` runs.

Most are those of ``objects.py`` (single objects), ``multipart.py`` and ``uploads.py`` (uploads in parts) and
``copying.py``; ``requests.py`` encodes the keys. What a process that reads an object does without is loaded when it is
first used (ADR 0031).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, TypeVar, cast

from ...errors import NotSupportedError
from ...keys import ObjectKey, Prefix
from ...lazy import module
from ...secrecy.pickling import SEND_A_FILE_SYSTEM, not_pickled
from ...transport import Exchange
from ...types import (
    WHOLE,
    Buffer,
    ByteRange,
    Diagnosis,
    Folder,
    ObjectInfo,
    PartInfo,
    PendingUpload,
    PresignedUrl,
    PresignOptions,
    PutMode,
    PutOptions,
    Sink,
    UploadState,
)
from .names import codec_of
from .objects import SINGLE_PUT_BYTES, Objects
from .requests import Requests
from .signing import auth_of, credentials_of
from .target import Credentials, Target, info_of

if TYPE_CHECKING:
    from urllib import parse

    from ...bodies.source import Source
    from ...bodies.stream import Stream
    from ...contract_reading import Page
    from ...contract_writing import PostForm, PostOptions
    from ...errors import StorageError
    from ...public_access import PublicAccess
    from ...retention import Protection, Retention
    from ...transport.addresses import PublicAddresses
    from ..objectstore.listed_pages import ListedPages, Listings
    from .bucket_locks import BucketLocks
    from .multipart import Multipart
    from .object_lock import ObjectLock
    from .rest import RestWrites
    from .uploads import PartUploads
else:
    parse = module(__name__, "urllib.parse")

T = TypeVar("T")

_ALL: Final = Prefix()


@not_pickled(SEND_A_FILE_SYSTEM)
class S3Provider:
    """One bucket, or the part of it below the prefix of the settings. Thread-safe and fork-safe."""

    offers_exchanges: Literal[True] = True
    addresses: PublicAddresses | None = None

    def __init__(self, target: Target) -> None:
        """Use *target*; nothing is sent before the first call."""
        self.info = info_of(target)
        """What it can do."""
        self.refuses_kept = target.locks is not None
        self.target = target
        """The bucket."""
        self.ca_file = target.ca_file
        """Whose certificates are trusted; None: what the transport trusts."""
        self.codec = codec_of(target)
        """Keys to names of the service, and back."""
        self._auth = auth_of(target)
        self.objects = objects = Objects(Requests(target, self._auth, self.codec))
        """Single objects."""
        self.get, self.head, self.delete, self.checksum = objects.get, objects.head, objects.delete, objects.checksum
        self.read = objects.read
        self.unkeyed_prefix = self.codec.name_prefix
        self._made: dict[str, object] = {}
        self._rest: RestWrites | None = None
        if target.rest is not None:
            from .rest import RestWrites

            self._rest = RestWrites(objects, target.rest)

        if target.versioned:
            from .versions import Versions

            Versions(objects, lambda: self.multipart).lend(self)
        if target.preset.write_interval_s:
            from .pacing import pace

            pace(self, target.place, target.preset.write_interval_s)

    @property
    def multipart(self) -> Multipart:
        """Uploads in parts."""
        from .multipart import Multipart

        return self._once("uploads in parts", lambda: Multipart(self.objects))

    def put(self, key: ObjectKey, source: Source, options: PutOptions) -> Exchange[ObjectInfo]:
        """Write; one request up to 8 MiB, else two plus one for each part."""
        if self._rest is not None and options.mode is PutMode.CREATE:
            return self._rest.write(key, source, options)
        if source.size <= SINGLE_PUT_BYTES:
            return self.objects.write(key, source, options)
        return self.multipart.upload(key, source, options)

    def put_stream(self, key: ObjectKey, stream: Stream, options: PutOptions) -> Exchange[ObjectInfo]:
        """Write a body of unknown length in parts."""
        from .streams import put_stream

        return put_stream(self.objects, self.multipart, key, stream, options)

    def tags(self, key: ObjectKey) -> Exchange[dict[str, str]]:
        """Return the tags; one request."""
        from .labels import tags_of

        return tags_of(self.objects, key)

    def set_tags(self, key: ObjectKey, tags: Mapping[str, str]) -> Exchange[None]:
        """Replace the tags; one request."""
        from .labels import set_tags

        return set_tags(self.objects, key, tags)

    def set_storage_class(self, key: ObjectKey, storage_class: str) -> Exchange[ObjectInfo]:
        """Copy the object onto itself in another class; three requests."""
        from .labels import set_storage_class

        return set_storage_class(self.objects, key, storage_class)

    def public_url(self, key: ObjectKey) -> str:
        """Return the URL below the public host of the settings."""
        from ..objectstore.public_urls import public_url_of

        return public_url_of(self.target.public_base_url or "", self.codec.name_of(key))

    def presign_post(self, key: ObjectKey, options: PostOptions) -> Exchange[PostForm]:
        """Sign a form; no request, unless credentials have to be renewed."""
        from .forms import presign_post

        credentials = yield from credentials_of(self.target)
        return presign_post(self.objects.requests, credentials, key, options)

    def check_key(self, key: ObjectKey) -> None:
        """Refuse a key whose name the service cannot hold."""
        self.codec.name_of(key)

    def copy(self, source: ObjectKey, target: ObjectKey, mode: PutMode) -> Exchange[ObjectInfo]:
        """Copy inside the service."""
        if self._rest is not None and mode is PutMode.CREATE:
            return self._rest.copy(source, target)
        from .copying import Copying

        return Copying(self.objects, self.multipart).copy(source, target, mode)

    def reaches(self, peer: object) -> bool:
        """Say whether the service copies from the bucket of *peer* to this one, as far as settings tell: one key."""
        if not isinstance(peer, S3Provider) or self._rest is not None or not self.target.preset.conditional_puts:
            return False
        mine, its = self.target, peer.target
        same_key = isinstance(mine.credentials, Credentials) and mine.credentials == its.credentials
        same_place = (mine.endpoint_url, mine.region, mine.preset) == (its.endpoint_url, its.region, its.preset)
        return same_key and same_place

    def copy_from(
        self, peer: object, source: ObjectKey, target: ObjectKey, more: Mapping[str, str]
    ) -> Exchange[ObjectInfo]:
        """Create a copy of *source*, which is in the bucket of a *peer* that this one reaches, with *more* metadata.

        Raises:
            NotSupportedError: it does not reach that.
        """
        if not isinstance(peer, S3Provider) or not self.reaches(peer):
            raise NotSupportedError("the service does not copy from there with these settings", key=target)
        from .copying import Copying

        return Copying(self.objects, self.multipart, peer.objects).copy(source, target, PutMode.CREATE, more)

    def scan(self, prefix: Prefix) -> ListedPages[ObjectInfo]:
        """List everything below *prefix*; one request a page."""
        return self._listings.scan(prefix)

    def children(self, prefix: Prefix) -> ListedPages[ObjectInfo | Folder]:
        """List one level; one request a page."""
        return self._listings.children(prefix)

    def list_page(self, prefix: Prefix, token: str | None, limit: int, one_level: bool) -> Exchange[Page]:
        """Return one page of a listing; one request."""
        return self._listings.list_page(prefix, token, limit, one_level)

    def get_changed(self, key: ObjectKey, span: ByteRange, sink: Sink, if_none_match: str) -> Exchange[ObjectInfo]:
        """Read unless it is that version; one request, two when the span begins after the end."""
        from ..objectstore.conditional import unless

        return unless(self.objects.get(key, span, sink, None), if_none_match, key)

    def delete_many(self, keys: Sequence[str]) -> Exchange[Sequence[StorageError | None]]:
        """Remove up to 1,000 objects; one request, and one for each key that XML cannot carry."""
        from .batch import delete_many

        return delete_many(self.objects, keys)

    def delete_unkeyed(self, names: Sequence[str]) -> Exchange[Sequence[StorageError | None]]:
        """Remove by the names of the service, as ``delete_many`` does."""
        from .batch import delete_many

        return delete_many(self._named, names)

    def begin_upload(self, key: ObjectKey, size: int, options: PutOptions, sha256: str | None) -> Exchange[UploadState]:
        """Begin an upload in parts."""
        return self._uploads.begin_upload(key, size, options, sha256)

    def put_part(self, state: UploadState, number: int, data: Buffer) -> Exchange[PartInfo]:
        """Write one part; one request."""
        return self._uploads.put_part(state, number, data)

    def list_parts(self, state: UploadState) -> Exchange[list[PartInfo]]:
        """Return the parts that are there; one request for each 1,000."""
        return self.multipart.list_parts(state)

    def complete_upload(self, state: UploadState, parts: Sequence[PartInfo]) -> Exchange[ObjectInfo]:
        """Complete, and look at the object; two requests."""
        return self._uploads.complete_upload(state, parts)

    def find_upload(self, state: UploadState) -> Exchange[ObjectInfo | None]:
        """Look whether the object is the one of the upload."""
        return self._uploads.find_upload(state)

    def abort_upload(self, key: ObjectKey, upload_id: str) -> Exchange[None]:
        """Discard; one request."""
        return self.multipart.abort_upload(key, upload_id)

    def pending_uploads(self, prefix: Prefix) -> Exchange[list[PendingUpload]]:
        """Return the uploads that were begun below *prefix*; one request for each 1,000."""
        return self.multipart.pending_uploads(prefix)

    def get_unkeyed(self, name: str, sink: Sink) -> Exchange[ObjectInfo]:
        """Read by the name of the service; one request."""
        return self._named.get(name, WHOLE, sink, None)

    def delete_marker(self, key: ObjectKey) -> Exchange[None]:  # noqa: ARG002
        """Do nothing: markers end with a slash, and listings show them."""
        return
        yield  # makes an exchange of it

    def presign(self, key: ObjectKey, options: PresignOptions) -> Exchange[PresignedUrl]:
        """Sign a request; none is sent, unless credentials have to be renewed.

        On Supabase the REST interface signs create-only PUTs; one request.
        """
        if self._rest is not None and options.method == "PUT" and options.mode is PutMode.CREATE:
            return (yield from self._rest.sign(key, options))
        from .part_requests import upload_query
        from .presign import presign

        credentials = yield from credentials_of(self.target)
        query = upload_query(options.upload.upload_id, options.part) if options.upload is not None else ""
        return presign(self.objects.requests, credentials, key, options, query)

    def protection(self, key: ObjectKey) -> Exchange[Protection]:
        """Return what Object Lock says of the object; one request."""
        return self._lock.protection(key)

    def retain(self, key: ObjectKey, retention: Retention | None, bypass: bool) -> Exchange[None]:
        """Set the retention of the version that is there; one request."""
        return self._lock.retain(key, retention, bypass)

    def hold(self, key: ObjectKey, held: bool) -> Exchange[None]:
        """Begin or end a hold of the version that is there; one request."""
        return self._lock.hold(key, held)

    def diagnose(self, error: StorageError, check: str) -> Exchange[Diagnosis | None]:
        """Explain what *check* met; none to five requests."""
        from .diagnose import diagnose  # only verify pays for the words

        return diagnose(self.objects, error, check)

    def checks(self) -> Mapping[str, Callable[[], Exchange[Diagnosis | None]]]:
        """Return what else ``verify`` has to check: CORS where browsers upload; residency, versions where required."""
        from .checks import cors, customer_key, region, residency, versioning  # as above

        where = (residency, self.target.jurisdiction) if self.target.jurisdiction else (region, self.target.residency)
        wanted = {
            "cors": (cors, self.target.browser_origin is not None),
            "residency": (where[0], where[1] is not None),
            "versions": (versioning, self.target.versioned),
            "customer key": (customer_key, self.target.customer_key is not None),
        }
        found: dict[str, Callable[[], Exchange[Diagnosis | None]]] = {
            name: partial(check, self.objects) for name, (check, demanded) in wanted.items() if demanded
        }
        keeps = self.target.object_lock or self.target.locks is not None
        return {**found, "object lock": self._lock.check} if keeps else found

    def sweep(self, prefix: Prefix = _ALL, *, dry_run: bool = False) -> Exchange[int]:
        """Abort the unfinished uploads below *prefix* that this process remembers; return how many there are."""
        orphans = self.multipart.orphans
        if dry_run:
            return orphans.count
        return (yield from orphans.sweep(prefix, most=orphans.count))

    def state_secret(self) -> bytes | None:
        """Return the key pair, unless it is temporary."""
        given = self.target.credentials
        found = given if isinstance(given, Credentials) else given()
        if found.session_token is not None or found.expires_at is not None:
            return None
        return f"{found.access_key_id}\n{found.secret_access_key}".encode()

    def public_access(self, key: ObjectKey) -> PublicAccess | None:
        """Return where anyone could read the object, if the bucket were public; None on R2."""
        from .public import public_access

        return public_access(self.objects, key)

    def close(self) -> None:
        """Do nothing: the connections belong to the storage."""

    @property
    def _lock(self) -> ObjectLock | BucketLocks:
        from .object_lock import lock_of

        return self._once("object lock", lambda: lock_of(self.objects))

    @property
    def _named(self) -> Objects:
        """Objects by the names of the service, for what no key names."""
        return self._once("names", lambda: Objects(Requests(self.target, self._auth)))

    @property
    def _listings(self) -> Listings:
        from ..objectstore.listed_pages import Listings
        from .answers import parse_page
        from .errors import S3

        list_page = self.objects.requests.list
        return self._once("listings", lambda: Listings(S3, list_page, parse_page, self.codec, self.target.location))

    @property
    def _uploads(self) -> PartUploads:
        from .uploads import PartUploads

        return self._once("uploads", lambda: PartUploads(self.objects, self.multipart))

    def _once(self, name: str, make: Callable[[], T]) -> T:
        """Return what is made by the first use; of threads that make it at once, all take the same."""
        found = self._made.get(name)
        return cast(T, found if found is not None else self._made.setdefault(name, make()))
