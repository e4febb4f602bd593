"""The recipes of docs/http-api.md serve the API as they stand, in thirty lines each, beside an application."""

from __future__ import annotations

import re
import subprocess
import textwrap
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs/http-api.md"
LINES = 30
PDF = b"%PDF-1.7 of a recipe"

PREPARE = {
    "Django": """
import os, sys
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="an example key", ALLOWED_HOSTS=["*"], ROOT_URLCONF="urls", USE_TZ=True,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "django.db"}},
)
import types
from django.http import HttpResponse
urls = types.ModuleType("urls")
sys.modules["urls"] = urls
from django.urls import path
urls.urlpatterns = [path("own", lambda request: HttpResponse("your own application"))]
""",
    "Plain WSGI": "",
    "Plain ASGI": "",
}

SIGN_IN = {
    "Django": """
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.contrib.auth.models import Group, User
from django.contrib.auth import SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY
user = User.objects.create_user("olga", is_staff=True)
user.groups.add(Group.objects.create(name="org-1"))
session = SessionStore()
session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), "django.contrib.auth.backends.ModelBackend"
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.save()
signed_in = {
    "Cookie": f"sessionid={session.session_key}",
    "X-Kazinex-CSRF": csrf_token(settings.SECRET_KEY.encode(), session.session_key),
}
""",
    "Plain WSGI": 'signed_in = {"Authorization": "Bearer example-token-of-olga"}',
    "Plain ASGI": 'signed_in = {"X-Proxy-Secret": PROXY_SECRET, "X-User": "olga", "X-Groups": "org-1,admins"}',
}

SERVE = """
import os, threading, time
import httpx, uvicorn
from wsgiref.simple_server import WSGIRequestHandler, make_server

class Quiet(WSGIRequestHandler):
    def log_message(self, *_): pass

if IS_WSGI:
    server = make_server("127.0.0.1", 0, application, handler_class=Quiet)
    thread, port, end = threading.Thread(target=server.serve_forever), server.server_port, server.shutdown
    thread.start()
else:
    server = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=0, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    def end(): server.should_exit = True

os.mkdir("disk")
base = f"http://127.0.0.1:{port}"
org = f"{base}/storage/organisations/org-1"
file = f"{org}/projects/p/documents/D/revisions/P01/files/Plan.pdf"
try:
    with httpx.Client(headers=signed_in, trust_env=False) as client:
        settings_of_disk = {"root": os.path.abspath("disk")}
        added = client.post(f"{org}/providers", json={"kind": "local", "label": "Disk", "settings": settings_of_disk})
        assert added.status_code == 201, added.text
        provider = added.json()["id"]
        steps = client.post(f"{org}/providers/{provider}/verification").text
        assert steps.count("event: step") == 7 and "event: report" in steps, steps
        assert client.put(f"{org}/default", json={"provider": provider}).status_code == 200
        pdf = {"Content-Type": "application/pdf"}  # wsgiref declares text where nothing is
        assert client.put(file, content=PDF, headers=pdf).status_code == 201
        assert client.get(file).content == PDF
        assert client.get(file, headers={"Range": "bytes=0-3"}).content == PDF[:4]
        assert client.get(f"{base}/storage/organisations/org-2/providers").status_code == 403
    assert httpx.get(f"{org}/providers", trust_env=False).status_code == 403
    assert httpx.get(f"{base}/own", trust_env=False).text == "your own application"
finally:
    end()
    thread.join()
print("served")
"""


def recipe(heading: str) -> str:
    found = re.search(rf"^## {heading}\n.*?^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None, heading
    return found[1]


@pytest.mark.parametrize("heading", list(PREPARE))
def test_a_recipe_serves_the_api(warm_python: tuple[str, ...], heading: str, tmp_path: Path) -> None:
    code = recipe(heading)
    constants = f"IS_WSGI, PDF = {heading == 'Plain WSGI'}, {PDF!r}"
    program = "\n".join([PREPARE[heading], code, SIGN_IN[heading], constants, textwrap.dedent(SERVE)])
    home = {"KAZINEX_STORAGE_HOME": str(tmp_path / "home"), "PATH": "/usr/bin", "HOME": str(tmp_path)}

    done = subprocess.run(
        [*warm_python, "-c", program],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=home,
        check=False,
        timeout=120,
    )

    assert (0, "served\n") == (done.returncode, done.stdout), done.stderr
    assert len([line for line in code.splitlines() if line.strip()]) <= LINES
