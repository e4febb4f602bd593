"""A site of Django with the lines of an example, and what its clients do; in a process of its own."""

from __future__ import annotations

import io
import json
import os
import runpy
import sys
import types

import django
from django import conf
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.handlers.wsgi import WSGIRequest
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client
from django.urls import resolve

BODY = b"%PDF-1.7 " + os.urandom(300_000)
PDF = {"content_type": "application/pdf"}


def configure(example: str) -> None:
    lines = runpy.run_path(example)
    urls = types.ModuleType("site_urls")
    urls.__dict__["urlpatterns"] = lines["urlpatterns"]
    sys.modules["site_urls"] = urls
    conf.settings.configure(
        SECRET_KEY="an example key, not a real one!!",  # noqa: S106
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        STORAGES=lines["STORAGES"],
        ROOT_URLCONF="site_urls",
        ALLOWED_HOSTS=["testserver"],
        USE_TZ=True,
    )
    django.setup()
    call_command("migrate", verbosity=0)


def cut_off(path: str, user: object) -> HttpResponse:
    """Return the answer to an upload whose client went away, as a WSGI server shows it: the body just ends."""
    headers = {"SERVER_NAME": "testserver", "SERVER_PORT": "80", "CONTENT_LENGTH": str(len(BODY) + 1)}
    request = WSGIRequest(
        {
            **headers,
            "REQUEST_METHOD": "PUT",
            "PATH_INFO": path,
            "wsgi.input": io.BytesIO(BODY),
            "wsgi.url_scheme": "http",
        }
    )
    request.user = user
    found = resolve(path)
    return found.func(request, *found.args, **found.kwargs)


def main() -> None:
    from django.contrib.auth.models import User

    client, stranger = Client(), Client()
    user = User.objects.create_user("paul")
    client.force_login(user)
    path = "/documents/files/bridge/DRG-0044/P01/plan.pdf"

    stored = client.put(path, BODY, **PDF)
    assert (201, len(BODY)) == (stored.status_code, stored.json()["size"]), stored.content
    whole = client.get(path)
    part = client.get(path, headers={"range": "bytes=5-14", "if-range": whole.headers["etag"]})
    assert (200, BODY) == (whole.status_code, b"".join(whole))
    assert (206, BODY[5:15]) == (part.status_code, b"".join(part))
    assert 304 == client.get(path, headers={"if-none-match": whole.headers["etag"]}).status_code
    assert (200, str(len(BODY))) == (client.head(path).status_code, client.head(path).headers["content-length"])

    new = "/documents/tickets/bridge/DRG-0044/P02/plan.pdf"
    ticket = client.post(new, {"size": len(BODY)}, content_type="application/json").json()
    (sent,) = ticket["parts"]
    csrf = Client(enforce_csrf_checks=True)
    assert 204 == csrf.put(sent["url"], BODY, **PDF).status_code
    assert 403 == csrf.put(path, BODY, **PDF).status_code
    confirmed = client.post("/documents/confirm", {"token": ticket["token"]}, content_type="application/json")
    assert (200, len(BODY)) == (confirmed.status_code, confirmed.json()["size"])

    answers = {
        "stranger": stranger.get(path),
        "taken": client.put(path, b"%PDF-1.7 other", **PDF),
        "type": client.put(path.replace("P01/plan.pdf", "P03/run.exe"), b"MZ"),
        "absent": client.get(path.replace("P01", "P09")),
        "beyond": client.get(path, headers={"range": "bytes=900000-"}),
        "digest": client.put(path.replace("P01", "P04"), BODY, headers={"x-content-sha256": "0" * 64}, **PDF),
        "short": cut_off(path.replace("P01", "P05"), user),
        "json": client.post(new, b"{", content_type="application/json"),
        "size": client.post(new, {"size": True}, content_type="application/json"),
        "token": client.post("/documents/confirm", {"token": "1~none"}, content_type="application/json"),
    }
    assert {
        "stranger": (403, "not_allowed"),
        "taken": (409, "already_exists"),
        "type": (415, "file_type_refused"),
        "absent": (404, "not_found"),
        "beyond": (416, "range_not_satisfiable"),
        "digest": (422, "integrity"),
        "short": (400, "incomplete"),
        "json": (400, "json"),
        "size": (422, "invalid_request"),
        "token": (403, "access_denied"),
    } == {name: (answer.status_code, json.loads(answer.content)["code"]) for name, answer in answers.items()}
    assert 404 == client.get(path.replace("P01", "P05")).status_code
    assert 405 == client.delete(path).status_code

    name = default_storage.save("plan.pdf", ContentFile(BODY))
    assert BODY == b"".join(client.get(default_storage.url(name)))


if __name__ == "__main__":
    configure(sys.argv[1])
    main()
