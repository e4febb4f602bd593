"""Keys of the customer (CPK): the service encrypts a blob with a key that comes with each request, and keeps none.

learn.microsoft.com/azure/storage/blobs/encryption-customer-provided-keys (read 2026-11): they go with the requests that
write blobs and blocks, read, or look; not with copies, so there are none on the server.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from ...transport import Auth
from ..objectstore.keyed_auth import KeyedAuth

ECHO: Final = "x-ms-encryption-key-sha256"
"""The header by which the service says that it used the key."""


def keyed(auth: Auth, key: bytes) -> Auth:
    """Return *auth* with *key*."""
    digest = base64.b64encode(hashlib.sha256(key).digest()).decode()
    return KeyedAuth(
        auth,
        (
            ("x-ms-encryption-key", base64.b64encode(key).decode()),
            ("x-ms-encryption-key-sha256", digest),
            ("x-ms-encryption-algorithm", "AES256"),
        ),
    )
