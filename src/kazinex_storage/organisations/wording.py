"""Text that people give or read: labels of providers, and errors that are kept with them."""

from __future__ import annotations

import re
import unicodedata

from ..errors import SettingsError
from .records import SecretValues

MAX_LABEL_CHARACTERS = 100
"""Characters in a label."""

MAX_ERROR_CHARACTERS = 2000
"""Characters that are kept of the error of a failed verification."""

# What cannot be seen, breaks a line or turns the direction of text.
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]")

# Shorter texts are no secrets, and cutting them out of a message would make it unreadable.
_SECRET_CHARACTERS = 4


def normal_label(label: str) -> str:
    """Return *label* in NFC and without white space around it; one that is much too long stays as it is."""
    return unicodedata.normalize("NFC", label).strip() if len(label) <= 8 * MAX_LABEL_CHARACTERS else label


def check_label(label: str) -> str:
    """Return the normal form of *label*.

    Raises:
        SettingsError: it is empty, too long, or holds what cannot be seen.
    """
    label = normal_label(label)
    if not label or len(label) > MAX_LABEL_CHARACTERS or _INVISIBLE.search(label):
        raise SettingsError(f"a label is 1 to {MAX_LABEL_CHARACTERS} visible characters on one line; give another one")
    return label


def clean_error(text: str, secrets: SecretValues) -> str:
    """Return *text* as it may be kept and shown: without the *secrets*, printable, not too long."""
    try:
        values = list(secrets.reveal().values())
    except SettingsError:  # SealError too
        values = []  # what could not be opened cannot have been quoted
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= _SECRET_CHARACTERS:
            text = text.replace(value, "***")
    text = "".join(character if character in "\n\t" or character.isprintable() else "?" for character in text)
    return text[:MAX_ERROR_CHARACTERS]
