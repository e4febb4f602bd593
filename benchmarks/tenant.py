"""A library of the null server's Graph, opened by the process that measures and by those that it starts."""

from __future__ import annotations

from dataclasses import dataclass

from kazinex_storage.providers.sharepoint.provider import SharePointProvider
from kazinex_storage.providers.sharepoint.target import Target
from kazinex_storage.transport import Gate


@dataclass
class _Token:
    at_hand: str | None

    def __call__(self) -> str:
        return self.at_hand or ""

    def invalidate(self, token: str) -> None:
        raise RuntimeError(f"the server refused its token, of {len(token)} characters")


def place_of(endpoint_url: str, ca_file: str | None) -> dict[str, str]:
    """Return how the library is reached, as values that JSON can hold."""
    place = {
        "graph_url": f"{endpoint_url}/v1.0",
        "site_url": "https://contoso.sharepoint.example/sites/projects",
        "drive_id": "null",
        "token": "example-access-token",
    }
    return place if ca_file is None else {**place, "ca_file": ca_file}


def provider_at(place: dict[str, str]) -> SharePointProvider:
    """Open the library."""
    target = Target(
        graph_url=place["graph_url"],
        tokens=_Token(place["token"]),
        gate=Gate(),
        site_url=place["site_url"],
        drive_id=place["drive_id"],
    )
    return SharePointProvider(target)
