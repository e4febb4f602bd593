"""Lasting URLs of objects under a public host, such as that of a CDN in front of a bucket."""

from __future__ import annotations

from urllib.parse import quote


def public_url_of(base: str, name: str) -> str:
    """Return the URL of the object *name* of the service below *base*."""
    return f"{base.rstrip('/')}/{quote(name, safe='/~')}"
