"""Turns a predicate written in Python into an expression, or says that it cannot.

A lambda given to `Filter` runs once per record, in Python. Most of them only compare fields with constants, and an
engine does that a hundred times faster. `trace()` finds the function's source, checks that compiling it gives exactly
the function at hand, and reads its expression. Whatever it does not know raises `Untraceable`, and the caller runs the
function itself: tracing never guesses, because both ways must give the same answer.

The tree here knows nothing of engines; `_lower` gives it the meaning that Python has.
"""

from __future__ import annotations

import ast
import inspect
import linecache
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any, Iterator, List, Optional, Tuple, Union


class Untraceable(Exception):
    """The function does something that has no expression; the text says what."""


@dataclass(frozen=True)
class Field:
    """A field of the record, by its steps."""

    path: Tuple[str, ...]


@dataclass(frozen=True)
class Const:
    """A number, text, boolean or None."""

    value: Any


@dataclass(frozen=True)
class Not:
    """`not operand`."""

    operand: "Node"


@dataclass(frozen=True)
class Logic:
    """`and` or `or` of two operands, the second evaluated only when it matters."""

    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True)
class Compare:
    """A comparison: one of `== != < <= > >=`."""

    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True)
class IsNone:
    """`operand is None`."""

    operand: "Node"


@dataclass(frozen=True)
class Arithmetic:
    """One of `+ - * /`."""

    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True)
class If:
    """`yes if condition else no`."""

    condition: "Node"
    yes: "Node"
    no: "Node"


@dataclass(frozen=True)
class Text:
    """A question to a text: `startswith`, `endswith` with a constant, or `len`."""

    question: str
    operand: "Node"
    argument: Optional[str] = None


Node = Union[Field, Const, Not, Logic, Compare, IsNone, Arithmetic, If, Text]

_COMPARISONS = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


def trace(function: Any) -> Node:
    """Returns what a function of one record computes."""
    if not isinstance(function, FunctionType):
        raise Untraceable(f"{type(function).__name__} is not a plain function")
    code = function.__code__
    if code.co_argcount != 1 or code.co_kwonlyargcount or code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
        raise Untraceable("it does not take exactly one argument")
    return _Reader(function, code.co_varnames[0]).body(_source(code))


