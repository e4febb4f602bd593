"""SharePoint connect on the wire."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

from .models import Given

ConnectionId: TypeAlias = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", examples=["0" * 32])]
SiteId: TypeAlias = Annotated[str, Path(pattern=r"^[A-Za-z0-9.,_-]{1,400}$", examples=["contoso.sharepoint.com,0,0"])]
Search: TypeAlias = Annotated[str, Query(max_length=200)]


class NewConnection(Given):
    """What the provider will be called, or the one that is renewed."""

    model_config = ConfigDict(json_schema_extra={"example": {"label": "SharePoint Online"}})

    label: str = Field(min_length=1, max_length=800)
    provider: str | None = Field(default=None, min_length=1, max_length=800)


class Begun(BaseModel):
    """Where the browser goes."""

    authorise_url: str


class SiteModel(BaseModel):
    """A site that the person can reach."""

    id: str
    name: str
    url: str


class SitesModel(BaseModel):
    """Sites that the person can reach."""

    sites: list[SiteModel]


class LibraryModel(BaseModel):
    """A document library."""

    id: str
    name: str
    url: str


class LibrariesModel(BaseModel):
    """The document libraries of a site."""

    libraries: list[LibraryModel]


class PlaceChosen(Given):
    """Where documents are to go."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"site": "contoso.sharepoint.com,0,0", "library": "KazinexDocuments"}}
    )

    site: str = Field(pattern=r"^[A-Za-z0-9.,_-]{1,400}$")
    library: str = Field(min_length=1, max_length=400)
    """Its id or its name."""
    folder: str | None = Field(default=None, max_length=400)
    """Null is the library itself."""
    label: str | None = Field(default=None, min_length=1, max_length=800)
    """Null is the one that was given at the beginning."""
