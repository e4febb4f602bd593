"""What ``Organisations`` shows: the records of a catalogue, completed by what the platform declares."""

from __future__ import annotations

from ..keys import check_identifier
from .audit.log import AuditLog
from .catalogue import Catalogue
from .evidence.log import ReceiptEvidence
from .managed import ManagedProviders
from .records import Choice, OrganisationRecord, ProjectOverride, ProviderRecord
from .rules import named


class Records:
    """The records of all organisations, for looking."""

    def __init__(self, catalogue: Catalogue, managed: ManagedProviders) -> None:
        """Show what *catalogue* keeps, and what is *managed* by the platform."""
        self.catalogue = catalogue
        """Where the records are kept."""
        self.managed = managed
        """What the platform offers to every organisation."""
        self.audit = AuditLog(catalogue)
        """The audit in the catalogue; it is written where ``on_event`` is an ``AuditLog`` of it."""
        self.evidence = ReceiptEvidence(catalogue)
        """The evidence of receipts in the catalogue."""

    def organisation(self, organisation: str) -> OrganisationRecord:
        """Return the default and the allowlist of the organisation.

        Raises:
            InvalidKeyError: the id is not one; so for every method that takes one.
        """
        return self.managed.organisation(self.catalogue.organisation(check_identifier(organisation, "organisation")))

    def providers(self, organisation: str) -> tuple[ProviderRecord, ...]:
        """Return every provider of the organisation, oldest first.

        Raises:
            InvalidKeyError: the id is not one.
        """
        kept = self.catalogue.providers(check_identifier(organisation, "organisation"))
        return self.managed.providers(organisation, kept)

    def choice(self, organisation: str, project: str | None = None) -> Choice:
        """Return at one instant all that decides where a document goes. One query.

        Raises:
            InvalidKeyError: an id is not one.
        """
        check_identifier(organisation, "organisation")
        if project is not None:
            check_identifier(project, "project")
        return self.managed.choice(organisation, self.catalogue.choice(organisation, project))

    def overrides(self, organisation: str) -> tuple[ProjectOverride, ...]:
        """Return the overrides in force, sorted by project.

        Raises:
            InvalidKeyError: the id is not one.
        """
        return self.catalogue.overrides(check_identifier(organisation, "organisation"))

    def find(self, organisation: str, provider: str) -> ProviderRecord:
        """Return the provider of that id, else the one of that label, whatever the case of its letters.

        Raises:
            RecordNotFoundError: the organisation has neither.
        """
        return named(self.providers(organisation), organisation, provider)
