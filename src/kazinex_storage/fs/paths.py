"""``UPath`` for every scheme of this package, found by universal_pathlib through an entry point."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any, Self

from fsspec import get_filesystem_class
from upath import UPath


class ObjectPath(UPath):
    """A path of universal_pathlib on a file system of this package.

    universal_pathlib compares schemes only up to a plus sign, and finds ``kazinex+s3`` to be different from itself. So
    the scheme is taken out of what it compares; the path keeps it.
    """

    __slots__ = ()

    @classmethod
    def _transform_init_args(
        cls, args: tuple[Any, ...], protocol: str, storage_options: dict[str, Any]
    ) -> tuple[tuple[Any, ...], str, dict[str, Any]]:
        get_filesystem_class(protocol)  # until it is loaded, universal_pathlib goes by rules of its own
        if "+" not in protocol:
            return args, protocol, storage_options
        if args and isinstance(args[0], UPath):
            storage_options = {**args[0].storage_options, **storage_options}
        return tuple(_plain(one, protocol) for one in args), protocol, storage_options

    def rename(self, target: Any, **options: Any) -> Self:
        """Give the object the path *target*, and return it.

        A target without a scheme is a path of the file system if it begins as this one does, with the bucket; there is
        no working folder that it could be relative to.

        Raises:
            FileNotFoundError: there is no such object.
            ValueError: the target is on another file system.
            NotImplementedError: it may be relative.
        """
        if not (isinstance(target, UPath) and target.protocol):
            text = target.as_posix() if isinstance(target, PurePath | UPath) else str(target)
            if text.startswith(f"{self.path.partition('/')[0]}/"):
                target = self.with_segments(text)
        return super().rename(target, **options)


def _plain(segment: Any, protocol: str) -> Any:
    """Return *segment* without its scheme, if that is *protocol*."""
    if isinstance(segment, UPath):
        return segment.path if segment.protocol == protocol and segment.is_absolute() else segment
    return segment.removeprefix(f"{protocol}://") if isinstance(segment, str) else segment
