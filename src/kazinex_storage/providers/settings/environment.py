"""The only place that reads the environment: the variables are the last argument, by default those of the process.

KAZINEX_STORAGE_HOME            folder of the catalogue and the key file; default: the user's data folder
KAZINEX_STORAGE_DATABASE        URL of the catalogue, or the path of a SQLite file
KAZINEX_STORAGE_KEY             sealing keys, base64 of 32 bytes each; with _SOURCE, services that wrap data keys
KAZINEX_STORAGE_MANAGED         file that declares the providers of the platform
KAZINEX_STORAGE_TIME_STAMP_URL  time stamp service (RFC 3161) that sees the evidence of receipts
KAZINEX_STORAGE_<KIND>_<FIELD>  settings of a provider; KAZINEX_STORAGE_URL, the one of Storage.from_environment
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from ...errors import SettingsError
from ...secrecy.masking import Masked

if TYPE_CHECKING:
    from pydantic import BaseModel

PREFIX = "KAZINEX_STORAGE_"
"""The prefix of every variable of this package."""


def data_directory(environ: Mapping[str, str] | None = None) -> Path:
    """Return the folder of the catalogue and the key file, without making it.

    Raises:
        SettingsError: ``KAZINEX_STORAGE_HOME`` is not absolute, or there is no home folder to put it in.
    """
    variables = _variables(environ)
    chosen = variables.get(f"{PREFIX}HOME", "")
    if chosen:
        path = _expand(chosen, variables)
        if not path.is_absolute():
            raise SettingsError(f"{PREFIX}HOME is {chosen!r}; give an absolute path")
        return path
    # XDG Base Directory Specification 0.8: a relative XDG_DATA_HOME is invalid and ignored.
    shared = variables.get("XDG_DATA_HOME", "")
    base = Path(shared) if os.path.isabs(shared) else _expand("~/.local/share", variables)
    return base / "kazinex-storage"


def make_data_directory(environ: Mapping[str, str] | None = None) -> Path:
    """Return the folder of ``data_directory``; if it is missing it is created, closed to other users.

    Raises:
        SettingsError: it cannot be made.
    """
    path = data_directory(environ)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"the folder {str(path)!r} cannot be made ({error.strerror}); set {PREFIX}HOME to one that can"
        ) from error
    return path


def state_directory(environ: Mapping[str, str] | None = None) -> Path:
    """Return the folder of what may be lost, such as unfinished uploads, without making it.

    ``KAZINEX_STORAGE_HOME/state`` where that is set, else ``XDG_STATE_HOME/kazinex-storage``, by default below
    ``~/.local/state``.

    Raises:
        SettingsError: ``KAZINEX_STORAGE_HOME`` is not absolute, or there is no home folder to put it in.
    """
    variables = _variables(environ)
    if variables.get(f"{PREFIX}HOME", ""):
        return data_directory(variables) / "state"
    # XDG Base Directory Specification 0.8: a relative XDG_STATE_HOME is invalid and ignored.
    shared = variables.get("XDG_STATE_HOME", "")
    base = Path(shared) if os.path.isabs(shared) else _expand("~/.local/state", variables)
    return base / "kazinex-storage"


def completed_words(environ: Mapping[str, str] | None = None) -> list[str] | None:
    """Return the words that bash wants completed, the last one is that under the cursor; None when no shell asks.

    Other shells hand over their words elsewhere: then there are none.
    """
    variables = _variables(environ)
    if f"_{PREFIX}COMPLETE" not in variables:
        return None
    try:
        return shlex.split(variables.get("COMP_WORDS", ""))[: int(variables.get("COMP_CWORD", "0")) + 1]
    except ValueError:  # an open quote
        return []


def catalogue_location(environ: Mapping[str, str] | None = None) -> str:
    """Return where the catalogue is: a URL, or the absolute path of a SQLite file (the default, in the data folder).

    Raises:
        SettingsError: there is no home folder for the default.
    """
    variables = _variables(environ)
    chosen = variables.get(f"{PREFIX}DATABASE", "").strip()
    if "://" in chosen:
        return Masked(chosen)
    path = _expand(chosen, variables) if chosen else data_directory(variables) / "catalogue.db"
    return str(path.absolute())


def sealing_keys(environ: Mapping[str, str] | None = None) -> str | None:
    """Return the text of ``KAZINEX_STORAGE_KEY``, or None when it is not set.

    Raises:
        SettingsError: it is set to nothing, which is a mistake in a deployment and not a wish for a key file.
    """
    text = _variables(environ).get(f"{PREFIX}KEY")
    if text is not None and not text.strip():
        raise SettingsError(f"{PREFIX}KEY is set but empty; give it a key, or unset it to use the key file")
    return text


def key_services(environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return what ``KAZINEX_STORAGE_KEY_SOURCE`` names: the key service that wraps, then earlier ones; none by default.

    Raises:
        SettingsError: it is set to nothing.
    """
    text = _variables(environ).get(f"{PREFIX}KEY_SOURCE")
    if text is not None and not text.strip():
        raise SettingsError(f"{PREFIX}KEY_SOURCE is set but empty; name a key service, or unset it")
    return tuple((text or "").split())


