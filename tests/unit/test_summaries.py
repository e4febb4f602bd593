"""What is said of settings is read from their docstrings when somebody asks, and stands in the JSON schema."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict

from kazinex_storage import default_registry
from kazinex_storage.providers.settings.summaries import describe, summaries


class Inherited(BaseModel):
    model_config = ConfigDict(json_schema_extra=describe)

    first: int = 0
    """Of the
    first."""
    silent: int = 0


class Model(Inherited):
    second: str = ""
    """Of the second."""
    "no docstring of a field"


def test_docstrings_are_those_of_the_fields_and_inherited() -> None:
    assert {"first": "Of the\nfirst.", "second": "Of the second."} == summaries(Model)


def test_a_model_without_source_has_none() -> None:
    made: type[BaseModel] = type("Made", (BaseModel,), {"__annotations__": {"field": "int"}})

    assert {} == summaries(made)


def test_they_stand_in_the_json_schema() -> None:
    properties = Model.model_json_schema()["properties"]

    assert ["Of the\nfirst.", None, "Of the second."] == [
        properties[name].get("description") for name in ("first", "silent", "second")
    ]


@pytest.mark.parametrize("kind", [kind.kind for kind in default_registry().kinds()])
def test_every_setting_is_explained(kind: str) -> None:
    registry = default_registry()

    fields = registry.fields(kind)

    assert [] == [field.name for field in fields if not field.summary and "." not in field.name]
    assert {field.name: field.secret for field in fields} == registry.names(kind)
