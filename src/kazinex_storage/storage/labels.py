"""The operations on tags, storage classes, public URLs and forms. ``contract_writing.py`` says what providers do."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from ..capabilities import KEEPS, Capability
from ..contract_writing import PostForm, PostOptions
from ..errors import NotSupportedError, PolicyError, StorageError
from ..keys import ObjectKey
from ..transport import Exchange
from ..types import ObjectInfo
from .claiming import give_back
from .contents import check_declared
from .operation import Context, operation
from .quota import SIGNED_GRACE
from .tag_rules import check_tags


class Labels:
    """The operations on what objects carry beside their bytes and metadata."""

    __slots__ = ("context",)

    def __init__(self, context: Context) -> None:
        """Work with what *context* says."""
        self.context = context
        """Provider, prefix and rules."""

    @operation("tags")
    def tags(self, key: ObjectKey) -> Exchange[dict[str, str]]:
        """Return the tags; see ``Storage.tags``."""
        self.context.rules.need(Capability.TAGS, "tags")
        return dict((yield from self.context.exchanges.tags(key)))

    @operation("set_tags")
    def set_tags(self, key: ObjectKey, tags: Mapping[str, str]) -> Exchange[None]:
        """Replace the tags; see ``Storage.set_tags``."""
        self.context.rules.need(Capability.TAGS, "tags")
        check_tags(tags)
        return self.context.exchanges.set_tags(key, dict(tags))

    @operation("set_storage_class")
    def set_storage_class(self, key: ObjectKey, storage_class: str) -> Exchange[ObjectInfo]:
        """Give an object another class; see ``Storage.set_storage_class``.

        Raises:
            NotSupportedError: the object is written once, and this service writes it again for this.
        """
        context = self.context
        context.rules.need(Capability.STORAGE_CLASS, "a storage class")
        once = context.rules.creates(key) or context.write_of(key) is not None
        if once and not context.info.classes_in_place:
            raise NotSupportedError(
                "this key is written once, and another storage class writes it again here; choose the class when it is "
                "put, or let a lifecycle rule of the service change it"
            )
        if not KEEPS.isdisjoint(context.info.capabilities):  # before a copy onto itself, behind which it would stay
            from .protecting import check_free

            yield from check_free(context.exchanges, key)
        return (yield from context.exchanges.set_storage_class(key, storage_class))

    def public_url(self, key: str) -> str:
        """Return where anyone reads the object; see ``Storage.public_url``.

        Raises:
            NotSupportedError: the settings name no public host.
            InvalidKeyError: the key is not legal.
        """
        context = self.context
        full = context.scope.full_key(key)
        try:
            context.rules.need(Capability.PUBLIC_URL, "a public URL")
        except StorageError as error:
            raise context.explain(error, "public_url", key) from None
        return context.exchanges.public_url(full)

    @operation("presign_post")
    def presign_post(self, key: ObjectKey, options: PostOptions | None) -> Exchange[PostForm]:
        """Sign a form; see ``Storage.presign_post``.

        Raises:
            NotSupportedError: the key is written once, and no form is bound to an absent key.
            PolicyError: the policy does not allow the name or so large a file, or a quota needs a limit.
            ValueError: the expiry or the sizes make no sense.
        """
        context, rules = self.context, self.context.rules
        options = options if options is not None else PostOptions()
        rules.need(Capability.POST_POLICY, "a form")
        if rules.creates(key) or context.write_of(key) is not None:
            raise NotSupportedError("this key is written once, and a form replaces what is there; sign a PUT")
        if options.expires_in <= timedelta(0):
            raise ValueError("expires_in is a positive time")
        rules.check_name(key)
        check_declared(rules.policy, key, options.content_type)
        most = self._most(options)
        options = replace(options, max_bytes=most, write_token=secrets.token_hex(8))
        claim = None
        if rules.quota is not None:
            claim = rules.quota.claim(key, options.write_token or "")
            yield from claim.reserve(most, options.expires_in + SIGNED_GRACE)
        try:
            return (yield from context.exchanges.presign_post(key, options))
        except StorageError:
            yield from give_back(claim)
            raise

    def _most(self, options: PostOptions) -> int:
        rules = self.context.rules
        if options.max_bytes is None:
            if rules.quota is not None:
                raise PolicyError("under a quota a form is signed together with a limit; give max_bytes")
            return rules.limit
        rules.check_size(options.max_bytes)
        if not 0 <= options.min_bytes <= options.max_bytes:
            raise ValueError(f"no file has {options.min_bytes} bytes or more, and {options.max_bytes} at most")
        return options.max_bytes
