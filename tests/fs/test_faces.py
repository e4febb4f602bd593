"""Every operation is one method, and callers find two: blocking, and with an underscore as a coroutine."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from kazinex_storage.fs import MemoryFileSystem
from kazinex_storage.fs.calls import Calls
from kazinex_storage.fs.queries import Queries

asyn: Any = importlib.import_module("fsspec.asyn")

BLOCKING = {name: member for owner in (Queries, Calls) for name, member in vars(owner).items() if name[0] != "_"}
COROUTINES = {
    name: member
    for owner in (Queries, Calls)
    for name, member in vars(owner).items()
    if inspect.iscoroutinefunction(member)
}
WITHOUT_TWIN = {"head", "tail", "_mv_file"}
"""The first two are cat_file by other words; fsspec has the last one as a coroutine only."""
REORDERED = {"_cat_ranges", "_put", "_copy", "_rm"}
"""fsspec has their parameters in another order than those of the blocking twin."""


def positional(function: Callable[..., object]) -> list[str]:
    return [
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]


def test_every_operation_has_both_faces() -> None:
    assert {f"_{name}" for name in BLOCKING if name not in WITHOUT_TWIN} == COROUTINES.keys() - WITHOUT_TWIN


@pytest.mark.parametrize("name", sorted(COROUTINES.keys() - WITHOUT_TWIN - REORDERED))
def test_both_faces_have_one_signature_and_one_docstring(name: str) -> None:
    coroutine, call = COROUTINES[name], BLOCKING[name.removeprefix("_")]

    assert inspect.signature(call) == inspect.signature(coroutine)
    assert call.__doc__ == coroutine.__doc__
    assert (name, f"{call.__qualname__.partition('.')[0]}.{name}") == (coroutine.__name__, coroutine.__qualname__)


@pytest.mark.parametrize("name", sorted(REORDERED))
def test_the_other_coroutines_take_what_the_blocking_call_takes(name: str) -> None:
    found = inspect.signature(COROUTINES[name]).parameters

    assert inspect.signature(BLOCKING[name.removeprefix("_")]).parameters.keys() == found.keys()


@pytest.mark.parametrize("name", sorted(BLOCKING | COROUTINES))
def test_the_signature_says_what_is_returned_and_begins_as_that_of_fsspec(name: str) -> None:
    ours, theirs = getattr(MemoryFileSystem, name), getattr(asyn.AsyncFileSystem, name, None)

    assert "Exchange" not in str(inspect.signature(ours))
    if (
        theirs is not None and name != "_put_file"
    ):  # fsspec's coroutine has mode before callback, its blocking call after
        assert positional(theirs) == positional(ours)[: len(positional(theirs))]


@pytest.mark.parametrize("name", sorted(BLOCKING | COROUTINES))
def test_an_option_that_is_not_known_is_a_type_error(memory: MemoryFileSystem, name: str) -> None:
    with pytest.raises(TypeError, match="recursvie"):
        inspect.signature(getattr(memory, name)).bind_partial(recursvie=True)


def test_a_call_names_itself_in_its_type_error(memory: MemoryFileSystem) -> None:
    with pytest.raises(TypeError, match="cp_file"):
        memory.cp_file("a", "b", recursvie=True)  # type: ignore[call-arg]
