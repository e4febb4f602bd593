"""What the classes of errors mean to an administrator, for errors that the provider itself has no diagnosis of."""

from __future__ import annotations

from ..errors import (
    AccessDeniedError,
    AuthenticationError,
    ClosedError,
    IntegrityError,
    InvalidKeyError,
    LockedError,
    NotFoundError,
    QuotaExceededError,
    RateLimitedError,
    ReconnectRequiredError,
    SettingsError,
    UnavailableError,
)
from ..types import Diagnosis

# The first class that matches wins, so subclasses come before their bases.
_ADVICE: tuple[tuple[type[Exception], str, str], ...] = (
    (SettingsError, "the settings cannot be used", "correct the setting that the message names"),
    (AuthenticationError, "the credentials are not accepted", "enter them again, without blanks at the ends"),
    (ReconnectRequiredError, "the consent or the sign-in is gone", "connect again"),
    (AccessDeniedError, "the credentials may not do this here", "grant reading, writing, listing and deleting"),
    (NotFoundError, "what was written, or the place itself, is not there", "check the name of the place exactly"),
    (QuotaExceededError, "the store is full", "free some space or raise the quota"),
    (LockedError, "the place is locked or checked out", "have the lock released, then verify again"),
    (RateLimitedError, "the service asks to slow down", "wait a little, then verify again"),
    (UnavailableError, "the service or the disk does not answer properly", "check the path to it, then verify again"),
    (IntegrityError, "what came back is not what was written", "do not use this place for documents"),
    (InvalidKeyError, "the place does not accept ordinary names", "check the prefix in the settings"),
    (ClosedError, "the storage was closed", "open it again"),
)

KINDS: tuple[type[Exception], ...] = tuple(kind for kind, _, _ in _ADVICE)
"""The classes that there is advice for."""


def advise(error: Exception) -> Diagnosis:
    """Return what *error* means and what to do, by its class alone."""
    for kind, meaning, fix in _ADVICE:
        if isinstance(error, kind):
            return Diagnosis(meaning=meaning, fix=fix)
    return Diagnosis(meaning="the provider failed in a way it should not", fix="report this with the error text")
