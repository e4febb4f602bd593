"""What may be chosen for a provider: the host decides on kind and settings, when they are stored and when used.

``OPERATOR_CHOICES`` refuses what is never right; it is the default, for hosts whose operator enters the settings.
``TENANT_CHOICES`` is strict, for hosts that let their tenants choose. A host's own is any callable like ``Admit``.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterable, Iterator
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable
from urllib.parse import urlsplit

from ..errors import SettingsError
from ..providers.settings.place import Place, real_path
from ..secrecy.masking import leaves
from ..transport.addresses import PublicAddresses
from ..values import value

if TYPE_CHECKING:
    from pydantic import BaseModel

# Where clouds hand out credentials to their machines: never where documents are.
_METADATA_HOSTS: Final = frozenset({"metadata.google.internal", "metadata", "instance-data"})
_METADATA: Final = tuple(
    map(ipaddress.ip_network, ("169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "100.100.100.200", "168.63.129.16"))
)
FOLDER: Final = ".kazinex-storage"
"""The folder of the marker of an owner (``ownership.py``) at the root of a place: no organisation may be called so."""

_AUTHORITIES: Final = ("login_url", "graph_url")


@value
class OtherPlace:
    """The place of another organisation's provider of the same kind."""

    organisation: str
    place: Place


@value
class Proposal:
    """A provider that is about to be added, changed or opened."""

    organisation: str
    kind: str
    settings: BaseModel = field(repr=False)
    """With its secrets."""
    guarded: tuple[Path, ...] = ()
    """Files and folders that no provider may hold: data folder, catalogue, sealing key."""
    others: tuple[OtherPlace, ...] = ()
    """Where other organisations are; empty when it is only opened."""

    @property
    def place(self) -> Place | None:
        """Where its objects are; None where the kind does not say."""
        return place_of(self.settings)


class Admit(Protocol):
    """Admits a proposal or refuses it."""

    def __call__(self, proposal: Proposal, /) -> PublicAddresses | None:
        """Return which addresses its connections may go to, None for all.

        Raises:
            SettingsError: it is refused; the message says why and what to do.
        """
        ...


@runtime_checkable
class Sharing(Protocol):
    """An ``Admit`` that says whether organisations may share one place; the others let none do so."""

    @property
    def shares(self) -> bool:
        """Whether they may."""
        ...


def place_of(settings: BaseModel) -> Place | None:
    """Return where the objects of *settings* are; None where they do not say."""
    place = getattr(settings, "place", None)
    return place if isinstance(place, Place) else None


@value
class OperatorChoices:
    """Refuses what is never right: the whole disk, our own files, the place of another organisation, cloud metadata."""

    shares: bool = True
    """Whether organisations may share one place, each in its own folder; otherwise the first one binds it."""

    def __call__(self, proposal: Proposal, /) -> PublicAddresses | None:
        """Admit *proposal* or refuse it; no address is looked up.

        Raises:
            SettingsError: the root is the disk or holds our own files, the place lies in or above that of another
                organisation, or the address is that of a cloud's metadata.
        """
        place = proposal.place
        if place is not None:
            if proposal.kind == "local":
                _check_root(proposal, place)
            _check_nested(proposal, place)
        for url in urls_of(proposal.settings):
            host = (urlsplit(url).hostname or "").rstrip(".")
            if host in _METADATA_HOSTS or _is_metadata(host):
                raise _refused(proposal, f"{host} hands out credentials of this machine; name the service of documents")
        return None


