"""S3Provider: the contract for R2, S3 and what speaks like S3; each method runs one of ``exchanges.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from ...keys import MAX_KEY_BYTES, ObjectKey
from ...network_provider import NetworkPartUploader
from ...public_access import PublicAccess
from ...transport import Transport
from ...types import Capability, ProviderInfo
from .exchanges import S3Exchanges
from .target import Credentials, Target

if TYPE_CHECKING:
    from .settings import R2Settings, S3Settings, SupabaseSettings

_NEEDS_SERVICE_KEY = (
    "the S3 endpoint of the service always replaces; give the service key of the project, so that create-only writes "
    "can go through its REST interface"
)

_MAKE_PRIVATE = {
    "s3": "turn on Block Public Access for the bucket, or remove the bucket policy or ACL that lets everybody read",
    "supabase": "Supabase dashboard, Storage, the bucket, Edit bucket: turn off Public bucket",
}
"""How a bucket is closed to the public, by kind. R2's own endpoint asks everybody for credentials; a bucket is public
there under another host (r2.dev, a custom domain), which no key of objects can ask for."""

# Measured against a server that answers at once: 64 in flight reach what 128 do; a real service is 20 ms away.
CONCURRENCY = 64
"""Requests at once that pay off in bulk work."""


class S3Provider(NetworkPartUploader[S3Exchanges]):
    """One bucket of an S3 service. Thread-safe and fork-safe; ``exchanges.py`` says what operations cost."""

    def __init__(self, target: Target, *, transport: Transport | None = None) -> None:
        """Use *target*; nothing is asked before the first call."""
        super().__init__(S3Exchanges(target), _info(target), transport)

    def state_secret(self) -> bytes | None:
        """Return the key pair, unless it is a temporary one."""
        given = self.exchanges.target.credentials
        found = given if isinstance(given, Credentials) else given()
        if found.session_token is not None or found.expires_at is not None:
            return None
        return f"{found.access_key_id}\n{found.secret_access_key}".encode()

    def sweep(self, scope: str, *, dry_run: bool) -> int:
        """Abort the uploads below *scope* that this process remembers to have left; return how many there are."""
        orphans = self.exchanges.multipart.orphans
        if dry_run:
            return orphans.count
        return self._transport.run(orphans.sweep(self.exchanges.codec.name_prefix(scope), most=orphans.count))

    def public_access(self, key: ObjectKey) -> PublicAccess | None:
        """Return where anybody could read the object, if the bucket were public; None on R2."""
        target = self.exchanges.target
        fix = _MAKE_PRIVATE.get(target.kind)
        if fix is None:
            return None
        name = self.exchanges.codec.name_of(key)
        if target.kind == "supabase":
            # supabase.com/docs/guides/storage/serving/downloads (read 2026-08).
            rest = target.endpoint_url.removesuffix("/s3")
            return PublicAccess(url=f"{rest}/object/public/{target.bucket}/{quote(name, safe='/~')}", fix=fix)
        return PublicAccess(url=self.exchanges.objects.protocol.url(name), fix=fix)


def open_r2(settings: R2Settings) -> S3Provider:
    """Make the provider for a bucket of Cloudflare R2."""
    return S3Provider(settings.target())


def open_s3(settings: S3Settings) -> S3Provider:
    """Make the provider for a bucket of Amazon S3, or of a service that speaks like it."""
    return S3Provider(settings.target())


def open_supabase(settings: SupabaseSettings) -> S3Provider:
    """Make the provider for a bucket of Supabase Storage."""
    return S3Provider(settings.target())


def _info(target: Target) -> ProviderInfo:
    preset = target.preset
    capabilities = {
        Capability.METADATA,
        Capability.SERVER_COPY,
        Capability.BULK_DELETE,
        Capability.PARTS,
        Capability.PRESIGN,
    }
    missing: dict[Capability, str] = {}
    if preset.conditional_puts:
        capabilities |= {Capability.CREATE_ONLY, Capability.CONDITIONAL}
    elif target.rest is not None:
        capabilities.add(Capability.CREATE_ONLY)
    else:
        missing[Capability.CREATE_ONLY] = _NEEDS_SERVICE_KEY
    return ProviderInfo(
        kind=target.kind,
        location=target.location,
        place=target.place,
        capabilities=frozenset(capabilities),
        max_object_bytes=target.max_object_bytes,
        max_key_bytes=MAX_KEY_BYTES - len(target.prefix.encode()),
        part_rule=preset.part_rule,
        concurrency=CONCURRENCY,
        missing=missing,
        remote=True,
        write_interval_s=preset.write_interval_s,
    )
