"""Text that people paste into settings: what is trimmed, what is refused, and errors that quote nothing of it.

The types below are annotations for fields of the settings models. What is trimmed is logged as a warning that names
the setting; a message never contains a value, because it may be a secret in the wrong field.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Self, SupportsIndex, TypeAlias, TypeVar
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from ...errors import InvalidKeyError, SettingsError
from ...keys import Prefix
from ...lazy import logger, regex
from ...secrecy.pickling import SEND_A_FILE_SYSTEM, refusal
from ...values import value
from .place import is_confidential
from .summaries import describe

if TYPE_CHECKING:
    from ...encryption.age import Age

_log = logger(__name__)

_PLACE = regex(r"[a-z0-9][a-z0-9_-]*\*?")

CONFIG = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, json_schema_extra=describe)
"""The configuration of every settings model of this package."""

Model = TypeVar("Model", bound=BaseModel)


class SecretiveModel(BaseModel):
    """Settings that may hold secrets; with one they cannot be pickled. Copies within the process keep it."""

    model_config = CONFIG

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[object, ...]:
        """Pickle settings without a secret.

        Raises:
            TypeError: a secret is set.
        """
        held = sorted(secrets_held(self))
        if held:
            raise refusal(f"{type(self).__name__} with {', '.join(held)}", SEND_A_FILE_SYSTEM)
        return super().__reduce_ex__(protocol)


def secrets_held(settings: BaseModel) -> Iterator[str]:
    """Yield the names of the secrets that are set, those in nested settings with a dot."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            yield name
        elif isinstance(value, BaseModel):
            yield from (f"{name}.{below}" for below in secrets_held(value))


@value
class Problem:
    """What is wrong with a field that is valid on its own."""

    field: str
    message: str


_QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”", "\u2018": "\u2019", "„": "“", "«": "»"}

# It goes into "Credential=<id>/<date>/<region>/s3/aws4_request, SignedHeaders=...", which these would break.
_KEY_ID = regex(r"[!-~]*")
_BREAKS_KEY_ID = regex(r"[/,:\s]")
_BETWEEN = regex(r"[\s,;]+")
_CONTROL = regex("[\x00-\x1f\x7f-\x9f]")


def trim(text: str) -> str:
    r"""Return *text* without the blanks, invisible characters and pairs of quotes around it.

    Example:
        >>> trim(' "0123abc"\n')
        '0123abc'
    """
    while True:
        start, end = 0, len(text)
        while start < end and _invisible(text[start]):
            start += 1
        while end > start and _invisible(text[end - 1]):
            end -= 1
        text = text[start:end]
        if len(text) < 2 or _QUOTES.get(text[0]) != text[-1]:
            return text
        text = text[1:-1]


def trim_and_warn(value: object, name: str) -> object:
    """Return *value* trimmed if it is text or a secret, and log if there was something to trim.

    Nothing but blanks is None, as in an empty variable of the environment or an empty field of a form.
    """
    secret = isinstance(value, SecretStr)
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not isinstance(text, str):
        return value
    trimmed = trim(text)
    if not trimmed:
        return None
    if trimmed != text:
        _log.warning(
            "the setting %r has blanks, invisible characters or quotes around it; they are ignored, store it without",
            name,
        )
    return SecretStr(trimmed) if secret else trimmed


def validate(
    data: object, handler: Callable[[object], Model], checks: Callable[[Model], Iterable[Problem]], title: str
) -> Model:
    """Validate *data* with *handler* and then with *checks*, and keep the input out of the error.

    Raises:
        ValidationError: something is wrong; it can be logged and pickled, and shows no value.
    """
    try:
        settings = handler(data)
    except ValidationError as error:
        found = [(details["loc"], details["type"], details["msg"]) for details in error.errors(include_url=False)]
    else:
        found = [((problem.field,), "value_error", problem.message) for problem in checks(settings)]
        if not found:
            return settings
    raise ValidationError.from_exception_data(
        title,
        [InitErrorDetails(type=PydanticCustomError(kind, text), loc=loc, input=None) for loc, kind, text in found],
        hide_input=True,
    )


def largest(max_file_size: int | None, limit: int) -> int:
    """Return the most bytes that an object may have: what the settings say, but not more than the service takes."""
    return min(max_file_size or limit, limit)


