"""An audit that asked nobody says so, and never that nothing was found."""

from __future__ import annotations

import json

import pytest
from release.audit import NoAdvisoriesError, judge
from release.closure import closure

CANARY = {"name": "jinja2", "version": "2.10", "vulns": [{"id": "PYSEC-2019-217", "fix_versions": ["2.10.1"]}]}


def answer(*packages: object) -> str:
    return json.dumps({"dependencies": list(packages), "fixes": []})


def test_a_known_vulnerability_is_named_with_the_release_that_fixes_it() -> None:
    flaw = {"id": "GHSA-9hjg-9r4m-mvj7", "fix_versions": ["2.32.4"]}

    lines = judge(answer({"name": "requests", "version": "2.31.0", "vulns": [flaw]}, CANARY))

    assert ["requests 2.31.0: GHSA-9hjg-9r4m-mvj7, fixed in 2.32.4"] == lines


def test_nothing_known_is_believed_of_an_index_that_knows_the_canary() -> None:
    assert [] == judge(answer({"name": "requests", "version": "2.34.2", "vulns": []}, CANARY))


@pytest.mark.parametrize(
    "told",
    [
        pytest.param("", id="nothing"),
        pytest.param("<html>", id="page"),
        pytest.param("[]", id="other document"),
        pytest.param(answer({"name": "requests", "version": "2.34.2", "vulns": []}), id="no canary"),
        pytest.param(answer({"name": "jinja2", "version": "2.10", "vulns": []}), id="mirror without advisories"),
        # What pip-audit 2.10 writes, with exit code 0 and "no known vulnerabilities", where the index answers 404.
        pytest.param(answer({"name": "jinja2", "skip_reason": "Dependency not found on PyPI"}), id="not found"),
    ],
)
def test_an_answer_that_proves_nothing_is_a_skip(told: str) -> None:
    with pytest.raises(NoAdvisoriesError):
        judge(told)


def test_what_is_audited_is_what_the_package_needs() -> None:
    needed, bare = closure("kazinex-storage", frozenset({"all"})), closure("kazinex-storage", frozenset())

    assert {"pydantic", "pydantic-core", "pycurl", "certifi", "fsspec"} <= set(bare)
    assert {"sqlalchemy", "botocore", "azure-core", "starlette", "isal"} <= set(needed) - set(bare)
    assert not {"pytest", "ruff", "kazinex-storage"} & set(needed)
