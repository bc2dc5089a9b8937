"""The parts of the pytest plugin that need no server."""

import sys

import pytest

from tenon_pytest import runs
from tenon_pytest.server import NoServer, binary


def test_arguments_are_a_list_or_a_dictionary():
    assert runs.command_line({"JOB_NAME": "x", "--n": 5}) == ["--JOB_NAME", "x", "--n", "5"]
    assert runs.command_line(["--a=b", 1]) == ["--a=b", "1"]


def test_the_program_is_named_or_in_path(monkeypatch, tmp_path):
    program = tmp_path / "tenon"
    program.write_text("")
    program.chmod(0o755)
    monkeypatch.delenv("TENON_BIN", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert binary() == str(program)
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    with pytest.raises(NoServer, match="not in PATH"):
        binary()
    monkeypatch.setenv("TENON_BIN", str(tmp_path / "other"))
    with pytest.raises(NoServer, match="other' ?, which does not exist"):
        binary()


def test_scripts_in_this_process_end_as_processes_do(tmp_path, capsys):
    script = tmp_path / "s.py"
    script.write_text("import sys\nprint(sys.argv[1:], __name__)\nsys.exit(int(sys.argv[1]) or None)\n")
    argv, path = sys.argv, list(sys.path)
    ended = runs.in_process(str(script), ["0"], True)
    assert (ended.exit_code, ended.stdout) == (0, "['0'] __main__\n")
    assert runs.in_process(str(script), ["3"], False).exit_code == 3
    with pytest.raises(AssertionError, match="ended with 3"):
        runs.in_process(str(script), ["3"], True)
    script.write_text("import sys\nif sys.argv[1:]:\n    sys.exit('no')\nraise KeyError('gone')\n")
    assert runs.in_process(str(script), ["x"], False) == runs.ScriptRun(1, "", "no\n")
    failed = runs.in_process(str(script), [], False)
    assert failed.exit_code == 1 and failed.stderr.endswith("KeyError: 'gone'\n")
    with pytest.raises(KeyError):
        runs.in_process(str(script), [], True)
    assert sys.argv is argv and sys.path == path and capsys.readouterr() == ("", "")


def test_scripts_that_run_as_processes_see_this_library(tmp_path, monkeypatch):
    monkeypatch.setenv("SPARK_REMOTE", "sc://nowhere")
    script = tmp_path / "s.py"
    script.write_text("import os, sys, awsglue\nprint(os.environ.get('SPARK_REMOTE'), os.environ['X'], sys.argv[1])\n"
                      "sys.exit(len(sys.argv) - 2)\n")
    assert runs.as_process(str(script), ["a"], True, 60, {"X": "y"}).stdout == "None y a\n"
    with pytest.raises(AssertionError, match="ended with 1"):
        runs.as_process(str(script), ["a", "b"], True, 60, {"X": "y"})
