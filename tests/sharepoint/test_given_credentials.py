"""Tokens from a function of the caller's: no app secret, and msal is not asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kazinex_storage import Storage
from kazinex_storage.providers.settings.given import AccessToken
from kazinex_storage.providers.sharepoint.provider import open_sharepoint
from kazinex_storage.testing.emulators.graph import GraphEmulator


def test_tokens_come_from_the_function_and_another_one_when_one_is_refused(emulator: GraphEmulator) -> None:
    app = emulator.add_app()
    site = emulator.add_site("sites/projects", ["Plans"])
    asked: list[datetime] = []

    def fetch() -> AccessToken:
        asked.append(datetime.now(UTC))
        token = emulator.state.issue(app.client_id) if len(asked) != 2 else "example-not-real"
        return AccessToken(token=token, expires_at=datetime.now(UTC) + timedelta(hours=1 if len(asked) != 1 else 0))

    settings = {
        "tenant_id": emulator.tenant,
        "client_id": app.client_id,
        "site_url": site.url,
        "library": "Plans",
        "graph_url": emulator.graph_url,
        "login_url": emulator.login_url,
    }
    with Storage(open_sharepoint(settings, credentials=fetch)) as storage:
        storage.put("a.pdf", b"%PDF-1.7")
        found = storage.get_bytes("a.pdf")

    assert b"%PDF-1.7" == found
    assert 2 < len(asked), "one that expired, one that was refused, one that is good"
