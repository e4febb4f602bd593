"""What documents and organisations exchange: receipts, listed revisions, and resolved providers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Literal, Protocol, Self, TypeAlias, get_args

from ..errors import AccessDeniedError, StorageError
from ..json_text import TEXT, TEXTS, TIME, Schema, one_of, optional, whole_number
from ..keys import DocumentKey
from ..storage.states import StateKeys
from ..storage.sync import Storage
from ..transport import Transport
from ..types import Checksum, ObjectInfo
from ..values import value
from .events import Event
from .register import RevisionRegister
from .ticket_register import TicketRegister

Clock: TypeAlias = Literal["service", "client"]
"""Whose clock a time is by."""


@value
class ResolvedProvider:
    """One provider of an organisation, open, with its keys scoped to the organisation."""

    provider: str
    """The id of the provider's record."""
    kind: str
    label: str
    verified: bool
    """Whether its last verification passed."""
    chosen: bool = False
    """Whether it is the override of the project or the default of the organisation."""
    used: bool = True
    """Whether a verification ever passed: only then can documents have been stored on it."""
    error: StorageError | None = None
    """Why it cannot be opened; then the storage raises that from each of its methods."""
    storage: Storage


class ProviderResolver(Protocol):
    """What documents need to know of organisations; ``organisations.Resolver`` is the one there is."""

    transport: Transport
    """What runs the exchanges."""

    @property
    def revisions(self) -> RevisionRegister:
        """What is remembered of revisions, shared by all processes that write documents."""
        ...

    def chosen(self, organisation: str, project: str | None) -> ResolvedProvider:
        """Return the provider for new documents: project override, else default.

        Raises:
            UnresolvedOrganisationError: neither is set.
        """
        ...

    def by_id(self, organisation: str, provider: str) -> ResolvedProvider:
        """Return one provider of the organisation by the id of its record.

        Raises:
            RecordNotFoundError: the organisation has no such provider.
        """
        ...

    def in_order(self, organisation: str, project: str | None) -> Sequence[ResolvedProvider]:
        """Return every provider of the organisation once: override, default, the others."""
        ...

    @property
    def by(self) -> str | None:
        """In whose name it is asked."""
        ...

    @property
    def listens(self) -> bool:
        """Whether there is a hook; where there is none, no event need be made."""
        ...

    def emit(self, event: Event) -> None:
        """Give *event* to the hook, if there is one."""
        ...

    def announced(self, change: Callable[[], bool], *events: Event) -> bool:
        """Make *change*, which says whether it was made, and if so give *events* to the hook, together if possible."""
        ...

    def acting(self, by: str | None) -> ProviderResolver:
        """Return the resolver for calls in the name of *by*.

        Raises:
            ValueError: *by* is empty, or too long.
        """
        ...


class TicketResolver(ProviderResolver, Protocol):
    """What direct uploads need besides."""

    @property
    def tickets(self) -> TicketRegister:
        """What is remembered of direct uploads, shared by all processes that begin or confirm them."""
        ...

    def state_keys(self, organisation: str) -> StateKeys:
        """Return the keys that upload states and tickets of the organisation are sealed with; nothing is read yet."""
        ...


def check_bound(bound: str | None, organisation: str) -> None:
    """Refuse *organisation* where only the organisation *bound* may be named; None allows all.

    Raises:
        AccessDeniedError: it is another one.
    """
    if bound is not None and bound != organisation:
        raise AccessDeniedError(
            f"this is bound to the organisation {bound!r} and was asked for {organisation!r}; nothing was looked up"
        )


