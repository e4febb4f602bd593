"""Who owns a place: a small object at its root, outside the folder of every organisation, that ``verify`` looks at.

Where the host does not let places be shared, the first organisation that verifies one binds it, and the provider of
another organisation is refused there. Names: ``MARKER``. It holds no secret.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Final

from ..capabilities import Capability
from ..errors import AccessDeniedError, AlreadyExistsError, AuthenticationError, NotFoundError, SettingsError
from ..json_text import parse_own_json, write_json
from ..providers.settings.unmet import UnmetError
from ..storage.sync import Storage
from ..types import ByteRange, Diagnosis, PutMode, PutOptions
from ..values import value
from .admission import FOLDER
from .records import ProviderRecord

MARKER: Final = f"{FOLDER}/owner.json"
"""The key of the marker, below the prefix or root of the settings."""

_MOST_BYTES: Final = 4096

TAKEN: Final = Diagnosis(
    meaning="another organisation keeps its documents in this place, and it is not shared",
    fix="choose a bucket, container, library or prefix of your own; an operator who means it to be shared "
    "verifies with --share, in Python with verify_provider(..., share=True)",
)
"""A marker of another organisation."""

UNOWNED: Final = Diagnosis(
    meaning=f"the credentials do not reach {MARKER} at the root of the place, so no organisation owns it",
    fix="allow them to read and write there, or give the organisation a prefix of its own",
)
"""A warning: the place cannot be bound."""

NO_MARKER: Final = Diagnosis(
    meaning=f"the object at {MARKER} is not an owner marker",
    fix="find out who wrote it, remove it, and verify again",
)
"""Something else at the key of the marker."""


@value
class Owner:
    """What a marker says."""

    organisation: str
    shared: bool
    """Whether an operator lets other organisations use the place as well."""


class PlaceTakenError(SettingsError):
    """The place belongs to another organisation."""

    def __init__(self) -> None:
        super().__init__(f"the marker {MARKER} there says that the place belongs to another organisation", code="owner")
        self.diagnosis = TAKEN
        """What it means, and what to do."""


def check_owner(
    place: Storage, record: ProviderRecord, at: datetime, *, bind: bool, share: bool = False
) -> Diagnosis | None:
    """Refuse a place that belongs to another organisation than that of *record*; one request, three to bind it.

    Args:
        place: The whole provider, without the prefix of an organisation.
        at: The time that the marker gives.
        bind: Write a marker where there is none.
        share: Let every organisation use the place from now on, whichever owned it.

    Raises:
        PlaceTakenError: it belongs to another organisation.
        UnmetError: the marker cannot be understood.
        StorageError: the service refuses.
    """
    try:
        owner = _owner(place)
        if share and (owner is None or not owner.shared):
            _write(place, owner.organisation if owner else record.organisation, record, at, shared=True)
            owner = _owner(place)
        elif owner is None and bind:
            _write(place, record.organisation, record, at, shared=False)
            owner = _owner(place)  # of two that wrote at once, and on services without create-only, one remains
    except (AccessDeniedError, AuthenticationError):  # the common checks passed, so it is the place that is refused
        if not bind and not share:
            return None
        return UNOWNED
    if owner is not None and not owner.shared and owner.organisation != record.organisation:
        raise PlaceTakenError
    return None


def _owner(place: Storage) -> Owner | None:
    try:
        body = place.get_bytes(MARKER, ByteRange(start=0, end=_MOST_BYTES))
    except NotFoundError:
        return None
    with suppress(ValueError):
        match parse_own_json(body):
            case {"organisation": str() as organisation, **others}:
                return Owner(organisation=organisation, shared=others.get("shared") is True)
    raise UnmetError(NO_MARKER, code="owner")


def _write(place: Storage, organisation: str, record: ProviderRecord, at: datetime, *, shared: bool) -> None:
    values = {
        "format": 1,
        "organisation": organisation,
        "provider": record.id,
        "created_at": at.isoformat(timespec="seconds"),
        "shared": shared,
    }
    creates = not shared and place.info.can(Capability.CREATE_ONLY)
    options = PutOptions(mode=PutMode.CREATE if creates else PutMode.REPLACE, content_type="application/json")
    with suppress(AlreadyExistsError):  # another writer was faster; its marker is read next
        place.put(MARKER, write_json(values, indent=1).encode(), options)
