"""The XML of S3: written by hand, read by a parser that knows no entities.

Answers are UTF-8 without a document type; what has one is refused before it reaches the parser, so that nothing is
ever expanded or fetched. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from xml.etree.ElementTree import Element, ParseError, XMLParser
from xml.sax.saxutils import escape

from ...errors import UnavailableError
from ...types import PartInfo

DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>'
NAMESPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"


def parse_xml(body: bytes) -> Element:
    """Return the root of an answer, names without their namespace.

    Raises:
        UnavailableError: it is no XML, or has a document type: somebody else than the service answered.
    """
    try:
        text = body.decode("utf-8-sig")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise UnavailableError("the answer holds a document type, which S3 never sends; look at proxies on the way")
        # Dropping the default namespace keeps every name short and every search quick.
        parser = XMLParser()  # noqa: S314  # without a document type there is nothing to expand
        parser.feed(text.replace(' xmlns="', ' n="', 1))
        root: Element = parser.close()
    except (UnicodeDecodeError, ParseError) as error:
        raise UnavailableError(
            "the answer is not the XML of an S3 service; look at the endpoint and at proxies"
        ) from error
    return root


def text_of(element: Element, name: str) -> str | None:
    """Return the text of the child *name*; None when there is no such child."""
    child = element.find(name)
    return None if child is None else child.text or ""


def delete_body(keys: Iterable[str]) -> bytes:
    """Return the body of DeleteObjects; only failures are reported."""
    objects = "".join(f"<Object><Key>{_text(key)}</Key></Object>" for key in keys)
    return f'{DECLARATION}<Delete xmlns="{NAMESPACE}">{objects}<Quiet>true</Quiet></Delete>'.encode()


def complete_body(parts: Iterable[PartInfo]) -> bytes:
    """Return the body of CompleteMultipartUpload."""
    lines = "".join(
        f"<Part><PartNumber>{part.number}</PartNumber><ETag>{_text(part.etag)}</ETag>"
        f"{f'<ChecksumCRC32>{part.crc32}</ChecksumCRC32>' if part.crc32 else ''}</Part>"
        for part in parts
    )
    body = f'<CompleteMultipartUpload xmlns="{NAMESPACE}">{lines}</CompleteMultipartUpload>'
    return f"{DECLARATION}{body}".encode()


def _text(value: str) -> str:
    return escape(value, {'"': "&quot;"})
