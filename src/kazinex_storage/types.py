"""Frozen values that travel between callers, ``Storage`` and providers.

Sizes are bytes, times are aware UTC, durations carry their unit in the name. Nothing here does I/O.
Read next: ``keys.py`` (what a key is), ``contract.py`` (the contract that uses these values).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime, timedelta
from enum import Enum
from typing import Literal, TypeAlias

from .capabilities import Capability
from .json_text import TEXT, Schema, matching, one_of, optional, parse_own_json, whole_number, write_json
from .secrecy.pickling import not_pickled
from .values import value

MIB = 1024 * 1024
"""One mebibyte, in bytes. Wherever Kazinex writes MB this package means MiB."""

Buffer: TypeAlias = bytes | bytearray | memoryview
"""What a sink is called with; valid only during the call."""

Sink: TypeAlias = Callable[[Buffer], object]
"""Takes the next bytes of a download, in order. Raising from it ends the download."""

Progress: TypeAlias = Callable[[int, int | None], object]
"""Called with (bytes done, bytes in all or None when unknown), never more often than once a buffer."""

DigestChoice: TypeAlias = Literal["service", "sha256"]
"""What proves a body: what the service verifies (a CRC or an MD5), where it does, or the sha256 of every byte."""


class PutMode(Enum):
    """What a put does when the key exists."""

    CREATE = "create"
    """Refuse with ``AlreadyExistsError``."""
    REPLACE = "replace"
    """Replace the object whole."""


@value
class Checksum:
    """A digest and the name of its algorithm."""

    algorithm: str
    """``sha256``, or what the service keeps: ``md5``, ``sha1``, ``crc64nvme``, ``crc32c``, ``crc32``, ``quickxor``."""
    value: str
    """Lower-case hexadecimal."""


@value
class ByteRange:
    """A span of an object, with the meaning of a Python slice: it is clamped, never out of range."""

    start: int = 0
    """First byte. Negative counts from the end, and then ``end`` is None."""
    end: int | None = None
    """Byte after the last one; None is the end of the object."""

    def __post_init__(self) -> None:
        """Refuse spans that no object can satisfy.

        Raises:
            ValueError: the end is negative, or given with a negative start.
        """
        if self.end is not None and (self.end < 0 or self.start < 0):
            raise ValueError(f"byte range {self.start}..{self.end}: only start=-n without an end counts from the end")

    def resolve(self, size: int) -> tuple[int, int]:
        """Return (start, end) inside an object of *size* bytes, with start <= end."""
        start = max(0, size + self.start) if self.start < 0 else min(self.start, size)
        end = size if self.end is None else min(self.end, size)
        return start, max(start, end)


WHOLE = ByteRange()
"""The span that covers every byte."""


@value
class ObjectInfo:
    """What a service says of one object.

    Listings fill ``key``, ``size``, ``last_modified``, and ``etag`` where the service lists it; ``head``, ``get`` and
    ``put`` fill what the provider knows.
    """

    key: str
    size: int
    etag: str | None = None
    """Opaque name of a version, usable as ``if_match``. It names a version and proves no bytes."""
    last_modified: datetime | None = None
    """Aware UTC, by the clock of the service. Of a put to S3 it is when the service answered, a moment later."""
    content_type: str | None = None
    content_disposition: str | None = None
    cache_control: str | None = None
    content_encoding: str | None = None
    content_language: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    """Names are lower case."""
    checksum: Checksum | None = None
    """What proves the whole: the sha256 where known, else what the service verified or keeps; None for most listed."""
    service_checksum: Checksum | None = None
    """What the service itself computed over what it holds, where it reports a digest besides the sha256."""
    modified_by: str | None = None
    """Who changed it last, where the service reports that; equal texts mean the same app and person, nothing else."""
    version: str | None = None
    """What the service calls this version, where it keeps earlier ones; it is read by that, and never changes."""
    storage_class: str | None = None
    """The storage class or access tier, in the words of the service, where it reports one."""

    @property
    def sha256(self) -> str | None:
        """The sha256 in hexadecimal when it is known."""
        checksum = self.checksum
        return checksum.value if checksum is not None and checksum.algorithm == "sha256" else None


@value
class Folder:
    """A common prefix in a listing of one level."""

    prefix: str
    """Ends with a slash."""


@value
class PutOptions:
    """How an object is written."""

    mode: PutMode = PutMode.REPLACE
    if_match: str | None = None
    """Replace only the version with this etag; goes with ``PutMode.REPLACE``."""
    content_type: str | None = None
    content_disposition: str | None = None
    cache_control: str | None = None
    content_encoding: str | None = None
    """What the body is already encoded with, such as ``gzip``; browsers decode it, this library does not."""
    content_language: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    storage_class: str | None = None
    """The storage class or access tier, in the words of the service; None is that of the place."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags of the service, which can be changed later."""
    digest: DigestChoice | None = None
    """What proves the body; None leaves it to the storage. Providers need not look: they hash as the source says."""

    @classmethod
    def of(cls, info: ObjectInfo, mode: PutMode) -> PutOptions:
        """Return how a copy of the object *info* is written."""
        return cls(
            mode=mode,
            content_type=info.content_type,
            content_disposition=info.content_disposition,
            cache_control=info.cache_control,
            content_encoding=info.content_encoding,
            content_language=info.content_language,
            metadata=info.metadata,
        )


