"""What the exports of every store have in common: choosing the tool, and the text of the files that tools read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Concatenate, Final, ParamSpec, TypeAlias

from ...errors import SettingsError
from ...lazy import regex

Options: TypeAlias = dict[str, object]

P = ParamSpec("P")

_NAME: Final = regex(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
# Quotes and comments differ between the parsers of these files; keys of S3 have none of these characters.
_UNWRITABLE: Final = regex(r"[^!-~]|[\"'`#;\\]")


def export(
    tool: str,
    name: str,
    options: Mapping[str, Callable[P, Options]],
    texts: Mapping[str, Callable[Concatenate[str, P], str]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Options | str:
    """Return what *tool* needs: *options*, or *texts* that begin with *name*, made of the other arguments.

    Raises:
        SettingsError: there is no such tool or no such name, or the export itself fails.
    """
    if not _NAME.fullmatch(name):
        raise SettingsError("a name of an export is 1 to 64 letters, digits, - or _, beginning with a letter")
    if tool in options:
        return options[tool](*args, **kwargs)
    if tool in texts:
        return texts[tool](name, *args, **kwargs)
    raise SettingsError(f"there is no export for {tool!r}; known are {', '.join([*options, *texts])}")


def section(title: str, values: Mapping[str, str | None], further: Iterable[str] = ()) -> str:
    """Return a section of an INI file: *values* that are not empty, and *further* lines.

    Raises:
        SettingsError: a value has characters that the file cannot hold.
    """
    for option, value in values.items():
        if value and _UNWRITABLE.search(value):
            raise SettingsError(f"{option} has characters with a special meaning in such a file; enter it in the tool")
    lines = (f"{option} = {value}" for option, value in values.items() if value)
    return "\n".join([f"[{title}]", *lines, *further]) + "\n"


def duckdb_secret(name: str, words: Mapping[str, str], values: Mapping[str, str | None]) -> str:
    """Return the statement of DuckDB that makes the secret *name*: *words* as they are, *values* in quotes."""
    lines = [f"    {option} {word}" for option, word in words.items()]
    lines += [f"    {option} '{value.replace(chr(39), chr(39) * 2)}'" for option, value in values.items() if value]
    return f'CREATE OR REPLACE SECRET "{name}" (\n' + ",\n".join(lines) + "\n)"