_UNCHANGED = "give what to_dict returned, unchanged"
_DOCUMENT = Schema(
    what="the key of a document",
    fix=_UNCHANGED,
    fields=dict.fromkeys(("organisation", "project", "document", "revision", "filename"), TEXT),
)
_CHECKSUM = Schema(what="a checksum", fix=_UNCHANGED, fields=dict.fromkeys(("algorithm", "value"), TEXT))
_RECEIPT = Schema(
    what="the receipt",
    fix=_UNCHANGED,
    fields={
        "document": _DOCUMENT.kind(),
        "provider": TEXT,
        "kind": TEXT,
        "key": TEXT,
        "size": whole_number(0, "bytes"),
        "sha256": optional(TEXT),
        "etag": optional(TEXT),
        "content_type": optional(TEXT),
        "stored_at": optional(TIME),
        "service_checksum": optional(_CHECKSUM.kind()),
        "stored_by": optional(TEXT),
        "stored_at_by": one_of(get_args(Clock), "whose clock it was: 'service' or 'client'"),
        "unasked": TEXTS,
    },
    optional={"stored_at": None, "service_checksum": None, "stored_by": None, "stored_at_by": "service", "unasked": ()},
)


@value
class StoredDocument:
    """The receipt of an upload: keep it with the revision; reading by it needs no search."""

    document: DocumentKey
    provider: str
    """The id of the provider's record."""
    kind: str
    key: str
    """The whole key, organisation included."""
    size: int
    """Bytes."""
    sha256: str | None
    """Of the bytes that were uploaded; None when the document was found again where no sha256 is kept."""
    etag: str | None
    content_type: str | None
    stored_at: datetime | None
    """Aware UTC, by the clock that ``stored_at_by`` names. None only in receipts of earlier releases."""
    service_checksum: Checksum | None = None
    """What the service had computed over what it held at the end of the upload, where it reports that."""
    stored_by: str | None = None
    """In whose name the service holds it, where it reports that; see ``ObjectInfo.modified_by``."""
    stored_at_by: Clock = "service"
    """Whose clock ``stored_at`` was read from: the service's, or where it does not say, this machine's."""
    unasked: tuple[str, ...] = ()
    """The ids of providers that did not answer at the upload whether they hold a file of this revision."""

    def to_dict(self) -> dict[str, object]:
        """Return the receipt as values that JSON can hold."""
        fields = asdict(self)
        fields["unasked"] = list(self.unasked)
        fields["stored_at"] = self.stored_at.isoformat() if self.stored_at is not None else None
        return fields

    @classmethod
    def from_dict(cls, fields: Mapping[str, object]) -> Self:
        """Return the receipt that ``to_dict`` wrote, in this release or an earlier one.

        Raises:
            InvalidJsonError: a field is missing, unknown or not legal; the message names it.
            InvalidKeyError: the document in it is not legal.
        """
        found = _RECEIPT.read(fields)
        stored_at, checksum = found["stored_at"], found["service_checksum"]
        return cls(
            **{
                **found,
                "document": DocumentKey(**found["document"]),
                "stored_at": datetime.fromisoformat(stored_at) if stored_at is not None else None,
                "service_checksum": Checksum(**checksum) if checksum is not None else None,
                "unasked": tuple(found["unasked"]),
            }
        )


@value
class DocumentRevision:
    """One stored revision, as a listing shows it."""

    document: DocumentKey
    provider: str
    """The id of the record of the provider that holds it."""
    size: int
    """Bytes."""
    etag: str | None
    stored_at: datetime | None
    """Aware UTC."""


class Revisions(list[DocumentRevision]):
    """The revisions that a listing found, in the order of their keys, and what it could not see."""

    def __init__(self, found: Iterable[DocumentRevision] = (), *, missing: Sequence[str] = ()) -> None:
        super().__init__(found)
        self.missing: tuple[str, ...] = tuple(missing)
        """The ids of the providers that did not answer; what they hold is not in the list."""


def receipt_of(
    document: DocumentKey,
    provider: ResolvedProvider,
    info: ObjectInfo,
    answered_at: datetime | None = None,
    unasked: tuple[str, ...] = (),
) -> StoredDocument:
    """Return the receipt; *answered_at* is when an upload was answered, for services that do not say when it was."""
    return StoredDocument(
        document=document,
        provider=provider.provider,
        kind=provider.kind,
        key=document.build(),
        size=info.size,
        sha256=info.sha256,
        etag=info.etag,
        content_type=info.content_type,
        stored_at=info.last_modified or answered_at,
        service_checksum=info.service_checksum,
        stored_by=info.modified_by,
        stored_at_by="service" if info.last_modified is not None else "client",
        unasked=unasked,
    )
