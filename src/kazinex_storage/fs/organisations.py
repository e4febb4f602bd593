"""``kazinex://organisation/project/...``: the objects of an organisation, wherever its providers keep them.

Writing goes to the override of the project, or else to the default. Reading asks the override, the default, then the
other providers, and takes the first that holds the key. Listings are the union of all of them, with each name once, as
reading finds it. Removing removes from all. No path leaves the organisation that it names.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Unpack, cast

from ..documents.patience import Patience
from ..documents.receipts import ResolvedProvider, check_bound
from ..documents.searching import passed_over
from ..documents.writing import guarded_storage
from ..errors import NotSupportedError, StorageError
from ..keys import check_identifier, is_revision
from ..storage.sync import Storage
from ..transport import Call, Exchange, Transport
from ..types import DigestChoice
from .filesystem import ObjectFileSystem
from .options import FileSystemOptions, Options
from .spaces import Candidate, Place
from .urls import ORGANISATION_SCHEME, Address, parse_address, project_of

if TYPE_CHECKING:
    from ..organisations import Resolver


class OrganisationFileSystem(ObjectFileSystem):
    """``kazinex://organisation/project/...`` of the catalogue that the environment names, or of a given resolver.

    Without a resolver the catalogue is opened on first use, and again after a fork or in the process that unpickles it.
    """

    protocol = ORGANISATION_SCHEME
    _strip_tokenize_options = ("resolver",)

    def __init__(
        self,
        *,
        resolver: Resolver | None = None,
        organisation: str | None = None,
        **options: Unpack[Options],
    ) -> None:
        """Use *resolver*, which the caller closes; see ``FileSystemOptions`` for the rest.

        With *organisation*, paths of any other are refused with ``AccessDeniedError`` before any request: give it
        wherever paths come from clients.

        Raises:
            InvalidKeyError: that is not a legal id of an organisation.
            NotImplementedError: *use_listings_cache*.
        """
        common = FileSystemOptions.of(options)
        self._begin(
            OrganisationSpace(resolver, organisation, common.digest),
            common,
            private=resolver is not None,
            portable=resolver is None,
        )


class OrganisationSpace:
    """The first segment names an organisation; the rest is the key, and begins with the project."""

    divided = True

    def __init__(
        self, resolver: Resolver | None, organisation: str | None = None, digest: DigestChoice | None = None
    ) -> None:
        self._digest = digest
        self._bound = check_identifier(organisation, "organisation") if organisation is not None else None
        self.transport = resolver.transport if resolver is not None else Transport()
        """What runs the exchanges."""
        self._given = resolver
        self._opened: Resolver | None = None
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._patience = Patience()

    def roots(self) -> Sequence[str] | None:
        """Return the organisation that this is bound to; organisations are not listed."""
        return [self._bound] if self._bound is not None else None

    def place(self, path: str) -> Place:
        """Return the organisation and the key.

        Raises:
            InvalidUrlError: an id or the key is not legal.
            NotSupportedError: no organisation is named.
            AccessDeniedError: it is not the one that this file system is bound to.
        """
        if not path:
            raise NotSupportedError("organisations are not listed; name one: kazinex://organisation/project/...")
        address = parse_address(path, "organisation")
        check_bound(self._bound, address.place)
        project_of(address)
        return Place(base=f"{address.place}/", key=address.key, write_once=is_revision(path))

    def candidates(self, place: Place) -> Exchange[Sequence[Candidate]]:
        """Return every provider of the organisation: override of the project, default, the others.

        A provider that was never verified need not answer. Another one that does not answer is skipped, unless the key
        could be there.
        """
        providers = cast("Sequence[ResolvedProvider]", (yield Call(lambda: self._resolver().in_order(*_scope(place)))))
        return [
            Candidate(
                storage=self._guarded(provider, place),
                counts=provider.used,
                takes_part=provider.chosen or provider.verified,
                on_tolerated=partial(self._report, place, provider),
            )
            for provider in providers
        ]

    def writer(self, place: Place) -> Exchange[Storage]:
        """Return the override of the project, else the default of the organisation.

        Raises:
            UnresolvedOrganisationError: neither is set; the message names the command.
        """
        chosen = yield Call(lambda: self._resolver().chosen(*_scope(place)))
        return self._guarded(cast(ResolvedProvider, chosen), place)

    def close(self) -> None:
        """Close the catalogue and the providers that were opened here, and the connections to them."""
        opened, self._opened = self._opened, None
        if opened is not None and self._pid == os.getpid():
            opened.close()
            opened.organisations.close()
        if self._given is None:
            self.transport.close(wait=False)

    def _guarded(self, provider: ResolvedProvider, place: Place) -> Storage:
        """Return the storage of *provider*, where the rule for revisions governs what is written and removed."""
        storage = guarded_storage(self._resolver(), _scope(place)[0], provider, self._patience)
        return storage if self._digest is None else storage.with_digest(self._digest)

    def _report(self, place: Place, provider: ResolvedProvider, error: StorageError) -> None:
        self._resolver().emit(passed_over(provider, error, "fs", place.name))

    def _resolver(self) -> Resolver:
        if self._given is not None:
            return self._given
        if self._pid != os.getpid():
            # Connections of the parent are not used here; its lock may have been held at the moment of the fork.
            self._lock, self._opened, self._pid = threading.Lock(), None, os.getpid()
        with self._lock:
            if self._opened is None:
                from ..organisations import Resolver, open_organisations

                self._opened = Resolver(open_organisations(), transport=self.transport)
            return self._opened

    def __repr__(self) -> str:
        return "OrganisationSpace()"


def _scope(place: Place) -> tuple[str, str | None]:
    organisation = place.base.removesuffix("/")
    return organisation, project_of(Address(place=organisation, key=place.key))
