"""How long new documents of organisations are kept: what ``Organisations`` has of that."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

from ..documents.events import RetentionChanged
from ..documents.retentions import DefaultRetention, check_default
from ..keys import check_identifier
from ..retention import RetentionMode
from .limits import Limits


class Retentions(Limits):
    """How long new documents are kept, by organisation and by project."""

    def set_retention(
        self,
        organisation: str,
        project: str | None,
        period: timedelta | None,
        mode: RetentionMode = RetentionMode.GOVERNANCE,
        *,
        version: int | None = None,
    ) -> DefaultRetention:
        """Keep each new document of an organisation, or of one project, for *period* from its upload on.

        The register keeps it from the moment at which it records the file, whichever way that came in; what is stored
        already is not touched. What is set for a project takes the place of what is set for the organisation.

        Args:
            organisation: Whose documents.
            project: None for all projects that have nothing set.
            period: Whole seconds; None keeps nothing, also where the organisation keeps something.
            mode: As in ``DocumentStore.retain``.
            version: That of the rule it was made from; None is the one that is there now.

        Raises:
            PolicyError: the period is not positive, or longer than 200 years.
            RecordConflictError: it was changed meanwhile.
        """
        before = self.retention(organisation, project)
        rule = replace(before, period=period, mode=mode, version=before.version if version is None else version)
        check_default(rule)
        if version is None and before.version and before == rule:
            return before
        event = RetentionChanged(
            organisation=organisation,
            project=project,
            period_s=int(period.total_seconds()) if period is not None else None,
            mode=mode.value,
        )
        return self._changed(partial(self.catalogue.revisions.retentions.set_default, rule), lambda _: [event])

    def retention(self, organisation: str, project: str | None = None) -> DefaultRetention:
        """Return what is set for the organisation, or for one project; version 0 when nothing ever was.

        Raises:
            InvalidKeyError: an id is not one.
        """
        check_identifier(organisation, "organisation")
        if project is not None:
            check_identifier(project, "project")
        return self.catalogue.revisions.retentions.default(organisation, project)

    def retentions(self, organisation: str) -> tuple[DefaultRetention, ...]:
        """Return all that are in force, that of the organisation first.

        Raises:
            InvalidKeyError: the id is not one.
        """
        check_identifier(organisation, "organisation")
        return self.catalogue.revisions.retentions.defaults(organisation)
