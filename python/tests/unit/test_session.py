"""The process of an interactive session, without an engine: statements in one namespace, and interrupts."""

import builtins
import linecache
import os
import pathlib
import signal
import subprocess
import sys
import threading

import pytest

from tenon_session import statements
from tenon_session.interrupts import Interrupts
from tenon_session.printed import Printed


@pytest.fixture
def module(monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setattr(sys, "displayhook", statements.show)
    yield statements.namespace()
    builtins.__dict__.pop("_", None)


@pytest.fixture
def interrupts():
    before = signal.getsignal(signal.SIGUSR1)
    yield Interrupts()
    signal.signal(signal.SIGUSR1, before)


class Sent:
    """A channel that keeps what is sent."""

    def __init__(self):
        self.messages = []

    def send(self, message):
        self.messages.append(message)

    def text(self):
        return "".join(message["print"] for message in self.messages)


def test_the_value_of_the_last_expression_is_shown(module, capsys):
    statements.execute(module, 1, "x = 2\nx\nx * 3")
    statements.execute(module, 2, "x = 4; None")
    statements.execute(module, 3, "_ + x")
    statements.execute(module, 4, "# nothing")
    assert capsys.readouterr().out == "6\n10\n"


def test_the_future_of_the_runner_is_not_that_of_statements(module, capsys):
    statements.execute(module, 1, "def f(x: int): pass\nf.__annotations__")
    assert capsys.readouterr().out == "{'x': <class 'int'>}\n"


def test_the_source_of_functions_is_found(module, capsys):
    statements.execute(module, 7, "import inspect\nf = lambda r: r['a'] > 1\ninspect.getsource(f)")
    assert "f = lambda r" in capsys.readouterr().out
    linecache.checkcache()
    assert statements.place(7) in linecache.cache


def test_exceptions_are_told_from_the_statement_on(module):
    with pytest.raises(ZeroDivisionError) as raised:
        statements.execute(module, 3, "def f():\n    1 / 0\nf()")
    told = statements.described(raised.value)
    assert (told["name"], told["value"]) == ("ZeroDivisionError", "division by zero")
    lines = "".join(told["traceback"])
    assert lines.count("  File ") == 2 and '"<statement 3>", line 3, in <module>' in lines
    with pytest.raises(SyntaxError) as raised:
        statements.execute(module, 4, "x = (\n")
    assert statements.described(raised.value)["traceback"][-1].startswith("SyntaxError: ")


def test_what_is_told_of_an_exception_is_bounded():
    class Odd(Exception):
        def __str__(self):
            raise RuntimeError("never")

    assert statements.described(Odd())["value"] == "the exception cannot be shown: RuntimeError"
    long = statements.described(ValueError("x" * 1_000_000))
    assert len(long["value"]) == 8_001 and sum(map(len, long["traceback"])) < 21_000


def test_what_is_printed_becomes_messages_of_bounded_length(interrupts):
    sent = Sent()
    printed = Printed(sent, interrupts)
    printed.begin(5)
    print("é" * 100_000, "end", file=printed)
    printed.begin(0)
    print("late", file=printed)
    printed.flush()
    assert sent.text() == "é" * 100_000 + " end\nlate\n"
    assert max(len(message["print"]) for message in sent.messages) <= 30_000
    assert {message["of"] for message in sent.messages} == {5, 0} and sent.messages[-1]["of"] == 0
    with pytest.raises(TypeError, match="must be str, not bytes"):
        printed.write(b"x")
    printed.close()
    assert printed.write("still open") == 10


def run(interrupts, number, code, **names):
    """Runs code as a statement; returns its names."""
    with interrupts.statement(number):
        exec(compile(code, statements.place(number), "exec"), names)
    return names


def test_only_the_statement_that_runs_is_interrupted(interrupts):
    interrupts.cancel(1)
    run(interrupts, 2, "cancel(1)", cancel=interrupts.cancel)
    os.kill(os.getpid(), signal.SIGUSR1)
    timer = threading.Thread(target=interrupts.cancel, args=(3,))
    with pytest.raises(KeyboardInterrupt):
        run(interrupts, 3, "timer.start()\nwait(30)\nfail()", timer=timer, wait=threading.Event().wait, fail=pytest.fail)


def test_nothing_but_code_of_the_statement_is_interrupted(interrupts):
    """What comes before and after it belongs to the session, which would end."""
    with interrupts.statement(1):
        interrupts.cancel(1)
        run(interrupts, 2, "pass")
        interrupts.cancel(2)


def test_an_interrupt_waits_for_what_must_not_be_cut(interrupts):
    done = []
    with pytest.raises(KeyboardInterrupt):
        with interrupts.statement(1):
            with interrupts.held():
                interrupts.cancel(1)
                done.append("whole")
            done.append("not this")
    assert done == ["whole"]


class Cancelling:
    """A lock during whose taking, or giving back, the statement is cancelled."""

    def __init__(self, interrupts, number, taking):
        self.interrupts, self.number, self.taking = interrupts, number, taking
        self.taken = False
        self.acquire = self.release = None

    def __enter__(self):
        self.taken = True
        if self.taking:
            self.interrupts.cancel(self.number)

    def __exit__(self, *_):
        if not self.taking:
            self.interrupts.cancel(self.number)
        self.taken = False


@pytest.mark.parametrize("taking", (True, False))
def test_no_lock_stays_taken(interrupts, taking):
    lock = Cancelling(interrupts, 1, taking)
    names = run(interrupts, 1, "with lock:\n    inside = True\noutside = True", lock=threading.Condition(lock))
    assert names["inside"] and names["outside"] and not lock.taken
    with pytest.raises(KeyboardInterrupt):
        run(interrupts, 2, "cancel(2)", cancel=interrupts.cancel)


def test_what_is_spared_comes_to_its_end(interrupts, monkeypatch):
    library = {}
    code = "def use(cancel):\n    cancel(1)\n    cancel(1)\n    return 'whole'"
    exec(compile(code, f"{os.sep}library{os.sep}client.py", "exec"), library)
    interrupts.spare(f"{os.sep}library{os.sep}")
    statement, names = "done = use(cancel)\ncancel(1)\ndone = 'not this'", {"cancel": interrupts.cancel, **library}
    with pytest.raises(KeyboardInterrupt):
        with interrupts.statement(1):
            exec(compile(statement, statements.place(1), "exec"), names)
    assert names["done"] == "whole"
    # But not for ever.
    monkeypatch.setattr("tenon_session.interrupts._PATIENCE_SECONDS", -1)
    with pytest.raises(KeyboardInterrupt):
        run(interrupts, 1, "use(cancel)\nfail()", fail=pytest.fail, **names)


WAITING = """
with waiting(stop):
    timer.start()
    done.append(over.wait(30))
done.append("not this")
"""


def test_what_a_statement_waits_for_is_stopped_first(interrupts):
    over, done = threading.Event(), []
    timer = threading.Thread(target=interrupts.cancel, args=(1,))
    with pytest.raises(KeyboardInterrupt):
        run(interrupts, 1, WAITING, waiting=interrupts.waiting, stop=over.set, over=over, timer=timer, done=done)
    assert done == [True]


def test_nothing_is_begun_when_an_interrupt_is_due(interrupts):
    with pytest.raises(KeyboardInterrupt):
        with interrupts.statement(1):
            interrupts.cancel(1)
            with interrupts.waiting(pytest.fail):
                pytest.fail("it was begun")


def test_messages_are_lines_and_other_output_is_none():
    """In a process of its own: the channel takes standard output away."""
    program = (
        "import os, sys\n"
        "from tenon_session.channel import Channel\n"
        "from tenon_session.interrupts import Interrupts\n"
        "out = Channel(Interrupts())\n"
        "os.write(1, b'of a library\\n')\n"
        "out.send({'print': 'a\\nb\\ud800', 'of': 1})\n"
    )
    package = pathlib.Path(__file__).parents[2]
    ran = subprocess.run([sys.executable, "-c", program], cwd=package, capture_output=True, text=True, check=True)
    assert ran.stdout == '{"print": "a\\nb?", "of": 1}\n' and ran.stderr == "of a library\n"
