"""The example that mounts the HTTP API and the page: short, and it serves both to its users alone."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from ..web.conftest import serving

EXAMPLE = Path(__file__).parents[2] / "examples" / "08_fastapi.py"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    monkeypatch.setenv("KAZINEX_STORAGE_HOME", str(tmp_path / "data"))
    spec = importlib.util.spec_from_file_location("example_fastapi", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: FastAPI = module.app
    return found


def test_it_is_at_most_thirty_lines() -> None:
    text = EXAMPLE.read_text(encoding="utf-8").split('"""', 2)[2]

    assert 30 >= sum(bool(line.strip()) for line in text.splitlines())


def test_it_serves_the_page_and_the_api_to_its_users(app: FastAPI) -> None:
    with serving(app) as url, httpx.Client(base_url=url, trust_env=False) as stranger:
        olga = httpx.Client(base_url=url, auth=("olga", "example"), trust_env=False)
        page, session = olga.get("/settings/"), olga.get("/settings/session.json")
        path, settings = "/storage/organisations/org-1/allowlist", {"extensions": ["pdf"]}
        without = olga.put(path, json=settings)
        allowed = olga.put(path, json=settings, headers={"X-Kazinex-CSRF": session.json()["csrf"]})
        elsewhere = olga.get("/storage/organisations/org-2/providers")
        challenge = stranger.get("/storage/organisations/org-1/providers")
        olga.close()

    assert (200, 200, "olga") == (page.status_code, session.status_code, session.json()["caller"])
    assert (403, 200, 403) == (without.status_code, allowed.status_code, elsewhere.status_code)
    assert (401, "Basic") == (challenge.status_code, challenge.headers["WWW-Authenticate"])
