"""What is written in the code arrives in the references as it was meant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from docsite import api, commands, docstrings, routes, settings
from docsite.members import fields, methods
from docsite.prepare import pages
from docsite.signatures import signature

from kazinex_storage import AsyncStorage, PutMode, Storage
from kazinex_storage.providers.s3 import R2Settings
from kazinex_storage.registry import default_registry

ROOT = Path(__file__).resolve().parents[2]


def link(name: str) -> str:
    return f"[{name}]"


def test_sections_of_a_docstring_become_lists_and_code_stays_code() -> None:
    text = """Write *body* to ``<key>``.

    More of it, in a [list]:

    Args:
        body: What is
            written.

    Raises:
        NotFoundError: it is not there.

    Example:
        >>> 1 + 1
        2
    """

    found = "\n".join(docstrings.markdown(text, link))

    assert found.startswith("Write *body* to `<key>`.\n\nMore of it, in a \\[list\\]:\n")
    assert "**Parameters**\n\n- [body]: What is written.\n" in found
    assert "**Raises**\n\n- [NotFoundError]: it is not there.\n" in found
    assert found.rstrip().endswith("**Example**\n\n```pycon\n>>> 1 + 1\n2\n```")


@pytest.mark.parametrize(
    ("text", "shown"),
    [("set KAZINEX_<KIND>_<FIELD>", "set KAZINEX_&lt;KIND>_&lt;FIELD>"), ("of ``a_b`` and _c", "of `a_b` and \\_c")],
)
def test_angle_brackets_and_underscores_are_shown(text: str, shown: str) -> None:
    assert shown == docstrings.prose(text)


def test_signatures_keep_what_is_given_by_name_only_and_defaults() -> None:
    def call(self: object, key: str, /, *names: str, size: int = 3, deep: bool = False) -> None: ...

    assert "call(key: str, /, *names: str, size: int = 3, deep: bool = False) -> None" == signature("call", call)


def test_long_signatures_are_broken() -> None:
    found = signature("put", Storage.put).splitlines()

    assert "put(" == found[0]
    assert "    key: str," in found
    assert "    *," in found
    assert ") -> ObjectInfo" == found[-1]


def test_fields_have_their_types_defaults_and_texts() -> None:
    found = {each.name: each for each in fields(R2Settings)}

    assert "Its exact name; it must exist." == found["bucket"].text
    assert ('Literal["eu", "fedramp", "us"] | None', None) == (
        found["jurisdiction"].type.replace("'", '"'),
        found["jurisdiction"].default,
    )
    assert "CREATE" in {each.name for each in fields(PutMode)}


def test_methods_for_asyncio_are_told_with_the_words_of_the_blocking_ones() -> None:
    text = api.pages()["api/storage.md"]

    told = text.partition("### AsyncStorage.put_many")[2].partition("\n### ")[0]

    assert "async put_many(" in told
    assert (Storage.put_many.__doc__ or "").split(".")[0].split("*")[0] in told
    assert "put_many" in dict(methods(AsyncStorage, ()))


def test_a_variable_of_the_help_is_shown_whole() -> None:
    text = commands.pages()["commands/provider.md"].replace("\\_", "_")

    assert "KAZINEX_STORAGE_&lt;KIND>_&lt;FIELD>" in text


def test_pages_of_references_come_later_in_the_search() -> None:
    found = pages()

    assert found["api/errors.md"].startswith("---\nsearch: {boost: 0.3}\ntitle: Errors\n---\n")
    assert found["adr/index.md"].startswith("---\nsearch: {boost: 0.3}\n---\n# Decisions")
    assert found["r2.md"].startswith("# ")


def test_every_field_that_people_enter_stands_in_the_reference_of_settings() -> None:
    registry, page = default_registry(), settings.page()

    missing = [
        f"{kind.kind}: {field.name}"
        for kind in registry.kinds()
        for field in registry.fields(kind.kind)
        if field.asked and f"| <code>{field.name}</code> |" not in page.partition(f"Kind `{kind.kind}`")[2]
    ]

    assert [] == missing
    assert "| <code>secret_access_key</code> | required, secret |" in page


def test_every_route_is_told_with_its_action() -> None:
    page = routes.page()

    assert [] == [each for each in routes.described() if f"<code>{each.method} {each.path}</code>" not in page]
    assert [] == [each for each in routes.described() if not each.action or not each.text]
    assert "Action <code>manage_providers</code>. How often is limited (<code>verification</code>)." in page


def test_routes_that_the_page_of_the_api_names_exist() -> None:
    """They are named from their last segments on: ``PUT DELETE .../files/{filename}/hold``."""
    text = (ROOT / "docs" / "http-api.md").read_text(encoding="utf-8")
    table = text.partition("## Routes")[2].partition("\n## ")[0]
    known = [(each.method, re.sub(r"\{\w+(:\w+)?\}", "{}", each.path)) for each in routes.described()]

    wrong = []
    for span in re.findall(r"^\| (.*?) \|", table, re.MULTILINE):
        for verbs, path in re.findall(r"`((?:[A-Z]+,? ?)+)(?:\.\.\.)?(/[^` ]*)`", span):
            end = re.sub(r"\{\w+\}", "{}", path)
            wrong += [f"{each} {path}" for each in re.findall(r"[A-Z]+", verbs) if not _routed(each, end, known)]

    assert [] == wrong


def _routed(method: str, end: str, known: list[tuple[str, str]]) -> bool:
    return any(method == each and path.endswith(end) for each, path in known)


def test_integrations_that_pages_name_are_told() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")]

    named = {name for text in texts for name in re.findall(r"kazinex_storage\.integrations\.(\w+)", text)}

    assert named
    assert named <= set(api.INTEGRATIONS)
