"""The options that every file system has, whatever it stores to; they are fsspec's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict, cast

from ..errors import NotSupportedError


class Options(TypedDict, total=False):
    """The keywords of a constructor that do not say where the objects are; ``FileSystemOptions`` explains them."""

    asynchronous: bool
    loop: asyncio.AbstractEventLoop | None
    batch_size: int | None
    use_listings_cache: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSystemOptions:
    """The same options as one value.

    Raises:
        TypeError: an option is not known.
        NotImplementedError: *use_listings_cache*.
    """

    asynchronous: bool = False
    """Whether coroutines are awaited directly on the running loop, by fsspec's convention."""
    loop: asyncio.AbstractEventLoop | None = None
    """What other libraries run coroutines on from blocking code; without one, fsspec's."""
    batch_size: int | None = None
    """How many requests at once; None leaves it to the provider, -1 means all."""
    use_listings_cache: bool = False
    """Must be False."""

    @classmethod
    def split(cls, given: Mapping[str, object]) -> tuple[FileSystemOptions, dict[str, object]]:
        """Return the options among *given*, and the rest, which are settings.

        Raises:
            NotImplementedError: *use_listings_cache*.
        """
        own = {name: value for name, value in given.items() if name in Options.__annotations__}
        return cls(**cast("Options", own)), {name: value for name, value in given.items() if name not in own}

    def __post_init__(self) -> None:
        if self.use_listings_cache:
            raise NotSupportedError("listings are not cached; leave use_listings_cache out")
