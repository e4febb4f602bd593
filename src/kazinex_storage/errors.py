"""Every error that leaves this package, as one tree ordered by cause.

StorageError(operation, provider, key, retryable, retry_after_s, code, request_id)
  SettingsError                              settings, or the surroundings they name, cannot be used
    LocationNotFoundError(FileNotFoundError)  the bucket, container, library or root folder is not there
    UnknownProviderError                     no provider is registered under that kind
    SealError                                sealed secrets cannot be opened with the keys at hand
  UnresolvedOrganisationError                no verified provider is chosen for the organisation
  ReconnectRequiredError                     a person must consent or sign in again
  RecordConflictError                        a catalogue record was changed by another process meanwhile
  RecordNotFoundError                        no such catalogue record
  ClosedError                                the storage was closed
  InvalidKeyError(ValueError)                the key cannot be used here
  InvalidUrlError(ValueError)                the URL cannot be used here
  InvalidJsonError(ValueError)               a receipt or an upload state is not as it was written
  InvalidTokenError(ValueError)              the token of a listing is not ours, or belongs to another listing
  PolicyError(ValueError)                    the upload policy refuses
    FileTooLargeError · FileTypeRefusedError
  NotSupportedError(NotImplementedError)     the provider does not declare the capability
  NotFoundError(FileNotFoundError) · AlreadyExistsError(FileExistsError) · PreconditionFailedError
  NotModifiedError                           the object is still the version that the caller has
  AuthenticationError · AccessDeniedError(PermissionError) · QuotaExceededError
    ReadOnlyError                            this view of the storage only reads
  LockedError                                the object is locked or checked out
    RetentionError                           it is under retention or a legal hold
    ArchivedError                            its bytes are in an archive tier; restore it first
  RateLimitedError* · UnavailableError*      (* retryable)
  IntegrityError                             bytes differ from what was declared or recorded
  BulkError                                  some items of a bulk call failed; it lists them

A message never holds a secret, a token or a signed URL. The cause is in ``__cause__``. Part of a message may come
from a service, which is free to write what it likes: every text is printable, on one line, and of limited length.
"""

from __future__ import annotations

import errno as _errno
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, ClassVar, Final

if TYPE_CHECKING:
    from datetime import datetime

_FIELDS = ("operation", "provider", "key", "retryable", "retry_after_s", "code", "request_id")

SERVICE_TEXT_CHARACTERS: Final = 200
"""The most that is kept of one text of a service: a code, the id of a request, a quotation."""

# The longest messages of our own list every field of a form that is wrong. A key is quoted as it is: it has its limit.
_LIMITS: Final = {"message": 2_000, "code": SERVICE_TEXT_CHARACTERS, "request_id": SERVICE_TEXT_CHARACTERS}
_KEY_CHARACTERS: Final = 1_024


