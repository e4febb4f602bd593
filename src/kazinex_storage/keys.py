"""Keys as validated values: what may name an object, and how a Kazinex document is named.

A key that exists as ``ObjectKey`` is legal; no other code checks keys again. A ``Prefix`` selects keys in listings and
scopes. ``DocumentKey`` builds and parses ``{organisation}/{project}/{document}/{revision}/{filename}``.
What one service cannot hold of this alphabet is the business of that provider.
"""

from __future__ import annotations

import unicodedata
from typing import Self

from .errors import InvalidKeyError
from .lazy import regex
from .values import value

# The smallest limit among R2, S3 and Azure: 1,024 bytes of UTF-8 (developers.cloudflare.com/r2/platform/limits,
# read 2026-06; S3 and Azure the same).
MAX_KEY_BYTES = 1024
"""UTF-8 bytes in a key."""

# Most file systems hold 255 bytes in one name (ext4, xfs, APFS).
MAX_FILENAME_BYTES = 255
"""UTF-8 bytes in the file name of a document."""

PLAIN_KEY = regex(r"[ !-\-0-\[\]-~][ !-.0-\[\]-~]*(?:/[ !-\-0-\[\]-~][ !-.0-\[\]-~]*)*")
"""Printable ASCII without a backslash, no segment that begins with a dot: legal if it is not too long, and in NFC. One
match for nearly all keys; what does not match may be legal all the same, and is judged in full."""

# Normalising takes time quadratic in the length of a run of combining marks; composing shortens text at most fourfold.
MAX_KEY_CHARACTERS = 4 * MAX_KEY_BYTES
"""Characters in text that can become a key; longer text is not normalised."""

# UTF-8 needs at most four bytes a character, so short keys need no encoding to be measured.
_SHORT = MAX_KEY_BYTES // 4

# A hostile text must not fill the log.
_QUOTED = 200

# Cc: control characters (C0, DEL, C1). Cs: surrogates, which UTF-8 cannot hold.
_ILLEGAL = regex("[\x00-\x1f\x7f-\x9f\\\\\ud800-\udfff]")
_BAD_SEGMENT = regex(r"(?:^|/)\.{0,2}(?:/|$)")
_IDENTIFIER = regex(r"[A-Za-z0-9._-]{1,128}")
# Embeddings, overrides and isolates: they make "gpj.exe" read as "exe.jpg" (Unicode TR 36).
_BIDI_OVERRIDE = regex("[\u202a-\u202e\u2066-\u2069]")
_LINE_BREAK = regex("[\u2028\u2029]")


def _canonical(text: str, what: str) -> str:
    if not isinstance(text, str):
        raise InvalidKeyError(f"a {what} is text, not {type(text).__name__}")
    if type(text) is not str:
        text = _plain(text)
    if len(text) > MAX_KEY_CHARACTERS:
        raise InvalidKeyError(
            f"a {what} has at most {MAX_KEY_BYTES} bytes of UTF-8, this one has {len(text):,} characters; shorten it",
            key=text[:_QUOTED],
        )
    # Ascii text without control characters is the common case and is NFC already.
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    found = _ILLEGAL.search(text)
    if found:
        raise InvalidKeyError(
            f"a {what} holds no control character, surrogate or backslash; U+{ord(found[0]):04X} is at {found.start()}",
            key=text[:_QUOTED],
        )
    return text


def _plain(text: str) -> str:
    """Return the characters of *text* as a plain str: a subclass (an enum, say) may print as something else."""
    return str.__str__(text)


def _check_length(text: str, what: str) -> None:
    if (size := len(text.encode())) > MAX_KEY_BYTES:
        raise InvalidKeyError(f"a {what} has at most {MAX_KEY_BYTES} bytes of UTF-8, this one has {size}; shorten it")


class ObjectKey(str):
    """The name of an object: NFC text of 1 to 1,024 UTF-8 bytes, in segments parted by slashes.

    No segment is empty, ``.`` or ``..``; no control character, surrogate or backslash. Making one from text that is
    not NFC yields the NFC form.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Validate *text*.

        Raises:
            InvalidKeyError: the text is no key; the message says which rule and where.
        """
        if type(text) is cls:
            return text
        if type(text) is str and len(text) <= _SHORT and PLAIN_KEY.fullmatch(text):
            return str.__new__(cls, text)
        text = _canonical(text, "key")
        if _BAD_SEGMENT.search(text):
            raise InvalidKeyError(
                "a key has no empty, '.' or '..' segment and no slash at either end; drop it", key=text[:_QUOTED]
            )
        if len(text) > _SHORT:
            _check_length(text, "key")
        return str.__new__(cls, text)

    @property
    def name(self) -> str:
        """The last segment."""
        return self.rpartition("/")[2]

    @property
    def parent(self) -> Prefix:
        """The prefix up to and with the last slash; empty for a key of one segment."""
        head, slash, _ = self.rpartition("/")
        return str.__new__(Prefix, head + slash)


