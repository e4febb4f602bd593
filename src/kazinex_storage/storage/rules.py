"""Rules: the door of a storage. Name, size, type, write-once, and what the provider can keep, for every way in.

Puts, uploads in parts, copies, moves, signed requests and what they brought are all checked here, against the policy
and the capabilities of now.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, TypeAlias, cast, get_args

from ..capabilities import Capability
from ..content_types import guess_content_type
from ..errors import FileTooLargeError, IntegrityError, NotSupportedError
from ..keys import ObjectKey
from ..lazy import logger
from ..transport import Call, Exchange
from ..types import DEFAULTS, DigestChoice, ObjectInfo, Progress, ProviderInfo, PutMode, PutOptions

if TYPE_CHECKING:
    from ..bodies.body import BytesBody, Spool
    from ..bodies.source import BodyLike, Source
    from ..bodies.stream import Stream
    from ..policy import UploadPolicy
    from .quota import QuotaRule

_log = logger(__name__)

Body: TypeAlias = "BodyLike | Source"
"""What can be put: bytes, a path, a binary file, an iterable of bytes, or a source made of one of them."""

WriteOnce: TypeAlias = bool | Callable[[ObjectKey], bool]
"""Which objects are created and never replaced: all, none, or those whose full key a function says it of."""

_DIGESTS = get_args(DigestChoice)
_KEPT_BY = {"storage_class": Capability.STORAGE_CLASS, "tags": Capability.TAGS}
_METADATA = ("metadata", "content_disposition", "cache_control", "content_encoding", "content_language")


class Rules:
    """What may enter one provider under one policy. Keys are full."""

    __slots__ = (
        "digest",
        "info",
        "keeps_metadata",
        "limit",
        "looks_inside",
        "policy",
        "quota",
        "records_sha256",
        "streams",
        "taken",
        "write_once",
    )

    def __init__(
        self,
        info: ProviderInfo,
        policy: UploadPolicy | None,
        write_once: WriteOnce = False,
        digest: DigestChoice = "service",
    ) -> None:
        """Judge by what *info* says of the provider and by *policy*; None allows all that the provider can hold.

        Raises:
            ValueError: there is no such *digest*.
        """
        check_digest(digest)
        self.info = info
        """What the provider is and can do."""
        self.policy = policy
        """What may be put."""
        self.write_once = write_once
        """Which objects are never replaced."""
        self.digest: DigestChoice = digest
        """What proves the bodies of puts that do not say it themselves."""
        self.taken: Callable[[ObjectKey], Exchange[None]] | None = None
        """Refuses a key that is written once and was given away for good; set by who opens the storage, before use."""
        self.quota: QuotaRule | None = None
        """Claims room for what is written, where there are quotas; set in the same way."""
        self.looks_inside = policy is not None and policy.files.looks_inside
        """Whether the first bytes and the declared type of what is put are compared with its name."""
        self.records_sha256 = info.remote and Capability.CHECKSUM not in info.capabilities
        """Whether objects may not carry their sha256, so that one that was asked for is recorded beside them."""
        self.keeps_metadata = Capability.METADATA in info.capabilities
        """Whether objects keep metadata."""
        self.streams = Capability.STREAMED_WRITES in info.capabilities
        """Whether a body of unknown length is sent as it comes."""
        self.limit = info.max_object_bytes if policy is None else min(info.max_object_bytes, policy.max_file_bytes)
        """The most bytes of one object."""

    def under(self, policy: UploadPolicy | None, digest: DigestChoice | None = None) -> Rules:
        """Return the same rules under another *policy*, and with another *digest* if one is given.

        Raises:
            ValueError: there is no such digest.
        """
        rules = Rules(self.info, policy, self.write_once, self.digest if digest is None else digest)
        rules.taken, rules.quota = self.taken, self.quota
        return rules

    def admit(self, key: ObjectKey, options: PutOptions) -> PutOptions:
        """Return the options in force for a write of *key*, complete, or refuse it.

        Raises:
            FileTypeRefusedError: the policy does not allow the extension, or the declared type for it.
            NotSupportedError: the provider cannot do what *options* ask for, or would replace what is written once.
            ValueError: the options contradict each other, or name a digest that there is not.
        """
        if options.digest is not None:
            check_digest(options.digest)
        if self.write_once and self.creates(key):
            if options.if_match is not None:
                raise NotSupportedError("this key is written once: no version of it is replaced; leave if_match away")
            if options.mode is not PutMode.CREATE:
                options = replace(options, mode=PutMode.CREATE)
        if options.mode is PutMode.CREATE:
            self.need(Capability.CREATE_ONLY, "a create-only put")
        if options.if_match is not None:
            self.need(Capability.CONDITIONAL, "if_match")
            if options.mode is PutMode.CREATE:
                raise ValueError("if_match replaces a version and goes with PutMode.REPLACE only")
        if not self.keeps_metadata and (unkept := metadata_of(options)):
            self.need(Capability.METADATA, ", ".join(unkept))
        if options.storage_class is not None or options.tags:
            for name, capability in _KEPT_BY.items():
                if getattr(options, name):
                    self.need(capability, name.replace("_", " "))
            if options.tags:
                from .tag_rules import check_tags

                check_tags(options.tags)
        if self.policy is not None:
            self.check_name(key)
            if self.looks_inside:
                from .contents import check_declared

                check_declared(self.policy, key, options.content_type)
        return with_defaults(options, key)

    def creates(self, key: ObjectKey) -> bool:
        """Say whether the object *key* is created and never replaced."""
        rule = self.write_once
        return rule if isinstance(rule, bool) else rule(key)

    def check_taken(self, key: ObjectKey) -> Exchange[None]:
        """Refuse *key* when it is written once and was given away for good.

        Raises:
            AlreadyExistsError: it was.
        """
        if self.taken is not None and self.creates(key):
            yield from self.taken(key)

    def need(self, capability: Capability, what: str) -> None:
        """Refuse *what* unless the provider declares *capability*.

        Raises:
            NotSupportedError: it does not.
        """
        if capability not in self.info.capabilities:
            why = self.info.missing.get(capability)
            raise NotSupportedError(
                f"{what} needs the capability {capability.value!r}, which this provider does not declare"
                + (f": {why}" if why else "")
            )

    def check_name(self, key: ObjectKey) -> None:
        """Refuse a type that the policy does not allow.

        Raises:
            FileTypeRefusedError: the extension is not on the allowlist.
        """
        if self.policy is not None:
            self.policy.check(key.name, None)

    def check_contents(self, key: ObjectKey, source: Source, encoding: str | None) -> Exchange[None]:
        """Refuse a body by its first bytes; see ``contents.py``."""
        from .contents import check_source

        return check_source(self.policy, key, source, encoding)

    def check_size(self, size: int) -> None:
        """Refuse a body over the limit.

        Raises:
            FileTooLargeError: it is.
        """
        if size > self.limit:
            raise self.too_large(size)

    @staticmethod
    def is_unsized(body: object) -> bool:
        """Say whether the length of *body* is not known; see ``bodies/taking.py``."""
        from ..bodies.taking import is_unsized

        return is_unsized(body)

    def spool(self) -> Spool:
        """Return a spool that refuses to grow over the limit."""
        from ..bodies.body import Spool

        return Spool(self.limit, self.too_large)

    def source(
        self, body: Body, sha256: str | None, on_progress: Progress | None, *, hashed: bool = True
    ) -> Exchange[Source]:
        """Make a source of *body* that is within the limit.

        Unless it is to be *hashed* by sha256, the source trusts the service; one that is given is left as it is.

        Raises:
            FileTooLargeError: it is not.
            ValueError: a source is given together with what belongs into it.
        """
        in_memory, sourced = _bodies()
        if isinstance(body, sourced):
            if sha256 is not None or on_progress is not None:
                raise ValueError("a Source has its own sha256 and progress; give them to Source.of")
            self.check_size(body.size)
            return body
        if type(body) is bytes:
            self.check_size(len(body))
            return sourced(in_memory(body), sha256=sha256, progress=on_progress, trusting=not hashed)
        if self.info.remote:
            from ..bodies.loading import load_resident, load_small

            resident = load_resident(cast("BodyLike", body), hashed=hashed or sha256 is not None)
            if resident is not None:
                self.check_size(resident.size)
                return sourced(resident, sha256=sha256, progress=on_progress, trusting=not hashed)
        gone, unread = threading.Event(), cast("BodyLike", body)

        def look() -> Source:
            source = sourced.of(
                unread,
                limit=self.limit,
                too_large=self.too_large,
                cancelled=gone.is_set,
                sha256=sha256,
                progress=on_progress,
            )
            source.trust_service(not hashed)
            if self.info.remote:
                load_small(source, hashed=not source.trusts_service)
            return source

        # A path is looked up, a small file and an iterable are read to their ends: all of these may block.
        call = Call(look, cancel=gone.set, discard=sourced.close)
        return cast("Source", (yield call))

    def check_stored(self, key: ObjectKey, source: Source | Stream, info: ObjectInfo) -> ObjectInfo:
        """Return *info*, the service's record of *source*, with the checksum of the bytes.

        Raises:
            IntegrityError: it stored something else.
        """
        if info.size != source.size and key.name.rpartition(".")[2].lower() not in self.info.rewrites:
            raise IntegrityError(f"the service stored {info.size} of {source.size} bytes")
        known, sent = info.checksum, source.checksum
        if sent is None or (known is not None and (known.algorithm == "sha256" or sent.algorithm != "sha256")):
            return info  # of two that a service verifies, it said itself which one it did
        return replace(info, checksum=sent)

    def too_large(self, size: int) -> FileTooLargeError:
        """Return the error for a body of *size* bytes, or so many as yet."""
        if self.policy is not None and self.policy.max_file_bytes <= self.info.max_object_bytes:
            return self.policy.too_large(size)
        from ..policy import format_bytes

        return FileTooLargeError(
            f"the object reaches {format_bytes(size)}, "
            f"this service holds at most {format_bytes(self.info.max_object_bytes)}; split it"
        )


def check_digest(digest: DigestChoice) -> None:
    """Refuse a *digest* that there is not.

    Raises:
        ValueError: it is none.
    """
    if digest not in _DIGESTS:
        raise ValueError(f"a digest is one of {', '.join(_DIGESTS)}, not {digest!r}")


def options_of_copy(info: ObjectInfo, provider: ProviderInfo, mode: PutMode) -> PutOptions:
    """Return how a copy of *info* is written to *provider*; what that cannot keep is logged as a warning."""
    options = PutOptions.of(info, mode)
    lost = [] if provider.can(Capability.METADATA) else metadata_of(options)
    if not lost:
        return options
    _log.warning("%s keeps no %s: the copy is without", provider.kind, ", ".join(lost))
    return PutOptions(mode=options.mode, if_match=options.if_match, content_type=options.content_type)


@cache
def _bodies() -> tuple[type[BytesBody], type[Source]]:
    """Import what only a process that writes needs; as statements of a put they took 4 us of 110."""
    from ..bodies.body import BytesBody
    from ..bodies.source import Source

    return BytesBody, Source


def with_defaults(options: PutOptions, key: ObjectKey) -> PutOptions:
    """Fill in the content type, and write the names of metadata as providers keep them."""
    if options is DEFAULTS:
        return _of_type(guess_content_type(key))
    if options.content_type is not None and not options.metadata:
        return options
    return PutOptions(
        mode=options.mode,
        if_match=options.if_match,
        content_type=options.content_type or guess_content_type(key),
        content_disposition=options.content_disposition,
        cache_control=options.cache_control,
        content_encoding=options.content_encoding,
        content_language=options.content_language,
        metadata={name.lower(): value for name, value in options.metadata.items()} if options.metadata else {},
        storage_class=options.storage_class,
        tags=options.tags,
        digest=options.digest,
    )


@lru_cache(maxsize=256)
def _of_type(content_type: str) -> PutOptions:
    return PutOptions(content_type=content_type)


def metadata_of(options: PutOptions) -> list[str]:
    """Return what of *options* an object keeps only where ``Capability.METADATA`` is declared, in words."""
    return [name.replace("_", " ") for name in _METADATA if getattr(options, name)]
