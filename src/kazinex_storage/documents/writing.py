"""The file of a revision, written once: looked for before, and recorded in the register after, on every way in.

The register decides between uploads that race: of all that have put their file exactly one is recorded, and the others
remove theirs. Asking the providers first finds files that no register knows of. docs/adr/0010 has the reasons.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol, cast

from ..errors import AlreadyExistsError, InvalidKeyError, NotFoundError, StorageError
from ..keys import DocumentKey, ObjectKey
from ..storage.claiming import give_back
from ..storage.quota import Claim
from ..storage.sync import Storage
from ..transport import Call, Exchange, Many, Outcome
from ..types import ObjectInfo
from .events import DocumentRemoved, Event
from .patience import Patience
from .receipts import ProviderResolver, ResolvedProvider
from .register import RevisionRecord
from .removing import RecordedRemoval, removal_now, remove_copies
from .searching import Place, Search, list_place, place_of, places_of, relative_key, relative_prefix
from .taken import refused, taken
from .telling import uploaded


class Swap(Protocol):
    """Records the file of a revision, as ``RevisionRegister.swap_revision`` does."""

    def __call__(
        self, before: RevisionRecord | None, after: RevisionRecord | None, /, *, claim: str | None = None
    ) -> bool:
        """Replace *before* by *after*; say whether it was done."""
        ...


class RevisionWrite:
    """One write of the file of a revision to one provider; a ``guards.Write``."""

    def __init__(
        self,
        search: Search,
        document: DocumentKey,
        target: ResolvedProvider,
        patience: Patience,
        swap: Swap | None = None,
        reservation: str = "",
    ) -> None:
        """Write *document* to *target*; *swap* records it in place of the register's own ``swap_revision``.

        Where there are quotas, a *reservation* that was made for it elsewhere is used up.
        """
        self._search = search
        self._document = document
        quota = target.storage.operations.context.rules.quota
        self.claim: Claim | None = quota.claim(document.build(), reservation) if quota is not None else None
        """The room that it takes, where there are quotas."""
        self._target = target
        self._patience = patience
        self._swap: Swap = swap if swap is not None else search.register.swap_revision
        self._seen: RevisionRecord | None = None
        self._mine: RevisionRecord | None = None
        self.unasked: tuple[str, ...] = ()
        """The ids of providers that did not say whether they hold a file of the revision."""
        self.followed_by: tuple[Callable[[], Event], ...] = ()
        """What makes the events that follow on the one of the upload, in its transaction."""

    def before(self, sha256: str | None, *, resumed: bool = False) -> Exchange[str | None]:
        """Refuse when the revision is taken; return the sha256 that a removed revision may be stored with again.

        Raises:
            AlreadyExistsError: it has, or had, another file.
        """
        seen = yield from self._search.revision(self._document)
        self._seen = seen
        if resumed and seen is not None and (yield from self._recorded(seen, sha256)):
            return None
        if seen is not None and (
            seen.document != self._document or seen.sha256 is None or sha256 not in (None, seen.sha256)
        ):
            raise self.taken()
        yield from self._look(resumed=resumed)
        return None if seen is None else seen.sha256

    def after(self, info: ObjectInfo) -> Exchange[None]:
        """Record the file as the one of the revision.

        Raises:
            AlreadyExistsError: another upload was recorded first, or the revision was removed meanwhile.
        """
        if not (yield from self._record(info, info.sha256)):
            raise self._slower()

    def adopt(self, info: ObjectInfo, *, proven: bool) -> Exchange[None]:
        """Record a file that is there already; its sha256 is kept only if its bytes were seen here.

        No provider is asked: of several files that arrived independently, the first to be recorded stays.

        Raises:
            AlreadyExistsError: the revision has, or had, another file.
        """
        sha256 = info.sha256 if proven else None
        for _ in range(2):  # the second time shows who was faster, which may be this same upload elsewhere
            seen = yield from self._search.revision(self._document)
            self._seen = seen
            if seen is not None:
                if (yield from self._recorded(seen, sha256)):
                    yield from give_back(self.claim)
                    return
                came_back = seen.removal is not None and seen.document == self._document and sha256 is not None
                if not came_back or seen.sha256 != sha256:
                    raise self.taken()
            if (yield from self._record(info, sha256)):
                return
        raise self._slower()

    def recorded(self) -> Exchange[bool]:
        """Say whether the register has this file as the one of the revision."""
        seen = yield from self._search.revision(self._document)
        return seen is not None and seen.document == self._document and seen.removal is None

    def withdraw(self) -> Exchange[None]:
        """Restore what the register had before, in case a change was made whose answer was lost."""
        if self._mine is not None:
            yield Call(self._search.register.swap_revision, self._mine, self._seen)
        yield from give_back(self.claim)

    @property
    def is_known(self) -> bool:
        """Whether the register had something of the revision when it was last asked."""
        return self._seen is not None

    def taken(self) -> AlreadyExistsError:
        """Return the error for a revision that the register knows."""
        return taken(self._document, self._seen)

    def _record(self, info: ObjectInfo, sha256: str | None) -> Exchange[bool]:
        self._mine = RevisionRecord(
            document=self._document,
            provider=self._target.provider,
            sha256=sha256,
            size=info.size,
            recorded_at=datetime.now(UTC),
            recorded_by=self._search.by,
        )
        change: Callable[[], bool] = partial(self._swap, self._seen, self._mine)
        if self.claim is not None:
            change = partial(self._swap, self._seen, self._mine, claim=self.claim.id)
        event = partial(uploaded, self._document, self._target, info)
        if (yield from self._search.announced(change, event, *self.followed_by)):
            return True
        self._mine = None
        return False

    def _recorded(self, seen: RevisionRecord, sha256: str | None) -> Exchange[bool]:
        """Say whether *seen* records the file under this key in this place."""
        if seen.document != self._document or seen.removal is not None:
            return False
        if None not in (seen.sha256, sha256) and seen.sha256 != sha256:
            return False
        return (yield from is_here(self._search, seen, self._target))

    def _slower(self) -> AlreadyExistsError:
        return AlreadyExistsError(
            f"another upload of the revision {self._document.revision!r} was faster, and this one was taken back; "
            "upload under a new revision",
            operation="upload",
            key=self._document.build(),
        )

    def _look(self, *, resumed: bool) -> Exchange[None]:
        """Refuse when a provider holds a file of the revision; what does not answer in time is passed over.

        A *resumed* upload may have become the object under its key; the service decides, as it is create-only.
        """
        prefix = relative_prefix(self._document, revision=True)
        others = yield from self._other_places()
        asked = [place for place in others if not self._patience.rests(self._asked_as(place))]
        missing = [provider for place in others if place not in asked for provider in place]
        found = list[ObjectInfo]()
        if asked:
            looks = [list_place(place, prefix) for place in asked]
            both = (list_place([self._target], prefix), self._patience.ask(self._target.storage.transport, looks))
            own, outcomes = cast("list[Outcome[Any]]", (yield Many(both, 2)))
            mine = own.result()[1]
            for place, outcome in zip(asked, outcomes.result(), strict=True):
                if isinstance(outcome.error, StorageError):
                    self._patience.let_rest(self._asked_as(place))
                    missing += place
                    yield from self._search.pass_over(place[0], outcome.error, "upload", self._document.build())
                else:
                    found += outcome.result()[1]
        else:
            mine = (yield from list_place([self._target], prefix))[1]
        found += [info for info in mine if not resumed or info.key != relative_key(self._document)]
        self.unasked = tuple(provider.provider for provider in missing)
        if found:
            name = found[0].key.rpartition("/")[2]
            raise refused(self._document, f"has the file {name!r} already and is never overwritten")

    def _asked_as(self, place: Place) -> str:
        """Return what *place* is to this organisation: that it does not answer another one says nothing of it here."""
        return f"{self._document.organisation} {place_of(place[0])}"

    def _other_places(self) -> Exchange[list[Place]]:
        """Return the places other than the target that may hold a file of the revision."""
        providers = yield from self._search.providers(self._document)
        # A provider neither chosen nor verified takes no part: it was never used, or is known not to work.
        taking_part = [found for found in providers if found.chosen or found.verified]
        return [place for place in places_of(taking_part) if place_of(place[0]) != place_of(self._target)]


class RevisionGuard:
    """Watches the revisions of one organisation on one of its providers; a ``guards.Guard``."""

    def __init__(self, search: Search, organisation: str, target: ResolvedProvider, patience: Patience) -> None:
        self._search = search
        self._organisation = organisation
        self._target = target
        self._patience = patience

    def writing(self, key: ObjectKey, reservation: str = "") -> RevisionWrite | None:
        """Return the write of *key* when it is the file of a revision."""
        document = self._document(key)
        if document is None:
            return None
        return RevisionWrite(self._search, document, self._target, self._patience, reservation=reservation)

    def moving(self, key: ObjectKey) -> Exchange[None]:
        """Refuse to move the file of a revision while something keeps that.

        Raises:
            RetentionError: something does.
        """
        document = self._document(key)
        if document is not None:
            from .retaining import check_unkept

            yield from check_unkept(self._search, document)

    def removing(self, keys: Sequence[ObjectKey], *, moved: bool = False) -> Exchange[None]:
        """Remember those of *keys* that are files of revisions as removed.

        Revisions unknown to the register are looked up, so that one that was never stored stays free; those known to be
        in another place are left alone. What runs left of a removed one on other providers is deleted.

        Raises:
            RetentionError: a retention or a hold keeps one of them.
        """
        for document in filter(None, map(self._document, keys)):
            seen = yield from self._search.revision(document)
            sha256 = None
            if seen is not None and not (yield from is_here(self._search, seen, self._target)):
                continue
            if seen is None and not moved:
                try:
                    info = yield from self._target.storage.operations.head(relative_key(document))
                except NotFoundError:
                    continue
                sha256 = info.sha256
            entry, removal = (
                RecordedRemoval(self._search, document, self._target.provider, sha256),
                removal_now(self._search.by),
            )
            yield from entry.record(removal)
            if entry.removal is not None:
                yield from remove_copies(self._search, document, self._target)
            if entry.removal is removal:
                yield from self._search.emit(DocumentRemoved(document=document, removal=removal))

    def _document(self, key: ObjectKey) -> DocumentKey | None:
        try:
            document = DocumentKey.parse(key)
        except InvalidKeyError:
            return None
        return document if document.organisation == self._organisation else None


def guarded_storage(
    resolver: ProviderResolver, organisation: str, target: ResolvedProvider, patience: Patience
) -> Storage:
    """Return a view of the storage of *target* with the rule of revisions over what is written and removed there."""
    view = target.storage.with_policy(target.storage.policy)
    context = view.operations.context
    context.guard = RevisionGuard(Search(resolver), organisation, target, patience)
    if context.trash is not None:  # who deletes through here may have meant something else
        context.trash = replace(context.trash, always=True)
    return view


def is_here(search: Search, seen: RevisionRecord, target: ResolvedProvider) -> Exchange[bool]:
    """Say whether the file of *seen* is in the place of *target*, under whatever record."""
    if seen.provider == target.provider:
        return True
    providers = yield from search.providers(seen.document)
    places = [place_of(found) for found in providers if found.provider == seen.provider]
    return not places or place_of(target) in places  # a deleted record may have named this place
