"""One end of a run: the storage that is read or written, and which provider of the organisation it is."""

from __future__ import annotations

import hashlib
from dataclasses import field, replace
from typing import TYPE_CHECKING

from ..errors import RecordNotFoundError
from ..file_rules import NO_FILE_RULES
from ..policy import UploadPolicy
from ..storage.background import in_background
from ..storage.sync import Storage
from ..types import ProviderInfo
from ..values import value

if TYPE_CHECKING:
    from ..organisations.resolver import Resolver


@value
class Endpoint:
    """A storage that a run reads from or writes to; its keys are below the organisation."""

    storage: Storage = field(repr=False)
    provider: str = ""
    """The id of the record of the provider; of a plain storage what tells its place from others."""
    kind: str
    label: str
    """What people call it."""

    @property
    def info(self) -> ProviderInfo:
        """What the provider is and can do."""
        return self.storage.info


def endpoint_of(resolver: Resolver, organisation: str, provider: str) -> Endpoint:
    """Return the end of a run at one provider of the organisation, named by its id or its label.

    What is put there is judged by the sizes and the allowlist of the organisation, not by its rules for new files. It
    takes nothing from the quota, which counts what documents are recorded and not where they lie, and no revision of
    its own: who copies tells the register himself.
    Its requests let those of everybody else go first (ADR 0057).

    Raises:
        RecordNotFoundError: the organisation has no such provider.
        SettingsError: the provider cannot be opened.
    """
    try:
        found = resolver.by_id(organisation, provider)
    except RecordNotFoundError:
        found = resolver.by_id(organisation, resolver.organisations.find(organisation, provider).id)
    storage = in_background(found.storage.with_policy(_for_what_is_stored(found.storage.policy)))
    rules = storage.operations.context.rules
    rules.taken, rules.quota = None, None
    rules.records_sha256 = False  # the register has it
    return Endpoint(storage=storage, provider=found.provider, kind=found.kind, label=found.label)


def _for_what_is_stored(policy: UploadPolicy | None) -> UploadPolicy | None:
    """Return *policy* without the rules that look at names and bytes: what is stored was let in on its day."""
    return replace(policy, files=NO_FILE_RULES) if policy is not None else None


def endpoint_at(storage: Storage) -> Endpoint:
    """Return the end of a run at a *storage* that is no provider of an organisation; others go first there too."""
    info = storage.info
    place = "\0".join((info.kind, info.location, storage.prefix))
    return Endpoint(
        storage=in_background(storage),
        provider=hashlib.sha256(place.encode()).hexdigest()[:32],
        kind=info.kind,
        label=info.location,
    )


def are_one_place(one: Endpoint, other: Endpoint) -> bool:
    """Say whether both have their objects in the same place, so that a key may name one object of both."""
    return bool(one.info.place) and one.info.place == other.info.place
