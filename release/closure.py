"""What an installed distribution needs, with everything that this needs in turn, as it is installed here."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def closure(name: str, extras: frozenset[str]) -> dict[str, str]:
    """Return the versions of what *name* needs with *extras*, itself left out; what is not installed is not there.

    Markers are judged for this interpreter and system.
    """
    found: dict[str, str] = {}
    asked: dict[str, frozenset[str]] = {}
    waiting = [(canonicalize_name(name), extras)]
    while waiting:
        current, wanted = waiting.pop()
        if current in asked and wanted <= asked[current]:
            continue
        asked[current] = asked.get(current, frozenset()) | wanted
        try:
            installed = distribution(current)
        except PackageNotFoundError:
            continue
        found[current] = installed.version
        for text in installed.requires or ():
            requirement = Requirement(text)
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in asked[current] | {""}):
                waiting.append((canonicalize_name(requirement.name), frozenset(requirement.extras)))
    found.pop(canonicalize_name(name), None)
    return dict(sorted(found.items()))


def pinned(name: str = "kazinex-storage", extras: frozenset[str] = frozenset({"all"})) -> str:
    """Return the closure as lines of a requirements file."""
    return "".join(f"{each}=={version}\n" for each, version in closure(name, extras).items())
