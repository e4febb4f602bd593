"""``link``: a signed URL, for somebody without credentials, that ends by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ..errors import NotSupportedError
from ..keys import ObjectKey
from ..lazy import regex
from .addresses import find_document
from .command import RunningCommand, command_of
from .exits import UsageError
from .operands import RemoteOperand, parse_remote
from .output import format_time

if TYPE_CHECKING:
    from ..storage.sync import Storage
    from ..types import PresignedUrl, PresignOptions

_DURATION = regex(r"(?:([0-9]{1,4})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,9})s)?")

_INSTEAD: Final = (
    "give the file itself (kazinex-storage get), or let kazinex-storage serve hand it out to those who may read it"
)

_METHODS: Final = ("get", "head", "put")


def link(
    context: typer.Context,
    document: Annotated[
        str,
        typer.Argument(metavar="DOCUMENT|URL", help="organisation/project/document/revision[/filename], or a URL."),
    ],
    expires: Annotated[
        str, typer.Option("--expires", metavar="TIME", help="For how long, such as 15m, 1h or 7d.")
    ] = "1h",
    disposition: Annotated[
        str | None,
        typer.Option("--disposition", metavar="attachment|inline", help="Have a browser save it, or show it."),
    ] = None,
    filename: Annotated[
        str | None, typer.Option("--filename", help="Under which name it is saved; by default its own.")
    ] = None,
    method: Annotated[
        str, typer.Option("--method", metavar="get|head|put", help="put creates an object, behind a URL alone.")
    ] = "get",
) -> None:
    """Print a URL that reads one object until it expires, for whoever has it: treat it as a password."""
    command, operand = command_of(context), parse_remote(document)
    options = _options(expires, disposition, filename, method)
    storage, key = _found(command, operand, options.method)
    if disposition is not None or filename is not None:
        options = replace(options, content_disposition=_header(disposition, filename or key.rpartition("/")[2]))
    url = _signed(storage, key, options, expires)
    command.remember([url.url])
    _print(command, operand, key, url, options)


def parse_duration(text: str) -> timedelta:
    """Return the time that *text*, such as ``1h30m``, means.

    Raises:
        UsageError: it means none.
    """
    found = _DURATION.fullmatch(text.strip().lower())
    numbers = [int(number or 0) for number in found.groups()] if found is not None else []
    if not any(numbers):
        raise UsageError(f"{text[:40]!r} is no time; write it as 15m, 1h, 1h30m or 7d")
    days, hours, minutes, seconds = numbers
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _options(expires: str, disposition: str | None, filename: str | None, method: str) -> PresignOptions:
    from ..types import PresignOptions

    if method.lower() not in _METHODS:
        raise UsageError(f"--method {method[:20]!r}: give {', '.join(_METHODS)}")
    if disposition not in (None, "attachment", "inline"):
        raise UsageError(f"--disposition {str(disposition)[:20]!r}: give attachment or inline")
    if method.lower() != "get" and (disposition is not None or filename is not None):
        raise UsageError("--disposition and --filename are of what a GET answers; leave them away")
    return PresignOptions(method=method.upper(), expires_in=parse_duration(expires))


def _found(command: RunningCommand, operand: RemoteOperand, method: str) -> tuple[Storage, str]:
    """Return the storage that holds the object, and its key there.

    Raises:
        NotFoundError: there is no such object; ``UsageError``: the operand names a folder, or no key.
        StorageError: a provider that may hold it does not answer.
    """
    from .places import open_place

    if not operand.key or operand.folder:
        raise UsageError(f"{operand.text!r} is a folder, and a link is of one object; name it")
    if operand.organisation is None and method == "PUT":
        return command.storage_at(operand.base), ObjectKey(operand.key)
    if method == "PUT":
        raise UsageError("a document is uploaded by put, or by a client with a ticket (docs/direct-uploads.md)")
    if operand.organisation is not None and operand.key.count("/") == 2:  # a revision, without its file
        receipt = find_document(command, operand.name)
        return command.resolver.storage_of(operand.organisation, receipt.provider), receipt.key.partition("/")[2]
    found = open_place(command, operand).head(operand.key)
    return found.storage, found.key


def _header(disposition: str | None, filename: str) -> str:
    from ..storage.disposition import attachment, inline

    try:
        return inline(filename) if disposition == "inline" else attachment(filename)
    except ValueError as error:
        raise UsageError(f"--filename: {error}") from error


def _signed(storage: Storage, key: str, options: PresignOptions, expires: str) -> PresignedUrl:
    """Sign.

    Raises:
        NotSupportedError: nothing signs URLs there; the message says what to do instead.
        UsageError: the service does not sign for so long.
    """
    from ..capabilities import Capability
    from ..types import PutMode

    info = storage.info
    if not info.can(Capability.PRESIGN):
        why = info.missing.get(Capability.PRESIGN, "it signs none")
        raise NotSupportedError(
            f"{info.kind} gives no links: {why}. Instead: {_INSTEAD}", operation="link", key=key, provider=info.kind
        )
    if options.method == "PUT" and info.can(Capability.CREATE_ONLY):
        options = replace(options, mode=PutMode.CREATE)
    try:
        return storage.presign(key, options)
    except ValueError as error:
        if isinstance(error, OSError) or type(error) is not ValueError:
            raise
        raise UsageError(f"--expires {expires}: {info.kind} says: {error}") from error


def _print(
    command: RunningCommand, operand: RemoteOperand, key: str, url: PresignedUrl, options: PresignOptions
) -> None:
    document = {
        "key": f"{operand.base}{key}",
        "method": url.method,
        "url": url.url,
        "headers": dict(url.headers),
        "expires_at": url.expires_at.isoformat(),
    }
    command.out.result(document, [url.url])
    for name, text in url.headers.items():
        command.out.note(f"send the header {name}: {text}")
    command.out.note(f"{options.method} until {format_time(url.expires_at)}; whoever has the URL may use it")
