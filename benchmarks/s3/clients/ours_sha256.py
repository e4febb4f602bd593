"""Ours with the sha256 of every byte, as documents have it."""

from __future__ import annotations

from ..place import Place
from . import ours


class Client(ours.Client):
    """The same but for the digest."""

    def __init__(self, place: Place) -> None:
        super().__init__(place, digest="sha256")
