"""The site has every page once, where its reader looks for it, and every link of it leads to a page of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import yaml
from docsite import prepare, text
from docsite.nav import expanded, listed

ROOT = Path(__file__).resolve().parents[2]


def test_every_page_stands_once_in_the_nav_of_the_site() -> None:
    pages = {uri for uri in prepare.pages() if not uri.startswith("source/")}

    found = Counter(listed(expanded(prepare.nav(), sorted(pages))))

    assert pages == set(found), "add the page to the nav of mkdocs.yml"
    assert [] == [uri for uri, times in found.items() if times > 1]


def test_every_pattern_of_the_nav_matches_a_page() -> None:
    pages = sorted(prepare.pages())

    assert [] == [each for each in listed(prepare.nav()) if "*" in each and not list(listed(expanded([each], pages)))]


def test_what_is_prepared_has_every_page_and_picture_and_a_configuration(tmp_path: Path) -> None:
    prepare.write(tmp_path / "pages")

    docs = tmp_path / "pages" / "docs"
    made = {path.relative_to(docs).as_posix() for path in docs.rglob("*") if path.is_file()}
    configuration = yaml.safe_load((tmp_path / "pages" / "mkdocs.yml").read_text(encoding="utf-8"))
    assert {"index.md", "r2.md", "adr/index.md", "images/storage.png", "benchmarks.svg"} <= made
    assert set(listed(configuration["nav"])) <= made


def test_links_out_of_the_folder_lead_to_pages_of_the_site() -> None:
    pages = prepare.pages()

    assert "[Settings](s3-settings.md)" in text.for_the_site("[Settings](s3-settings.md)", lambda link: link)
    assert "](security.md)" in pages["index.md"]
    assert "](images/storage.png)" in pages["index.md"]
    assert "](source/examples/07_write_a_provider/README.md.md)" in pages["write-a-provider.md"]


def test_lists_after_a_line_of_text_begin_as_github_shows_them() -> None:
    page = "Two things:\n- one\n  and more\n- two\n\n```sh\nls:\n- no list\n```\n"

    found = text.for_the_site(page, lambda link: link)

    assert "Two things:\n\n- one\n  and more\n- two\n\n```sh\nls:\n- no list\n```\n" == found


def test_a_link_whose_words_go_over_two_lines_is_a_link() -> None:
    page = "See [in your\n  application](docs/a.md).\n"

    assert ["docs/a.md"] == text.links(page)
    assert "See [in your\n  application](a.md).\n" == text.for_the_site(page, lambda link: link.removeprefix("docs/"))


def test_marks_of_the_tests_and_links_in_code_are_no_part_of_a_page() -> None:
    page = "<!-- run fresh -->\n```python\nx = [a](b.md)\n```\n[a](b.md)\n"

    found = text.for_the_site(page, lambda link: f"../{link}")

    assert "```python\nx = [a](b.md)\n```\n[a](../b.md)\n" == found
