"""What a file name hides: invisible characters, letters of another script, a program behind another extension. Pure.

``file_rules.py`` says who refuses such names. Keys that exist already are never judged here: they stay readable.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from .content_types import extension_of
from .lazy import regex

# Letters that look like a Latin one in most fonts (Unicode TR 39, confusables.txt 16.0, read 2026-11), without those
# that engineers write as symbols (alpha, rho, phi, delta ...) and that nobody takes for Latin.
_CYRILLIC: Final = (
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u051d\u0410\u0412\u0415\u041a"
    "\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0406\u0408\u0405\u050c\u051a\u051c"
)
_CYRILLIC_AS: Final = "aeopcyxijshdqwABEKMHOPCTYXIJSGQW"
_GREEK: Final = "\u03bf\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
_GREEK_AS: Final = "oABEZHIKMNOPTYX"
_LATIN_OF: Final = str.maketrans(
    _CYRILLIC + _GREEK + "\u2024\u0131\u0261\u1d0f", _CYRILLIC_AS + _GREEK_AS + "." + "igo"
)
_FOREIGN: Final = frozenset(_CYRILLIC + _GREEK)
_WORD: Final = regex(r"[^\W\d_]+")
_EXTENSION: Final = regex(r"(?=[0-9]*[a-z])[a-z0-9]{1,10}")

# Blank letters that are no format characters: Hangul fillers, the Braille blank, the grapheme joiner, variation marks.
_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | frozenset(
    map(chr, range(0xFE00, 0xFE0F))
)
# They join or part letters in Arabic, Persian and Indic scripts, and the parts of an emoji.
_JOINERS: Final = frozenset("\u200c\u200d")

# learn.microsoft.com/windows/win32/fileio/naming-a-file (read 2026-11)
_WINDOWS_SIGNS: Final = frozenset('<>:"|?*\\')
_WINDOWS_DEVICES: Final = frozenset(
    ("con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in "123456789¹²³"))
)


def windows_misfit(name: str) -> str | None:
    """Return why no file of Windows has *name*, one segment of a key; None when one can."""
    if not _WINDOWS_SIGNS.isdisjoint(name) or name.endswith((" ", ".")):
        return f"Windows has no file of the name {name!r}"
    if name.partition(".")[0].rstrip().lower() in _WINDOWS_DEVICES:
        return f"{name!r} is the name of a device on Windows"
    return None


def invisible_in(name: str) -> str | None:
    """Return the first character of *name* that cannot be seen, or that turns the direction of text; None without one.

    Joiners between characters that are not ASCII belong to their scripts.

    Example:
        >>> invisible_in("plan\u200b.pdf"), invisible_in("a.pdf"), invisible_in("\u0645\u06cc\u200c\u0634\u0648\u062f")
        ('\u200b', None, None)
    """
    if name.isascii():
        return None
    for place, character in enumerate(name):
        if character in _JOINERS and _joins(name, place):
            continue
        if character in _BLANK or unicodedata.category(character) in ("Cf", "Zl", "Zp"):
            return character
    return None


def _joins(name: str, place: int) -> bool:
    around = (name[place - 1 : place], name[place + 1 : place + 2])
    return all(other and not other.isascii() and other not in _JOINERS for other in around)


def mixed_word_in(name: str) -> str | None:
    """Return the first word of *name* in which letters of another script pass for Latin ones; None without one.

    A word of one script is never reported, nor is a symbol beside Latin letters.

    Example:
        >>> mixed_word_in("p\u0430yment.pdf"), mixed_word_in("\u0394T und \u041f\u043b\u0430\u043d.pdf")
        ('p\u0430yment', None)
    """
    if name.isascii():
        return None
    for word in _WORD.findall(name):
        foreign = [letter for letter in word if letter in _FOREIGN]
        if not foreign or not any(letter.isascii() for letter in word):
            continue
        others = (letter for letter in word if not letter.isascii() and letter not in _FOREIGN)
        if not any(unicodedata.name(letter, "").startswith(("CYRILLIC", "GREEK")) for letter in others):
            return str(word)
    return None


def plain_name(name: str) -> str:
    """Return *name* as it reads: without what cannot be seen, with Latin letters for those that look like them.

    Only words that mix scripts are changed, and the extension; full-width letters become plain ones there.

    Example:
        >>> plain_name("p\u0430yment\u200b.\u0440df"), plain_name("\u041f\u043b\u0430\u043d.pdf")
        ('payment.pdf', 'План.pdf')
    """
    while (found := _plainer(name)) != name:  # what was between letters of another script may be bare now
        name = found
    return name


def _plainer(name: str) -> str:
    if name.isascii():
        return name
    while (hidden := invisible_in(name)) is not None:
        name = name.replace(hidden, "")
    while (word := mixed_word_in(name)) is not None:
        name = name.replace(word, word.translate(_LATIN_OF))
    return _as_read(name) if disguised_extension(name) is not None else name


def disguised_extension(name: str) -> str | None:
    """Return the extension that *name* seems to have, where it has another one; None where it reads as it is.

    Example:
        >>> disguised_extension("plan.\u0440df"), disguised_extension("plan\u2024exe"), disguised_extension("plan.pdf")
        ('pdf', 'exe', None)
    """
    if name.isascii():
        return None
    read, dot, extension = _as_read(name).rstrip(" .").rpartition(".")
    found = extension.casefold() if dot and read else ""
    return found if _EXTENSION.fullmatch(found) and found != extension_of(name) else None


def hidden_by_stream(name: str) -> str | None:
    """Return the extension of the file that *name* is a stream of on a Windows disk; None when it names no stream.

    A colon as in a scale is left alone: what is before it has no extension.

    Example:
        >>> hidden_by_stream("evil.exe:plan.pdf"), hidden_by_stream("a.pdf:x"), hidden_by_stream("Section 1:50.pdf")
        ('exe', 'pdf', None)
    """
    file, colon, _ = name.partition(":")
    extension = extension_of(file) if colon else ""
    return extension if extension and _EXTENSION.fullmatch(extension) else None


def _as_read(name: str) -> str:
    return unicodedata.normalize("NFKC", name.translate(_LATIN_OF))
