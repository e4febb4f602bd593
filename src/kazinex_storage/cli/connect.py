"""``--connect``: a person grants access on another device, and the refresh token becomes a secret of the provider."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from .command import RunningCommand
from .exits import UsageError, printable

_KIND = "sharepoint"
_OF_APPS = ("client_secret", "private_key", "certificate")


def check_person(kind: str, settings: Mapping[str, object]) -> None:
    """Refuse to connect as a person where that is not possible.

    Raises:
        UsageError: people cannot connect to this kind, or the settings are those of an app.
    """
    if kind != _KIND:
        raise UsageError(f"--connect is for {_KIND}; people cannot connect to {kind}")
    given = [name for name in _OF_APPS if settings.get(name) is not None]
    if given:
        raise UsageError(f"--connect is for a person, and {given[0]} is for an app; leave one of them out")


def connect(command: RunningCommand, kind: str, settings: Mapping[str, object]) -> dict[str, object]:
    """Return *settings* with the refresh token of the person who enters the code that is shown.

    Raises:
        UsageError: people cannot connect to this kind, or the settings are those of an app.
        ReconnectRequiredError: they refused, or took too long.
        AuthenticationError: the app allows no public client flows.
        ValidationError: the settings are not right.
        UnavailableError: the token endpoint does not answer.
    """
    check_person(kind, settings)
    from ..providers.sharepoint.connect import begin_device, finish_device
    from ..providers.sharepoint.settings import SharePointSettings

    # All settings are checked before a code is typed; only the token is missing.
    identity = SharePointSettings.model_validate({**settings, "refresh_token": "to come"}).identity()
    request = begin_device(identity)
    sys.stderr.write(f"{printable(request.message)}\n")  # also when --quiet: nothing goes on without it
    sys.stderr.flush()
    found = finish_device(identity, request)
    command.remember(found.refresh_token)
    command.out.note(f"connected as {printable(found.account) or 'an unnamed account'}")
    return {**settings, "refresh_token": found.refresh_token}
