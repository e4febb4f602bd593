"""The methods that the classes for asyncio take from the blocking ones: what may be taken, and what a reader sees."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
import types
import typing
from collections.abc import Callable, Iterator

import pytest

from kazinex_storage import AsyncDocumentStore, AsyncStorage, DocumentStore, Storage
from kazinex_storage.storage import rules

WRITTEN_OUT = {
    "AsyncStorage": {
        "put",
        "get_many",
        "stream",
        "list",
        "scoped",
        "with_digest",
        "read_only",
        "cached",
        "limited",
        "public_url",
    },
    "AsyncDocumentStore": {"upload", "open", "stream", "receive_direct_upload", "acting", "read_only"},
}
"""What takes or gives something else than the blocking method does: async iterables, iterators, a view."""


def methods() -> Iterator[object]:
    for blocking, coroutine in ((Storage, AsyncStorage), (DocumentStore, AsyncDocumentStore)):
        for name, member in vars(coroutine).items():
            if inspect.isfunction(member) and hasattr(member, "__wrapped__"):
                yield pytest.param(getattr(blocking, name), member, id=f"{coroutine.__name__}.{name}")


def for_checkers(*modules: types.ModuleType) -> dict[str, object]:
    """Return what *modules* import for those who read annotations: a start does without it (ADR 0031)."""
    found: dict[str, object] = {}
    for module in modules:
        for node in ast.parse(inspect.getsource(module)).body:
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                program = compile(ast.Module(node.body, []), module.__file__ or "", "exec")
                exec(program, {"__package__": module.__package__}, found)  # noqa: S102 -- imports of ours
    return found


every_method = pytest.mark.parametrize(("blocking", "coroutine"), list(methods()))


@every_method
def test_an_awaited_method_is_the_blocking_one_of_that_name(
    blocking: Callable[..., object], coroutine: Callable[..., object]
) -> None:
    assert blocking is inspect.unwrap(coroutine)
    assert f"Async{blocking.__qualname__}" == coroutine.__qualname__


@every_method
def test_an_awaited_method_only_returns_what_runs_one_exchange(
    blocking: Callable[..., object], coroutine: Callable[..., object]
) -> None:
    """With a ``_run`` that gives an awaitable, any other statement would meet that instead of the result."""
    function = ast.parse(textwrap.dedent(inspect.getsource(coroutine))).body[0]
    assert isinstance(function, ast.FunctionDef)

    documentation, *body = function.body

    assert isinstance(documentation, ast.Expr)
    assert 1 == len(body)
    assert isinstance(body[0], ast.Return)
    assert isinstance(body[0].value, ast.Call)
    assert "self._run" == ast.unparse(body[0].value.func)
    assert 1 == len(body[0].value.args)
    others = {ast.unparse(node.func) for node in ast.walk(body[0].value.args[0]) if isinstance(node, ast.Call)}
    assert {"self._run"}.isdisjoint(others)


@every_method
def test_a_reader_finds_the_parameters_and_the_docstring(
    blocking: Callable[..., object], coroutine: Callable[..., object]
) -> None:
    assert inspect.iscoroutinefunction(coroutine)
    assert inspect.signature(blocking) == inspect.signature(coroutine)
    assert inspect.getdoc(blocking) == inspect.getdoc(coroutine)
    assert "Raises:" in (inspect.getdoc(coroutine) or "")
    hints = typing.get_type_hints(coroutine, localns=for_checkers(sys.modules[coroutine.__module__], rules))
    assert hints["return"] is not None or blocking.__annotations__["return"] == "None"


@pytest.mark.parametrize(("blocking", "coroutine"), [(Storage, AsyncStorage), (DocumentStore, AsyncDocumentStore)])
def test_what_is_written_out_has_a_reason(blocking: type, coroutine: type) -> None:
    own = {
        name
        for name, member in vars(coroutine).items()
        if inspect.isfunction(member) and not hasattr(member, "__wrapped__") and hasattr(blocking, name)
    }

    assert WRITTEN_OUT[coroutine.__name__] == {name for name in own if not name.startswith("_")}
