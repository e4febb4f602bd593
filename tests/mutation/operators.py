"""Mutants of a module, made from its syntax tree: small defects, each on one line, as people write them.

Texts for people (docstrings, messages of errors, log lines) and annotations are left alone. Every mutant is a
replacement of a piece of the source, so that all other lines keep their numbers.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}
"""What stands for each comparison in a mutant."""

HEADER = re.compile(r"(if|x|content|accept)-[a-z0-9-]+|range|authorization")
"""Names of headers: a mutant writes or looks for another one."""

TALKERS = ("_LOG", "logger", "log", "logging", "warnings")
"""Calls of these are for people."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One defect."""

    module: str
    """Path of the file below ``src/kazinex_storage``."""
    line: int
    operator: str
    before: str
    """The piece of the source that is replaced, on one line."""
    after: str
    start: int
    """Where the piece is, in bytes of the file."""
    end: int
    function: str = ""
    """The function around it; empty: none."""

    @property
    def rank(self) -> str:
        """A number drawn by what the mutant is, not by where: the same draw while other code changes."""
        return hashlib.sha256(f"{self.function}|{self.operator}|{self.before}|{self.after}".encode()).hexdigest()

    def applied(self, source: bytes) -> bytes:
        """Return the source with the defect."""
        return source[: self.start] + self.after.encode() + source[self.end :]


def mutants_of(module: str, source: bytes) -> Iterator[Mutant]:
    """Yield every mutant of *source* that the operators can make."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for function, node, after, operator in _changes(ast.parse(source), ""):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        before = source[start:end].decode()
        if "\n" not in before:
            yield Mutant(
                module=module,
                line=node.lineno,
                operator=operator,
                before=before,
                after=after,
                start=start,
                end=end,
                function=function,
            )


def _changes(node: ast.AST, function: str) -> Iterator[tuple[str, ast.expr | ast.stmt, str, str]]:
    """Yield (function, node, what stands instead, operator) for *node* and all that is below it."""
    if isinstance(node, ast.Raise | ast.Assert | ast.JoinedStr) or _is_for_people(node):
        return
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        if node.name in ("__repr__", "__str__"):
            return
        function = f"{function}.{node.name}".lstrip(".")
        for statement in node.body:
            yield from _changes(statement, function)
        return
    if isinstance(node, ast.expr | ast.stmt):
        for after, operator, changed in _defects(node):
            yield function, changed, after, operator
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns", "decorator_list", "type_params"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _changes(child, function)


def _is_for_people(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        return True
    return isinstance(node, ast.Call) and ast.unparse(node.func).partition(".")[0] in TALKERS


def _defects(node: ast.expr | ast.stmt) -> Iterator[tuple[str, str, ast.expr | ast.stmt]]:
    match node:
        case ast.If(test=test, body=[ast.Raise() | ast.Return() | ast.Continue()], orelse=[]):
            yield "False", "drop the guard", test
            yield f"not ({ast.unparse(test)})", "negate the condition", test
        case ast.If(test=test) | ast.IfExp(test=test):
            yield f"not ({ast.unparse(test)})", "negate the condition", test
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            yield f"{_piece(left)} {COMPARISONS[type(operator)]} {_piece(right)}", "swap the comparison", node
        case ast.BoolOp(op=operator, values=values):
            joined = " or " if isinstance(operator, ast.And) else " and "
            yield f"({joined.join(_piece(value) for value in values)})", "swap and, or", node
        case ast.Constant(value=bool(value)):
            yield str(not value), "swap true, false", node
        case ast.Constant(value=int(value)):
            yield str(value + 1), "off by one", node
        case ast.Constant(value=str(value)) if HEADER.fullmatch(value):
            yield f'"{value[:-1]}"', "another header", node
        case ast.Expr(value=ast.Call() as call) if not _is_for_people(call):
            yield "pass", "drop the call", node

        case _:
            return


def _piece(node: ast.expr) -> str:
    return f"({ast.unparse(node)})" if isinstance(node, ast.BoolOp | ast.IfExp | ast.Compare) else ast.unparse(node)
