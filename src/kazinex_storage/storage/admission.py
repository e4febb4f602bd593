"""What may enter a storage: names and sizes, under a policy and under the limit of the service."""

from __future__ import annotations

import logging
import threading
from functools import partial
from typing import TypeAlias, cast

from ..bodies.body import BytesBody, Spool
from ..bodies.content_types import guess_content_type
from ..bodies.source import BodyLike, Source
from ..errors import FileTooLargeError
from ..keys import ObjectKey
from ..policy import UploadPolicy, format_bytes
from ..transport import Call, Exchange
from ..types import Capability, Progress, ProviderInfo, PutOptions

_log = logging.getLogger(__name__)

Body: TypeAlias = BodyLike | Source
"""What can be put: bytes, a path, a binary file, an iterable of bytes, or a source made of one of them."""


class Admission:
    """Judges what is put to one provider under one policy."""

    __slots__ = ("_info", "_limit", "_policy")

    def __init__(self, info: ProviderInfo, policy: UploadPolicy | None) -> None:
        self._info = info
        self._policy = policy
        self._limit = info.max_object_bytes if policy is None else min(info.max_object_bytes, policy.max_file_bytes)

    def check_name(self, filename: str) -> None:
        """Refuse a type that the policy does not allow.

        Raises:
            FileTypeRefusedError: the extension is not on the allowlist.
        """
        if self._policy is not None:
            self._policy.check(filename, None)

    def check_size(self, size: int) -> None:
        """Refuse a body over the limit.

        Raises:
            FileTooLargeError: it is.
        """
        if size > self._limit:
            raise self._too_large(size)

    def spool(self) -> Spool:
        """Return a spool that refuses to grow over the limit."""
        return Spool(self._limit, self._too_large)

    def source(self, body: Body, sha256: str | None, on_progress: Progress | None) -> Exchange[Source]:
        """Make a source of *body* that is within the limit.

        Raises:
            FileTooLargeError: it is not.
            ValueError: a source is given together with what belongs into it.
        """
        if isinstance(body, Source):
            if sha256 is not None or on_progress is not None:
                raise ValueError("a Source has its own sha256 and progress; give them to Source.of")
            self.check_size(body.size)
            return body
        if type(body) is bytes:
            self.check_size(len(body))
            return Source(BytesBody(body), sha256=sha256, progress=on_progress)
        make = partial(
            Source.of, body, limit=self._limit, too_large=self._too_large, sha256=sha256, progress=on_progress
        )
        # A path is looked up and an iterable is read to its end: both may block.
        gone = threading.Event()
        call = Call(partial(make, cancelled=gone.is_set), cancel=gone.set, discard=Source.close)
        return cast(Source, (yield call))

    def _too_large(self, size: int) -> FileTooLargeError:
        if self._policy is not None and self._policy.max_file_bytes <= self._info.max_object_bytes:
            return self._policy.too_large(size)
        return FileTooLargeError(
            f"the object reaches {format_bytes(size)}, "
            f"this service holds at most {format_bytes(self._info.max_object_bytes)}; split it"
        )


def beside_bytes(options: PutOptions) -> list[str]:
    """Return what of *options* an object keeps only where ``Capability.METADATA`` is declared, in words."""
    kept = ("metadata", "content_disposition", "cache_control", "content_encoding", "content_language")
    return [name.replace("_", " ") for name in kept if getattr(options, name)]


def kept_by(info: ProviderInfo, options: PutOptions) -> PutOptions:
    """Return of *options*, those of a copy, what the provider can keep; the rest is logged as a warning."""
    lost = [] if info.can(Capability.METADATA) else beside_bytes(options)
    if not lost:
        return options
    _log.warning("%s keeps no %s: the copy is without", info.kind, ", ".join(lost))
    return PutOptions(mode=options.mode, if_match=options.if_match, content_type=options.content_type)


def completed(options: PutOptions, key: ObjectKey) -> PutOptions:
    """Fill in the content type, and write the names of metadata as providers keep them."""
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
        metadata={name.lower(): value for name, value in options.metadata.items()},
    )
