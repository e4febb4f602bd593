"""The examples that a backend developer begins with: short, and they do what they say."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from kazinex_storage import open_organisations, verify_provider

from ..web.conftest import serving

EXAMPLES = Path(__file__).parents[2] / "examples"
BODY = b"%PDF-1.7 " + os.urandom(300_000)


def lines_of(example: str) -> int:
    text = (EXAMPLES / example).read_text(encoding="utf-8").split('"""', 2)[2]
    return sum(bool(line.strip()) for line in text.splitlines())


def loaded(example: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{example[:2]}", EXAMPLES / example)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def organisation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give the environment a catalogue whose organisation keeps its documents on the disk."""
    folder = tmp_path_factory.mktemp("kits")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KAZINEX_STORAGE_HOME", str(folder / "home"))
        with closing(open_organisations()) as organisations:
            settings = {"root": str(folder / "documents"), "create": True, "durable": False}
            added = organisations.add_provider("org-1", "local", "Disk", settings)
            verify_provider(organisations, "org-1", added.id)
            organisations.set_default("org-1", added.id)
        yield


@pytest.fixture(scope="module")
def client(organisation: None) -> Iterator[httpx.Client]:
    example = loaded("10_fastapi_documents.py")
    with serving(example.app) as url, httpx.Client(base_url=url, trust_env=False) as client:
        yield client


def test_the_fastapi_example_is_at_most_twenty_five_lines() -> None:
    assert 25 >= lines_of("10_fastapi_documents.py")


def test_the_fastapi_example_uploads_serves_ranges_and_takes_direct_uploads(client: httpx.Client) -> None:
    path = "bridge/DRG-0042/P01/Grundriss.pdf"

    stored = client.put(f"/files/{path}", content=BODY, headers={"Content-Type": "application/pdf"})
    whole = client.get(f"/files/{path}")
    part = client.get(f"/files/{path}", headers={"Range": "bytes=5-14", "If-Range": whole.headers["etag"]})
    same = client.get(f"/files/{path}", headers={"If-None-Match": whole.headers["etag"]})
    beyond = client.get(f"/files/{path}", headers={"Range": "bytes=900000-"})
    head = client.head(f"/files/{path}")

    assert (201, hashlib.sha256(BODY).hexdigest()) == (stored.status_code, stored.json()["sha256"])
    assert (200, BODY, "application/pdf") == (whole.status_code, whole.content, whole.headers["content-type"])
    assert 'attachment; filename="Grundriss.pdf"' == whole.headers["content-disposition"]
    assert (206, BODY[5:15], f"bytes 5-14/{len(BODY)}") == (
        part.status_code,
        part.content,
        part.headers["content-range"],
    )
    assert (304, b"") == (same.status_code, same.content)
    assert (416, f"bytes */{len(BODY)}") == (beyond.status_code, beyond.headers["content-range"])
    assert (200, b"", str(len(BODY))) == (head.status_code, head.content, head.headers["content-length"])

    ticket = client.post("/tickets/bridge/DRG-0042/P02/plan.pdf", json={"size": len(BODY)}).json()
    for sent in ticket["parts"]:
        piece = BODY[sent["offset"] : sent["offset"] + sent["size"]]
        assert 204 == client.request(sent["method"], sent["url"], headers=sent["headers"], content=piece).status_code
    confirmed = client.post("/confirm", json={"token": ticket["token"]})

    assert (200, len(BODY)) == (confirmed.status_code, confirmed.json()["size"])
    assert BODY == client.get("/files/bridge/DRG-0042/P02/plan.pdf").content


def test_the_fastapi_example_tells_users_what_they_can_mend(client: httpx.Client) -> None:
    problems = {
        "stored": client.put("/files/bridge/DRG-0043/P01/other.pdf", content=b"%PDF-1.7"),
        "taken": client.put("/files/bridge/DRG-0043/P01/plan.pdf", content=b"%PDF-1.7 other"),
        "type": client.put("/files/bridge/DRG-0042/P03/run.exe", content=b"MZ"),
        "absent": client.get("/files/bridge/DRG-0042/P09/plan.pdf"),
        "digest": client.put("/files/bridge/D/P01/a.pdf", content=b"%PDF-1.7", headers={"X-Content-SHA256": "0" * 64}),
        "json": client.post("/tickets/bridge/D/P02/a.pdf", content=b"{"),
        "size": client.post("/tickets/bridge/D/P02/a.pdf", json={"size": -1}),
        "token": client.post("/confirm", json={"token": "1~none"}),
    }

    assert {
        "stored": (201, None),
        "taken": (409, "already_exists"),
        "type": (415, "file_type_refused"),
        "absent": (404, "not_found"),
        "digest": (422, "integrity"),
        "json": (400, "json"),
        "size": (422, "invalid_request"),
        "token": (403, "access_denied"),
    } == {name: (answer.status_code, answer.json().get("code")) for name, answer in problems.items()}


def test_the_django_example_is_at_most_ten_lines() -> None:
    assert 10 >= lines_of("11_django_documents.py")


def test_the_django_example_keeps_files_and_documents(
    organisation: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAZINEX_STORAGE_URL", f"kazinexlocal://{tmp_path}/media?create=true")
    command = [
        sys.executable,
        str(Path(__file__).with_name("django_site.py")),
        str(EXAMPLES / "11_django_documents.py"),
    ]

    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False, timeout=120)

    assert (0, "") == (done.returncode, done.stdout), done.stderr
