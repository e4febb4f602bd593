"""Gather the pages of the site in one folder, ready for the program that makes HTML of them.

``docs`` stays as people read it on disk: here links to files outside it are given a page, marks of the tests are taken
out, and pages that are made of the code are written. Nothing but Markdown and one configuration leaves here, so that
another program can take over.
"""

from __future__ import annotations

import posixpath
import shutil
from collections.abc import Iterator, Mapping
from functools import cache, partial
from pathlib import Path

import yaml

from . import api, commands, decisions, routes, settings
from .nav import Entry, expanded
from .text import for_the_site, links, resolved

ROOT = Path(__file__).resolve().parents[1]

ROOT_PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
}
"""Pages at the root of the repository, and what they are on the site."""

ALONE = ("index.md", "tutorial.md")
"""Pages that are a tab of their own, so that there is nothing beside them to choose from."""

_FOUND_LATER = ("adr/", "api/", "changelog.md", "commands/", "routes.md", "source/")
"""Pages that the search shows after those that tell something."""

_SOURCE = "source/"


class _Loader(yaml.SafeLoader):
    """Reads plain values; what mkdocs makes objects of is none of our business."""


_Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)


def configuration() -> dict[str, object]:
    """Return ``mkdocs.yml`` with where things are, and the patterns of its nav replaced by what they match."""
    return {
        "INHERIT": "../../mkdocs.yml",
        "docs_dir": "docs",
        "site_dir": "../site",
        "nav": expanded(nav(), sorted(pages())),
    }


def nav() -> list[Entry]:
    """Return the nav as it stands in ``mkdocs.yml``."""
    found: list[Entry] = yaml.load(_read(ROOT / "mkdocs.yml"), _Loader)["nav"]  # noqa: S506 -- a safe one
    return found


@cache
def pages() -> Mapping[str, str]:
    """Return the text of every page by its path on the site, links and all as the site needs them."""
    found = {path.relative_to(ROOT / "docs").as_posix(): _read(path) for path in (ROOT / "docs").rglob("*.md")}
    found |= {page: _read(ROOT / source) for source, page in ROOT_PAGES.items()}
    found["adr/index.md"] = decisions.page(ROOT / "docs" / "adr")
    found |= {**commands.pages(), **api.pages(), routes.PAGE: routes.page(), settings.PAGE: settings.page()}
    found |= {f"{_SOURCE}{path}.md": _source_page(path) for path in sorted(set(_shown(found)))}
    return {uri: _marked(uri, for_the_site(text, partial(_on_site, uri))) for uri, text in found.items()}


def _marked(uri: str, text: str) -> str:
    """Return the page with what the theme is to know of it at its beginning."""
    marks = ["hide: [navigation]"] if uri in ALONE else []
    if uri.startswith(_FOUND_LATER):
        marks.append("search: {boost: 0.3}")
    if not marks:
        return text
    return "\n".join(["---", *marks, text.removeprefix("---\n") if text.startswith("---\n") else f"---\n{text}"])


def write(folder: Path) -> None:
    """Write pages, images and the configuration below *folder*, which is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    docs = folder / "docs"
    shutil.copytree(ROOT / "docs", docs, ignore=shutil.ignore_patterns("*.md"))
    for uri, text in pages().items():
        (docs / uri).parent.mkdir(parents=True, exist_ok=True)
        (docs / uri).write_text(text, encoding="utf-8")
    shutil.copy(ROOT / "docsite" / "site.css", docs / "site.css")
    (folder / "mkdocs.yml").write_text(yaml.safe_dump(configuration(), sort_keys=False), encoding="utf-8")


def _on_site(uri: str, link: str) -> str:
    """Return a link of the page *uri* as the site has it."""
    target = resolved(link, origin(uri))
    if target is None:
        return link
    path, anchor = target
    if path == "docs/adr/":
        path = "adr/index.md"
    elif path.startswith("docs/"):
        path = path.removeprefix("docs/")
    else:
        path = ROOT_PAGES.get(path, f"{_SOURCE}{path}.md")
    return posixpath.relpath(path, posixpath.dirname(uri) or ".") + anchor


def origin(uri: str) -> str:
    """Return the file of the repository that a page of the site is made of."""
    if uri.startswith(_SOURCE):
        return uri.removeprefix(_SOURCE).removesuffix(".md")
    return next((source for source, page in ROOT_PAGES.items() if page == uri), f"docs/{uri}")


def _shown(found: Mapping[str, str]) -> Iterator[str]:
    """Yield the files outside ``docs`` that pages link to and that are no pages themselves."""
    for uri, text in found.items():
        for link in links(text):
            target = resolved(link, origin(uri))
            if target and not target[0].startswith("docs/") and target[0] not in ROOT_PAGES:
                yield target[0]


def _source_page(path: str) -> str:
    """Return the page that shows a file of the repository."""
    text = _read(ROOT / path)
    if path.endswith(".md"):
        return text
    language = {".py": "python", ".toml": "toml"}.get(Path(path).suffix, "text")
    return f"# {Path(path).name}\n\n`{path}`\n\n````{language}\n{text}````\n"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
