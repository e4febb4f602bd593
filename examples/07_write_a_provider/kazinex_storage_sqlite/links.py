"""Signed URLs of the scheme ``sqlite-signed:``: what they say, and whether to believe them. No I/O."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass
from typing import Self

SCHEME = "sqlite-signed:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One request that somebody without credentials may make."""

    key: str
    method: str
    expires: int
    """Seconds since 1970."""
    content_type: str | None
    size: int | None
    """The number of bytes that a PUT must have."""
    sha256: str | None
    """The sha256 that they must have, in hexadecimal."""
    create: bool
    """Whether the key must be absent."""

    def sign(self, secret: bytes) -> str:
        """Return the URL."""
        text = json.dumps(asdict(self), sort_keys=True).encode()
        return f"{SCHEME}{urlsafe_b64encode(text).decode()}.{hmac.new(secret, text, hashlib.sha256).hexdigest()}"

    @classmethod
    def read(cls, url: str, secret: bytes) -> Self | None:
        """Return what *url* allows, or None when nobody signed it."""
        text, _, signature = url.removeprefix(SCHEME).partition(".")
        try:
            data = urlsafe_b64decode(text)
        except ValueError:
            return None
        if not hmac.compare_digest(hmac.new(secret, data, hashlib.sha256).hexdigest(), signature):
            return None
        return cls(**json.loads(data))
