"""Which provider of an organisation holds a document; all are asked when no receipt names one.

Two records that name one place are one place: it has answered when one of them has. A place that does not answer is
passed over, and the caller says what that means: a listing names it, an exact look-up that found nothing cannot know.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias, cast

from ..errors import ClosedError, InvalidKeyError, NotFoundError, SettingsError, StorageError, UnavailableError
from ..keys import DocumentKey, check_identifier
from ..lazy import logger
from ..storage.sync import Storage
from ..transport import Call, Exchange, Many, Outcome
from ..types import ObjectInfo
from ..values import value
from .copies import KnownCopy
from .events import Event, ProviderPassedOver
from .proofs import ReceiptProof
from .receipts import ProviderResolver, ResolvedProvider, StoredDocument, check_bound
from .register import RevisionRecord, RevisionRegister

_log = logger(__name__)

Place: TypeAlias = "list[ResolvedProvider]"
"""The providers that share their objects, the first to be asked first."""


@value
class Listed:
    """What the places of an organisation hold below a prefix."""

    files: tuple[tuple[ResolvedProvider, list[ObjectInfo]], ...]
    missing: tuple[str, ...]
    """The ids of providers that did not answer and may hold something."""


class Search:
    """The providers of the organisations that a resolver knows, asked one after another, as exchanges."""

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

    @property
    def register(self) -> RevisionRegister:
        """What is remembered of revisions."""
        return self._resolver.revisions

    def revision(self, document: DocumentKey) -> Exchange[RevisionRecord | None]:
        """Return what the register remembers of the revision of *document*."""
        return cast(
            "RevisionRecord | None", (yield Call(self.register.revision, document, owner=document.organisation))
        )

    def chosen(self, document: DocumentKey) -> Exchange[ResolvedProvider]:
        """Return the provider for new documents of the organisation and project of *document*.

        Raises:
            AccessDeniedError: it is of another organisation.
        """
        self.admit(document)
        owner = document.organisation
        call = Call(self._resolver.chosen, owner, document.project, owner=owner)
        return cast(ResolvedProvider, (yield call))

    def providers(self, document: DocumentKey) -> Exchange[Sequence[ResolvedProvider]]:
        """Return every provider of the organisation once: override, default, the others.

        Raises:
            AccessDeniedError: it is another organisation than this is bound to.
        """
        self.admit(document)
        owner = document.organisation
        call = Call(self._resolver.in_order, owner, document.project, owner=owner)
        return cast("Sequence[ResolvedProvider]", (yield call))

    def admit_receipt(self, receipt: StoredDocument) -> None:
        """Refuse a receipt of another organisation than this is bound to, and one that names two documents.

        Raises:
            AccessDeniedError: it is of another organisation.
            SettingsError: it was altered.
        """
        self.admit(receipt.document)
        if receipt.key != receipt.document.build():
            raise SettingsError(
                f"the receipt names the document {receipt.document.build()!r} but the key {receipt.key!r}; "
                "it was altered, find the document again",
                operation="open",
            )

    def recorded(self, receipt: StoredDocument) -> Exchange[ResolvedProvider]:
        """Return the provider that a receipt names.

        Raises:
            AccessDeniedError: it is of another organisation.
            SettingsError: the receipt was altered.
            RecordNotFoundError: the organisation has no such provider any more.
        """
        self.admit_receipt(receipt)
        return (yield from self.by_id(receipt.document.organisation, receipt.provider))

    def by_id(self, organisation: str, provider: str) -> Exchange[ResolvedProvider]:
        """Return the provider of *organisation* with that id.

        Raises:
            RecordNotFoundError: the organisation has no such provider.
        """
        call = Call(self._resolver.by_id, organisation, provider, owner=organisation)
        return cast(ResolvedProvider, (yield call))

    def copies(self, document: DocumentKey) -> Exchange[Sequence[KnownCopy]]:
        """Return where runs have left the file of *document*; nothing where the resolver knows of no runs."""
        # By an attribute, as in ``direct_ends.py``: a resolver need not know of runs.
        copies = getattr(self._resolver, "copies", None)
        if copies is None:
            return ()
        return cast("Sequence[KnownCopy]", (yield Call(copies, document, owner=document.organisation)))

    def mark_removed(self, document: DocumentKey) -> Exchange[None]:
        """Have the journal know that the file of *document* was removed from all places, if there is a journal."""
        mark = getattr(self._resolver, "mark_removed", None)
        if mark is not None:
            yield Call(mark, document, owner=document.organisation)

    def find(self, document: DocumentKey) -> Exchange[tuple[ResolvedProvider, ObjectInfo]]:
        """Return the first provider that holds a document, and what it says of it.

        Raises:
            NotFoundError: none of them holds it.
            UnavailableError: those that answered do not, and some did not answer.
            StorageError: none answered.
        """
        missing: list[tuple[ResolvedProvider, StorageError]] = []
        answered = False
        for place in places_of((yield from self.providers(document))):
            failures: list[tuple[ResolvedProvider, StorageError]] = []
            for provider in place:
                try:
                    return provider, (yield from provider.storage.operations.head(relative_key(document)))
                except (NotFoundError, InvalidKeyError):  # a place that cannot hold the key does not
                    answered = True
                    break
                except StorageError as error:
                    failures.append((provider, error))
                    yield from self.pass_over(provider, error, "find", document.build())
            else:
                missing += failures
        unknown = [(provider, error) for provider, error in missing if provider.used]
        if unknown and not answered:
            raise unknown[0][1]
        if unknown:
            labels = ", ".join(repr(provider.label) for provider, _ in unknown)
            raise UnavailableError(
                f"the providers that answered do not hold this document, but not all of them could be asked: {labels}; "
                f"verify them. The first said: {unknown[0][1].message}",
                operation="find",
                key=document.build(),
            ) from unknown[0][1]
        raise NotFoundError(
            "no provider of the organisation holds this document", operation="find", key=document.build()
        )

    def listings(self, document: DocumentKey) -> Exchange[Listed]:
        """Return what each place holds of all revisions of the document.

        Raises:
            StorageError: no place answered.
        """
        places = places_of((yield from self.providers(document)))
        prefix = relative_prefix(document, revision=False)
        outcomes = cast(
            "list[Outcome[tuple[ResolvedProvider, list[ObjectInfo]]]]",
            (yield Many((list_place(place, prefix) for place in places), max(1, len(places)))),
        )
        files, missing = [], list[str]()
        for place, outcome in zip(places, outcomes, strict=True):
            if outcome.error is None:
                files.append(outcome.result())
                continue
            if not isinstance(outcome.error, StorageError):
                raise outcome.error
            yield from self.pass_over(place[0], outcome.error, "revisions", document.document_prefix)
            missing += [provider.provider for provider in place if provider.used]
        if outcomes and not files:
            outcomes[0].result()
        return Listed(files=tuple(files), missing=tuple(missing))

    def pass_over(self, provider: ResolvedProvider, error: StorageError, operation: str, key: str) -> Exchange[None]:
        """Say that *provider* did not answer, in the log and as an event.

        Raises:
            ClosedError: that is why, so there is no call to go on with.
        """
        if isinstance(error, ClosedError):
            raise error
        _log.warning("provider %s (%s) was passed over: %s", provider.label, provider.kind, error)
        yield from self.emit(passed_over(provider, error, operation, key))

    def emit(self, event: Event) -> Exchange[None]:
        """Give *event* to the hook, if there is one."""
        if self._resolver.listens:
            yield Call(self._resolver.emit, event)

    def announced(self, change: Callable[[], bool], *events: Callable[[], Event]) -> Exchange[bool]:
        """Make *change*, say whether it was made, and if so give *events* to the hook, together if possible."""
        made = [event() for event in events] if self.listens else []
        call = Call(self._resolver.announced, change, *made) if made else Call(change)
        return cast(bool, (yield call))

    def noted(self, document: DocumentKey, kind: str, reason: str | None = None) -> Exchange[None]:
        """Have the evidence say what happened to *document* where no change of the register does, if any is kept."""
        note = getattr(self._resolver, "note", None)
        if note is not None:
            yield Call(note, document, kind, reason, owner=document.organisation)

    def proof(self, receipt: StoredDocument) -> Exchange[ReceiptProof]:
        """Return what the signed evidence says of *receipt*.

        Raises:
            AccessDeniedError: the receipt is of another organisation than this is bound to.
            SettingsError: the resolver knows no evidence.
            StorageError: as ``DocumentStore.proof`` says.
        """
        self.admit_receipt(receipt)
        proof = getattr(self._resolver, "proof", None)
        if proof is None:
            raise SettingsError("this resolver knows no evidence; use an organisations.Resolver")
        return cast(ReceiptProof, (yield Call(proof, receipt)))

    @property
    def by(self) -> str | None:
        """In whose name this asks."""
        return self._resolver.by

    @property
    def listens(self) -> bool:
        """Whether there is a hook."""
        return self._resolver.listens


def passed_over(provider: ResolvedProvider, error: StorageError, operation: str, key: str) -> ProviderPassedOver:
    """Return the event for a provider that did not say what it knows of *key*, which begins with the organisation."""
    return ProviderPassedOver(
        organisation=key.partition("/")[0],
        provider=provider.provider,
        kind=provider.kind,
        label=provider.label,
        operation=operation,
        key=key,
        error=str(error),
    )


def places_of(providers: Sequence[ResolvedProvider]) -> list[Place]:
    """Return *providers* grouped by the place that they name, in their order."""
    places: dict[str, Place] = {}
    for provider in providers:
        places.setdefault(place_of(provider), []).append(provider)
    return list(places.values())


def place_of(provider: ResolvedProvider) -> str:
    """Return what two providers share when they name one place."""
    return provider.storage.info.place or f"provider {provider.provider}"


def list_place(place: Place, prefix: str) -> Exchange[tuple[ResolvedProvider, list[ObjectInfo]]]:
    """Return all that a place holds below *prefix*, and the provider that answered.

    Raises:
        StorageError: none of its providers answered.
    """
    first: StorageError | None = None
    for provider in place:
        try:
            return provider, (yield from _all(provider.storage, prefix))
        except InvalidKeyError:
            return provider, []
        except StorageError as error:
            first = first or error
    raise first or ValueError("a place has a provider")


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
