"""The one place that puts catalogue, sealing keys and registry together from the environment.

The CLI, the file systems and the demo begin here; ``providers/settings/environment.py`` says which variables there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from ..documents.events import EventHook, both
from ..errors import SettingsError, StorageError
from ..providers.settings.environment import (
    catalogue_location,
    data_directory,
    key_services,
    make_data_directory,
    sealing_keys,
    time_stamp_url,
)
from ..registry import Registry
from .admission import OPERATOR_CHOICES, Admit
from .audit.log import AuditLog
from .data_keys import KeyService, NoKeys
from .declared import declared
from .key_sources.named import open_key_source
from .keyfile import KeyFile
from .managed import ManagedProvider
from .proposals import files_of_ours
from .sealing import KeyRing, RingSource, Sealer
from .service import Organisations
from .sql import SqlCatalogue

KEY_FILE = "sealing.key"
"""The name of the key file in the data folder."""


def open_organisations(
    environ: Mapping[str, str] | None = None,
    *,
    registry: Registry | None = None,
    admit: Admit = OPERATOR_CHOICES,
    managed: ManagedProvider | Iterable[ManagedProvider] | None = None,
    on_event: EventHook | None = None,
    audit: bool = True,
    key_service: KeyService | None = None,
) -> Organisations:
    """Open the catalogue that the environment names; on a fresh machine, make it. Close what it returns.

    By default that is a SQLite file and a key file in the user's data folder. *admit* decides on what is chosen for
    providers: a host that lets its tenants choose passes ``TENANT_CHOICES``. What the platform offers is *managed*, by
    default what the file of ``KAZINEX_STORAGE_MANAGED`` declares.

    Args:
        on_event: Called with each event, after it was written into the audit.
        audit: Keep every event in the catalogue, whichever way it came in; ``AuditLog`` says which and what that costs.
        key_service: What wraps the data keys of organisations; by default what ``KAZINEX_STORAGE_KEY_SOURCE`` names,
            and without that one ring seals for all. Closing what is returned closes it.

    Raises:
        SettingsError: a variable is wrong, a place cannot be used, or an extra is not installed.
        StorageError: the database does not answer.
    """
    place = catalogue_location(environ)
    services = key_services(environ) if key_service is None else ("given",)
    if (sealing_keys(environ) is None and not services) or "://" not in place:
        make_data_directory(environ)  # with a database and keys of its own a process needs no folder
    ring = _ring_of_before(environ) if services else key_source(environ)
    if key_service is None and services:
        key_service = _key_service(services, environ)
    catalogue = SqlCatalogue(place, Sealer(ring), key_service)
    try:
        offered = declared(environ) if managed is None else managed
        organisations = Organisations(
            catalogue,
            registry,
            admit=admit,
            guarded=files_of_ours(environ),
            managed=offered,
            on_event=both(AuditLog(catalogue), on_event) if audit else on_event,
        )
        organisations.evidence.time_stamp_url = time_stamp_url(environ)
        return organisations
    except BaseException:
        catalogue.close()
        raise


def key_source(environ: Mapping[str, str] | None = None) -> RingSource:
    """Return the keys of ``KAZINEX_STORAGE_KEY``, else the key file of the data folder, which is made on first use.

    Raises:
        SettingsError: the variable holds no keys, or there is no data folder.
    """
    text = sealing_keys(environ)
    return KeyRing.parse(text) if text is not None else KeyFile(make_data_directory(environ) / KEY_FILE)


def _key_service(services: tuple[str, ...], environ: Mapping[str, str] | None) -> KeyService:
    ring = key_source(environ) if "ring:" in services else None
    source, *earlier = (open_key_source(text, ring) for text in services)
    return KeyService(source=source, earlier=tuple(earlier))


def _ring_of_before(environ: Mapping[str, str] | None) -> RingSource:
    """Return the ring that sealed before there was a key service; none is made."""
    text = sealing_keys(environ)
    if text is not None:
        return KeyRing.parse(text)
    with suppress(StorageError):  # without a home folder there is no key file
        return KeyFile(data_directory(environ) / KEY_FILE)
    return NoKeys()


def rotate_sealing_key(environ: Mapping[str, str] | None = None, *, registry: Registry | None = None) -> int:
    """Seal every secret under a new key and return how many providers changed. Old keys stay, for old backups.

    With a key file the new key is made here; with ``KAZINEX_STORAGE_KEY`` it is the first one of the variable.

    Raises:
        SealError: a secret cannot be opened; no record was changed.
        SettingsError: the keys cannot be changed, or as in ``open_organisations``.
    """
    if key_services(environ):
        raise SettingsError(
            "a key service wraps the keys of this catalogue; rotate its key there, then run `kazinex-storage keys "
            "rewrap` and `kazinex-storage keys renew`"
        )
    keys = key_source(environ)
    if isinstance(keys, KeyFile):
        keys.rotate()
    organisations = open_organisations(environ, registry=registry)
    try:
        return organisations.reseal()
    finally:
        organisations.close()
