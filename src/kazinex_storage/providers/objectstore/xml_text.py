"""XML that a service answers, read by a parser that knows no entities.

Answers are UTF-8 without a document type; what has one is refused before it reaches the parser, so that nothing is
ever expanded or fetched. What has more tags than any answer, or is nested deeper, is refused as well. Pure.
"""

from __future__ import annotations

import re
from typing import Final
from xml.etree.ElementTree import Element, ParseError, XMLParser

from ...errors import UnavailableError

# What all services begin with. A name in a namespace takes twice the time to make and has to be cut afterwards, which
# costs a listing of 1,000 keys 0.6 ms.
_ROOT: Final = re.compile(r"""\s*(?:<\?xml[^<>]*\?>\s*)?<[A-Za-z][A-Za-z0-9]*(\s+xmlns=(?:"[^"<>]*"|'[^'<>]*'))""")

# 5,000 blobs, the most in one page, have 25 elements each and some metadata. An element takes 100 bytes or more.
_MAX_TAGS: Final = 600_000
_FEW_TAGS: Final = 25_000
"""With fewer, which 1,000 keys of S3 have, depth costs nothing and is not looked at: that takes a tenth of parsing."""
_MAX_DEPTH: Final = 12
"""The deepest answers, listings of Azure with metadata, have 5 levels."""


def parse_xml(body: bytes, service: str) -> Element:
    """Return the root of an answer of *service*; elements are known by their local names, whatever the namespace.

    Raises:
        UnavailableError: it is no XML, has a document type, or is larger or deeper than any answer: somebody else than
            the service answered.
    """
    tags = body.count(b"<")
    if tags > _MAX_TAGS:
        raise _unreasonable(service)
    try:
        text = body.decode("utf-8-sig")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise UnavailableError(
                f"the answer holds a document type, which {service} never sends; look at proxies on the way"
            )
        declared = _ROOT.match(text)
        if declared is not None:
            text = text[: declared.start(1)] + text[declared.end(1) :]
        parser = XMLParser()  # noqa: S314  # without a document type there is nothing to expand
        parser.feed(text)
        root: Element = parser.close()
    except (UnicodeDecodeError, ParseError) as error:
        raise UnavailableError(
            f"the answer is not the XML of {service}; look at the endpoint and at proxies"
        ) from error
    if tags > _FEW_TAGS and _is_deep(root):
        raise _unreasonable(service)
    if "xmlns" in text:  # declared again below, or with a prefix, as Google Cloud Storage and some gateways do
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
    return root


def _is_deep(root: Element) -> bool:
    level = [root]
    for _ in range(_MAX_DEPTH):
        level = [child for element in level for child in element if len(child)]
    return bool(level)


def _unreasonable(service: str) -> UnavailableError:
    return UnavailableError(
        f"the answer has more elements than {service} ever sends, or nests them deeper; look at endpoint and proxies"
    )


def is_true(text: str | None) -> bool:
    """Say whether *text* means true: services write ``true``, ``True`` and ``1`` (XML Schema, 3.2.2)."""
    return (text or "").strip().lower() in ("true", "1")


def text_of(element: Element, name: str) -> str | None:
    """Return the text of the child *name*; None when there is no such child."""
    child = element.find(name)
    return None if child is None else child.text or ""
