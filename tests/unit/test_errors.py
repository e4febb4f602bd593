"""The tree of errors: what it says, what it is, and that it survives a process boundary."""

from __future__ import annotations

import copy
import errno
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kazinex_storage import errors
from kazinex_storage.errors import (
    AccessDeniedError,
    AlreadyExistsError,
    BulkError,
    FileTooLargeError,
    FileTypeRefusedError,
    InvalidKeyError,
    InvalidUrlError,
    NotFoundError,
    PolicyError,
    QuotaExceededError,
    RateLimitedError,
    StorageError,
    UnavailableError,
)

EVERY = sorted(
    (kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, StorageError)),
    key=lambda kind: kind.__name__,
)
RETRYABLE = {RateLimitedError, UnavailableError}
every_kind = pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
every_plain_kind = pytest.mark.parametrize(
    "kind", [kind for kind in EVERY if kind is not BulkError], ids=lambda kind: kind.__name__
)


def full(kind: type[StorageError]) -> StorageError:
    return kind(
        "it went wrong; try again",
        operation="put",
        provider="local",
        key="a/b",
        retryable=True,
        retry_after_s=1.5,
        code="SlowDown",
        request_id="r-1",
    )


def facts(error: StorageError) -> tuple[object, ...]:
    return (
        type(error),
        error.args,
        error.message,
        error.operation,
        error.provider,
        error.key,
        error.retryable,
        error.retry_after_s,
        error.code,
        error.request_id,
        error.errno,
        str(error),
    )


@every_plain_kind
def test_a_message_names_operation_key_provider_code_and_request(kind: type[StorageError]) -> None:
    expected = "put 'a/b' on local: it went wrong; try again (code SlowDown, request r-1)"

    assert expected == str(full(kind))


@every_kind
def test_a_message_without_facts_is_the_message_alone(kind: type[StorageError]) -> None:
    assert "it went wrong" == str(kind("it went wrong"))


@pytest.mark.parametrize(
    ("operation", "key", "provider", "expected"),
    [
        ("put", None, None, "put: text"),
        (None, "k", None, "'k': text"),
        (None, "", None, "'': text"),
        (None, None, "r2", "on r2: text"),
        ("head", None, "r2", "head on r2: text"),
    ],
    ids=["operation", "key", "empty key", "provider", "operation and provider"],
)
def test_unknown_facts_leave_no_gap_in_the_message(
    operation: str | None, key: str | None, provider: str | None, expected: str
) -> None:
    assert expected == str(StorageError("text", operation=operation, key=key, provider=provider))


def test_a_key_cannot_forge_a_line_or_turn_the_text_of_a_message() -> None:
    text = str(StorageError("text", key="a\nERROR forged\u202e\x1b[2J"))

    assert text.isprintable()


@given(text=st.text(), limit=st.integers(4, 60))
def test_text_of_a_service_is_one_printable_line_of_limited_length(text: str, limit: int) -> None:
    cleaned = errors.clean_text(text, limit)

    assert cleaned.isprintable()
    assert len(cleaned) <= limit
    assert cleaned == text or not text.isprintable() or len(text) > limit


FORGED = "x)\r\nCRITICAL:root:admin\x85\u2028\x1b[2J\u202e\u2066" + "y" * 3_000


@every_kind
def test_a_service_cannot_forge_a_line_steer_a_terminal_or_fill_a_log(kind: type[StorageError]) -> None:
    error = kind(f"the service says {FORGED}")
    error.code, error.request_id = FORGED, FORGED  # however late it is known

    for text in (str(error), error.message, error.code, error.request_id, *error.args):
        assert text.isprintable()
    assert len(error.message) <= 2_000
    assert len(error.code) <= errors.SERVICE_TEXT_CHARACTERS
    assert len(error.request_id) <= errors.SERVICE_TEXT_CHARACTERS


@every_plain_kind
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_keeps_every_fact(kind: type[StorageError], protocol: int) -> None:
    error = full(kind)

    again = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301  # made two lines above

    assert facts(error) == facts(again)


@every_plain_kind
def test_a_copy_keeps_every_fact(kind: type[StorageError]) -> None:
    error = full(kind)

    assert facts(error) == facts(copy.copy(error)) == facts(copy.deepcopy(error))


def test_a_pickled_bulk_error_keeps_its_failures_in_order() -> None:
    failures = [full(NotFoundError), full(RateLimitedError)]
    error = BulkError("2 of 3 failed", failures=failures, operation="delete_many")

    again = pickle.loads(pickle.dumps(error))  # noqa: S301  # made one line above

    assert isinstance(again, BulkError)
    assert facts(error) == facts(again)
    assert [facts(failure) for failure in failures] == [
        facts(failure) for failure in again.failures if isinstance(failure, StorageError)
    ]


@pytest.mark.parametrize(
    ("kind", "twin"),
    [
        (InvalidKeyError, ValueError),
        (InvalidUrlError, ValueError),
        (PolicyError, ValueError),
        (FileTooLargeError, PolicyError),
        (FileTypeRefusedError, PolicyError),
        (NotFoundError, FileNotFoundError),
        (AlreadyExistsError, FileExistsError),
        (AccessDeniedError, PermissionError),
        (errors.LocationNotFoundError, FileNotFoundError),
        (errors.LocationNotFoundError, errors.SettingsError),
        (errors.UnknownProviderError, errors.SettingsError),
        (errors.SealError, errors.SettingsError),
    ],
    ids=lambda kind: kind.__name__,
)
def test_an_error_is_caught_as_its_builtin_twin_or_its_parent(kind: type[StorageError], twin: type[Exception]) -> None:
    with pytest.raises(twin) as caught:
        raise full(kind)

    assert isinstance(caught.value, StorageError)


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (NotFoundError, errno.ENOENT),
        (AlreadyExistsError, errno.EEXIST),
        (AccessDeniedError, errno.EACCES),
        (QuotaExceededError, errno.ENOSPC),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_an_error_has_the_errno_of_its_twin(kind: type[StorageError], number: int) -> None:
    assert number == full(kind).errno
    assert number == kind("text").errno


@every_kind
def test_only_the_starred_classes_are_retryable_unless_said_otherwise(kind: type[StorageError]) -> None:
    assert (kind in RETRYABLE) == kind("text").retryable


@every_plain_kind
def test_one_error_can_differ_from_its_class_in_being_retryable(kind: type[StorageError]) -> None:
    assert kind("text", retryable=True).retryable
    assert not kind("text", retryable=False).retryable


@every_kind
def test_the_tree_in_the_module_documentation_names_every_class(kind: type[StorageError]) -> None:
    assert kind.__name__ in (errors.__doc__ or "")
