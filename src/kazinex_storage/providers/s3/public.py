"""Where anyone could read the objects of a bucket, if it were public, and how to close it."""

from __future__ import annotations

from urllib import parse

from ...keys import ObjectKey
from ...public_access import PublicAccess
from .objects import Objects

_MAKE_PRIVATE = {
    "s3": "turn on Block Public Access for the bucket, or remove the bucket policy or ACL that lets everyone read",
    "supabase": "Supabase dashboard, Storage, the bucket, Edit bucket: turn off Public bucket",
}
"""How to close a bucket to the public, by kind. R2's own endpoint always asks for credentials; a bucket there is public
under another host (r2.dev, a custom domain), which a key for objects cannot find out."""


def public_access(objects: Objects, key: ObjectKey) -> PublicAccess | None:
    """Return where anyone could read the object, if the bucket were public; None on R2."""
    target = objects.requests.target
    fix = _MAKE_PRIVATE.get(target.kind)
    if fix is None:
        return None
    if target.kind == "supabase":
        # supabase.com/docs/guides/storage/serving/downloads (read 2026-08).
        rest = target.endpoint_url.removesuffix("/s3")
        return PublicAccess(
            url=f"{rest}/object/public/{target.bucket}/{parse.quote(objects.requests.codec.name_of(key), safe='/~')}",
            fix=fix,
        )
    return PublicAccess(url=objects.requests.url(key), fix=fix)
