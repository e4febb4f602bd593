"""The fields of a settings model as data, for prompts and messages, and what is wrong with settings, field by field.

Models may tell more than types do: a ``Hint`` is metadata of a field (``Annotated[str, Hint(...)]``), ``ways`` an
attribute of the model, ``taken_apart`` a class method. All are optional, and none changes what a model accepts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import NoneType
from typing import TYPE_CHECKING, Literal, TypeGuard, get_args, get_origin

from ...secrecy.masking import leaves, redact
from ...values import value

if TYPE_CHECKING:
    from pydantic import BaseModel, GetJsonSchemaHandler
    from pydantic.fields import FieldInfo
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema


@value
class Hint:
    """What helps a person to answer for a field."""

    where: str = ""
    """Where the service shows it, such as ``Cloudflare dashboard > R2 > Manage API tokens``."""
    example: str = ""
    """A value of the right form that belongs to nobody. It stands for an answer that is still to come when the answers
    before it are checked."""
    usual: bool = False
    """Whether a wizard asks for it although it may be left out."""
    in_file: bool = False
    """Whether it has several lines, and is in a file."""
    asked: bool = True
    """False for what no person enters: verification or a sign-in writes it."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Put ``where`` into the JSON schema, for pages."""
        made = handler(schema)
        if self.where:
            made["where"] = self.where
        return made


@value
class Way:
    """One of several ways to prove who one is; fields of which exactly one such set is given."""

    title: str
    """What a menu calls it."""
    fields: tuple[str, ...]
    """Which fields it takes; all of them are asked for. Without any, nothing more is needed."""
    signs_in: bool = False
    """Whether a person signs in instead, on another device."""


@value
class SettingsField:
    """One field of a settings model, for prompts and messages."""

    name: str
    """Parts of nested models are joined by dots."""
    required: bool
    secret: bool
    summary: str
    """What the model says of it; may be empty."""
    where: str = ""
    """Where the service shows it; may be empty."""
    example: str = ""
    """A value of the right form that belongs to nobody; may be empty."""
    usual: bool = False
    """Whether a wizard asks for it although it may be left out."""
    in_file: bool = False
    """Whether it has several lines, and is in a file."""
    asked: bool = True
    """Whether a person enters it."""
    choices: tuple[str, ...] = ()
    """What it may be, where that is a short list."""
    default: str | int | float | bool | None = None
    """What counts without it, where that is one plain value."""


def is_model(found: object) -> TypeGuard[type[BaseModel]]:
    """Say whether *found* is a class of settings."""
    from pydantic import BaseModel

    return isinstance(found, type) and issubclass(found, BaseModel)


def fields_of(
    model: type[BaseModel], prefix: str = "", *, required: bool = True, summed: bool = True
) -> Iterator[SettingsField]:
    """Yield the fields of *model* in its order, those that every kind inherits last; *summed* reads the source."""
    from .summaries import summaries

    docstrings = summaries(model) if summed else {}
    for name, field in sorted(model.model_fields.items(), key=lambda item: item[0].startswith("age_")):
        full = f"{prefix}{field.alias or name}"
        needed = required and field.is_required()
        nested = [part for part in _parts(field.annotation) if is_model(part)]
        if nested:
            hint = _hint(field)
            for part in nested:
                for found in fields_of(part, f"{full}.", required=needed, summed=summed):
                    yield found if hint.asked else _unasked(found)
        else:
            summary = (field.description or docstrings.get(name, "")).strip()
            yield _field(full, field, needed, summary)


def ways_of(model: type[BaseModel]) -> tuple[Way, ...]:
    """Return the ways to prove who one is that *model* knows; none where there is only one."""
    found = getattr(model, "ways", ())
    return found if isinstance(found, tuple) and all(isinstance(way, Way) for way in found) else ()


def spread(model: type[BaseModel], settings: Mapping[str, object]) -> dict[str, object]:
    """Return *settings* with an address that says several fields at once taken apart, where *model* can do that."""
    taken_apart = getattr(model, "taken_apart", None)
    found = taken_apart(settings) if callable(taken_apart) else settings
    return dict(found) if isinstance(found, Mapping) else dict(settings)


def parsed(
    model: type[BaseModel], settings: Mapping[str, object]
) -> tuple[BaseModel | None, tuple[tuple[str, str], ...]]:
    """Return the instance of *model*, or what is wrong as (field, words); no words quote a value."""
    from pydantic import ValidationError

    try:
        return model.model_validate(dict(settings)), ()
    except ValidationError as error:
        # Its own text quotes the input, and so would a traceback that has it as cause or context.
        found = tuple(_described(model, problem, settings) for problem in error.errors(include_url=False))
    return None, found


def _field(name: str, field: FieldInfo, required: bool, summary: str) -> SettingsField:
    from pydantic import SecretStr

    hint, parts = _hint(field), list(_parts(field.annotation))
    default = field.default if isinstance(field.default, str | int | float | bool) else None
    return SettingsField(
        name=name,
        required=required,
        secret=any(part is SecretStr for part in parts),
        summary=summary,
        where=hint.where,
        example=hint.example,
        usual=hint.usual,
        in_file=hint.in_file,
        asked=hint.asked,
        choices=tuple(str(choice) for part in parts if get_origin(part) is Literal for choice in get_args(part)),
        default=default,
    )


def _unasked(field: SettingsField) -> SettingsField:
    from dataclasses import replace

    return replace(field, asked=False)


def _hint(field: FieldInfo) -> Hint:
    return next((found for found in field.metadata if isinstance(found, Hint)), Hint())


def _parts(annotation: object) -> Iterator[object]:
    yield annotation
    for argument in get_args(annotation):
        if argument is not NoneType:
            yield from _parts(argument)


def _described(
    model: type[BaseModel], problem: Mapping[str, object], settings: Mapping[str, object]
) -> tuple[str, str]:
    location = problem["loc"]
    name = ".".join(str(part) for part in location) if isinstance(location, tuple) else ""
    what = str(problem["type"])
    if what == "missing":
        return name, "is missing"
    if what == "extra_forbidden":
        names = [field.name for field in fields_of(model, summed=False)]
        import difflib

        close = difflib.get_close_matches(name, names, n=1)
        return name, "is not a field" + (f", did you mean {close[0]!r}?" if close else "")
    text = str(problem["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if what not in ("value_error", "assertion_error"):  # pydantic's own words; ours begin as they are meant to
        text = f"{text[:1].lower()}{text[1:]}"
    return name, redact(text, map(_revealed, leaves(settings)))  # what a validator says may quote its input


def _revealed(value: object) -> str:
    reveal = getattr(value, "get_secret_value", None)
    return str(reveal() if callable(reveal) else value)
