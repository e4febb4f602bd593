"""Quotas and usage of organisations: what ``Organisations`` has of that.

The catalogue counts and decides (``catalogue.usage``); here is what administrators and pages call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from ..documents.events import Event, EventHook, QuotaChanged
from ..documents.quotas import Quota, UsageReport, check_quota
from ..keys import check_identifier
from .catalogue import Catalogue
from .looking import Records
from .managed import ManagedProviders
from .speaking import Speaker

T = TypeVar("T")


class Limits(Records, Speaker):
    """What organisations may take up, and what they do."""

    def __init__(
        self,
        catalogue: Catalogue,
        managed: ManagedProviders,
        on_event: EventHook | None,
        clock: Callable[[], datetime],
    ) -> None:
        """Keep quotas in *catalogue*; events go to *on_event*."""
        Records.__init__(self, catalogue, managed)
        Speaker.__init__(self, on_event)
        self._clock = clock

    def set_quota(
        self,
        organisation: str,
        project: str | None = None,
        *,
        max_bytes: int | None = None,
        max_objects: int | None = None,
        version: int | None = None,
    ) -> Quota:
        """Limit what an organisation, or one of its projects, takes up; None is no limit. *version* is the quota's.

        Writes that began before do not notice. What is over the limit already stays, and nothing is added to it.

        Raises:
            PolicyError: a limit is negative.
            RecordConflictError: the quota was changed meanwhile.
        """
        check_identifier(organisation, "organisation")
        quota = Quota(organisation=organisation, project=project, max_bytes=max_bytes, max_objects=max_objects)
        check_quota(quota)
        table = self.catalogue.usage
        before = table.quota(organisation, project)
        if version is None and (before.max_bytes, before.max_objects) == (max_bytes, max_objects):
            return before
        quota = replace(quota, version=before.version if version is None else version)
        event = QuotaChanged(organisation=organisation, project=project, max_bytes=max_bytes, max_objects=max_objects)
        return self._changed(partial(table.set_quota, quota), lambda _: [event])

    def quota(self, organisation: str, project: str | None = None) -> Quota:
        """Return what is set for the organisation, or for one project; version 0 when nothing ever was.

        Raises:
            InvalidKeyError: an id is not one.
        """
        check_identifier(organisation, "organisation")
        if project is not None:
            check_identifier(project, "project")
        return self.catalogue.usage.quota(organisation, project)

    def usage(self, organisation: str, *, days: int = 31) -> UsageReport:
        """Return what the organisation takes up, its quotas, and the requests of the last *days*; four queries.

        Raises:
            InvalidKeyError: the id is not one.
        """
        check_identifier(organisation, "organisation")
        table = self.catalogue.usage
        return UsageReport(
            organisation=organisation,
            usage=table.usage(organisation),
            quotas=table.quotas(organisation),
            reserved=table.reservations(organisation),
            requests=table.requests(organisation, (self._clock() - timedelta(days=days)).date()),
        )

    def _changed(self, change: Callable[[], T], events: Callable[[T], Iterable[Event]]) -> T:
        """Make *change* and tell its *events*, in one transaction where the catalogue has them."""
        with self.catalogue.together():
            made = change()
            self.tell(events(made))
        return made
