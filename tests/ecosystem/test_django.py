"""The backend for STORAGES with real Django: on every kind, as a model and the admin use it, and its links."""

from __future__ import annotations

import io
import pickle
import secrets
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import django
import httpx
import pytest
from django import conf
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile, File
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db.migrations.writer import MigrationWriter
from django.test import Client

from kazinex_storage import InvalidKeyError, InvalidUrlError, NotFoundError, NotSupportedError, default_registry
from kazinex_storage.capabilities import Capability

from .conftest import Served

BODY = b"%PDF-1.7 " + bytes(range(256)) * 40
MEMORY = "kazinexmemory://django-site"


@pytest.fixture(scope="module", autouse=True)
def _site() -> None:
    if not conf.settings.configured:
        backend = "kazinex_storage.integrations.django.KazinexStorage"
        conf.settings.configure(
            SECRET_KEY="an example key, not a real one!!",  # noqa: S106
            DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
            INSTALLED_APPS=[
                f"django.contrib.{name}" for name in ("admin", "auth", "contenttypes", "sessions", "messages")
            ]
            + ["tests.ecosystem.drawings"],
            MIDDLEWARE=[
                "django.contrib.sessions.middleware.SessionMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware",
                "django.contrib.messages.middleware.MessageMiddleware",
            ],
            TEMPLATES=[
                {
                    "BACKEND": "django.template.backends.django.DjangoTemplates",
                    "APP_DIRS": True,
                    "OPTIONS": {
                        "context_processors": [
                            "django.template.context_processors.request",
                            "django.contrib.auth.context_processors.auth",
                            "django.contrib.messages.context_processors.messages",
                        ]
                    },
                }
            ],
            STORAGES={
                "default": {"BACKEND": backend, "OPTIONS": {"url": MEMORY, "served_at": "/media/"}},
                "tenants": {
                    "BACKEND": backend,
                    "OPTIONS": {
                        "url": MEMORY,
                        "organisation": "tests.ecosystem.drawings.tenant.current",
                        "served_at": "/tenants/",
                    },
                },
                "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
            },
            ROOT_URLCONF="tests.ecosystem.drawings.urls",
            ALLOWED_HOSTS=["testserver"],
            STATIC_URL="/static/",
            DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
            USE_TZ=True,
        )
        django.setup()
        call_command("migrate", run_syncdb=True, verbosity=0)


