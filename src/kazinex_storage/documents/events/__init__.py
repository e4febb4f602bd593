"""What happens, as typed values: changes of providers and choices, uses of documents, and runs; never a secret.

``Organisations(on_event=...)`` and ``Resolver(on_event=...)`` get them, whichever way the call came in;
``organisations.AuditLog`` keeps them. ``EVENTS`` has every class by the name of its events.
"""

from __future__ import annotations

from typing import Final

from .base import Event as Event
from .base import EventHook as EventHook
from .base import EventOutcome as EventOutcome
from .base import both as both
from .base import check_by as check_by
from .choices import AllowlistChanged as AllowlistChanged
from .choices import AuditDropped as AuditDropped
from .choices import DefaultChanged as DefaultChanged
from .choices import FileRulesChanged as FileRulesChanged
from .choices import KeyRotated as KeyRotated
from .choices import OverrideChanged as OverrideChanged
from .choices import QuotaChanged as QuotaChanged
from .files import DocumentAborted as DocumentAborted
from .files import DocumentConfirmed as DocumentConfirmed
from .files import DocumentExpired as DocumentExpired
from .files import DocumentOpened as DocumentOpened
from .files import DocumentPresigned as DocumentPresigned
from .files import DocumentRefused as DocumentRefused
from .files import DocumentRemoved as DocumentRemoved
from .files import DocumentUploaded as DocumentUploaded
from .keys import CredentialsChanged as CredentialsChanged
from .keys import DataKeyRenewed as DataKeyRenewed
from .keys import DataKeysDestroyed as DataKeysDestroyed
from .keys import SecretsResealed as SecretsResealed
from .labels import DocumentReclassed as DocumentReclassed
from .labels import DocumentTagged as DocumentTagged
from .providers import LimitChanged as LimitChanged
from .providers import ProviderAdded as ProviderAdded
from .providers import ProviderFailed as ProviderFailed
from .providers import ProviderPassedOver as ProviderPassedOver
from .providers import ProviderRecovered as ProviderRecovered
from .providers import ProviderRemoved as ProviderRemoved
from .providers import ProviderResolved as ProviderResolved
from .providers import ProviderUpdated as ProviderUpdated
from .providers import ProviderVerified as ProviderVerified
from .providers import StatusChanged as StatusChanged
from .recovered import DocumentPurged as DocumentPurged
from .recovered import DocumentUndeleted as DocumentUndeleted
from .retention import DocumentHeld as DocumentHeld
from .retention import DocumentReleased as DocumentReleased
from .retention import DocumentRetained as DocumentRetained
from .retention import DocumentUnretained as DocumentUnretained
from .retention import RetentionChanged as RetentionChanged
from .runs import AuditEnded as AuditEnded
from .runs import CutOver as CutOver
from .runs import DocumentsMoved as DocumentsMoved
from .runs import RolledBack as RolledBack
from .runs import RunBegun as RunBegun
from .runs import RunEnded as RunEnded
from .runs import SourcePruned as SourcePruned

EVENTS: Final[dict[str, type[Event]]] = {
    kind.name: kind
    for kind in (
        ProviderAdded,
        ProviderUpdated,
        ProviderRemoved,
        ProviderVerified,
        ProviderFailed,
        ProviderRecovered,
        ProviderPassedOver,
        ProviderResolved,
        StatusChanged,
        LimitChanged,
        DefaultChanged,
        OverrideChanged,
        AllowlistChanged,
        FileRulesChanged,
        QuotaChanged,
        KeyRotated,
        DataKeyRenewed,
        DataKeysDestroyed,
        SecretsResealed,
        CredentialsChanged,
        AuditDropped,
        DocumentUploaded,
        DocumentOpened,
        DocumentRemoved,
        DocumentUndeleted,
        DocumentPurged,
        DocumentRefused,
        DocumentPresigned,
        DocumentConfirmed,
        DocumentAborted,
        DocumentExpired,
        DocumentRetained,
        DocumentUnretained,
        DocumentHeld,
        DocumentReleased,
        DocumentTagged,
        DocumentReclassed,
        RetentionChanged,
        RunBegun,
        RunEnded,
        DocumentsMoved,
        SourcePruned,
        CutOver,
        RolledBack,
        AuditEnded,
    )
}
"""The class of the events of each name."""
