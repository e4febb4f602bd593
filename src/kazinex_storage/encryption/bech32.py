"""Bech32, the text of keys: BIP 173 without its limit of 90 characters, as age writes recipients and identities."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)  # BIP 173
_CHECK: Final = 6


def encode(prefix: str, data: bytes) -> str:
    """Return *data* as lower-case text after *prefix*.

    Example:
        >>> decode(encode("age", bytes(32))) == ("age", bytes(32))
        True
    """
    values = _regrouped(data, 8, 5, padded=True)
    check = _polymod([*_expanded(prefix), *values, *[0] * _CHECK]) ^ 1
    digits = [check >> 5 * (_CHECK - 1 - place) & 31 for place in range(_CHECK)]
    return f"{prefix}1{''.join(_ALPHABET[value] for value in [*values, *digits])}"


def decode(text: str) -> tuple[str, bytes]:
    """Return the prefix of *text*, in lower case, and the data.

    Raises:
        ValueError: it is mistyped or cut.
    """
    folded = text.lower()
    if text not in (folded, text.upper()):
        raise ValueError("it mixes upper and lower case")
    prefix, one, rest = folded.rpartition("1")
    if not one or not prefix or len(rest) < _CHECK or set(rest) - set(_ALPHABET):
        raise ValueError("it is cut, or has a character that no key has")
    values = [_ALPHABET.index(letter) for letter in rest]
    if _polymod([*_expanded(prefix), *values]) != 1:
        raise ValueError("its check digits do not fit: a letter is missing or mistyped")
    return prefix, bytes(_regrouped(values[:-_CHECK], 5, 8, padded=False))


def _expanded(prefix: str) -> list[int]:
    return [*(ord(letter) >> 5 for letter in prefix), 0, *(ord(letter) & 31 for letter in prefix)]


def _polymod(values: Iterable[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate(_GENERATOR):
            check ^= generator if top >> place & 1 else 0
    return check


def _regrouped(data: Iterable[int], width: int, into: int, *, padded: bool) -> list[int]:
    found, held, bits = list[int](), 0, 0
    for value in data:
        held, bits = held << width | value, bits + width
        while bits >= into:
            bits -= into
            found.append(held >> bits & (1 << into) - 1)
    rest = held & (1 << bits) - 1
    if padded and bits:
        found.append(rest << into - bits)
    elif not padded and (bits >= width or rest):
        raise ValueError("its end is not as an encoder writes it")
    return found
