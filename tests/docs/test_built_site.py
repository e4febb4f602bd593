"""The site as `make docs` builds it: every link and anchor leads somewhere, and nothing comes from another host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from docsite import prepare

ROOT = Path(__file__).resolve().parents[2]

_FETCHED = re.compile(r"<(?:script|img|iframe|source)[^>]*\ssrc=\"?([^\" >]+)|<link[^>]*\shref=\"?([^\" >]+)")


@pytest.mark.soak
def test_the_site_is_built_without_a_warning_and_needs_no_other_host(tmp_path: Path) -> None:
    prepare.write(tmp_path / "pages")
    configuration = tmp_path / "pages" / "mkdocs.yml"
    text = configuration.read_text(encoding="utf-8").replace("../../mkdocs.yml", str(ROOT / "mkdocs.yml"))
    configuration.write_text(text, encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", str(configuration)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        timeout=300,
    )

    assert 0 == done.returncode, done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    fetched = {"".join(found) for page in pages for found in _FETCHED.findall(page.read_text(encoding="utf-8"))}
    assert len(prepare.pages()) <= len(pages)
    assert [] == sorted(url for url in fetched if re.match(r"(https?:)?//", url))
