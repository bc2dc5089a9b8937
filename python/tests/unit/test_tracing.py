"""Which functions become expressions. That they give Python's answer is tested with an engine."""

import pytest

from awsglue._trace import Arithmetic, Compare, Const, Field, If, IsNone, Logic, Not, Text, Untraceable, trace

STATES = ["CA", "AL"]
MUTABLE = {"limit": 3}


def test_comparisons_and_logic():
    assert trace(lambda x: x["quantity"] > 0) == Compare(">", Field(("quantity",)), Const(0))
    assert trace(lambda r: 1 < r.a <= 9) == Logic(
        "and", Compare("<", Const(1), Field(("a",))), Compare("<=", Field(("a",)), Const(9)))
    assert trace(lambda r: r["a"] in STATES) == Logic(
        "or", Compare("==", Field(("a",)), Const("CA")), Compare("==", Field(("a",)), Const("AL")))
    assert trace(lambda r: r["a"] is not None and not r["b"]["c"]) == Logic(
        "and", Not(IsNone(Field(("a",)))), Not(Field(("b", "c"))))
    assert trace(lambda r: r["x"] / -2.5 >= 1) == Compare(">=", Arithmetic("/", Field(("x",)), Const(-2.5)), Const(1))
    assert trace(lambda r: len(r["s"]) == 2 or r["s"].startswith("a")) == Logic(
        "or", Compare("==", Text("len", Field(("s",))), Const(2)), Text("startswith", Field(("s",)), "a"))


def test_functions_with_statements():
    limit = 3

    def large(record):
        """Says what it does."""
        if record["a"] is None:
            return False
        return record["a"] > limit

    assert trace(large) == If(IsNone(Field(("a",))), Const(False), Compare(">", Field(("a",)), Const(3)))


def test_two_lambdas_on_a_line():
    one, two = lambda r: r["a"] > 1, lambda r: r["b"] < 2
    assert trace(one) == Compare(">", Field(("a",)), Const(1))
    assert trace(two) == Compare("<", Field(("b",)), Const(2))


class Callable:
    def __call__(self, record):
        return True


def with_loop(record):
    for value in record["a"]:
        if value:
            return True
    return False


@pytest.mark.parametrize("function", [
    lambda r: isinstance(r["a"], str),
    lambda r: r["a"] is r["b"],
    lambda r: str(r["a"]) == "1",
    lambda r: r["a"] % 2 == 0,
    lambda r: r["a"] > MUTABLE["limit"],
    lambda r: r.keys(),
    lambda r: r.get("a") == 1,
    lambda r: "a" in r,
    lambda r: r[0] == 1,
    lambda r, s=1: r["a"] == s,
    lambda *r: True,
    lambda r: [x for x in r["a"]] == [],
    lambda r: f"{r['a']}" == "1",
    lambda r: unknown_name > r["a"],  # noqa: F821
    with_loop,
    Callable(),
    len,
    eval("lambda r: r['a'] > 0"),
])
def test_everything_else_runs_in_python(function):
    with pytest.raises(Untraceable):
        trace(function)


def test_a_file_that_changed_is_not_believed(tmp_path, monkeypatch):
    import importlib
    import linecache
    import sys

    module = tmp_path / "tenon_changing.py"
    module.write_text("f = lambda r: r['a'] > 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    changing = importlib.import_module("tenon_changing")
    assert trace(changing.f) == Compare(">", Field(("a",)), Const(1))
    module.write_text("f = lambda r: r['a'] > 2\n")
    linecache.checkcache()
    with pytest.raises(Untraceable, match="changed"):
        trace(changing.f)
    sys.modules.pop("tenon_changing")
