"""The XML of responses, read by a parser that expands no entities.

Responses are UTF-8 without a document type; one that has it is refused before it reaches the parser, so that nothing is
ever expanded or fetched. More tags or deeper nesting than any genuine response has is refused as well. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...errors import UnavailableError
from ...lazy import module, regex

if TYPE_CHECKING:
    from xml.etree import ElementTree
else:
    ElementTree = module(__name__, "xml.etree.ElementTree")

# How all services begin. A name in a namespace takes twice the time to make and has to be stripped afterwards, which
# costs a listing of 1,000 keys 0.6 ms.
_ROOT: Final = regex(r"""\s*(?:<\?xml[^<>]*\?>\s*)?<[A-Za-z][A-Za-z0-9]*(\s+xmlns=(?:"[^"<>]*"|'[^'<>]*'))""")

# A page has 5,000 blobs at most, each with 25 elements and some metadata. An element takes 100 bytes or more.
_MAX_TAGS: Final = 600_000
_FEW_TAGS: Final = 25_000
"""Below this, as with 1,000 keys of S3, depth does no harm and is not checked: that takes a tenth of parsing."""
_MAX_DEPTH: Final = 12
"""The deepest responses, listings of Azure with metadata, have 5 levels."""


def parse_xml(body: bytes, service: str) -> ElementTree.Element:
    """Return the root of a response of *service*; elements have their local names, whatever the namespace.

    Raises:
        UnavailableError: it is not XML, has a document type, or is larger or deeper than any genuine response:
            something other than the service answered.
    """
    tags = body.count(b"<")
    if tags > _MAX_TAGS:
        raise _unreasonable(service)
    try:
        text = body.decode("utf-8-sig")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise UnavailableError(
                f"the response has a document type, which {service} never sends; look for a proxy in between"
            )
        declared = _ROOT.match(text)
        if declared is not None:
            text = text[: declared.start(1)] + text[declared.end(1) :]
        parser = ElementTree.XMLParser()  # without a document type there is nothing to expand
        parser.feed(text)
        root: ElementTree.Element = parser.close()
    except (UnicodeDecodeError, ElementTree.ParseError) as error:
        raise UnavailableError(
            f"the response is not the XML of {service}; check the endpoint and any proxies"
        ) from error
    if tags > _FEW_TAGS and _is_deep(root):
        raise _unreasonable(service)
    if "xmlns" in text:  # declared again below, or with a prefix, as Google Cloud Storage and some gateways do
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
    return root


def _is_deep(root: ElementTree.Element) -> bool:
    level = [root]
    for _ in range(_MAX_DEPTH):
        level = [child for element in level for child in element if len(child)]
    return bool(level)


def _unreasonable(service: str) -> UnavailableError:
    return UnavailableError(
        f"the response has more elements than {service} ever sends, or deeper ones; check the endpoint and any proxies"
    )


def is_true(text: str | None) -> bool:
    """Say whether *text* means true, which services write as ``true``, ``True`` or ``1`` (XML Schema, 3.2.2)."""
    return (text or "").strip().lower() in ("true", "1")


def text_of(element: ElementTree.Element, name: str) -> str | None:
    """Return the text of the child *name*; None when there is no such child."""
    child = element.find(name)
    return None if child is None else child.text or ""
