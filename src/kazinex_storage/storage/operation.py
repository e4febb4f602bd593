"""``@operation``: adds what all operations have in common to the body of one, and the context that it runs in.

That is the check that the storage is open, the scope, the context of errors and the observer. A body works with full
keys and raises plain errors. ``operations.py`` and ``uploads.py`` hold the bodies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar, cast

from ..capabilities import KEEPS, Capability
from ..errors import ClosedError, StorageError
from ..keys import ObjectKey, Prefix
from ..transport import Carrier, Exchange, Observer, Through
from ..types import DigestChoice, ObjectInfo, PendingUpload, UploadState
from ..verbs import AnyProvider, exchanges_of
from .rules import Rules, WriteOnce
from .scope import Scope
from .states import StateKeys, StateSeal

if TYPE_CHECKING:
    from ..lifting import Exchanges
    from ..policy import UploadPolicy
    from .guards import Guard, Watch, Write
    from .trash import Trash

T = TypeVar("T")
P = ParamSpec("P")
Owner = TypeVar("Owner", bound="HasContext", contravariant=True)


class Reader(Protocol):
    """Reads whole objects into memory."""

    def __call__(self, key: ObjectKey, sha256: str | None, /) -> Exchange[bytes]:
        """Return the bytes, compared with *sha256*, or with the checksum that the service keeps; one request."""
        ...


class ClosedFlag:
    """Whether a storage, or the one that it is a view of, was closed."""

    __slots__ = ("_closed", "_parent")

    def __init__(self, parent: ClosedFlag | None = None) -> None:
        self._closed = False
        self._parent = parent

    @property
    def closed(self) -> bool:
        """Whether it may no longer be used."""
        return self._closed or (self._parent is not None and self._parent.closed)

    def close(self) -> None:
        """Close it."""
        self._closed = True


class Context:
    """What the operations of a storage work with: one provider below one prefix, under the rules of the storage."""

    __slots__ = (
        "carrier",
        "closed_flag",
        "exchanges",
        "guard",
        "info",
        "notice",
        "provider",
        "read",
        "rules",
        "scope",
        "seal",
        "trash",
        "watch",
    )

    def __init__(
        self,
        provider: AnyProvider,
        prefix: Prefix,
        policy: UploadPolicy | None,
        write_once: WriteOnce = False,
        state_key: bytes | StateKeys | None = None,
        digest: DigestChoice = "service",
    ) -> None:
        """Work on the keys of *provider* that begin with *prefix*, which is empty or ends with a slash.

        Raises:
            ValueError: the key for upload states is too short, or there is no such *digest*.
        """
        self.provider = provider
        self.exchanges = exchanges_of(provider)
        """The verbs of the provider; keys are full."""
        if not KEEPS.isdisjoint(provider.info.capabilities) and not getattr(provider, "refuses_kept", False):
            from .protecting import asking_first

            self.exchanges = asking_first(self.exchanges)
        self.read: Reader | None = getattr(self.exchanges, "read", None)
        """Reads a whole object into memory, where the provider has a way that is plainer than ``get``."""
        self.info = provider.info
        """What the provider is and can do."""
        self.scope = Scope(prefix, provider.info.max_key_bytes)
        self.rules = Rules(provider.info, policy, write_once, digest)
        self.seal = StateSeal(provider, state_key)
        """Seals upload states."""
        self.closed_flag = ClosedFlag()
        self.guard: Guard | None = None
        """Decides about writes to some of the keys; set by the code that opens the storage, before it is used."""
        self.watch: Watch | None = None
        """Is shown how calls end; set in the same way."""
        self.notice: Observer | None = None
        """Is shown each attempt of each request; set in the same way."""
        self.trash: Trash | None = None
        """Where what is deleted is kept, unless the place keeps it; set by ``keep_deleted_for``."""
        self.carrier: Carrier | None = None
        """What alone may carry the operations, whatever they are composed in; set in the same way. None: anything."""

    def within(self, prefix: Prefix, policy: UploadPolicy | None, digest: DigestChoice | None = None) -> Context:
        """Return the same for what begins with *prefix*, under *policy*; it closes with this one.

        Raises:
            ValueError: there is no such *digest*; None is that of this one.
        """
        context = Context.__new__(Context)
        context.provider, context.exchanges, context.info = self.provider, self.exchanges, self.info
        context.read = self.read
        context.scope = Scope(prefix, self.info.max_key_bytes, self.scope.hidden)
        context.rules = self.rules.under(policy, digest)
        context.seal, context.closed_flag = self.seal, ClosedFlag(self.closed_flag)
        context.guard, context.watch = self.guard, self.watch
        context.notice, context.carrier, context.trash = self.notice, self.carrier, self.trash
        return context

    def keep_deleted_for(self, keep: timedelta, *, always: bool = True) -> None:
        """Keep what is deleted for a while, below ``.trash`` in this folder, and hide that; called before use.

        Unless *always*, a delete has to ask for it.
        """
        from .trash import Trash

        trash = self.trash = Trash(root=self.scope.prefix, keep=keep, always=always)
        self.scope = Scope(self.scope.prefix, self.info.max_key_bytes, trash.folder)
        kept = frozenset({Capability.UNDELETE})
        self.info = replace(self.info, capabilities=self.info.capabilities | kept, ours=self.info.ours | kept)
        self.rules.info = self.info

    def reading(self, verbs: object) -> Context:
        """Return the same with the reading *verbs* in place of those of the provider; nothing else works there."""
        context = self.within(self.scope.prefix, self.rules.policy)
        context.exchanges, context.read = cast("Exchanges", verbs), None
        return context

    def write_of(self, key: ObjectKey, reservation: str = "") -> Write | None:
        """Return the decision over a write of the full *key*, or None when it is not guarded."""
        if self.guard is None:
            return None
        return self.guard.writing(key, reservation) if reservation else self.guard.writing(key)

    def run(self, operation: str, key: str | None, exchange: Exchange[T]) -> Exchange[T]:
        """Run *exchange* as *operation*: for a step that is an operation in itself, such as one page of a listing.

        Args:
            operation: What an error says was being done.
            key: Its key, relative; None when it has none.
            exchange: What is done, with full keys; an ``ObjectInfo`` that it returns is made relative.

        Raises:
            ClosedError: the storage was closed.
            StorageError: what *exchange* raises, with its context.
        """
        if self.closed_flag.closed:
            raise ClosedError("the storage was closed; make a new one", operation=operation, key=key)
        try:
            exchange = exchange if self.notice is None else self.noticed(exchange)
            result = yield from (exchange if self.carrier is None else _carried(self.carrier, exchange))
        except StorageError as error:
            yield from self.failed(error, operation, key)
            raise
        if self.watch is not None:
            yield from self.watch.passed(operation)
        return self.scope.relative(result) if isinstance(result, ObjectInfo) else result

    def noticed(self, exchange: Exchange[T]) -> Exchange[T]:
        """Return *exchange* so that the observer of this storage is shown what it asks of the service."""
        from .noticing import noticed

        return exchange if self.notice is None else noticed(exchange, self.notice)

    def explain(self, error: StorageError, operation: str, key: str | None) -> StorageError:
        """Give *error* its context: what was being done, to which key, and where; what is already set stays."""
        error.operation = error.operation or operation
        error.provider = error.provider or self.info.kind
        if key is not None:
            error.key = key
        elif error.key is not None:
            error.key = self.scope.relative_key(error.key)
        return error

    def failed(self, error: StorageError, operation: str, key: str | None) -> Exchange[None]:
        """Give *error*, in which a call ended, its context, and show it to the observer."""
        self.explain(error, operation, key)
        if self.watch is not None:
            yield from self.watch.failed(error)


def _carried(carrier: Carrier, exchange: Exchange[T]) -> Exchange[T]:
    return cast(T, (yield Through(carrier, exchange)))


class HasContext(Protocol):
    """What has operations."""

    @property
    def context(self) -> Context:
        """What they work with."""
        ...


def operation(
    name: str,
) -> Callable[
    [Callable[Concatenate[Owner, ObjectKey, P], Exchange[T]]], Callable[Concatenate[Owner, str, P], Exchange[T]]
]:
    """Make an operation of a body whose first argument is a key: callers give it relative, the body gets it full.

    A body may be a generator, or return the exchange that does its work.
    """

    def decorate(
        body: Callable[Concatenate[Owner, ObjectKey, P], Exchange[T]],
    ) -> Callable[Concatenate[Owner, str, P], Exchange[T]]:
        # As Context.run does; written out because single requests pay for each frame, and for unpacking no keywords.
        @wraps(body)
        def run(owner: Owner, key: str, /, *args: P.args, **kwargs: P.kwargs) -> Exchange[T]:
            context = owner.context
            scope, flag = context.scope, context.closed_flag
            if flag._closed or (flag._parent is not None and flag.closed):
                raise ClosedError("the storage was closed; make a new one", operation=name, key=key)
            try:
                full = ObjectKey(key) if scope.whole else scope.full_key(key)
                begun = body(owner, full, *args, **kwargs) if kwargs else body(owner, full, *args)  # type: ignore[call-arg]
                if context.notice is not None:
                    begun = context.noticed(begun)
                carrier = context.carrier
                result = yield from (begun if carrier is None else _carried(carrier, begun))
            except StorageError as error:
                yield from context.failed(error, name, key)
                raise
            if context.watch is not None:
                yield from context.watch.passed(name)
            return scope.relative(result) if scope.prefix and isinstance(result, ObjectInfo) else result

        return run

    return decorate


def unscoped_operation(
    name: str,
) -> Callable[[Callable[Concatenate[Owner, P], Exchange[T]]], Callable[Concatenate[Owner, P], Exchange[T]]]:
    """Make an operation of a body that is given many keys, a prefix, or an upload, and resolves them itself.

    Errors name the key of an upload.
    """

    def decorate(body: Callable[Concatenate[Owner, P], Exchange[T]]) -> Callable[Concatenate[Owner, P], Exchange[T]]:
        @wraps(body)
        def run(owner: Owner, /, *args: P.args, **kwargs: P.kwargs) -> Exchange[T]:
            upload = args[0] if args else None
            key = upload.key if isinstance(upload, UploadState | PendingUpload) else None
            return owner.context.run(name, key, body(owner, *args, **kwargs))

        return run

    return decorate
