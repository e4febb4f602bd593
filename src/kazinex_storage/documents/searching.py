"""Which provider of an organisation holds what; all are asked where no receipt names one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import cast

from ..errors import NotFoundError, SettingsError, StorageError, UnavailableError
from ..keys import DocumentKey, check_identifier
from ..storage import Storage
from ..transport import Call, Exchange, Many, Outcome
from ..types import ObjectInfo
from .receipts import ProviderResolver, ResolvedProvider, StoredDocument, check_bound

_log = logging.getLogger(__name__)


class Search:
    """The providers of the organisations that a resolver knows, asked in turn, as exchanges."""

    def __init__(self, resolver: ProviderResolver, organisation: str | None = None) -> None:
        """Ask *resolver*, for *organisation* alone if one is given.

        Raises:
            InvalidKeyError: no organisation can have that id.
        """
        self._resolver = resolver
        if organisation is not None:
            check_identifier(organisation, "organisation")
        self._organisation = organisation

    def admit(self, document: DocumentKey) -> None:
        """Refuse a document of another organisation than this is bound to.

        Raises:
            AccessDeniedError: it is.
        """
        check_bound(self._organisation, document.organisation)

    def chosen(self, document: DocumentKey) -> Exchange[ResolvedProvider]:
        """Return the provider for new documents of the organisation and project of *document*.

        Raises:
            AccessDeniedError: it is of another organisation.
        """
        self.admit(document)
        call = Call(self._resolver.chosen, document.organisation, document.project)
        return cast(ResolvedProvider, (yield call))

    def providers(self, document: DocumentKey, *, strict: bool = False) -> Exchange[Sequence[ResolvedProvider]]:
        """Return every provider of the organisation once: override, default, the others.

        Raises:
            AccessDeniedError: it is another organisation than this is bound to.
        """
        self.admit(document)
        call = Call(partial(self._resolver.in_order, document.organisation, document.project, strict=strict))
        return cast("Sequence[ResolvedProvider]", (yield call))

    def recorded(self, receipt: StoredDocument) -> Exchange[ResolvedProvider]:
        """Return the provider that a receipt names.

        Raises:
            AccessDeniedError: it is of another organisation.
            SettingsError: the receipt was altered.
        """
        self.admit(receipt.document)
        if receipt.key != receipt.document.build():
            raise SettingsError(
                f"the receipt names the document {receipt.document.build()!r} but the key {receipt.key!r}; "
                "it was altered, find the document again",
                operation="open",
            )
        return cast(
            ResolvedProvider,
            (yield Call(self._resolver.by_id, receipt.document.organisation, receipt.provider)),
        )

    def find(self, document: DocumentKey) -> Exchange[tuple[ResolvedProvider, ObjectInfo]]:
        """Return the first provider that holds a document, and what it says of it.

        Raises:
            NotFoundError: none of them holds it.
            UnavailableError: those that answered do not, and some did not answer.
        """
        passed_over: StorageError | None = None
        for rank, provider in enumerate((yield from self.providers(document))):
            try:
                return provider, (yield from provider.storage.operations.head(relative_key(document)))
            except NotFoundError:
                continue
            except StorageError as error:
                _tolerate(rank, provider, error)
                passed_over = error
        if passed_over is not None:
            raise UnavailableError(
                "the providers that answered do not hold this document, but not all of them could be asked; "
                "verify the others",
                operation="find",
                key=document.build(),
            ) from passed_over
        raise NotFoundError(
            "no provider of the organisation holds this document", operation="find", key=document.build()
        )

    def listings(
        self, document: DocumentKey, *, revision: bool
    ) -> Exchange[list[tuple[ResolvedProvider, list[ObjectInfo]]]]:
        """Return what each provider holds of a revision, or of all revisions of the document."""
        providers = yield from self.providers(document)
        prefix = relative_prefix(document, revision=revision)
        outcomes = cast(
            "list[Outcome[list[ObjectInfo]]]",
            (yield Many((_all(provider.storage, prefix) for provider in providers), max(1, len(providers)))),
        )
        listings = []
        for rank, (provider, outcome) in enumerate(zip(providers, outcomes, strict=True)):
            if outcome.error is None:
                listings.append((provider, outcome.result()))
            else:
                _tolerate(rank, provider, outcome.error)
        return listings


def relative_key(document: DocumentKey) -> str:
    """Return the key of a document below its organisation."""
    return document.build().removeprefix(f"{document.organisation}/")


def relative_prefix(document: DocumentKey, *, revision: bool) -> str:
    """Return the prefix of a revision, or of all revisions, below the organisation."""
    prefix = document.revision_prefix if revision else document.document_prefix
    return prefix.removeprefix(f"{document.organisation}/")


def _all(storage: Storage, prefix: str) -> Exchange[list[ObjectInfo]]:
    listing, found = storage.operations.scan(prefix), list[ObjectInfo]()
    try:
        while (page := (yield from listing.next())) is not None:
            found.extend(page)
    finally:
        listing.close()
    return found


def _tolerate(rank: int, provider: ResolvedProvider, error: Exception) -> None:
    """Pass over a provider that is known not to work; the first one, and verified ones, must answer."""
    if rank == 0 or provider.verified:
        raise error
    _log.warning("provider %s (%s) is not verified and was passed over: %s", provider.label, provider.kind, error)