DEFAULTS = PutOptions()
"""Replace what is there; the content type follows from the key."""


@not_pickled("it is as good as a password: hand it to the client that it was signed for")
@value
class PresignedUrl:
    """A request that a client without credentials may send until it expires."""

    method: str
    url: str = field(repr=False)
    """Holds a signature: treat it as a secret."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """To be sent exactly so."""
    expires_at: datetime
    """Aware UTC."""
    bound: frozenset[str] = frozenset()
    """What the service refuses a PUT for: another ``size``, ``type`` or ``sha256``; with ``create``, a taken key."""
    needs_confirm: bool = False
    """Whether something that was asked for is not bound: ``Storage.confirm`` then checks what arrived."""
    write_token: str | None = None
    """What the object of a PUT carries, for ``Storage.confirm``; None: there is nothing to confirm, or none is kept."""


@value
class PresignOptions:
    """What a signed request is bound to."""

    method: str = "GET"
    """GET, HEAD, PUT or DELETE."""
    # A URL is a credential that leaves the process: long enough for a slow upload, short enough to be forgotten.
    expires_in: timedelta = timedelta(minutes=15)
    """Positive; most services sign for at most 7 days."""
    content_disposition: str | None = None
    """What a GET answers as content disposition: ``attachment(filename)`` makes a browser save it under that name."""
    content_type: str | None = None
    """Binds a PUT to that type."""
    size: int | None = None
    """Binds a PUT to that many bytes, where the service can."""
    sha256: str | None = None
    """Binds a PUT to the bytes with that sha256, in hexadecimal, where the service can."""
    mode: PutMode = PutMode.REPLACE
    """``CREATE`` binds a PUT to a key that is absent; it needs ``Capability.CREATE_ONLY``."""
    upload: UploadState | None = None
    """An upload in parts that the request belongs to: PUT sends ``part``, POST completes, DELETE aborts."""
    part: int | None = None
    """The number of the part, from 1."""
    write_token: str | None = None
    """What the object is to carry, so that ``find_upload`` finds it; a service may keep none."""


@value
class Diagnosis:
    """What an error means to the person who has to mend it."""

    meaning: str
    """What is wrong, in their words."""
    fix: str
    """What to do about it."""


@value
class PartRule:
    """How a service wants a large body cut."""

    min_part_bytes: int
    """Every part but the last has at least this size."""
    max_part_bytes: int
    max_parts: int
    """How many parts at most."""
    multiple_of: int = 1
    """Every part but the last is a multiple of this many bytes."""
    equal: bool = False
    """Whether every part but the last has the same size."""


@value
class ProviderInfo:
    """What a provider is and can do, as data; ``Storage`` reads it before any request."""

    kind: str
    """The name in the registry: ``local``, ``r2``, ``sharepoint`` …"""
    location: str
    """Where the objects are, for messages: a root folder, a bucket, a library. Never a secret."""
    capabilities: frozenset[Capability]
    max_object_bytes: int
    """The service's own limit for one object."""
    max_key_bytes: int = 1024
    """UTF-8 bytes. 1,024 is the limit of canonical keys."""
    part_rule: PartRule | None = None
    hierarchical: bool = False
    """Whether folders are real, so that ``a`` and ``a/b`` cannot both be objects."""
    concurrency: int = 1
    """How many calls at once pay off in bulk work; 1 means none."""
    missing: Mapping[Capability, str] = field(default_factory=dict)
    """Why a capability that could be there is not declared, and what to do about it."""
    remote: bool = False
    """Whether a network lies between: then large objects come in spans, and whole reads are compared."""
    rewrites: frozenset[str] = frozenset()
    """Extensions, in lower case, of files whose bytes the service may change while or after it stores them."""
    write_interval_s: float = 0.0
    """Seconds between two writes of one key: what comes earlier is answered 429, and repeated."""
    ignores_case: bool = False
    """Whether keys that differ only in case cannot both be objects; the second one is refused."""
    staged_parts: bool = False
    """Whether the signed request of a part could write the whole object, so that clients send them to another key."""
    storage_classes: tuple[str, ...] = ()
    """Storage classes or access tiers that the service is known to take; the first is that of an ordinary write."""
    classes_in_place: bool = False
    """Whether an object that gets another class stays the same version; elsewhere the service writes it again."""
    proves_puts: bool = False
    """Whether a put returns only once a checksum was compared with what is stored; elsewhere copies are read back."""
    carried_sha256_bytes: int = 0
    """The largest body that carries a sha256 which is not declared, where ``CHECKSUM`` is not a capability."""
    ours: frozenset[Capability] = frozenset()
    """Which of the capabilities this library keeps by itself: whoever reaches the place in another way is not bound."""
    keeps_deleted_for: timedelta | None = None
    """How long a ``Storage`` over it keeps what is deleted, below its ``.trash``; None where it does not."""
    place: str = ""
    """Equal for two providers that share their objects, however settings spell the place; empty when not known."""

    def can(self, capability: Capability) -> bool:
        """Say whether *capability* is declared."""
        return capability in self.capabilities


