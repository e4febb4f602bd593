"""Django: a backend for ``STORAGES`` over any kind of storage, and the view for kinds that sign no links.

Private by default: ``url`` signs a link that expires. A name is never overwritten. Options are plain values that Django
may write into migrations, and hold no secrets: those are in the environment. docs/integrations.md shows the settings.
"""

from __future__ import annotations

import io
import posixpath
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import IO, Final, TypeAlias, cast
from urllib.parse import quote, urlencode

from django import conf  # its settings by name: doctest looks at every attribute of a module
from django.core import signing
from django.core.exceptions import ImproperlyConfigured, SuspiciousOperation
from django.core.files.base import File
from django.core.files.storage import Storage as DjangoStorage
from django.core.files.storage import storages
from django.http import (
    Http404,
    HttpRequest,
    HttpResponseBase,
    HttpResponseNotAllowed,
)
from django.utils import timezone
from django.utils.deconstruct import deconstructible
from django.utils.module_loading import import_string

from ..capabilities import Capability
from ..documents.reading import Opening
from ..errors import AlreadyExistsError, NotFoundError, NotSupportedError
from ..serving.downloads import answer
from ..storage.disposition import attachment
from ..storage.rules import Body
from ..storage.sync import Storage
from ..transport.fork_lock import ForkLock
from ..types import Folder, PresignOptions, PutMode, PutOptions
from .django_responses import answer_response
from .places import OrganisationShelves, Shelves, StorageShelves

Tenant: TypeAlias = str | Callable[[], str | None] | None
"""The id of an organisation, a function that returns it for the request at hand, or the dotted path of one."""

_NAMES: Final = 100
"""How often another name is looked for when an upload of the same name was faster."""
_SALT: Final = "kazinex_storage.integrations.django"


