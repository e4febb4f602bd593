"""Keys as names in S3 services: unchanged, or in an encoding that can be reversed. Pure.

Supabase holds a subset of ASCII. Other characters are written as ``=`` and two hexadecimal digits for each UTF-8 byte,
as in quoted-printable; ``=`` itself is ``=3D``. Letters, digits and most punctuation stay readable.

    encode("plans/Müller 100%.pdf") == "plans/M=C3=BCller 100=25.pdf"
"""

from __future__ import annotations

import re
from functools import partial
from typing import Final

from ...errors import InvalidKeyError
from ...keys import MAX_KEY_BYTES, PLAIN_KEY, ObjectKey
from ...lazy import regex
from ..objectstore.key_codec import KeyCodec
from .target import Target

# supabase/storage, src/storage/limits.ts, isValidKey (read 2026-08): letters, digits, "_/!-.*'() &$@=;:+,?".
_FOREIGN: Final = regex(r"[^A-Za-z0-9_/!.*'() &$@;:+,?-]")
_ESCAPE: Final = regex("(?:=[0-9A-F]{2})+")

_PLAIN: Final = PLAIN_KEY.pattern.replace("*", "*+")
_KEYS: Final = regex(rf"{_PLAIN}(?:\n{_PLAIN})*+")
_KEY: Final = regex(rf"(?=.{{1,{MAX_KEY_BYTES}}}\Z){PLAIN_KEY.pattern}")

PLACEHOLDER: Final = ".emptyFolderPlaceholder"
"""The name of the service's own markers of empty folders."""


def codec_of(target: Target) -> KeyCodec:
    """Return the codec for the service of *target*."""
    if target.preset.narrow_names:
        below = encode_prefix(target.prefix)
        return KeyCodec(prefix=below, encode=encode, encode_prefix=encode_prefix, decode=decode)
    read = partial(_read, folds=target.preset.folds_names)
    return KeyCodec(prefix=target.prefix, encode=str, encode_prefix=str, decode=read, plain=_KEY, all_plain=_KEYS)


def encode(key: str) -> str:
    """Return the name of *key* in a service with narrow names.

    Raises:
        InvalidKeyError: the name is longer than the service holds, or the service uses it itself.
    """
    name = encode_prefix(key)
    if len(name) > MAX_KEY_BYTES:
        raise InvalidKeyError(
            f"that key takes {len(name)} characters in Supabase, which holds {MAX_KEY_BYTES}; shorten it, or use fewer "
            "characters outside A-Z",
            key=key,
        )
    if key.rpartition("/")[2] == PLACEHOLDER:
        raise InvalidKeyError(
            f"Supabase uses {PLACEHOLDER} for its own markers of folders; choose another name", key=key
        )
    return name


def encode_prefix(prefix: str) -> str:
    """Return what the names of all keys below *prefix*, and of no others, begin with."""
    return _FOREIGN.sub(_escaped, prefix)


def decode(name: str) -> str | None:
    """Return the key with that *name*; None when there is none, because another program chose the name."""
    if name.rpartition("/")[2] == PLACEHOLDER:
        return None
    try:
        key = _ESCAPE.sub(_unescaped, name)
        return key if encode(ObjectKey(key)) == name else None
    except (UnicodeDecodeError, InvalidKeyError):
        return None


def _read(name: str, *, folds: bool) -> str | None:
    if _KEY.fullmatch(name):
        return name
    try:
        legal = ObjectKey(name)
    except InvalidKeyError:
        return None
    # R2 shows the form that was uploaded last; elsewhere the NFC form is another object.
    return legal if folds or legal == name else None


def _escaped(match: re.Match[str]) -> str:
    return "".join(f"={byte:02X}" for byte in match[0].encode())


def _unescaped(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace("=", "")).decode()