_STATE_VERSION = 2  # the first one was not sealed
_STATE_NAMES = {"mark": "write_token", "kept": "provider_state"}  # in JSON they have the names of earlier releases
_SHA256 = matching(r"[0-9a-f]{64}", "64 hexadecimal digits")
_STATE = Schema(
    what="the upload state",
    fix="begin the upload again",
    fields={
        "key": matching(r"(?s).+", "a key"),
        "upload_id": matching(r"(?s).+", "an id"),
        "size": whole_number(0, "bytes"),
        "part_bytes": whole_number(1, "bytes"),
        "mode": one_of(("create", "replace"), "'create' or 'replace'"),
        "if_match": optional(TEXT),
        "mark": TEXT,
        "sha256": optional(_SHA256),
        "kept": TEXT,
        "scope": TEXT,
        "provider": TEXT,
        "location": TEXT,
        "mac": matching(r"([0-9a-f]{16}\.[0-9a-f]{64})?", "the seal"),
        "reservation": TEXT,
    },
    optional={"kept": "", "reservation": ""},
)
"""The JSON of ``UploadState``, in the order in which it is written."""


@value
class UploadState:
    """An upload that was begun: all that another process needs to go on with it. No secret, except on SharePoint."""

    key: str
    """Below ``scope``."""
    upload_id: str = field(repr=False)
    """What the service calls it; on SharePoint a URL that takes the bytes of this upload from anyone who has it."""
    size: int
    part_bytes: int
    """Bytes in every part but the last."""
    mode: PutMode = PutMode.REPLACE
    if_match: str | None = None
    write_token: str = ""
    """Kept with the object, so that it is known from others where the service offers nothing better."""
    sha256: str | None = None
    """Of the whole body, in hexadecimal, when it was known at the beginning."""
    provider_state: str = ""
    """What the provider has to remember of the beginning, where the service does not."""
    scope: str = ""
    """The folder of the storage that began it, as the provider knows it; empty, or ends with a slash."""
    provider: str = ""
    """The kind of the provider that holds it."""
    location: str = ""
    """Where that provider keeps objects."""
    mac: str = field(default="", repr=False)
    """Proves all the rest; without the right one a state is refused."""
    reservation: str = ""
    """What holds its room, where the organisation has quotas."""

    def to_json(self) -> str:
        """Return the state as one line of JSON; what is written today is read by later releases."""
        fields = {name: getattr(self, _STATE_NAMES.get(name, name)) for name in _STATE.fields}
        fields["mode"] = self.mode.value
        return write_json({"version": _STATE_VERSION, **_STATE.shortened(fields)})

    @classmethod
    def from_json(cls, text: str) -> UploadState:
        """Return the state that ``to_json`` wrote. Whether it is ours is found out when it is used.

        Raises:
            ValueError: it is not a state, or comes from another release; an ``InvalidJsonError`` names wrong fields.
        """
        try:
            found = parse_own_json(text)
        except (ValueError, TypeError, AttributeError):
            found = None
        if not isinstance(found, dict) or found.pop("version", None) != _STATE_VERSION:
            raise ValueError(f"this is no upload state of version {_STATE_VERSION}; keep what to_json wrote unchanged")
        fields = {_STATE_NAMES.get(name, name): value for name, value in _STATE.read(found).items()}
        return cls(**{**fields, "mode": PutMode(fields["mode"])})


@value
class PendingUpload:
    """An upload in parts that was begun and neither completed nor aborted."""

    key: str
    upload_id: str = field(repr=False)
    """What the service calls it."""
    begun_at: datetime | None
    """Aware UTC; None where the service does not say."""

    def was_begun_by(self, moment: datetime) -> bool:
        """Say whether it was surely begun at *moment* or before; False when the service does not say."""
        return self.begun_at is not None and self.begun_at <= moment


@value
class PartInfo:
    """One part that the service holds."""

    number: int
    """From 1."""
    size: int
    etag: str
    crc32: str | None = None
    """Base64 of the big-endian CRC-32, where the service keeps it."""
