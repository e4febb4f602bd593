"""The shape of modules (STYLE.md): length, docstrings, functions, state, and the types that say nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .conftest import Module

PACKAGE = "kazinex_storage"
TAKES_ANY_NAME = {
    "fs.kinds.ProviderFileSystem.__init__": "fs/options.py says why",
    "fs.buckets.BucketFileSystem.__init__": "fs/options.py says why",
    "fs.paths.ObjectPath.rename": "what universal_pathlib takes",
    "fs.upstream.Codec.__call__": "what fsspec gives its codecs",
    "fs.file._ClosingCodec.__call__": "what fsspec gives its codecs",
}
"""Functions that take keywords of any name, and why."""

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

MODULE_LINES = 400
DOCSTRING_LINES = 8
FUNCTION_LINES = 40
"""Docstring not counted."""
PARAMETERS = 6
"""Besides self and cls."""

LONG_DOCSTRINGS = {
    "errors": "the tree of errors stands in it (DESIGN.md section 3)",
    "cli": "the exit codes stand in it",
    "testing": "a third party starts here: how to use the kit, by example",
    "testing.faults": "how to use the faults, by example",
}

MANY_PARAMETERS = {
    "errors.StorageError.__init__": "the facts of an error, all optional and by keyword (DESIGN.md section 6)",
    "storage.sync.Storage.__init__": "what a storage is opened with, all optional and by keyword",
    "organisations.assembly.open_organisations": "what a host decides once for all organisations, by keyword",
    "organisations.service.Organisations.__init__": "what a host decides once for all organisations, by keyword",
    "migration.migrations.Migration.__init__": "what a run is between, and in whose name, by keyword",
    "cli.*": "every option of a command is a parameter of its function",
    "fs.calls.*": "what fsspec callers may ask for, by keyword",
    "fs.filesystem.*": "the signatures are fsspec's",
}
"""Functions with more than six parameters, and why."""

LONG_FUNCTIONS: dict[str, str] = {}
"""Functions of more than forty lines, and why."""

ANY_USERS = {
    "bodies.body": "the arguments of __exit__",
    "storage.awaiting": "what a method is bound to, and the result of a blocking call",
    "testing.intercept": "the verbs that pass through are looked up by their names",
    "errors": "the arguments of a pickled error",
    "organisations.columns": "rows, as SQLAlchemy types them",
    "organisations.schema": "columns, as SQLAlchemy types them",
    "organisations.usage_changes": "rows, as SQLAlchemy types them",
    "json_text": "the fields of an object that came from JSON and were looked at",
    "transport.attempt": "who waits for it and the handle, which has no types, are the driver's own affair",
    "transport.auth": "as in transport.exchange, which stands above it",
    "transport.exchange": "what a command is answered with differs for each command",
    "transport.loop": "as in transport.exchange",
    "transport.many": "as in transport.exchange",
    "transport.groups": "as in transport.exchange",
    "transport.pool": "as in transport.exchange",
    "lazy": "stands for patterns, modules and loggers of any kind",
    "values": "a class that is made at run time, and its constructor",
    "transport.session": "epoll where there is one, else poll",
    "fs": "fsspec is untyped",
}
"""Where ``Any`` may stand; a package stands for its modules."""

SINGLETONS = {
    "fs.references.REFERENCES": "a copy finds the secrets of its original, which lives in the same process",
    "providers.memory.shelf.SHELVES": "named stores outlive the providers that share a name",
    "registry._REGISTRY": "the sole registry",
    "providers.local.by_path._NUMBERS": "the numbers of open folders are those of the process, as descriptors are",
    "bodies.resident.FOLDERS": "where the folders of a machine are is the same for all who read there",
    "bodies.memory_budget.BUDGET": "the memory of a process is one, whatever holds bodies in it",
    "providers.s3.pacing.PACES": "when the keys of R2 may be written again, by all storages of the process",
}
"""Objects with state that live as long as the process."""

MUTATORS = frozenset(
    {
        "add",
        "append",
        "appendleft",
        "clear",
        "discard",
        "extend",
        "insert",
        "move_to_end",
        "pop",
        "popitem",
        "remove",
        "reverse",
        "setdefault",
        "sort",
        "update",
    }
)
CONTAINERS = frozenset({"list", "dict", "set", "bytearray", "defaultdict", "OrderedDict", "deque", "Counter"})
CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*|__all__")


def functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """Yield every function with its dotted name."""

    def below(node: ast.AST, name: str) -> Iterator[tuple[str, Function]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{name}{child.name}", child
                yield from below(child, f"{name}{child.name}.")
            elif isinstance(child, ast.ClassDef):
                yield from below(child, f"{name}{child.name}.")
            else:
                yield from below(child, name)

    return below(tree, "")


def parameters(function: Function) -> list[str]:
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    names = [argument.arg for argument in named if argument.arg not in ("self", "cls")]
    return names + [argument.arg for argument in (arguments.vararg, arguments.kwarg) if argument is not None]


def lines_of(function: Function) -> int:
    first = function.body[0]
    documented = ast.get_docstring(function, clean=False) is not None
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if documented else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - docstring


def assignments(tree: ast.Module) -> Iterator[tuple[str, ast.expr, int]]:
    """Yield (name, value, line) of what a module assigns when it is imported."""
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    yield target.id, statement.value, statement.lineno
        elif isinstance(statement, ast.AnnAssign) and statement.value and isinstance(statement.target, ast.Name):
            yield statement.target.id, statement.value, statement.lineno


def is_container(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return ast.unparse(value.func).partition("[")[0].rpartition(".")[2] in CONTAINERS
    return isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)


def excused(name: str, table: dict[str, str]) -> bool:
    return name in table or any(key.endswith(".*") and name.startswith(key[:-1]) for key in table)


def stateful_classes(modules: dict[str, Module]) -> set[str]:
    """Return the names of our classes whose instances can change: neither frozen nor an enumeration."""
    found = set()
    for module in modules.values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
                frozen = {"value", "value(kw_only=False)"} & set(decorators) or any(
                    "frozen=True" in decorator for decorator in decorators
                )
                bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
                if not frozen and not bases & {"Enum", "StrEnum", "Protocol", "str", "NamedTuple"}:
                    found.add(node.name)
    return found


def test_modules_are_short_enough_to_be_read(modules: dict[str, Module]) -> None:
    wrong = {}
    for name, module in modules.items():
        if (count := len(module.text.splitlines())) > MODULE_LINES:
            wrong[name] = f"{count} lines, at most {MODULE_LINES}"

    assert {} == wrong


def test_every_module_begins_with_a_short_docstring(modules: dict[str, Module]) -> None:
    wrong = {}
    for name, module in modules.items():
        docstring = ast.get_docstring(module.tree)
        count = len(docstring.splitlines()) if docstring else 0
        if not count or (count > DOCSTRING_LINES and name not in LONG_DOCSTRINGS):
            wrong[name] = f"{count} lines, 1 to {DOCSTRING_LINES}"

    assert {} == wrong


def test_functions_fit_on_a_screen(modules: dict[str, Module]) -> None:
    wrong = []
    for name, module in modules.items():
        for function_name, function in functions(module.tree):
            full, count = f"{name}.{function_name}", lines_of(function)
            if count > FUNCTION_LINES and not excused(full, LONG_FUNCTIONS):
                wrong.append(f"{module.at(function.lineno)}: {full} has {count} lines")

    assert [] == wrong, "\n".join(wrong)


def test_functions_take_few_parameters(modules: dict[str, Module]) -> None:
    wrong = []
    for name, module in modules.items():
        for function_name, function in functions(module.tree):
            full, count = f"{name}.{function_name}", len(parameters(function))
            if count > PARAMETERS and not excused(full, MANY_PARAMETERS):
                wrong.append(f"{module.at(function.lineno)}: {full} has {count} parameters")

    assert [] == wrong, "\n".join(wrong)


def test_no_signature_swallows_unknown_names(modules: dict[str, Module]) -> None:
    """What passes on the parameters of another function (``P.kwargs``) or of a TypedDict swallows nothing."""
    wrong = [
        module.at(function.lineno)
        for name, module in modules.items()
        for function_name, function in functions(module.tree)
        if (keywords := function.args.kwarg) is not None and f"{name}.{function_name}" not in TAKES_ANY_NAME
        if keywords.annotation is None or not re.fullmatch(r"P\.kwargs|Unpack\[\w+\]", ast.unparse(keywords.annotation))
    ]

    assert [] == wrong, "\n".join(wrong)


def test_any_stands_only_where_nothing_better_can_be_said(modules: dict[str, Module]) -> None:
    wrong = []
    for name, module in modules.items():
        users = {node.lineno for node in ast.walk(module.tree) if isinstance(node, ast.Name) and node.id == "Any"}
        package = name.partition(".")[0]
        if users and name not in ANY_USERS and package not in ANY_USERS:
            wrong += [module.at(line) for line in sorted(users)]

    assert [] == wrong, "\n".join(wrong)


def test_module_level_containers_are_constants(modules: dict[str, Module]) -> None:
    wrong = [
        f"{module.at(line)}: {target}"
        for module in modules.values()
        for target, value, line in assignments(module.tree)
        if is_container(value) and not CONSTANT.fullmatch(target)
    ]

    assert [] == wrong, "\n".join(wrong)


def test_constants_are_never_changed(modules: dict[str, Module]) -> None:
    wrong = []
    for module in modules.values():
        constants = {target for target, value, _ in assignments(module.tree) if is_container(value)}
        for node in ast.walk(module.tree):
            changed: ast.expr | None = None
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
                changed = node.value
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in MUTATORS:
                changed = node.func.value
            elif isinstance(node, ast.AugAssign):
                changed = node.target
            if isinstance(changed, ast.Name) and changed.id in constants:
                wrong.append(f"{module.at(changed.lineno)}: {changed.id}")

    assert [] == wrong, "\n".join(wrong)


def test_no_function_assigns_a_global_name(modules: dict[str, Module]) -> None:
    wrong = [
        module.at(node.lineno)
        for module in modules.values()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Global)
    ]

    assert [] == wrong, "\n".join(wrong)


def test_no_object_with_state_lives_in_a_module(modules: dict[str, Module]) -> None:
    classes, found = stateful_classes(modules), set()
    for name, module in modules.items():
        for target, value, _ in assignments(module.tree):
            if isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2] in classes:
                found.add(f"{name}.{target}")

    assert set(SINGLETONS) == found


def test_no_excuse_outlives_its_reason(modules: dict[str, Module]) -> None:
    """What was mended leaves the tables above, so that it cannot come back unseen."""
    docstrings = {name: len((ast.get_docstring(module.tree) or "").splitlines()) for name, module in modules.items()}
    long = {f"{name}.{found}" for name, module in modules.items() for found, _ in functions(module.tree)}
    many = {
        f"{name}.{found}"
        for name, module in modules.items()
        for found, function in functions(module.tree)
        if len(parameters(function)) > PARAMETERS
    }

    assert [] == [name for name in LONG_DOCSTRINGS if docstrings.get(name, 0) <= DOCSTRING_LINES]
    assert [] == [key for key in LONG_FUNCTIONS if not any(excused(name, {key: ""}) for name in long)]
    assert [] == [key for key in MANY_PARAMETERS if not any(excused(name, {key: ""}) for name in many)]