def split_endpoint(text: str) -> SplitResult:
    """Return the parts of an endpoint: scheme, host, perhaps a port and a path without a slash at its end.

    One address has one spelling: no capitals, no dot at the end of the host, no port that the scheme means anyway.

    Raises:
        ValueError: it is no such URL.
    """
    try:
        parts = urlsplit(text.rstrip("/"))
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = SplitResult("", "", "", "", ""), None
    if parts.scheme not in ("http", "https") or not host or not host.strip("."):
        raise ValueError("give the whole URL of the endpoint: https://, the host, and the port when it is not 443")
    if parts.username is not None or parts.password is not None:
        raise ValueError("the endpoint holds a user or a password; credentials have fields of their own")
    if not text.isascii() or re.search(r"[\s\\?#]", text):
        raise ValueError("the endpoint is the beginning of URLs: no '?', '#', blank, backslash or letter beyond ASCII")
    usual = "443" if parts.scheme == "https" else "80"
    netloc = re.sub(rf":(?:{usual})?$", "", parts.netloc.lower())
    return parts._replace(netloc=re.sub(r"\.(?=:\d+$|$)", "", netloc))


def _invisible(character: str) -> bool:
    # Cf: zero-width spaces and joiners, byte order marks, directions; Z: every blank; Cc: tabs and line breaks.
    return unicodedata.category(character) in ("Cc", "Cf", "Zs", "Zl", "Zp")


def _trimmed(value: object, info: ValidationInfo) -> object:
    return trim_and_warn(value, info.field_name or "")


def _filled(value: object, info: ValidationInfo) -> object:
    trimmed = _trimmed(value, info)
    if trimmed is None and value is not None:
        raise ValueError("it is empty; fill it in")
    return trimmed


def _checked(
    check: Callable[[str], None], clean: Callable[[object, ValidationInfo], object]
) -> Callable[[object, ValidationInfo], object]:
    def clean_and_check(value: object, info: ValidationInfo) -> object:
        cleaned = clean(value, info)
        text = cleaned.get_secret_value() if isinstance(cleaned, SecretStr) else cleaned
        if isinstance(text, str):
            check(text)
        return cleaned

    return clean_and_check


def _check_key_id(text: str) -> None:
    if not _KEY_ID.fullmatch(text) or _BREAKS_KEY_ID.search(text):
        raise ValueError(
            "an access key id is one run of ASCII letters, digits and signs, without blanks, slash, comma or colon; "
            "copy it again"
        )


def _check_secret(text: str) -> None:
    if _CONTROL.search(text):
        raise ValueError("there is a line break or a control character inside it; copy it again in one piece")


def _check_token(text: str) -> None:
    if not _KEY_ID.fullmatch(text):
        raise ValueError("there is a blank or a character beyond ASCII inside it; copy it again in one piece")


def _as_endpoint(value: object, info: ValidationInfo) -> object:
    trimmed = _trimmed(value, info)
    return split_endpoint(trimmed).geturl() if isinstance(trimmed, str) else trimmed


def _as_origin(value: object, info: ValidationInfo) -> object:
    trimmed = _trimmed(value, info)
    if not isinstance(trimmed, str):
        return trimmed
    parts = split_endpoint(trimmed)
    if parts.path:
        raise ValueError("an origin is scheme and host, such as https://app.example.com, without a path")
    return parts.geturl()


def _as_folder(value: object) -> object:
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    try:
        return str(Prefix.folder(value))
    except InvalidKeyError as error:
        reason = error.message
    raise ValueError(f"it is no folder: {reason}")


def _as_residency(value: object) -> object:
    text = trim_and_warn(value, "residency")
    if not isinstance(text, str):
        return text
    places = [place.strip().lower() for place in text.split(",")]
    if not all(_PLACE.fullmatch(place) for place in places):
        raise ValueError("name regions, parted by commas, such as eu-central-1, or eu-* for all that begin so")
    return ", ".join(places)


def _check_customer_key(text: str) -> None:
    if len(_decoded_key(text)) != 32:
        raise ValueError("a customer key is 32 random bytes in base64; `openssl rand -base64 32` makes one")


def _decoded_key(text: str) -> bytes:
    import base64
    import binascii

    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return b""


def key_of_customer(secret: SecretStr | None) -> bytes | None:
    """Return the bytes of a ``CustomerKey``."""
    return None if secret is None else _decoded_key(secret.get_secret_value())


