"""S3Provider: the contract for R2, S3 and what speaks like S3; each method runs one of ``exchanges.py``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ...errors import StorageError
from ...keys import MAX_KEY_BYTES
from ...network_provider import NetworkPartUploader
from ...transport import Transport
from ...types import Capability, Diagnosis, ProviderInfo
from .exchanges import S3Exchanges
from .target import Target

if TYPE_CHECKING:
    from .settings import R2Settings, S3Settings, SupabaseSettings

_NEEDS_SERVICE_KEY = (
    "the S3 endpoint of the service always replaces; give the service key of the project, so that create-only writes "
    "can go through its REST interface"
)

# Measured against a server that answers at once: 64 in flight reach what 128 do; a real service is 20 ms away.
CONCURRENCY = 64
"""Requests at once that pay off in bulk work."""


class S3Provider(NetworkPartUploader[S3Exchanges]):
    """One bucket of an S3 service. Thread-safe and fork-safe; ``exchanges.py`` says what operations cost."""

    def __init__(self, target: Target, *, transport: Transport | None = None) -> None:
        """Use *target*; nothing is asked before the first call."""
        super().__init__(S3Exchanges(target), _info(target), transport)

    def diagnose(self, error: StorageError, check: str) -> Diagnosis | None:
        """Explain what *check* met; none to five requests, see ``Diagnostics``."""
        from .diagnose import Diagnostics  # only verify pays for the words

        return self._transport.run(Diagnostics(self.exchanges.objects).diagnose(error, check))

    def checks(self) -> Mapping[str, Callable[[], Diagnosis | None]]:
        """Return what ``verify`` has to look at besides: CORS where browsers upload, residency where it is demanded."""
        from .checks import cors, residency  # as above

        found: dict[str, Callable[[], Diagnosis | None]] = {}
        objects, run = self.exchanges.objects, self._transport.run
        if objects.protocol.target.browser_origin is not None:
            found["cors"] = lambda: run(cors(objects))
        if objects.protocol.target.jurisdiction is not None:
            found["residency"] = lambda: run(residency(objects))
        return found


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
        capabilities=frozenset(capabilities),
        max_object_bytes=target.max_object_bytes,
        max_key_bytes=MAX_KEY_BYTES - len(target.prefix.encode()),
        part_rule=preset.part_rule,
        concurrency=CONCURRENCY,
        missing=missing,
        remote=True,
    )
