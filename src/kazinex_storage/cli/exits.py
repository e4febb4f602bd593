"""What errors mean to a shell and to a person: exit codes, one readable line, one JSON object. Never a secret."""

from __future__ import annotations

from enum import IntEnum

from ..errors import (
    AccessDeniedError,
    AlreadyExistsError,
    AuthenticationError,
    InvalidKeyError,
    InvalidTokenError,
    InvalidUrlError,
    NotFoundError,
    PolicyError,
    PreconditionFailedError,
    ReconnectRequiredError,
    RecordNotFoundError,
    RetentionError,
    SettingsError,
    StorageError,
    UnresolvedOrganisationError,
)
from ..json_text import write_json


class ExitCode(IntEnum):
    """The codes that the docstring of the package and ``--help`` explain."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    VERIFICATION = 3
    NOT_FOUND = 4
    REFUSED = 5
    SETTINGS = 6
    INTERRUPTED = 130
    PIPE = 141


HELP = (
    "Exit codes: 0 done; 1 the storage, the catalogue or the disk failed; 2 wrong command line, key or URL; "
    "3 verification failed; 4 not found; 5 refused by policy, write-once or retention; 6 settings or credentials; "
    "130 interrupted."
)
"""The codes in a sentence."""

_CODES: tuple[tuple[tuple[type[StorageError], ...], ExitCode], ...] = (
    ((NotFoundError, RecordNotFoundError), ExitCode.NOT_FOUND),
    ((PolicyError, AlreadyExistsError, PreconditionFailedError, RetentionError), ExitCode.REFUSED),
    ((InvalidKeyError, InvalidUrlError, InvalidTokenError), ExitCode.USAGE),
    ((SettingsError, UnresolvedOrganisationError), ExitCode.SETTINGS),
    ((AuthenticationError, AccessDeniedError, ReconnectRequiredError), ExitCode.SETTINGS),
)


class UsageError(Exception):
    """A command line that cannot be carried out; the message says what to write instead."""


def exit_code(error: Exception) -> ExitCode:
    """Return the code for *error*."""
    if isinstance(error, UsageError):
        return ExitCode.USAGE
    for kinds, code in _CODES:
        if isinstance(error, kinds):
            return code
    return ExitCode.FAILED


def message_of(error: Exception) -> str:
    """Return *error* as text for a person.

    What is neither ours nor the system's is a fault of this program: its text may quote anything, so only its class
    is printed.
    """
    if isinstance(error, StorageError | UsageError):
        return str(error)
    if isinstance(error, OSError):
        name = f"{error.filename!r}: " if isinstance(error.filename, str) else ""
        return f"{name}{(error.strerror or type(error).__name__).lower()}; check the path, its mode and the free space"
    return f"{type(error).__name__} in the program itself; repeat with --debug and report what it prints"


def document_of(error: BaseException, message: str, code: int) -> str:
    """Return *error* as the JSON document of one line that ``--json`` promises."""
    fields: dict[str, object] = {"type": type(error).__name__, "message": message, "exit_code": int(code)}
    if isinstance(error, StorageError):
        fields |= {
            "operation": error.operation,
            "provider": error.provider,
            "key": error.key,
            "retryable": error.retryable,
            "code": error.code,
            "request_id": error.request_id,
        }
    return write_json({"error": fields})


def printable(text: str) -> str:
    """Return *text* without what would steer a terminal; line breaks stay."""
    return "".join(character if character == "\n" or character.isprintable() else "?" for character in text)
