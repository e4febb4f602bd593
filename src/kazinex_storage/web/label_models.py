"""Tags and storage classes of files, on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ..storage.tag_rules import check_tags
from .models import Given


def _checked(tags: dict[str, str]) -> dict[str, str]:
    check_tags(tags)
    return tags


class TagsGiven(Given):
    """All tags that a file is to have."""

    model_config = ConfigDict(json_schema_extra={"example": {"tags": {"state": "approved"}}})

    tags: Annotated[dict[str, str], AfterValidator(_checked)]
    """At most 10, of letters, digits, blanks and a few signs; others than these are removed."""


class TagsModel(BaseModel):
    """The tags that a file has."""

    tags: dict[str, str]


class ClassGiven(Given):
    """The storage class that a file is to have."""

    model_config = ConfigDict(json_schema_extra={"example": {"storage_class": "Cool"}})

    storage_class: Annotated[str, Field(min_length=1, max_length=64)]
    """In the words of the service."""


class ClassModel(BaseModel):
    """The storage class of a file."""

    storage_class: str | None
    """In the words of the service; null where it names none, which is that of an ordinary write."""
