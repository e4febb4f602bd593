"""How much one request may bring, how often costly ones may be sent, and how much memory downloads may take."""

from __future__ import annotations

from ..types import MIB
from ..values import value


@value
class Limits:
    """The limits of one router; each process counts for itself."""

    json_bytes: int = 256 * 1024
    """Bytes of a JSON or form body: the longest ones hold a certificate and its key."""
    upload_bytes: int | None = None
    """Bytes of a file, whatever the provider would take; None leaves it to the organisation's own limit."""
    verifications: int = 10
    """Verifications that one caller may begin in a minute, for each organisation."""
    connects: int = 10
    """Connections to SharePoint that one caller may begin in a minute, for each organisation."""
    download_memory: int = 96 * MIB
    """Bytes that all downloads together hold; many at once get smaller pieces. See ``download.py``."""