class Prefix(str):
    """The beginning of keys: empty, or text that could be continued to a key.

    It matches as text, so ``plan`` selects ``plan.pdf`` and ``plans/a``; end it with a slash for a folder.
    """

    __slots__ = ()

    def __new__(cls, text: str = "") -> Self:
        """Validate *text*.

        Raises:
            InvalidKeyError: no key can begin with the text.
        """
        if type(text) is cls:
            return text
        text = _canonical(text, "prefix")
        # "a/" is continued to "a/x"; "a/." may become "a/.hidden": only closed segments are checked.
        closed = text.rpartition("/")
        if closed[1] and _BAD_SEGMENT.search(closed[0]):
            raise InvalidKeyError("a prefix has no empty, '.' or '..' segment and no leading slash", key=text[:_QUOTED])
        if len(text) > _SHORT:
            _check_length(text, "prefix")
        return str.__new__(cls, text)

    @classmethod
    def folder(cls, text: str) -> Self:
        """Validate *text* and end it with a slash unless it is empty.

        Raises:
            InvalidKeyError: the text is no folder.
        """
        return cls(f"{ObjectKey(text.removesuffix('/'))}/") if text else cls()

    def key(self, text: str) -> ObjectKey:
        """Return the key *text* below this folder; the prefix is empty or ends with a slash.

        Raises:
            InvalidKeyError: *text* by itself is no key, or the whole is too long.
        """
        if type(text) is str and len(self) + len(text) <= _SHORT and PLAIN_KEY.fullmatch(text):
            return str.__new__(ObjectKey, self + text)
        key = ObjectKey(text)
        return ObjectKey(self + key) if self else key


def check_identifier(value: str, what: str) -> str:
    """Return *value* when it is an id: 1 to 128 of ``A-Z a-z 0-9 . _ -``, and neither ``.`` nor ``..``.

    Raises:
        InvalidKeyError: it is not; *what* names it in the message.
    """
    if not isinstance(value, str) or not _IDENTIFIER.fullmatch(value) or value in (".", ".."):
        raise InvalidKeyError(
            f"the {what} id {str(value)[:140]!r} is not 1 to 128 characters of A-Z a-z 0-9 . _ - (and not '.' or '..')"
        )
    return _plain(value)


def check_filename(value: str) -> str:
    """Return the NFC form of *value* when it is a file name: Unicode and spaces allowed, 1 to 255 UTF-8 bytes.

    Raises:
        InvalidKeyError: it is empty, ``.``, ``..``, too long, or holds a control character, a path separator, a line
            separator or a character that overrides the direction of text.
    """
    value = _canonical(value, "file name")
    if value in ("", ".", "..") or "/" in value:
        raise InvalidKeyError(f"{value[:300]!r} is not a file name; give the last part of the path only")
    for pattern, reason in ((_BIDI_OVERRIDE, "overrides the direction of text"), (_LINE_BREAK, "breaks the line")):
        found = pattern.search(value)
        if found:
            raise InvalidKeyError(f"a file name holds no character that {reason}; this one has U+{ord(found[0]):04X}")
    if (size := len(value.encode())) > MAX_FILENAME_BYTES:
        raise InvalidKeyError(f"a file name has at most {MAX_FILENAME_BYTES} bytes of UTF-8, this one has {size}")
    return value


@value(kw_only=False)
class DocumentKey:
    """The place of one file of one revision: ``{organisation}/{project}/{document}/{revision}/{filename}``.

    Example:
        >>> key = DocumentKey("org-1", "bridge", "DRG-0042", "P01", "Plan Müller.pdf")
        >>> str(key.build())
        'org-1/bridge/DRG-0042/P01/Plan Müller.pdf'
        >>> DocumentKey.parse("org-1/bridge/DRG-0042/P01/Plan Müller.pdf") == key
        True
    """

    organisation: str
    """1 to 128 of ``A-Z a-z 0-9 . _ -``, like the next three."""
    project: str
    document: str
    revision: str
    filename: str
    """The original file name, NFC, at most 255 UTF-8 bytes."""

    def __post_init__(self) -> None:
        """Validate every part.

        Raises:
            InvalidKeyError: an id or the file name is not legal.
        """
        for name in ("organisation", "project", "document", "revision"):
            object.__setattr__(self, name, check_identifier(getattr(self, name), name))
        object.__setattr__(self, "filename", check_filename(self.filename))

    def build(self) -> ObjectKey:
        """Return the key, without a leading slash. At most 4 x 129 + 255 bytes, so it always fits."""
        return ObjectKey("/".join((self.organisation, self.project, self.document, self.revision, self.filename)))

    @classmethod
    def parse(cls, key: str) -> Self:
        """Return the parts of *key*; the inverse of ``build``.

        Raises:
            InvalidKeyError: the key has not five segments, or one of them is not legal.
        """
        parts = ObjectKey(key).split("/")
        if len(parts) != 5:
            raise InvalidKeyError(
                f"a document key is organisation/project/document/revision/filename, this one has {len(parts)} parts",
                key=key,
            )
        return cls(*parts)

    @property
    def document_prefix(self) -> Prefix:
        """The folder that holds every revision of the document."""
        return Prefix(f"{self.organisation}/{self.project}/{self.document}/")

    @property
    def revision_prefix(self) -> Prefix:
        """The folder that holds the file of this revision."""
        return Prefix(f"{self.document_prefix}{self.revision}/")


def is_revision(key: str) -> bool:
    """Say whether *key* names the file of a revision, which is written once, on every way in."""
    if key.count("/") != 4:
        return False
    try:
        DocumentKey.parse(key)
    except InvalidKeyError:
        return False
    return True
