"""What the docstrings below the fields of a settings model say, read when somebody asks.

Pydantic reads them while the class is made (``use_attribute_docstrings``): from the source, at every start.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from textwrap import dedent
from typing import TYPE_CHECKING

from pydantic import BaseModel

if TYPE_CHECKING:
    from pydantic.config import JsonDict


@lru_cache(maxsize=64)
def summaries(model: type[BaseModel]) -> Mapping[str, str]:
    """Return the docstring of each field of *model*, its own and those that it inherits.

    Fields without one are left out, and so are all where the source is not at hand.
    """
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if issubclass(each, BaseModel) and each is not BaseModel:
            found |= _of(each)
    return found


def describe(schema: JsonDict, model: type[object]) -> None:
    """Put the docstrings into the JSON schema of *model* (``json_schema_extra``)."""
    properties = schema.get("properties")
    if isinstance(properties, dict) and issubclass(model, BaseModel):
        own = inspect.get_annotations(model)
        for name in [name for name in properties if name not in own]:  # what all kinds have comes last in forms
            properties[name] = properties.pop(name)
        for name, text in summaries(model).items():
            entry = properties.get(name)
            if isinstance(entry, dict):
                entry.setdefault("description", text)


def _of(model: type[BaseModel]) -> Mapping[str, str]:
    try:
        (definition,) = ast.parse(dedent(inspect.getsource(model))).body
    except (OSError, TypeError, SyntaxError, ValueError):
        return {}
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    found: dict[str, str] = {}
    for field, text in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            value = text.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                found[field.target.id] = inspect.cleandoc(value.value)
    return found
