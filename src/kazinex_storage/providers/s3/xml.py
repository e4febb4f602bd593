"""The XML of S3: written by hand, read by the parser that all providers share. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from ...lazy import regex
from ...types import PartInfo
from ..objectstore.xml_text import is_true as is_true
from ..objectstore.xml_text import parse_xml as parse_xml_of
from ..objectstore.xml_text import text_of as text_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>'
NAMESPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"

# Not in Char of XML 1.0 (w3.org/TR/xml, 2.2), which escaping does not help; and characters that a parser may change.
_UNFIT: Final = regex("[\x00-\x1f\x7f-\x9f\ufffe\uffff]")


def parse_xml(body: bytes) -> Element:
    """Return the root of a response, names without their namespace.

    Raises:
        UnavailableError: it is not XML, or has a document type: something other than the service answered.
    """
    return parse_xml_of(body, "an S3 service")


def is_fit(name: str) -> bool:
    r"""Say whether XML can carry *name* unchanged.

    Example:
        >>> is_fit("Plan <A> & B.pdf"), is_fit("plan\uffff.pdf")
        (True, False)
    """
    return _UNFIT.search(name) is None


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


def tagging_body(tags: Mapping[str, str]) -> bytes:
    """Return the body of PutObjectTagging."""
    pairs = "".join(f"<Tag><Key>{_text(name)}</Key><Value>{_text(text)}</Value></Tag>" for name, text in tags.items())
    return f'{DECLARATION}<Tagging xmlns="{NAMESPACE}"><TagSet>{pairs}</TagSet></Tagging>'.encode()


def _text(value: str) -> str:
    # As xml.sax.saxutils.escape does, which brings urllib.request, http.client and email: 10 ms of a start.
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
