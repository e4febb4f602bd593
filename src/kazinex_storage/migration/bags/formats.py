"""The files of a bag as RFC 8493 has them: lines of manifests, ``bagit.txt``, ``bag-info.txt``. Pure.

RFC 8493: rfc-editor.org/rfc/rfc8493 (read 2026-11). Checksums are lower-case hexadecimal, all text is UTF-8.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from ...errors import IntegrityError, InvalidKeyError
from ...keys import ObjectKey
from ...lazy import regex
from ...values import value

BAGIT: Final = "bagit.txt"
"""What makes a folder a bag; written last."""
BAGIT_TEXT: Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
"""Section 2.1.1."""
BAG_INFO: Final = "bag-info.txt"
"""Section 2.2.2."""
FETCH: Final = "fetch.txt"
"""Section 2.2.3: what is not in the bag."""
PAYLOAD: Final = "data/"
"""Section 2.1.2."""

_VERSION: Final = regex(r"BagIt-Version: *(0\.97|1\.0)\s+Tag-File-Character-Encoding: *UTF-8\s*", re.IGNORECASE)
_MANIFEST: Final = regex(r"(tag)?manifest-([a-z0-9]+)\.txt")
_LINE: Final = regex(r"([0-9A-Fa-f]{32,128})[ \t]+\*?(.+)")
_ESCAPED: Final = regex("%(0[AaDd]|25)")
_OXUM: Final = regex(r"([0-9]{1,20})\.([0-9]{1,20})")

# Hexadecimal digits by algorithm.
_DIGITS: Final = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}

# A checksum, two blanks, and a key of 1,024 bytes, each of them escaped by three.
_LONGEST_LINE: Final = 8192


@value
class Line:
    """One line of a manifest."""

    checksum: str
    """Lower-case hexadecimal."""
    path: str
    """In the bag, escapes undone."""


@value
class Oxum:
    """``Payload-Oxum``: what the payload adds up to."""

    bytes: int
    """In all."""
    files: int
    """How many."""

    def __str__(self) -> str:
        return f"{self.bytes}.{self.files}"


def escaped(path: str) -> str:
    r"""Return *path* as manifests write it: line breaks and percent signs escaped, nothing else (section 2.1.3).

    Example:
        >>> escaped("data/100 %\r.pdf"), unescaped("data/100 %25%0d.pdf")
        ('data/100 %25%0D.pdf', 'data/100 %\r.pdf')
    """
    return path.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def unescaped(text: str) -> str:
    """Undo ``escaped``; other percent signs stay, as tools leave them that escape none."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def manifest_line(checksum: str, path: str) -> bytes:
    """Return a line of a manifest."""
    return f"{checksum}  {escaped(path)}\n".encode()


def manifest_of(name: str) -> tuple[bool, str] | None:
    """Return whether the file *name* is a manifest of tag files, and its algorithm; None: it is no manifest."""
    found = _MANIFEST.fullmatch(name)
    return None if found is None else (found[1] is not None, found[2])


def known_algorithm(algorithm: str) -> bool:
    """Say whether checksums of *algorithm* are verified here."""
    return algorithm in _DIGITS


def read_manifest(chunks: Iterable[bytes], algorithm: str, name: str) -> Iterator[Line]:
    """Yield the lines of a manifest that comes in *chunks*; memory stays flat.

    Raises:
        IntegrityError: a line is none, or names what no bag may hold.
    """
    for number, text in enumerate(lines_of(chunks, name), 1):
        found = _LINE.fullmatch(text)
        if found is None or len(found[1]) != _DIGITS[algorithm]:
            raise IntegrityError(f"line {number} of {name} is no checksum of {algorithm} with a path")
        yield Line(checksum=found[1].lower(), path=checked_path(unescaped(found[2]), f"line {number} of {name}"))


def checked_path(path: str, where: str) -> str:
    """Return *path* if a storage can hold it below a bag; never outside of it.

    Raises:
        IntegrityError: it leads elsewhere, or is no key.
    """
    try:
        key = ObjectKey(path)
    except InvalidKeyError as error:
        raise IntegrityError(f"{where} names {path[:200]!r}, which cannot be stored: {error.message}") from error
    if key != path:
        raise IntegrityError(
            f"{where} names {path[:200]!r}, which is not in normal form C; rename the file, and repeat"
        )
    return path


def lines_of(chunks: Iterable[bytes], name: str) -> Iterator[str]:
    """Yield the lines of a text without their ends, LF, CR or CRLF; empty ones are left out.

    Raises:
        IntegrityError: it is not UTF-8, or a line is beyond all reason.
    """
    rest = b""
    for chunk in chunks:
        *whole, rest = re.split(rb"[\r\n]", rest + chunk)
        yield from (_text(line, name) for line in whole if line)
        if len(rest) > _LONGEST_LINE:
            raise IntegrityError(f"{name} has a line of more than {_LONGEST_LINE:,} bytes")
    if rest:
        yield _text(rest, name)


def check_bagit(text: bytes) -> None:
    """Refuse what is not the ``bagit.txt`` of a version that is read here.

    Raises:
        IntegrityError: it is not.
    """
    if _VERSION.fullmatch(text.decode("ascii", "replace")) is None:
        raise IntegrityError(f"{BAGIT} does not say that this is a bag of version 0.97 or 1.0 in UTF-8")


def write_info(fields: Mapping[str, str]) -> bytes:
    """Return ``bag-info.txt``: *fields* in their order, each on a line."""
    return "".join(f"{name}: {' '.join(text.split())}\n" for name, text in fields.items()).encode()


def read_info(chunks: Iterable[bytes]) -> dict[str, str]:
    """Return the fields of ``bag-info.txt`` by name in lower case; the first of each, continued lines joined.

    Raises:
        IntegrityError: a line is none.
    """
    found: dict[str, str] = {}
    last = ""
    for line in lines_of(chunks, BAG_INFO):
        if line[0] in " \t" and last:
            found[last] += f" {line.strip()}"
            continue
        name, colon, text = line.partition(":")
        if not colon:
            raise IntegrityError(f"{BAG_INFO} has a line without a colon")
        last = name.strip().lower()
        found.setdefault(last, text.strip())
    return found


def read_oxum(text: str) -> Oxum:
    """Return what ``Payload-Oxum`` says.

    Raises:
        IntegrityError: it is none.
    """
    found = _OXUM.fullmatch(text)
    if found is None:
        raise IntegrityError(f"Payload-Oxum in {BAG_INFO} is not BYTES.FILES")
    return Oxum(bytes=int(found[1]), files=int(found[2]))


def _text(line: bytes, name: str) -> str:
    if len(line) > _LONGEST_LINE:
        raise IntegrityError(f"{name} has a line of more than {_LONGEST_LINE:,} bytes")
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise IntegrityError(f"{name} is not UTF-8") from error