@value
class TenantChoices:
    """Strict: for hosts whose tenants choose kind, address and credentials of their providers themselves."""

    kinds: frozenset[str] = frozenset({"azure_blob", "r2", "s3", "sharepoint", "supabase"})
    """What may be chosen. For a third party's kind the addresses are checked when it is added, but its own connections
    are not."""
    addresses: PublicAddresses = field(default_factory=PublicAddresses)
    """What may be connected to."""
    shares: bool = False
    """Whether organisations may share one place; otherwise the first one that verifies it binds it."""
    public: bool = False
    """Whether they may name a public host of their bucket, under which ``public_url`` gives lasting addresses."""

    def __call__(self, proposal: Proposal, /) -> PublicAddresses | None:
        """Admit *proposal* or refuse it; names are looked up now, and again when a connection is made.

        Raises:
            SettingsError: as ``OperatorChoices``; the kind is not for tenants, it uses what belongs to the machine, or
                an address is not https, not public, or an authority of its own.
        """
        if proposal.kind not in self.kinds:
            raise _refused(proposal, f"this kind is not offered here; choose one of {', '.join(sorted(self.kinds))}")
        OPERATOR_CHOICES(proposal)
        _check_alone(proposal, shares=self.shares)
        settings = proposal.settings
        for name in getattr(settings, "borrowed", ()):
            raise _refused(
                proposal, f"what {name} means belongs to the machine of the host; give credentials of your own"
            )
        if getattr(settings, "public_base_url", None) is not None and not self.public:
            raise _refused(proposal, "documents of an organisation are not public here; leave public_base_url out")
        for name in _AUTHORITIES:
            if getattr(settings, name, None) is not None:
                raise _refused(proposal, f"{name} is for the operator; leave it out")
        for url in urls_of(settings):
            parts = urlsplit(url)
            if parts.scheme != "https":
                raise _refused(proposal, "credentials and documents go over TLS; give an address with https://")
            address = self.addresses.refused(parts.hostname or "")
            if address is not None:
                raise _refused(
                    proposal, f"{parts.hostname} is {address}, which is not a public address; name a public service"
                )
        return self.addresses


OPERATOR_CHOICES: Final = OperatorChoices()
"""For hosts whose operator enters the settings: the default, and what the command line uses."""

TENANT_CHOICES: Final = TenantChoices()
"""For hosts that let their tenants enter the settings."""


def guarded_paths(paths: Iterable[str | os.PathLike[str]]) -> tuple[Path, ...]:
    """Return *paths* with all links followed, whether they exist or not."""
    return tuple(real_path(path) for path in paths)


def urls_of(settings: BaseModel) -> Iterator[str]:
    """Return what *settings* lead to: what their kind says, else every text in them that is an address."""
    urls: tuple[str, ...] | None = getattr(settings, "urls", None)
    if urls is not None:
        return iter(urls)
    return (text for text in leaves(settings.model_dump()) if isinstance(text, str) and "://" in text)


def _check_root(proposal: Proposal, place: Place) -> None:
    root = Path(*place.path)
    if root == Path(root.anchor):
        raise _refused(proposal, "the root is the whole disk; give a folder for documents alone")
    for path in proposal.guarded:
        if path.is_relative_to(root) or (root.is_relative_to(path) and not path.is_file()):
            raise _refused(
                proposal,
                "the root holds, or lies in, the folder of the catalogue and the sealing key, and all secrets could be "
                "read as documents; choose another folder, or another KAZINEX_STORAGE_HOME",
            )


def _check_nested(proposal: Proposal, place: Place) -> None:
    for other in proposal.others:
        if other.organisation != proposal.organisation and place.nests(other.place):
            raise _refused(
                proposal,
                f"{place} lies in, or above, a place of another organisation; choose the same place, in which each "
                "organisation has a folder of its own, or one apart",
            )


def _check_alone(proposal: Proposal, *, shares: bool) -> None:
    place = proposal.place
    for other in () if shares or place is None else proposal.others:
        if other.organisation != proposal.organisation and other.place == place:
            raise _refused(proposal, "another organisation has this place; choose one of your own")


def _is_metadata(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        try:
            address = ipaddress.ip_address(socket.inet_aton(host))  # numbers in every notation
        except OSError:
            return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    found = mapped if mapped is not None else address
    return any(found in network for network in _METADATA if network.version == found.version)


def _refused(proposal: Proposal, reason: str) -> SettingsError:
    return SettingsError(f"these settings are not admitted: {reason}", provider=proposal.kind, code="refused")
