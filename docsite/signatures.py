"""Signatures as they are written, broken where they are long."""

from __future__ import annotations

import inspect
import re

_WIDTH = 88
_SIGNS: dict[object, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
_PRIVATE = re.compile(r"\b_(?=[A-Z])")


def signature(name: str, function: object) -> str:
    """Return how *function* is called under *name*, a parameter a line where one line is too short."""
    found = inspect.signature(function)  # type: ignore[arg-type]  # callers pass what can be called
    given = [each for each in found.parameters.values() if each.name not in ("self", "cls")]
    result = "" if found.return_annotation is found.empty else f" -> {_said(found.return_annotation)}"
    parts = list[str]()
    for at, parameter in enumerate(given):
        before = given[at - 1].kind if at else None
        if parameter.kind is parameter.KEYWORD_ONLY and before not in (
            parameter.KEYWORD_ONLY,
            parameter.VAR_POSITIONAL,
        ):
            parts.append("*")
        parts.append(_parameter(parameter))
        after = given[at + 1].kind if at + 1 < len(given) else None
        if parameter.kind is parameter.POSITIONAL_ONLY and after is not parameter.POSITIONAL_ONLY:
            parts.append("/")
    line = f"{name}({', '.join(parts)}){result}"
    if len(line) <= _WIDTH:
        return line
    return "\n".join([f"{name}(", *(f"    {part}," for part in parts), f"){result}"])


def value_of(default: object) -> str:
    """Return a default as it would be typed; three dots where that says nothing."""
    text = repr(default)
    return "..." if text.startswith("<") or len(text) > _WIDTH // 2 else text


def _parameter(parameter: inspect.Parameter) -> str:
    text = f"{_SIGNS.get(parameter.kind, '')}{parameter.name}"
    if parameter.annotation is not parameter.empty:
        text += f": {_said(parameter.annotation)}"
    if parameter.default is not parameter.empty:
        equals = " = " if ":" in text else "="
        text += f"{equals}{value_of(parameter.default)}"
    return text


def _said(annotation: object) -> str:
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    return _PRIVATE.sub("", text)
