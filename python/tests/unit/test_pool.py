"""A process that waited for its script, beside one that was started with it: whatever a script can see is the same."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

PACKAGES = str(pathlib.Path(__file__).parents[2])
LIMIT = 4 << 30


def variables(folder, **more):
    return {"PATH": "/usr/bin:/bin", "HOME": str(folder), "TMPDIR": str(folder), "LANG": "C.UTF-8", "TZ": "UTC",
            "PYTHONUNBUFFERED": "1", "PYTHONPATH": PACKAGES, **more}


def started(folder, arguments, given, python=sys.executable):
    """As the server starts a process: by a shell, which adds variables of its own."""
    return subprocess.Popen(
        ["/bin/sh", "-c", 'ulimit -d "$1" 2>/dev/null; shift; exec "$@"', "script", str(2 * LIMIT // 1024),
         str(python), *arguments],
        cwd=folder, env=given, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)


def waiting(folder, python=sys.executable):
    process = started(folder, ["-m", "tenon_pool"], variables(folder), python)
    assert process.stdout.read(8) == b"waiting\n", process.communicate()
    return process


def hand(folder, script, *arguments):
    document = {"python": sys.executable, "arguments": [str(script), *arguments],
                "variables": variables(folder, AWS_REGION="eu-west-1"), "memory_bytes": LIMIT}
    with open(folder / ".tenon-run", "wb") as pipe:
        pipe.write(json.dumps(document).encode() + b"\n")


def waited(folder, text, *arguments):
    process = waiting(folder)
    script = folder / "script.py"
    script.write_text(text)
    hand(folder, script, *arguments)
    assert process.stdout.read(8) == b"begun  \n", process.communicate()
    return ended(process)


def cold(folder, text, *arguments):
    script = folder / "script.py"
    script.write_text(text)
    given = variables(folder, AWS_REGION="eu-west-1")
    return ended(started(folder, [str(script), *arguments], given))


def ended(process):
    out, error = process.communicate(timeout=60)
    return process.returncode, out.decode(), error.decode()


SEEN = """
import __main__, json, multiprocessing, os, sys, tempfile
here = {name: str(value) for name, value in vars(__main__).items() if name.startswith("__") and name != "__builtins__"}
here["__loader__"] = type(__main__.__loader__).__name__
print(json.dumps([
    here, sys.argv, getattr(sys, "orig_argv", None), dict(sorted(os.environ.items())), os.getcwd(), sys.path, sys.path[0],
    tempfile.gettempdir(), multiprocessing.process.ORIGINAL_DIR, sorted(os.listdir(".")), __name__, sys.flags,
    sorted(os.listdir("/proc/self/fd")), sys.stdin.read(), os.environb[b"AWS_REGION"].decode(),
]))
"""
CASES = {
    "exception": "def f():\n    return 1 / 0\nf()\n",
    "chained": "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise ValueError('x') from e\n",
    "syntax": "def f(:\n",
    "exit": "import sys\nsys.exit(3)\n",
    "exit with text": "import sys\nsys.exit('so it is')\n",
    "hook": "import sys\nsys.excepthook = lambda *raised: print('hook', raised[0].__name__)\n1 / 0\n",
    "at the end": "import atexit\nx = 'global'\natexit.register(lambda: print('end', x))\nprint('script')\n",
    "thread": "import threading, time\ndef f():\n    time.sleep(0.05)\n    print('later', __name__)\n"
              "threading.Thread(target=f).start()\nprint('first')\n",
    "signal": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n",
    "output": "import os, sys\nos.write(1, b'raw\\n')\nprint('text')\nprint('bad', file=sys.stderr)\n"
              "import subprocess\nsubprocess.run(['echo', 'child'])\n",
    "pickled": "import pickle\nclass A:\n    pass\nprint(type(pickle.loads(pickle.dumps(A()))) is A)\n",
    "processes": "import multiprocessing\ndef f(x):\n    return x + 1\nif __name__ == '__main__':\n"
                 "    print(multiprocessing.get_context('spawn').Pool(1).map(f, [1]))\n",
    "encoding": "# -*- coding: latin-1 -*-\nprint(len('é'))\n",
    "source": "import inspect\nf = lambda x: x['quantity'] > 0\nprint(inspect.getsource(f), inspect.currentframe().f_back is None)\n",
}


def test_a_script_finds_itself_as_if_started_with_it(tmp_path):
    (code, found, error), (_, expected, _) = (way(tmp_path, SEEN, "--JOB_NAME", "x y") for way in (waited, cold))
    assert (code, error) == (0, "")
    for one, other in zip(json.loads(found), json.loads(expected)):
        assert one == other


@pytest.mark.parametrize("case", [name for name in CASES if name != "source"])
def test_a_script_sees_and_says_the_same(tmp_path, case):
    assert waited(tmp_path, CASES[case], "--JOB_NAME", "x y") == cold(tmp_path, CASES[case], "--JOB_NAME", "x y")


def test_the_source_of_functions_is_found(tmp_path):
    code, out, _ = waited(tmp_path, CASES["source"])
    assert code == 0 and out.startswith("f = lambda x: x['quantity'] > 0\n")


def test_the_limit_is_lowered_for_good(tmp_path):
    text = "import resource\nprint(resource.getrlimit(resource.RLIMIT_DATA))\nx = bytearray(4 << 30)\n"
    code, out, error = waited(tmp_path, text)
    assert (code, out) == (1, f"({LIMIT}, {LIMIT})\n") and error.endswith("MemoryError\n")


def test_modules_beside_the_script_are_found(tmp_path):
    process = waiting(tmp_path)
    (tmp_path / "helper.py").write_text("X = 7\n")
    script = tmp_path / "script.py"
    script.write_text("import helper\nprint(helper.X)\n")
    hand(tmp_path, script)
    assert process.stdout.read(8) == b"begun  \n", process.communicate()
    assert ended(process)[:2] == (0, "7\n")


def test_a_process_whose_environment_has_changed_ends_instead(tmp_path):
    environment, folder = tmp_path / "environment", tmp_path / "run"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    folder.mkdir()
    process = waiting(folder, environment / "bin/python")
    (next(environment.glob("lib/*/site-packages")) / "new").mkdir()
    script = folder / "script.py"
    script.write_text("print('never')\n")
    hand(folder, script)
    code, out, error = ended(process)
    assert (code, out) == (1, "") and "the environment has changed" in error