def _source(code: CodeType) -> Union[ast.Lambda, ast.FunctionDef]:
    """The syntax tree of a code object, proven to be its own: its file still compiles to the same code."""
    text = "".join(linecache.getlines(code.co_filename))
    if not text:
        raise Untraceable("its source is not at hand")
    try:
        tree = ast.parse(text)
        module = compile(text, code.co_filename, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise Untraceable(f"its file does not compile: {error}") from error
    if not any(inner == code for inner in _codes(module)):
        raise Untraceable("its file has changed since it was loaded")
    found = [node for node in ast.walk(tree) if _may_be(node, code)]
    if len(found) > 1:
        found = [node for node in found if _covers(node, code)]
    if len(found) != 1:
        raise Untraceable("its source line holds several functions")
    return found[0]  # type: ignore[return-value]


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _may_be(node: ast.AST, code: CodeType) -> bool:
    if isinstance(node, ast.Lambda):
        return code.co_name == "<lambda>" and node.lineno == code.co_firstlineno
    if isinstance(node, ast.FunctionDef):
        first = min([node.lineno] + [decorator.lineno for decorator in node.decorator_list])
        return code.co_name == node.name and first == code.co_firstlineno
    return False


def _covers(node: ast.AST, code: CodeType) -> bool:
    """Says whether all instructions of `code` come from inside `node` (Python 3.11 and later know the columns)."""
    positions = getattr(code, "co_positions", None)
    if positions is None:
        raise Untraceable("its source line holds several functions")
    start = (node.lineno, node.col_offset)  # type: ignore[attr-defined]
    end = (node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]
    known = [p for p in positions() if None not in p and p[1] is not None and p[3] > p[2]]
    inside = all(start <= (p[0], p[2]) and (p[1], p[3]) <= end for p in known)
    inner = [child for child in ast.walk(node) if isinstance(child, ast.Lambda) and child is not node]
    return bool(known) and inside and not inner


class _Reader:
    """Reads the expressions of one function."""

    def __init__(self, function: FunctionType, record: str) -> None:
        self.function = function
        self.record = record

    def body(self, node: Union[ast.Lambda, ast.FunctionDef]) -> Node:
        if isinstance(node, ast.Lambda):
            return self.read(node.body)
        if node.decorator_list:
            raise Untraceable("it is decorated")
        return self.block(list(node.body))

    def block(self, statements: List[ast.stmt]) -> Node:
        """Statements that end in `return`, with `if` before them."""
        if not statements:
            return Const(None)
        first, rest = statements[0], statements[1:]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            return self.block(rest)
        if isinstance(first, ast.Return):
            return self.read(first.value) if first.value is not None else Const(None)
        if isinstance(first, ast.If):
            return If(self.read(first.test), self.block(first.body + rest), self.block(first.orelse + rest))
        raise Untraceable(f"it has a statement: {ast.unparse(first)}")

    def read(self, node: ast.expr) -> Node:
        """One expression."""
        handler = getattr(self, "_" + type(node).__name__.lower(), None)
        if handler is None:
            raise Untraceable(f"it uses {ast.unparse(node)}")
        return handler(node)

    def _constant(self, node: ast.Constant) -> Node:
        return _constant(node.value)

    def _name(self, node: ast.Name) -> Node:
        if node.id == self.record:
            raise Untraceable("it uses the record as a whole")
        return _constant(self.value(node.id))

    def value(self, name: str) -> Any:
        """What a name outside the function is bound to."""
        code = self.function.__code__
        if name in code.co_freevars:
            try:
                return (self.function.__closure__ or ())[code.co_freevars.index(name)].cell_contents
            except ValueError as error:
                raise Untraceable(f"{name} has no value yet") from error
        if name in code.co_varnames:
            raise Untraceable(f"it has a variable, {name}")
        if name in self.function.__globals__:
            return self.function.__globals__[name]
        raise Untraceable(f"{name} is not known")

    def _subscript(self, node: ast.Subscript) -> Node:
        if not isinstance(node.slice, ast.Constant) or not isinstance(node.slice.value, str):
            raise Untraceable(f"it looks up {ast.unparse(node)}")
        return Field(self.parent(node.value) + (node.slice.value,))

    def _attribute(self, node: ast.Attribute) -> Node:
        if not isinstance(node.value, ast.Name) or hasattr(dict, node.attr) or node.attr.startswith("_"):
            raise Untraceable(f"it uses {ast.unparse(node)}")
        return Field(self.parent(node.value) + (node.attr,))

    def parent(self, node: ast.expr) -> Tuple[str, ...]:
        """The steps of what a field is looked up in."""
        if isinstance(node, ast.Name) and node.id == self.record:
            return ()
        inner = self.read(node)
        if not isinstance(inner, Field):
            raise Untraceable(f"it looks something up in {ast.unparse(node)}")
        return inner.path

    def _boolop(self, node: ast.BoolOp) -> Node:
        operator = "and" if isinstance(node.op, ast.And) else "or"
        values = [self.read(value) for value in node.values]
        result = values[-1]
        for value in reversed(values[:-1]):
            result = Logic(operator, value, result)
        return result

    def _unaryop(self, node: ast.UnaryOp) -> Node:
        operand = self.read(node.operand)
        if isinstance(node.op, ast.Not):
            return Not(operand)
        if isinstance(node.op, ast.USub) and isinstance(operand, Const) and type(operand.value) in (int, float):
            return Const(-operand.value)
        raise Untraceable(f"it uses {ast.unparse(node)}")

    def _compare(self, node: ast.Compare) -> Node:
        parts: List[Node] = []
        left = node.left
        for operator, right in zip(node.ops, node.comparators):
            parts.append(self.comparison(operator, left, right))
            left = right
        result = parts[-1]
        for part in reversed(parts[:-1]):
            result = Logic("and", part, result)
        return result

    def comparison(self, operator: ast.cmpop, left: ast.expr, right: ast.expr) -> Node:
        """One comparison of a chain."""
        if isinstance(operator, (ast.Is, ast.IsNot)):
            if not isinstance(right, ast.Constant) or right.value is not None:
                raise Untraceable(f"it compares identities with {ast.unparse(right)}")
            same = IsNone(self.read(left))
            return Not(same) if isinstance(operator, ast.IsNot) else same
        if isinstance(operator, (ast.In, ast.NotIn)):
            found = self.membership(self.read(left), right)
            return Not(found) if isinstance(operator, ast.NotIn) else found
        return Compare(_COMPARISONS[type(operator)], self.read(left), self.read(right))

    def membership(self, left: Node, right: ast.expr) -> Node:
        """`left in (a, b, …)`: an `or` of comparisons, as Python does it."""
        members: List[Node]
        if isinstance(right, (ast.List, ast.Tuple, ast.Set)):
            members = [self.read(element) for element in right.elts]
        else:
            value = self.value(right.id) if isinstance(right, ast.Name) and right.id != self.record else None
            if isinstance(right, ast.Constant):
                value = right.value
            if not isinstance(value, (list, tuple, set, frozenset)):
                raise Untraceable(f"it looks for something in {ast.unparse(right)}")
            members = [_constant(member) for member in value]
        if not all(isinstance(member, Const) for member in members) or len(members) > 1000:
            raise Untraceable("it looks for something in a list that is not of constants, or very long")
        result: Node = Const(False)
        for member in reversed(members):
            equal = Compare("==", left, member)
            result = equal if result == Const(False) else Logic("or", equal, result)
        return result

    def _binop(self, node: ast.BinOp) -> Node:
        operator = _ARITHMETIC.get(type(node.op))
        if operator is None:
            raise Untraceable(f"it computes {ast.unparse(node)}")
        return Arithmetic(operator, self.read(node.left), self.read(node.right))

    def _ifexp(self, node: ast.IfExp) -> Node:
        return If(self.read(node.test), self.read(node.body), self.read(node.orelse))

    def _call(self, node: ast.Call) -> Node:
        if node.keywords or len(node.args) != 1:
            raise Untraceable(f"it calls {ast.unparse(node)}")
        function, argument = node.func, node.args[0]
        if isinstance(function, ast.Name) and function.id == "len" and self.is_builtin("len"):
            return Text("len", self.read(argument))
        if isinstance(function, ast.Attribute) and function.attr in ("startswith", "endswith"):
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                return Text(function.attr, self.read(function.value), argument.value)
        raise Untraceable(f"it calls {ast.unparse(node)}")

    def is_builtin(self, name: str) -> bool:
        """Says whether a name still means Python's own function."""
        code = self.function.__code__
        return name not in self.function.__globals__ and name not in code.co_freevars + code.co_varnames


def _constant(value: Any) -> Const:
    if value is None or type(value) in (bool, int, float, str):
        return Const(value)
    raise Untraceable(f"it uses a value of type {type(value).__name__}")