def customer_key_problems(secret: SecretStr | None, url: str) -> Iterator[Problem]:
    """Refuse to send a key where others could read it on the way."""
    if secret is not None and not is_confidential(url):
        yield Problem(field="customer_key", message="it travels with each request; use an https endpoint")


Text: TypeAlias = Annotated[str, BeforeValidator(_filled)]
OptionalText: TypeAlias = Annotated[str | None, BeforeValidator(_trimmed)]
KeyId: TypeAlias = Annotated[str, BeforeValidator(_checked(_check_key_id, _filled))]
OptionalKeyId: TypeAlias = Annotated[str | None, BeforeValidator(_checked(_check_key_id, _trimmed))]
Secret: TypeAlias = Annotated[SecretStr, BeforeValidator(_checked(_check_secret, _filled))]
OptionalSecret: TypeAlias = Annotated[SecretStr | None, BeforeValidator(_checked(_check_secret, _trimmed))]
CustomerKey: TypeAlias = Annotated[SecretStr | None, BeforeValidator(_checked(_check_customer_key, _trimmed))]
"""32 bytes in base64."""
OptionalToken: TypeAlias = Annotated[SecretStr | None, BeforeValidator(_checked(_check_token, _trimmed))]
OptionalEndpoint: TypeAlias = Annotated[str | None, BeforeValidator(_as_endpoint)]
OptionalOrigin: TypeAlias = Annotated[str | None, BeforeValidator(_as_origin)]
MaxSize: TypeAlias = Annotated[PositiveInt | None, BeforeValidator(_trimmed)]
KeptDays: TypeAlias = Annotated[Annotated[int, Field(ge=1, le=3650)] | None, BeforeValidator(_trimmed)]
"""Days, up to ten years, for which this library keeps what is deleted; None: it is gone at once."""
Folder: TypeAlias = Annotated[str, BeforeValidator(_as_folder)]
"""Empty, or a key with a slash at its end."""
Residency: TypeAlias = Annotated[str | None, BeforeValidator(_as_residency)]
"""Where the objects must be; None demands nothing. See ``residency.py``."""


class EncryptableModel(SecretiveModel):
    """Settings of a provider whose objects can be encrypted before they are sent."""

    age_recipients: OptionalText = None
    """Who can read what is written from now on: recipients of the format age, age1..., with blanks between them.
    Objects are then encrypted before they are sent. Without any, those of ``age_identities``."""
    age_identities: OptionalSecret = None
    """What encrypted objects are read with: AGE-SECRET-KEY-1..., with blanks between several. Whoever loses all of them
    has lost the objects."""

    @field_validator("age_recipients")
    @classmethod
    def _check_recipients(cls, text: str | None) -> str | None:
        if text is not None:
            _age(text, None)
        return text

    @field_validator("age_identities")
    @classmethod
    def _check_identities(cls, text: SecretStr | None) -> SecretStr | None:
        if text is not None:
            _age(None, text)
        return text

    @property
    def age_keys(self) -> Age | None:
        """What objects are encrypted with; None leaves them as they are."""
        if self.age_recipients is None and self.age_identities is None:
            return None
        return _age(self.age_recipients, self.age_identities)

    def without_encryption(self) -> Self:
        """Return the settings for the provider that holds what was encrypted."""
        return self.model_copy(update={"age_recipients": None, "age_identities": None})

    def unencrypted(self) -> Self:
        """Return the settings themselves, for one that encrypts nothing.

        Raises:
            SettingsError: they ask for encryption.
        """
        if self.age_keys is not None:
            raise SettingsError(
                "these settings ask for encryption, which a provider alone does not do; open them by "
                "default_registry().open(kind, settings), or give Storage(..., encryption=settings.age_keys) the "
                "provider of settings.without_encryption()"
            )
        return self


def _age(recipients: str | None, identities: SecretStr | None) -> Age:
    try:
        from ...encryption.age import Age
    except ModuleNotFoundError as error:
        raise ValueError("encryption needs cryptography; pip install 'kazinex-storage[encryption]'") from error
    try:
        return Age(
            recipients=filter(None, _BETWEEN.split(recipients or "")),
            identities=filter(None, _BETWEEN.split(identities.get_secret_value() if identities is not None else "")),
        )
    except SettingsError as error:
        raise ValueError(error.message) from None
