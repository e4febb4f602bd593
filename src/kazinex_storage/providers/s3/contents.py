"""The objects in a page of ListObjectsV2, read by one regular expression where the page is an ordinary one.

The parser of XML makes an element for each of the five facts of an object, 3 us of the 7.5 that a listed key took. Each
service writes all its objects in one form, so the first one says how the others read. A page is ordinary when every
tag in it belongs to an object of that form; of all others nothing is read here, and ``answers.py`` parses them whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import unquote_plus

_BEGIN: Final = b"<Contents>"
_END: Final = b"</Contents>"
_OPENING: Final = re.compile(b"<[A-Za-z]")
_TAG: Final = re.compile(r"<(/?)([A-Za-z]{1,40})>")
# Amazon says 5 to 12 of an object, with the owner and the checksum.
_MOST_TAGS: Final = 40
# Whether an object has these depends on how it was put, so a page may hold both kinds; the form goes without them.
_OPTIONAL: Final = ("ChecksumAlgorithm", "ChecksumType")
_LEFT_OUT: Final = f"(?:{'|'.join(f'<{name}>[^<>&]*</{name}>' for name in _OPTIONAL)})*"
_FACTS: Final = {
    "Key": "([ -%'-;=?-~]*)",  # printable ASCII but for the three that XML escapes
    "Size": "([0-9]{1,18})",
    "ETag": '(?:&quot;|&#34;|")?([^<>&"]+)(?:&quot;|&#34;|")?',
    "LastModified": "([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,20}Z)",
}


_STRIDE: Final = len(_FACTS) + 1


class _Form(NamedTuple):
    pattern: re.Pattern[str]
    """Of one object; its groups are the facts."""
    tags: int
    """In one object, but for those that are left out."""
    order: tuple[int, int, int, int]
    """The groups of name, size, ETag and last modified."""


class Contents(NamedTuple):
    """What a page says of objects, and what is left of it."""

    names: list[str]
    """As the page has them."""
    sizes: Sequence[int]
    """Bytes."""
    etags: Sequence[str]
    moments: Sequence[datetime]
    """When each was last modified."""
    rest: bytes
    """The page without its objects."""


def read_contents(body: bytes) -> Contents | None:
    """Return the objects of the page *body*; None when it has none, or is to be parsed as a whole."""
    begin, end = body.find(_BEGIN), body.rfind(_END) + len(_END)
    if begin < 0 or end < begin or b"<!" in body or not _is_directly_below_the_root(body[:begin]):
        return None
    try:
        text = body[begin:end].decode("ascii")  # names are percent-encoded
        form = _form_of(tuple(_TAG.findall(text[: text.index("</Contents>") + len(_END)])[:_MOST_TAGS]))
        if form is None:
            return None
        found = form.pattern.split(text)  # what is between two objects, and the facts of one, in turns
        # Were there a comment, a CDATA section, an entity, another form or anything between, tags would be left over.
        optional = sum(text.count(f"</{name}>") for name in _OPTIONAL)
        if len(found) // _STRIDE * form.tags + 2 * optional != text.count("<"):
            return None
        # By columns: no line of Python runs for each object, nor does one leave a tuple to the collector of garbage.
        names, lengths, etags, moments = (found[place + 1 :: _STRIDE] for place in form.order)
        dates = list(map(datetime.fromisoformat, moments))
        sizes = list(map(int, lengths))
    except ValueError:  # not ASCII, or no moment
        return None
    return Contents(names, sizes, etags, dates, body[:begin] + body[end:])


def _is_directly_below_the_root(head: bytes) -> bool:
    return len(_OPENING.findall(head)) - head.count(b"</") - head.count(b"/>") == 1


def unquoted(names: list[str]) -> list[str]:
    """Return percent-encoded *names* decoded, all in one go: one by one a name with a blank takes 3 us."""
    text = "\n".join(names)
    if "%" not in text and "+" not in text:
        return names
    decoded = unquote_plus(text).split("\n")
    return decoded if len(decoded) == len(names) else [unquote_plus(name) for name in names]


@lru_cache(maxsize=32)
def _form_of(tags: tuple[tuple[str, str], ...]) -> _Form | None:
    """Return the form of an object with these *tags*, each ``("", name)`` or ``("/", name)``, if it is one."""
    wanted = [tag for tag in tags if tag[1] not in _OPTIONAL]
    parts, facts, opened = list[str](), list[str](), list[str]()
    for number, (slash, name) in enumerate(wanted):
        if slash:
            if not opened or opened.pop() != name:
                return None
            leaf = wanted[number - 1] == ("", name)
            if leaf and name in _FACTS and len(opened) == 1:
                facts.append(name)
                parts.append(_FACTS[name])
            elif leaf:
                parts.append("[^<>&]*")
            parts.append(f"</{name}>{_LEFT_OUT if name in _FACTS else ''}")
        else:
            opened.append(name)
            parts.append(f"<{name}>")
    if opened or sorted(facts) != sorted(_FACTS):
        return None
    key, size, etag, moment = (facts.index(name) for name in ("Key", "Size", "ETag", "LastModified"))
    return _Form(re.compile("".join(parts)), len(wanted), (key, size, etag, moment))
