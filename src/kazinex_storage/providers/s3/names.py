"""Keys as S3 services spell them: as they are, or in a spelling that can be undone. Pure.

Supabase holds a subset of ASCII. What it lacks is written as ``=`` and the two hexadecimal digits of each UTF-8 byte,
as in quoted-printable; the ``=`` itself is ``=3D``. Letters, digits and most signs stay readable.

    encode("plans/Müller 100%.pdf") == "plans/M=C3=BCller 100=25.pdf"
"""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from ...errors import InvalidKeyError
from ...keys import MAX_KEY_BYTES, ObjectKey
from ..objectstore.key_codec import KeyCodec
from .target import Target

# supabase/storage, src/storage/limits.ts, isValidKey (read 2026-08): letters, digits, "_/!-.*'() &$@=;:+,?".
_FOREIGN: Final = re.compile(r"[^A-Za-z0-9_/!.*'() &$@;:+,?-]")
_ESCAPE: Final = re.compile("(?:=[0-9A-F]{2})+")

# Printable ASCII without a backslash, in segments that do not begin with a dot: legal and NFC. It is a fifth of the
# time of ObjectKey, which judges the rest; every listed name is looked at.
_PLAIN: Final = re.compile(r"[ -\-0-\[\]-~][ -.0-\[\]-~]*(?:/[ -\-0-\[\]-~][ -.0-\[\]-~]*)*")

PLACEHOLDER: Final = ".emptyFolderPlaceholder"
"""The name that the service gives to what stands for an empty folder."""


def codec_of(target: Target) -> KeyCodec:
    """Return how the service of *target* spells keys."""
    if target.preset.narrow_names:
        spelt = encode_prefix(target.prefix)
        return KeyCodec(prefix=spelt, encode=encode, encode_prefix=encode_prefix, decode=decode)
    read = partial(_read, folds=target.preset.folds_names)
    return KeyCodec(prefix=target.prefix, encode=str, encode_prefix=str, decode=read)


def encode(key: str) -> str:
    """Return how a service with narrow names spells *key*.

    Raises:
        InvalidKeyError: the spelling is longer than the service holds, or is a name that the service uses itself.
    """
    name = encode_prefix(key)
    if len(name) > MAX_KEY_BYTES:
        raise InvalidKeyError(
            f"Supabase spells that key in {len(name)} characters and holds {MAX_KEY_BYTES}; shorten it, or use fewer "
            "characters outside A-Z",
            key=key,
        )
    if key.rpartition("/")[2] == PLACEHOLDER:
        raise InvalidKeyError(f"Supabase calls its own markers of folders {PLACEHOLDER}; choose another name", key=key)
    return name


def encode_prefix(prefix: str) -> str:
    """Return what the spellings of exactly those keys begin with that begin with *prefix*."""
    return _FOREIGN.sub(_escaped, prefix)


def decode(name: str) -> str | None:
    """Return the key that is spelt *name*; None when no key is, because somebody else chose the name."""
    if name.rpartition("/")[2] == PLACEHOLDER:
        return None
    try:
        key = _ESCAPE.sub(_unescaped, name)
        return key if encode(ObjectKey(key)) == name else None
    except (UnicodeDecodeError, InvalidKeyError):
        return None


def _read(name: str, *, folds: bool) -> str | None:
    if len(name) <= MAX_KEY_BYTES and _PLAIN.fullmatch(name):
        return name
    try:
        legal = ObjectKey(name)
    except InvalidKeyError:
        return None
    # R2 shows the spelling that was uploaded last; elsewhere the NFC spelling is another object.
    return legal if folds or legal == name else None


def _escaped(match: re.Match[str]) -> str:
    return "".join(f"={byte:02X}" for byte in match[0].encode())


def _unescaped(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace("=", "")).decode()