def clean_text(text: str, limit: int = SERVICE_TEXT_CHARACTERS) -> str:
    r"""Return *text* on one line, printable, and cut to *limit* characters: fit for a message and a log.

    Line breaks and tabs become blanks; what steers a terminal or turns the direction of reading is escaped.

    Example:
        >>> clean_text("slow\r\ndown \x1b[2J"), clean_text("a" * 9, limit=4)
        ('slow  down \\x1b[2J', 'aaa…')
    """
    if len(text) > limit:
        text = f"{text[: limit - 1]}…"
    if text.isprintable():
        return text
    cleaned = "".join(
        character
        if character.isprintable()
        else " "
        if character.isspace()
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
    return cleaned if len(cleaned) <= limit else f"{cleaned[: limit - 1]}…"


def _rebuild(cls: type[StorageError], message: str, fields: dict[str, Any]) -> StorageError:
    return cls(message, **fields)


class StorageError(Exception):
    """The root of the tree: what failed, where, on which key, and whether a repeat can help."""

    default_retryable: ClassVar[bool] = False
    """Whether the class as such is worth a repeat."""

    errno: int | None = None
    """The POSIX number that fits, for callers that treat the error as an ``OSError``."""

    def __init__(
        self,
        message: str,
        *,
        operation: str | None = None,
        provider: str | None = None,
        key: str | None = None,
        retryable: bool | None = None,
        retry_after_s: float | None = None,
        code: str | None = None,
        request_id: str | None = None,
    ) -> None:
        """Keep *message* (what happened; what to do) and the facts; unknown facts stay None."""
        self.message = message
        super().__init__(self.message)
        self.operation = operation
        self.provider = provider
        self.key = key
        self.retryable = self.default_retryable if retryable is None else retryable
        self.retry_after_s = retry_after_s
        self.code = code
        self.request_id = request_id

    if not TYPE_CHECKING:  # a checker would allow attributes of any name

        def __setattr__(self, name: str, value: object) -> None:
            """Clean what may come from a service, wherever it is set."""
            limit = _LIMITS.get(name)
            super().__setattr__(name, clean_text(value, limit) if limit and isinstance(value, str) else value)

    def __str__(self) -> str:
        subject = " ".join(
            part
            for part in (
                self.operation,
                clean_text(repr(self.key), _KEY_CHARACTERS) if self.key is not None else None,
                f"on {self.provider}" if self.provider else None,
            )
            if part
        )
        text = f"{subject}: {self.message}" if subject else self.message
        facts = [f"{name} {value}" for name, value in (("code", self.code), ("request", self.request_id)) if value]
        return f"{text} ({', '.join(facts)})" if facts else text

    def __reduce__(self) -> tuple[Callable[..., StorageError], tuple[Any, ...]]:
        return _rebuild, (type(self), self.message, {name: getattr(self, name) for name in _FIELDS})


class SettingsError(StorageError):
    """Settings are wrong, or the place they name cannot be used as it is."""


class LocationNotFoundError(SettingsError, FileNotFoundError):
    """The bucket, container, library or root folder that the settings name is not there.

    It is no ``NotFoundError``: whether an object exists cannot be known without the place that would hold it.
    """

    errno = _errno.ENOENT


class UnknownProviderError(SettingsError):
    """No provider is registered under the kind that was asked for."""


class SealError(SettingsError):
    """Sealed secrets cannot be opened: the sealing key is wrong or missing, or the text was altered."""


class UnresolvedOrganisationError(StorageError):
    """The organisation has neither a project override nor a default provider."""


class ReconnectRequiredError(StorageError):
    """The consent or the refresh token is gone; a person has to connect again."""


class RecordConflictError(StorageError):
    """A catalogue record changed after it was read; read it again and repeat the change."""


class RecordNotFoundError(StorageError):
    """The catalogue holds no such record for that organisation."""


class ClosedError(StorageError):
    """The storage was closed; make a new one."""


class InvalidKeyError(StorageError, ValueError):
    """The text is not a key, or this provider cannot hold that key."""


class InvalidUrlError(StorageError, ValueError):
    """The text is not a URL that this package opens."""


class InvalidJsonError(StorageError, ValueError):
    """What came back is not as this package wrote it: a receipt or an upload state with a field wrong or missing."""


class InvalidTokenError(StorageError, ValueError):
    """The token of a listing was altered, is not ours, or belongs to another listing or another storage."""


class PolicyError(StorageError, ValueError):
    """The upload policy of the organisation refuses the file or the setting."""


class FileTooLargeError(PolicyError):
    """The file is larger than the limit in force."""


class FileTypeRefusedError(PolicyError):
    """The extension of the file is not on the allowlist."""


class NotSupportedError(StorageError, NotImplementedError):
    """What was asked for is not done here: the provider does not declare the capability that it needs."""


class NotFoundError(StorageError, FileNotFoundError):
    """No object has that key."""

    errno = _errno.ENOENT


class AlreadyExistsError(StorageError, FileExistsError):
    """An object has that key already and the write was create-only; nothing was changed."""

    errno = _errno.EEXIST


class PreconditionFailedError(StorageError):
    """The object is not the version that ``if_match`` names; nothing was changed."""


class NotModifiedError(StorageError):
    """The object is still the version that ``if_none_match`` names, so none of its bytes were sent."""

    etag: str | None = None
    """That version."""
    last_modified: datetime | None = None
    """When it was written, aware UTC, where the service says it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return *super().__reduce__(), {"etag": self.etag, "last_modified": self.last_modified}


class AuthenticationError(StorageError):
    """The credentials are not accepted."""


class AccessDeniedError(StorageError, PermissionError):
    """The credentials are known but may not do this."""

    errno = _errno.EACCES


class ReadOnlyError(AccessDeniedError):
    """It was asked of a view that only reads; nothing was changed, and no request was sent."""

    errno = _errno.EROFS


class QuotaExceededError(StorageError):
    """The store is full, or the quota of an organisation or a project does not allow it."""

    errno = _errno.ENOSPC
    used: int | None = None
    """What counts against the quota now, in *unit*; None when the service itself is full."""
    limit: int | None = None
    """The quota."""
    needed: int | None = None
    """What was to be added."""
    unit: str = "bytes"
    """``bytes`` or ``objects``."""

    def __reduce__(self) -> tuple[Any, ...]:
        return *super().__reduce__(), {name: getattr(self, name) for name in ("used", "limit", "needed", "unit")}


class LockedError(StorageError):
    """The object is locked or checked out."""


class RetentionError(LockedError):
    """The object is under retention or a legal hold: it is neither changed nor removed before that ends."""

    until: datetime | None = None
    """When the retention ends, aware UTC; None for a hold, and where the service does not say."""
    reason: str | None = None
    """Why there is a hold, where that is known."""

    def __reduce__(self) -> tuple[Any, ...]:
        return *super().__reduce__(), {"until": self.until, "reason": self.reason}


class ArchivedError(LockedError):
    """The bytes are in an archive tier and cannot be read or copied now: have the object restored, then repeat.

    Restoring takes minutes to days and costs money, so nothing here begins it.
    """


class RateLimitedError(StorageError):
    """The service asks to slow down; ``retry_after_s`` says for how long when it said so."""

    default_retryable = True


class UnavailableError(StorageError):
    """The service could not be reached or failed on its side."""

    default_retryable = True


class IntegrityError(StorageError):
    """Bytes are not those that were declared, recorded or pinned; nothing was published."""


class BulkError(StorageError):
    """Some items of a bulk call failed, or all; every other item is done.

    ``failures`` holds one error for each failed item, in the order of the items.
    """

    def __init__(self, message: str, *, failures: Sequence[Exception] = (), operation: str | None = None) -> None:
        """Keep the *failures*; the message counts them and quotes the first."""
        super().__init__(message, operation=operation)
        self.failures = tuple(failures)

    @classmethod
    def raise_for(cls, failures: Sequence[Exception], total: int, operation: str) -> None:
        """Raise what failed among *total* items, if anything.

        Raises:
            BulkError: *failures* is not empty.
        """
        if failures:
            others = ", the others are done" if len(failures) < total else ""
            raise cls(
                f"{len(failures)} of {total} failed{others}; the first: {failures[0]}",
                failures=failures,
                operation=operation,
            )

    def __reduce__(self) -> tuple[Callable[..., StorageError], tuple[Any, ...]]:
        return _rebuild, (type(self), self.message, {"failures": self.failures, "operation": self.operation})


def for_each_key(error: StorageError, keys: Iterable[str]) -> list[StorageError]:
    """Return *error*, which a request about all of *keys* met, once for each of them."""
    failures: list[StorageError] = []
    for key in keys:
        # Where tblib is installed, as by Dask, a copy also has the frames of the original, and what they hold.
        failure = copy(error).with_traceback(None)
        failure.key, failure.__cause__, failure.__context__ = key, error.__cause__, None
        failures.append(failure)
    return failures
