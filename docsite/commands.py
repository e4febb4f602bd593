"""The reference of the command line, made of the program itself: every command with its arguments and options."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from typer.main import get_command

from kazinex_storage.cli.app import ANYWHERE, build
from kazinex_storage.cli.exits import HELP, ExitCode

from .text import code

FOLDER = "commands"
PROGRAM = "kazinex-storage"

_CODE = re.compile(r"(\d+) ([^;.]+)")


@cache
def pages() -> Mapping[str, str]:
    """Return a page for each group of commands, and the first one for those that belong to none."""
    program: Any = get_command(build())
    top = _context(program, PROGRAM, None)
    groups = {name: found for name, found in sorted(program.commands.items()) if hasattr(found, "commands")}
    made = {f"{FOLDER}/index.md": _first(program, top, groups)}
    for name, group in groups.items():
        made[f"{FOLDER}/{name}.md"] = "\n".join(_group(name, group, top))
    return made


def names() -> Iterator[str]:
    """Yield every command as it is typed, without the name of the program."""
    yield from _names(get_command(build()), "")


def options() -> set[str]:
    """Return every option of the program, of whichever command."""
    found = {"--help", *re.findall(r"(?<!\w)--?\w[\w-]*", ANYWHERE)}
    waiting: list[Any] = [get_command(build())]
    while waiting:
        command = waiting.pop()
        found |= {name for each in command.params for name in (*each.opts, *each.secondary_opts) if name[:1] == "-"}
        waiting += getattr(command, "commands", {}).values()
    return found


def _names(command: Any, name: str) -> Iterator[str]:
    if not hasattr(command, "commands"):
        yield name
        return
    if command.invoke_without_command:
        yield name
    for each, found in sorted(command.commands.items()):
        yield from _names(found, f"{name} {each}".strip())


def _first(program: Any, top: Any, groups: dict[str, Any]) -> str:
    lines = [
        "# Commands",
        "",
        f"Every command of `{PROGRAM}` with its arguments and options, as the program itself has them. How they go",
        "together: [command line](../cli.md).",
        "",
        *(f"- [`{PROGRAM} {name}`]({name}.md): {_flat(found.help)}" for name, found in groups.items()),
        "",
        "## Anywhere on the line",
        "",
        "| option | what it does |",
        "|---|---|",
        *_anywhere(),
        "",
        "## Of the program itself",
        "",
        "| option | what it does |",
        "|---|---|",
        *(row for each in program.params if (row := _row(each, top))),
        "",
        "## Exit codes",
        "",
        "The same for every command.",
        "",
        "| code | means |",
        "|---|---|",
        *_codes(),
    ]
    for name, found in sorted(program.commands.items()):
        if name not in groups:
            lines += _command(name, found, top)
    return "\n".join([*lines, ""])


def _group(name: str, group: Any, top: Any) -> Iterator[str]:
    context = _context(group, name, top)
    yield from ("---", f"title: {name}", "---", f"# {PROGRAM} {name}")
    yield from ("", _flat(group.help), "", "[Exit codes and options of every command](index.md#exit-codes)")
    if group.invoke_without_command:
        yield from _command(name, group, top)
    for each, found in sorted(group.commands.items()):
        yield from _command(f"{name} {each}", found, context)
    yield ""


def _command(name: str, command: Any, parent: Any) -> Iterator[str]:
    """Yield the section of one command."""
    if command.hidden:
        return
    context = _context(command, name.rpartition(" ")[2], parent)
    usage = " ".join(piece.strip("{}") for piece in command.collect_usage_pieces(context))
    yield from ("", f"## {name}", "", *_paragraphs(command.help), "", "```text", f"{PROGRAM} {name} {usage}", "```")
    for title, kind in (("argument", "argument"), ("option", "option")):
        rows = [_row(parameter, context) for parameter in command.params if parameter.param_type_name == kind]
        if rows := [row for row in rows if row]:
            yield from ("", f"| {title} | |", "|---|---|", *rows)


def _row(parameter: Any, context: Any) -> str | None:
    record = parameter.get_help_record(context)
    if record is None:
        return None
    name, words = (_flat(text) for text in record)
    return f"| {code(name)} | {_escaped(words).replace('|', '&#124;')} |"


def _anywhere() -> Iterator[str]:
    listed = ANYWHERE.partition(": ")[2].rstrip(".")
    for names_of, words in re.findall(r"(-\S+(?: or -\w+)?)(?: \(([^)]*)\))?", listed):
        yield f"| `{names_of.rstrip(',').replace(' or ', '` or `')}` | {words or 'less output'} |"


def _codes() -> Iterator[str]:
    said = {int(number): words for number, words in _CODE.findall(HELP)}
    said[ExitCode.PIPE] = "the reader of the output went away"
    for found in ExitCode:
        yield f"| {found.value} | {said[found.value]} |"


def _context(command: Any, name: str, parent: Any) -> Any:
    return command.make_context(name, [], parent=parent, resilient_parsing=True)


def _paragraphs(text: str | None) -> list[str]:
    return _escaped((text or "").strip().replace("\f", "")).splitlines()


def _flat(text: str | None) -> str:
    return " ".join((text or "").split())


def _escaped(text: str) -> str:
    """Return *text* of a terminal as Markdown that shows the same."""
    return re.sub(r"[*\[\]]|\b_|_\b", r"\\\g<0>", text.replace("<", "&lt;"))
