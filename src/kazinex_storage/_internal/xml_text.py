"""XML that a service answers, read by a parser that knows no entities.

Answers are UTF-8 without a document type; what has one is refused before it reaches the parser, so that nothing is
ever expanded or fetched. Pure.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, ParseError, XMLParser

from ..errors import UnavailableError


def parse_xml(body: bytes, service: str) -> Element:
    """Return the root of an answer of *service*, names without their namespace.

    Raises:
        UnavailableError: it is no XML, or has a document type: somebody else than the service answered.
    """
    try:
        text = body.decode("utf-8-sig")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise UnavailableError(
                f"the answer holds a document type, which {service} never sends; look at proxies on the way"
            )
        # Dropping the default namespace keeps every name short and every search quick.
        parser = XMLParser()  # noqa: S314  # without a document type there is nothing to expand
        parser.feed(text.replace(' xmlns="', ' n="', 1))
        root: Element = parser.close()
    except (UnicodeDecodeError, ParseError) as error:
        raise UnavailableError(
            f"the answer is not the XML of {service}; look at the endpoint and at proxies"
        ) from error
    return root


def text_of(element: Element, name: str) -> str | None:
    """Return the text of the child *name*; None when there is no such child."""
    child = element.find(name)
    return None if child is None else child.text or ""