@deconstructible(path="kazinex_storage.integrations.django.KazinexStorage")
class KazinexStorage(DjangoStorage):  # type: ignore[misc]  # Django has no types
    """Files of Django on R2, S3, Supabase, Azure, SharePoint, a disk or in memory. Thread-safe and fork-safe."""

    def __init__(
        self,
        *,
        url: str | None = None,
        name: str | None = None,
        organisation: Tenant = None,
        public: bool = False,
        expires_s: int = 3600,
        served_at: str | None = None,
    ) -> None:
        """Keep files where *url* says, see ``Storage.from_url``; nothing is opened before the first use.

        Args:
            url: A storage, without secrets.
            name: Instead of *url*, the name of ``Storage.from_environment``; without either and without an
                *organisation*, the URL of the variable ``KAZINEX_STORAGE_URL``.
            organisation: With a storage, the folder in it that all names are below; alone, the organisation of the
                catalogue whose providers keep the files. A function is asked at each call, so that one backend serves
                all tenants; text with a dot is the path of one, as ``STORAGES`` can hold it.
            public: Whether ``url`` gives addresses without a signature, of a bucket that everybody may read.
            expires_s: For how many seconds ``url`` signs.
            served_at: The path at which ``serve`` answers, such as ``/media/``; for kinds that sign no links.

        Raises:
            ImproperlyConfigured: *url* and *name* are both given, or *expires_s* is not positive.
        """
        if url is not None and name is not None:
            raise ImproperlyConfigured("give url or name, not both")
        if expires_s <= 0:
            raise ImproperlyConfigured("expires_s is a positive number of seconds")
        self._url, self._name = url, name
        self._organisation = organisation
        self._public = public
        self._expires = timedelta(seconds=expires_s)
        self._served_at = served_at if served_at is None or served_at.endswith("/") else f"{served_at}/"
        self._begin()

    def _begin(self) -> None:
        self._opened: Shelves | None = None
        self._lock = ForkLock()

    def __getstate__(self) -> dict[str, object]:
        return {name: found for name, found in vars(self).items() if name not in ("_opened", "_lock")}

    def __setstate__(self, state: Mapping[str, object]) -> None:
        self.__dict__.update(state)
        self._begin()

    @property
    def shelves(self) -> Shelves:
        """What keeps the files.

        Raises:
            StorageError: it cannot be opened.
        """
        with self._lock:
            if self._opened is None:
                self._opened = self._open_shelves()
            return self._opened

    def exists(self, name: str) -> bool:
        """Say whether a file has that name; a folder is none."""
        try:
            self.shelves.find(name)
        except NotFoundError:
            return False
        return True

    def size(self, name: str) -> int:
        """Return the bytes of a file.

        Raises:
            NotFoundError: there is none of that name; it is a FileNotFoundError.
        """
        return self.shelves.find(name).info.size

    def get_modified_time(self, name: str) -> datetime:
        """Return when a file was written; aware where ``USE_TZ`` is set, else in the time zone of the settings.

        Raises:
            NotFoundError: there is none of that name.
            NotSupportedError: the service does not say.
        """
        found = self.shelves.find(name).info.last_modified
        if found is None:
            raise NotSupportedError("the service does not say when it was written", operation="head", key=name)
        return found if conf.settings.USE_TZ else timezone.make_naive(found)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Return the names of the folders and of the files in *path*."""
        folders, files = list[str](), list[str]()
        for entry in self.shelves.entries(path.strip("/")):
            if isinstance(entry, Folder):
                folders.append(entry.prefix.rstrip("/").rpartition("/")[2])
            else:
                files.append(entry.key.rpartition("/")[2])
        return folders, files

    def delete(self, name: str) -> None:
        """Remove a file; silent when there is none.

        Raises:
            ValueError: the name is empty.
        """
        if not name:
            raise ValueError("the name of a file to delete is not empty")
        self.shelves.remove(name)

    def url(self, name: str | None) -> str:
        """Return where a browser reads a file: signed until it expires, or public where the option says so.

        Raises:
            NotSupportedError: the kind signs no links, and no *served_at* is given.
            ValueError: the name is empty.
        """
        if not name:
            raise ValueError("a file has a name before it has a URL")
        if self._served_at is not None:
            token = signing.dumps([self._tenant(), name], salt=_SALT)
            return f"{self._served_at}{quote(name)}?{urlencode({'token': token})}"
        if self._public or self._is_plain:
            storage, key = self.shelves.target(name)
        else:
            found = self.shelves.find(name)
            storage, key = found.storage, found.key
        if self._public:
            return storage.public_url(key)
        if not storage.info.can(Capability.PRESIGN):
            raise NotSupportedError(
                f"{storage.info.kind} signs no links; give the option served_at and the view serve at that path",
                operation="presign",
                key=name,
            )
        disposition = attachment(name.rpartition("/")[2])
        return storage.presign(key, PresignOptions(expires_in=self._expires, content_disposition=disposition)).url

    def check_token(self, name: str, token: str) -> None:
        """Refuse a *token* that ``url`` did not give for *name*, or too long ago, or to another organisation.

        Raises:
            SuspiciousOperation: so it is.
        """
        try:
            found = signing.loads(token, salt=_SALT, max_age=self._expires)
        except signing.BadSignature as error:
            raise SuspiciousOperation("the link has expired or is none of ours") from error
        if found != [self._tenant(), name]:
            raise SuspiciousOperation("the link is for another file")

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        if mode not in ("rb", "wb", "xb"):
            raise ValueError(f"files are opened rb, wb or xb, not {mode!r}; wrap it in io.TextIOWrapper for text")
        storage, key = self._holder(name) if mode == "rb" else self.shelves.target(name)
        return File(cast("IO[bytes]", storage.open(key, mode)), name)

    def _save(self, name: str, content: File[bytes]) -> str:
        name = name.replace("\\", "/")
        for _ in range(_NAMES):
            storage, key = self.shelves.target(name)
            body, is_again = _body(content)
            try:
                storage.put(key, body, PutOptions(mode=PutMode.CREATE))
            except AlreadyExistsError:
                if not is_again:
                    raise
                name = self.get_available_name(self.get_alternative_name(*posixpath.splitext(name)))
            else:
                return name
        raise AlreadyExistsError("no free name was found", operation="put", key=name)

    def _holder(self, name: str) -> tuple[Storage, str]:
        if self._is_plain:
            return self.shelves.target(name)
        found = self.shelves.find(name)
        return found.storage, found.key

    @property
    def _is_plain(self) -> bool:
        return self._organisation is None or self._url is not None or self._name is not None

    def _tenant(self) -> str | None:
        organisation = self._organisation
        if isinstance(organisation, str) and "." in organisation:
            organisation = cast("Callable[[], str | None]", import_string(organisation))
        return organisation() if callable(organisation) else organisation

    def _open_shelves(self) -> Shelves:
        if not self._is_plain:
            return OrganisationShelves(self._tenant)
        storage = Storage.from_url(self._url) if self._url is not None else Storage.from_environment(self._name)
        if self._organisation is None:
            return StorageShelves(storage, None)
        return StorageShelves(storage, self._tenant)


def serve(request: HttpRequest, name: str, alias: str = "default") -> HttpResponseBase:
    """Answer the links of a backend with *served_at*: ranges, conditions, and headers under which nothing runs.

    ``path("media/<path:name>", serve)``; with another alias of ``STORAGES``, ``{"alias": ...}`` as the third argument.

    Raises:
        SuspiciousOperation: the link is none of ours, or has expired; Django answers 400.
        Http404: the file is gone.
        ImproperlyConfigured: the alias is of another backend.
    """
    storage = storages[alias]
    if not isinstance(storage, KazinexStorage):
        raise ImproperlyConfigured(f"the storage {alias!r} is no KazinexStorage")
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    storage.check_token(name, request.GET.get("token", ""))
    try:
        found = storage.shelves.find(name)
        opening = Opening(storage=found.storage, key=found.key, info=found.info, sha256=None)
        given = {header.lower(): text for header, text in request.headers.items()}
        return answer_response(answer(opening, name.rpartition("/")[2], method=request.method, given=given))
    except NotFoundError as error:
        raise Http404("there is no such file") from error


def _body(content: File[bytes]) -> tuple[Body, bool]:
    """Return the bytes of a file of Django, and whether they can be read again from their beginning."""
    raw = content.file
    if isinstance(raw, io.TextIOBase):
        raw.seek(0)
        return raw.read().encode(), True
    if content.seekable():
        raw.seek(0)
        return cast("IO[bytes]", raw), True
    return cast("Iterator[bytes]", content.chunks()), False
