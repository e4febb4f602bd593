"""SSE-C: the service encrypts with a key that comes with each request, and keeps none.

Requests for the bytes of an object, or what it is made of, carry the key; listings and removals do not. Copies carry it
twice, for what is read and what is written. docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomer
Keys.html and developers.cloudflare.com/r2/examples/ssec (read 2026-11).
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from ...transport import Auth
from ..objectstore.keyed_auth import KeyedAuth

_NAME: Final = "server-side-encryption-customer"

ECHO: Final = f"x-amz-{_NAME}-key-md5"
"""The header by which the service says that it used the key."""


def keyed(auth: Auth, key: bytes, *, copies: bool) -> Auth:
    """Return *auth* with *key*; for *copies*, also as that of the object that is read."""
    fields = {
        "algorithm": "AES256",
        "key": base64.b64encode(key).decode(),
        "key-MD5": base64.b64encode(hashlib.md5(key, usedforsecurity=False).digest()).decode(),
    }
    prefixes = ("x-amz-", "x-amz-copy-source-") if copies else ("x-amz-",)
    return KeyedAuth(
        auth, tuple((f"{prefix}{_NAME}-{name}", value) for prefix in prefixes for name, value in fields.items())
    )
