"""A library of the emulated Graph, opened by the process that measures and by those that it starts."""

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
        raise RuntimeError(f"the emulator refused its own token, of {len(token)} characters")


def provider_at(place: dict[str, str]) -> SharePointProvider:
    """Open the library that ``graph_server`` printed the address of."""
    target = Target(
        graph_url=place["graph_url"],
        tokens=_Token(place["token"]),
        gate=Gate(),
        site_url=place["site_url"],
        drive_id=place["drive_id"],
    )
    return SharePointProvider(target)