def managed_file(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return the file that declares the providers of the platform; None when ``KAZINEX_STORAGE_MANAGED`` is not set.

    Raises:
        SettingsError: it begins with ``~`` and there is no home folder.
    """
    variables = _variables(environ)
    chosen = variables.get(f"{PREFIX}MANAGED", "").strip()
    return _expand(chosen, variables) if chosen else None


def time_stamp_url(environ: Mapping[str, str] | None = None) -> str | None:
    """Return the address of the time stamp service of the host; None when the variable is not set.

    Raises:
        SettingsError: it is no address of HTTP.
    """
    found = _variables(environ).get(f"{PREFIX}TIME_STAMP_URL", "").strip()
    if found and not found.startswith(("http://", "https://")):
        raise SettingsError(f"{PREFIX}TIME_STAMP_URL is no address of HTTP; write https://...")
    return found or None


def with_settings(
    kind: str, settings: Mapping[str, object], environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the variables for a program that finds *settings* of *kind* there, beside those of this process.

    Example:
        >>> with_settings("local", {"root": "/srv/documents"}, {"HOME": "/root"})
        {'HOME': '/root', 'KAZINEX_STORAGE_LOCAL_ROOT': '/srv/documents'}
    """
    given = {f"{PREFIX}{kind}_{name}".upper(): str(value) for name, value in settings.items() if value is not None}
    return {**_variables(environ), **given}


def settings_from_environment(
    model: type[BaseModel], prefix: str, environ: Mapping[str, str] | None = None
) -> dict[str, object]:
    """Return the settings that variables beginning with *prefix* give to the fields of *model*.

    ``KAZINEX_STORAGE_LOCAL_ROOT`` with the prefix ``KAZINEX_STORAGE_LOCAL_`` is ``{"root": ...}``; a field of a nested
    model is written ``..._AUTH__TENANT``. Values stay text, which the model converts.

    Example:
        >>> from kazinex_storage.providers.local import LocalSettings
        >>> variables = {"KAZINEX_STORAGE_LOCAL_ROOT": "/srv/documents", "HOME": "/root"}
        >>> settings_from_environment(LocalSettings, "KAZINEX_STORAGE_LOCAL_", variables)
        {'root': '/srv/documents'}
    """
    variables = _variables(environ)
    found: dict[str, object] = {}
    for name, field in model.model_fields.items():
        nested = _nested_model(field.annotation)
        variable = f"{prefix}{name.upper()}"
        key = field.alias or name
        if nested is not None:
            below = settings_from_environment(nested, f"{variable}__", variables)
            if below:
                found[key] = below
        elif variable in variables:
            found[key] = variables[variable]
    return found


def variables_below(prefix: str, names: Iterable[str], environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what variables beginning with *prefix* say for *names*, written in capitals; empty ones say nothing.

    Example:
        >>> variables_below("EXAMPLE_", ["tenant", "cloud"], {"EXAMPLE_TENANT": "contoso", "EXAMPLE_CLOUD": ""})
        {'tenant': 'contoso'}
    """
    variables = _variables(environ)
    found = {name: variables.get(f"{prefix}{name.upper()}", "") for name in names}
    return {name: text for name, text in found.items() if text}


def _variables(environ: Mapping[str, str] | None) -> Mapping[str, str]:
    return os.environ if environ is None else environ


def _expand(text: str, variables: Mapping[str, str]) -> Path:
    if text == "~" or text.startswith("~/"):
        home = variables.get("HOME") or os.path.expanduser("~")
        if not os.path.isabs(home):
            raise SettingsError(f"there is no home folder; set {PREFIX}HOME to an absolute path")
        return Path(home + text[1:])
    return Path(text)


def _nested_model(annotation: object) -> type[BaseModel] | None:
    from pydantic import BaseModel

    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
