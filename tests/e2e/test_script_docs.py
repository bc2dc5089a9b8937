"""The commands and programs of docs/scripts.md, as somebody types them who has read docs/crawlers.md before."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from conftest import binary, scripts_environment, wait_until

DOCS = pathlib.Path(__file__).parents[2] / "docs"
IMPORTS = "from awsgluedq.transforms import EvaluateDataQuality\n"


def block(page, language, holds):
    """The one block of a page that holds a text."""
    found = re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(), re.S)
    wanted, = (text for text in found if holds in text)
    return wanted


class Reader:
    """A shell in a folder, on a server that knows the tables of docs/crawlers.md."""

    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        programs = folder / "programs"
        programs.mkdir()
        (programs / "tenon").symlink_to(pathlib.Path(binary()).resolve())
        path = [str(programs), str(pathlib.Path(sys.executable).parent), os.environ["PATH"]]
        self.environment = {**server.environ(), "PATH": os.pathsep.join(path)}
        self.types(block("crawlers.md", "sh", "mkdir -p land"))
        (folder / "paid.py").write_text(block("scripts.md", "python", 'table_name="orders"'))

    def types(self, commands):
        ran = subprocess.run(["bash", "-e", "-c", commands], cwd=self.folder, env=self.environment, capture_output=True, text=True)
        assert ran.returncode == 0, (ran.stdout, ran.stderr)
        return ran.stdout

    def run(self, text):
        """What a script prints, and how it ends."""
        (self.folder / "s.py").write_text(text)
        command = [binary(), "script", "run", "s.py", "--JOB_NAME", "s"]
        return subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)

    def keys(self, prefix):
        listed = self.server.client("s3").list_objects_v2(Bucket="shop-silver", Prefix=prefix)
        return [entry["Key"] for entry in listed.get("Contents", [])]


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    from conftest import Server

    server = Server(tmp_path_factory.mktemp("docs")).start()
    made = Reader(server, tmp_path_factory.mktemp("reader"))
    made.types(block("scripts.md", "sh", "tenon job run paid"))
    yield made
    server.stop()


def test_the_example_writes_by_shell_and_by_job(reader):
    rows = reader.server.client("glue").get_job_runs(JobName="paid")["JobRuns"]
    assert [run["JobRunState"] for run in rows] == ["SUCCEEDED"]
    # Each of the two has written the orders of two days.
    folders = {key.rsplit("/", 1)[0] for key in reader.keys("paid/")}
    assert folders == {"paid/day=2026-01-01", "paid/day=2026-01-02"}, folders


def test_the_gate_of_data_quality_ends_the_script(reader):
    paid = block("scripts.md", "python", 'table_name="orders"').partition("paid = ")[0]
    ran = reader.run(IMPORTS + paid + block("scripts.md", "python", "EvaluateDataQuality.apply"))
    assert ran.returncode == 1 and "Exception: the orders are not as they should be" in ran.stderr, ran.stderr
    assert reader.keys("quality/")


def test_files_become_files_of_another_format(reader):
    body = b"<books><book id='1'><title>One</title></book><book id='2'><title>Two</title></book></books>"
    reader.server.client("s3").put_object(Bucket="shop-raw", Key="books/a.xml", Body=body)
    head = block("scripts.md", "python", 'table_name="orders"').partition("orders = ")[0]
    ran = reader.run(head + block("scripts.md", "python", 'rowTag": "book"'))
    assert ran.returncode == 0, ran.stderr
    assert [key.rpartition(".")[2] for key in reader.keys("books/")] == ["orc"]


def test_statements_of_a_session(reader):
    glue = reader.server.client("glue")
    create, submit, look = block("scripts.md", "python", "create_session").split("# once ")
    names = {"glue": glue}
    exec(create, names)
    wait_until(lambda: glue.get_session(Id="notes")["Session"]["Status"] == "READY", "the session to be ready", 60)
    exec(submit.partition("\n")[2], names)

    def is_over():
        return glue.get_statement(SessionId="notes", Id=names["number"])["Statement"]["State"] == "AVAILABLE"

    wait_until(is_over, "the statement to end", 60)
    output = eval(look.partition("\n")[2], names)
    assert (output["Data"], output["Status"]) == ({"TextPlain": "[Row(count(1)=5)]"}, "ok")
    glue.stop_session(Id="notes")


def test_the_test_of_a_script(reader, tmp_path):
    (tmp_path / "paid_json.py").write_text(block("scripts.md", "python", "{args['bucket']}/paid/"))
    (tmp_path / "test_paid.py").write_text(block("scripts.md", "python", "def test_orders_without_an_amount"))
    shutil.copytree(pathlib.Path(__file__).parents[2] / "python", tmp_path / "package", ignore=shutil.ignore_patterns("tests"))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "package"), "TENON_BIN": str(pathlib.Path(binary()).resolve())}
    command = [f"{scripts_environment()}/bin/python", "-m", "pytest", "-p", "tenon_pytest", "-q", "-p", "no:cacheprovider", "test_paid.py"]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0 and "1 passed" in ran.stdout, (ran.stdout, ran.stderr)