@pytest.fixture
def storage(served: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Return the backend over one kind, whose secrets are in the environment, in a folder of its own."""
    from kazinex_storage.integrations.django import KazinexStorage

    if served.scheme == "kazinex":
        found = KazinexStorage(organisation="acme")
    else:
        kind = default_registry().kind_of_scheme(served.scheme).kind
        for name, option in served.options.items():
            monkeypatch.setenv(f"KAZINEX_STORAGE_{kind.upper()}_{name.upper()}", str(option))
        found = KazinexStorage(url=served.url(served.folder()))
    yield found
    found.shelves.close()


def test_every_kind_keeps_files(storage: object, served: Served) -> None:
    from kazinex_storage.integrations.django import KazinexStorage

    assert isinstance(storage, KazinexStorage)
    folder = f"d-{secrets.token_hex(4)}"
    before = datetime.now(UTC) - timedelta(minutes=1)

    name = storage.save(f"{folder}/plan A.pdf", ContentFile(BODY))
    again = storage.save(f"{folder}/plan A.pdf", ContentFile("Grundriß"))
    storage.save(f"{folder}/sub/b.pdf", SimpleUploadedFile("b.pdf", BODY))

    assert f"{folder}/plan A.pdf" == name
    assert again != name
    with storage.open(name) as file, storage.open(again) as other:
        assert (BODY, "Grundriß".encode()) == (file.read(), other.read())
    assert (len(BODY), True, False) == (storage.size(name), storage.exists(name), storage.exists(f"{folder}/no.pdf"))
    assert before < storage.get_modified_time(name) < before + timedelta(minutes=10)
    folders, files = storage.listdir(folder)
    assert (["sub"], sorted([name, again])) == (folders, sorted(f"{folder}/{file}" for file in files))
    if storage.shelves.target(name)[0].info.can(Capability.PRESIGN):
        answer = httpx.get(storage.url(name), verify=False, trust_env=False)  # noqa: S501  # emulators
        assert (200, BODY) == (answer.status_code, answer.content)
    else:
        with pytest.raises(NotSupportedError, match="served_at"):
            storage.url(name)
    storage.delete(name)
    storage.delete(name)
    assert not storage.exists(name)
    with pytest.raises(NotFoundError):
        storage.size(name)
    with pytest.raises(FileNotFoundError), storage.open(name) as file:
        file.read()


def test_a_model_and_the_admin_store_files_and_give_links_that_expire() -> None:
    from django.contrib.auth.models import User

    from .drawings.models import Drawing

    admin = User.objects.create_superuser("olga", password=None)
    client = Client()
    client.force_login(admin)
    data = {"title": "Plan", "file": SimpleUploadedFile("plan.pdf", BODY, "application/pdf")}

    answer = client.post("/admin/drawings/drawing/add/", data)

    assert 302 == answer.status_code, answer.content
    drawing = Drawing.objects.get()
    assert drawing.file.name.startswith("drawings/plan")
    assert BODY == drawing.file.open().read()
    whole = client.get(drawing.file.url)
    part = client.get(drawing.file.url, headers={"range": "bytes=5-14"})
    head = client.head(drawing.file.url)
    assert (200, BODY, "application/pdf") == (whole.status_code, b"".join(whole), whole.headers["content-type"])
    assert (206, BODY[5:15]) == (part.status_code, b"".join(part))
    assert (200, str(len(BODY))) == (head.status_code, head.headers["content-length"])
    assert "sandbox" in whole.headers["content-security-policy"]
    path, _, token = drawing.file.url.partition("?")
    other = storages["default"].save("other.pdf", ContentFile(b"%PDF"))
    assert [400, 400, 400, 405] == [
        client.get(path).status_code,
        client.get(f"{path}?{token[:-2]}").status_code,
        client.get(f"/media/{other}?{token}").status_code,
        client.post(drawing.file.url).status_code,
    ]
    assert 404 == client.get(storages["default"].url("drawings/gone.pdf")).status_code


def test_tenants_have_a_folder_each_and_no_way_out_of_it() -> None:
    from .drawings.tenant import acting

    storage = storages["tenants"]
    with acting("acme"):
        name = storage.save("plan.pdf", ContentFile(BODY))
        link = storage.url(name)
        assert 200 == Client().get(link).status_code
    with acting("globex"):
        assert not storage.exists(name)
        assert ([], []) == storage.listdir("")
        assert 400 == Client().get(link).status_code
        with pytest.raises(InvalidKeyError):
            storage.size("../acme/plan.pdf")
    with acting(None), pytest.raises(NotFoundError, match="no organisation"):
        storage.size(name)
    with acting("../acme"), pytest.raises(InvalidKeyError):
        storage.size(name)


def test_uploads_of_one_name_at_once_are_all_kept() -> None:
    storage = storages["default"]
    gate = threading.Barrier(4)
    names = list[str]()

    def save(number: int) -> None:
        gate.wait()
        names.append(storage.save("race.pdf", ContentFile(b"%d" % number)))

    threads = [threading.Thread(target=save, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 4 == len(set(names))
    assert {b"0", b"1", b"2", b"3"} == {storage.open(name).read() for name in names}


def test_a_body_that_is_read_once_replaces_nothing() -> None:
    class Once(io.RawIOBase):
        def __init__(self) -> None:
            self.left = [b"", BODY]

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            return self.left.pop() if self.left else b""

    storage = storages["default"]

    name = storage.save("once.pdf", File(Once(), name="once.pdf"))

    assert BODY == storage.open(name).read()


def test_it_is_written_into_migrations_and_pickled_without_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    from kazinex_storage.integrations.django import KazinexStorage

    monkeypatch.setenv("KAZINEX_STORAGE_S3_SECRET_ACCESS_KEY", "example-secret")
    storage = KazinexStorage(url="kazinexmemory://django-pickled", expires_s=60)
    storage.save("a.pdf", ContentFile(BODY))

    text, _ = MigrationWriter.serialize(storage)
    packed = pickle.dumps(storage)

    assert text.startswith("kazinex_storage.integrations.django.KazinexStorage(")
    assert b"example-secret" not in packed
    assert pickle.loads(packed).exists("a.pdf")  # noqa: S301


def test_options_that_cannot_be_meant_are_refused() -> None:
    from kazinex_storage.integrations.django import KazinexStorage

    with pytest.raises(ImproperlyConfigured, match="not both"):
        KazinexStorage(url=MEMORY, name="media")
    with pytest.raises(ImproperlyConfigured, match="positive"):
        KazinexStorage(url=MEMORY, expires_s=0)
    with pytest.raises(InvalidUrlError, match="is a secret"):
        KazinexStorage(url="kazinexs3://plans?secret_access_key=example").exists("a.pdf")
