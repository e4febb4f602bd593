"""What is made later is what would be made at once."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import types

import pytest

from kazinex_storage.lazy import DEBUG, logger, module, regex


@pytest.mark.parametrize("method", ["findall", "finditer", "fullmatch", "match", "search", "split"])
@pytest.mark.parametrize("text", ["", "12", "a12b7", "A"])
def test_it_finds_what_a_compiled_one_finds(method: str, text: str) -> None:
    def found(pattern: re.Pattern[str]) -> str:
        result = getattr(pattern, method)(text)
        return repr(list(result) if method == "finditer" else result)

    assert found(re.compile("([0-9]+)|a", re.IGNORECASE)) == found(regex("([0-9]+)|a", re.IGNORECASE))


def test_it_replaces_and_takes_bytes() -> None:
    assert "a-b" == regex("[0-9]+").sub("-", "a12b")
    assert regex(b"[0-9]+").fullmatch(b"12")
    assert 2 == regex("(.)(.)").groups


def test_nothing_is_compiled_before_it_is_used() -> None:
    broken = regex("(")

    assert "(" == broken.pattern
    with pytest.raises(re.error):
        broken.search("a")


def test_a_module_is_imported_by_its_first_use_and_takes_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    home = types.ModuleType("house.room")
    monkeypatch.setitem(sys.modules, "house.room", home)
    home.keyword = module("house.room", "keyword")  # type: ignore[attr-defined]
    stands = home.keyword

    assert not isinstance(stands, types.ModuleType)
    assert stands.iskeyword("def")
    assert home.keyword is sys.modules["keyword"]
    assert stands.iskeyword("def")


def test_a_module_may_be_named_by_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    home = types.ModuleType("kazinex_storage.room")
    monkeypatch.setitem(sys.modules, home.__name__, home)
    home.keys = module(home.__name__, ".keys")  # type: ignore[attr-defined]

    assert "a" == home.keys.ObjectKey("a")
    assert home.keys is sys.modules["kazinex_storage.keys"]


def test_a_logger_is_the_one_of_the_library(caplog: pytest.LogCaptureFixture) -> None:
    log = logger("kazinex_storage.tests")

    with caplog.at_level(logging.DEBUG, "kazinex_storage.tests"):
        assert log.isEnabledFor(DEBUG)
        log.debug("%s %s", "a", "b")
        log.warning("c")

    assert [("a b", "test_lazy"), ("c", "test_lazy")] == [(each.getMessage(), each.module) for each in caplog.records]
    assert logging.DEBUG == DEBUG
    assert not logger("kazinex_storage.others").isEnabledFor(DEBUG)


def test_without_the_library_of_logs_only_warnings_are_made() -> None:
    program = """
import sys
from kazinex_storage.lazy import DEBUG, logger
log = logger("a")
log.debug("no")
print(log.isEnabledFor(DEBUG), "logging" in sys.modules)
log.warning("yes")
print("logging" in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ("False False\nTrue\n", "yes\n") == (run.stdout, run.stderr)
