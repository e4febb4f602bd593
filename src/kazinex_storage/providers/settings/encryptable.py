"""The fields by which the settings of any kind ask for encryption on this side; ``Registry.open`` heeds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from pydantic import SecretStr, field_validator

from ...errors import SettingsError
from ...lazy import regex
from .settings_text import OptionalSecret, OptionalText, SecretiveModel

if TYPE_CHECKING:
    from ...encryption.age import Age

_BETWEEN = regex(r"[\s,;]+")

AGE_FIELDS: Final = ("age_recipients", "age_identities")
"""They come last where fields are shown."""


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
            _keys(text, None)
        return text

    @field_validator("age_identities")
    @classmethod
    def _check_identities(cls, text: SecretStr | None) -> SecretStr | None:
        if text is not None:
            _keys(None, text)
        return text

    @property
    def age_keys(self) -> Age | None:
        """What objects are encrypted with; None leaves them as they are."""
        if self.age_recipients is None and self.age_identities is None:
            return None
        return _keys(self.age_recipients, self.age_identities)

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


def _keys(recipients: str | None, identities: SecretStr | None) -> Age:
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
