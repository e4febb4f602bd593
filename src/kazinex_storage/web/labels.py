"""What the service of a file keeps with it and can change without writing it again: tags, a storage class."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from starlette.requests import Request

from .access import Action
from .document_models import FILE_PATH, FileKey
from .label_models import ClassGiven, ClassModel, TagsGiven, TagsModel
from .service import StorageService
from .table import Route, add_routes

_TAGS: Final = f"{FILE_PATH}/tags"
_CLASS: Final = f"{FILE_PATH}/storage-class"


class LabelRoutes:
    """Tags and storage classes."""

    def __init__(self, service: StorageService) -> None:
        self._service = service

    def add_to(self, router: APIRouter) -> None:
        """Add the routes; lifecycle rules may remove what has a tag, so changes are for those who keep files."""
        looks = (403, 404, 422, 502, 503)
        changes = (*looks, 409, 413, 423)
        add_routes(
            router,
            "documents",
            *(
                Route(method=method, path=path, handler=handler, action=action, summary=summary, problems=problems)
                for method, path, handler, action, summary, problems in (
                    ("GET", _TAGS, self.tags, Action.READ, "The tags of a file", looks),
                    ("PUT", _TAGS, self.set_tags, Action.KEEP, "Replace the tags of a file", changes),
                    ("GET", _CLASS, self.storage_class, Action.READ, "The storage class of a file", looks),
                    ("PUT", _CLASS, self.set_class, Action.KEEP, "Give a file another storage class", changes),
                )
            ),
        )

    async def tags(self, request: Request, key: FileKey) -> TagsModel:
        """Show the tags that the service keeps with the file; 422 where it has none for any."""
        return TagsModel(tags=await self._service.documents(request, key.organisation).tags(key))

    async def set_tags(self, request: Request, key: FileKey, given: TagsGiven) -> TagsModel:
        """Replace all tags of the file, in the name of the caller; the file itself stays as it is."""
        await self._service.documents(request, key.organisation).set_tags(key, given.tags)
        return TagsModel(tags=given.tags)

    async def storage_class(self, request: Request, key: FileKey) -> ClassModel:
        """Show the storage class or access tier of the file."""
        found = await self._service.documents(request, key.organisation).storage_class(key)
        return ClassModel(storage_class=found)

    async def set_class(self, request: Request, key: FileKey, given: ClassGiven) -> ClassModel:
        """Give the file another class where its service does that in place, and show what it is now."""
        documents = self._service.documents(request, key.organisation)
        return ClassModel(storage_class=await documents.set_storage_class(key, given.storage_class))
