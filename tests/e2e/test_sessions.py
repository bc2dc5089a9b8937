"""Interactive sessions: statements in one namespace, how they end, and what is left when a session or the server does."""

import os

import psutil
import pytest
from botocore.exceptions import ClientError

from conftest import name, wait_until

ROLE = "arn:aws:iam::000000000000:role/notebooks"
FINAL = ("AVAILABLE", "CANCELLED", "ERROR")
ENDED = ("FAILED", "TIMEOUT", "STOPPED")


class Notebook:
    """A session on a server, used as a notebook uses it."""

    def __init__(self, server, **extra):
        self.server = server
        self.glue = server.client("glue")
        self.id = name("session")
        request = {"Id": self.id, "Role": ROLE, "Command": {"Name": "glueetl", "PythonVersion": "3"}, **extra}
        self.made = self.glue.create_session(**request)["Session"]

    def get(self):
        return self.glue.get_session(Id=self.id)["Session"]

    def reaches(self, *states):
        def there():
            session = self.get()
            assert session["Status"] in states or session["Status"] not in ENDED, session
            return session if session["Status"] in states else None

        return wait_until(there, f"{self.id} to be {states}", 60)

    def ready(self):
        self.reaches("READY")
        return self

    def submit(self, code):
        return self.glue.run_statement(SessionId=self.id, Code=code)["Id"]

    def statement(self, number):
        return self.glue.get_statement(SessionId=self.id, Id=number)["Statement"]

    def ended(self, number):
        def over():
            found = self.statement(number)
            return found if found["State"] in FINAL else None

        return wait_until(over, f"statement {number} of {self.id} to end", 60)

    def running(self, number):
        wait_until(lambda: self.statement(number)["State"] == "RUNNING", f"statement {number} to run")

    def run(self, code):
        """The text of a statement that has to end well."""
        output = self.ended(self.submit(code))["Output"]
        assert output["Status"] == "ok", output
        return output["Data"]["TextPlain"]

    def raises(self, code):
        """What a statement raised that runs to an exception."""
        statement = self.ended(self.submit(code))
        assert statement["State"] == "AVAILABLE" and statement["Output"]["Status"] == "error", statement
        return statement["Output"]

    def stop(self):
        self.glue.stop_session(Id=self.id)
        return self.reaches("STOPPED")


@pytest.fixture(scope="module")
def notebook(tenon):
    made = Notebook(tenon).ready()
    yield made
    made.stop()


def refused(call, **request):
    with pytest.raises(ClientError) as error:
        call(**request)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def group_of(pid):
    """Processes of the group of a process."""
    group = os.getpgid(pid)
    found = []
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and os.getpgid(int(entry)) == group:
                found.append(int(entry))
        except ProcessLookupError:
            pass
    return found


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return ") Z " not in stat.read()
    except FileNotFoundError:
        return False


def all_gone(pids):
    wait_until(lambda: not any(is_alive(pid) for pid in pids), f"{pids} to be gone")


# Statements


def test_a_variable_is_kept_between_statements(notebook):
    assert notebook.run("kept = 20") == ""
    assert notebook.run("kept += 1\nprint('now')\nkept * 2") == "now\n42"
    statement = notebook.ended(notebook.submit("kept"))
    output = statement["Output"]
    assert statement["State"] == "AVAILABLE" and statement["Code"] == "kept" and statement["Progress"] == 1.0
    assert output == {"Data": {"TextPlain": "21"}, "ExecutionCount": statement["Id"], "Status": "ok"}
    assert 0 < statement["StartedOn"] <= statement["CompletedOn"]


def test_frames_come_from_objects_and_from_tables_of_the_catalog(notebook):
    bucket = notebook.server.bucket("sessions")
    notebook.server.client("s3").put_object(Bucket=bucket, Key="orders/a.csv", Body=b"id,amount\n1,5\n2,0\n3,7\n")
    database = name("shop")
    notebook.glue.create_database(DatabaseInput={"Name": database})
    notebook.glue.create_table(DatabaseName=database, TableInput={
        "Name": "orders",
        "Parameters": {"classification": "csv", "skip.header.line.count": "1"},
        "StorageDescriptor": {
            "Location": f"s3://{bucket}/orders/",
            "Columns": [{"Name": "id", "Type": "bigint"}, {"Name": "amount", "Type": "bigint"}],
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                          "Parameters": {"field.delim": ","}},
        },
    })
    shown = notebook.run(f"spark.read.option('header', True).csv('s3://{bucket}/orders/').orderBy('id').show()")
    assert "|  1|     5|" in shown and "| id|amount|" in shown
    code = (f"orders = glueContext.create_dynamic_frame.from_catalog(database='{database}', table_name='orders')\n"
            "paid = orders.filter(lambda r: r['amount'] > 0)\npaid.count()")
    assert notebook.run(code) == "2"
    assert notebook.run(f"spark.sql('select sum(amount) s from {database}.orders').collect()") == "[Row(s=12)]"
    assert notebook.run("paid.toDF()") == "DataFrame[id: bigint, amount: bigint]"
    # A function that a statement defines runs in the engine, with what it closes over.
    code = ("from pyspark.sql.functions import udf\nadded = 100\n@udf('bigint')\ndef plus(v): return v + added\n"
            "paid.toDF().select(plus('amount').alias('p')).orderBy('p').collect()")
    assert notebook.run(code) == "[Row(p=105), Row(p=107)]"


def test_errors_are_told_as_notebooks_show_them(notebook):
    syntax = notebook.raises("def f(:\n")
    assert syntax["ErrorName"] == "SyntaxError" and syntax["Traceback"][-1].startswith("SyntaxError: invalid syntax")
    raised = notebook.raises("print('before')\ndef g():\n    raise ValueError('no')\ng()")
    assert (raised["ErrorName"], raised["ErrorValue"], raised["Data"]["TextPlain"]) == ("ValueError", "no", "before")
    assert [line.splitlines()[0] for line in raised["Traceback"][1:3]] == [
        f'  File "<statement {raised["ExecutionCount"]}>", line 4, in <module>',
        f'  File "<statement {raised["ExecutionCount"]}>", line 3, in g',
    ]
    left = notebook.raises("exit()")
    assert left["ErrorName"] == "SystemExit" and notebook.run("1 + 1") == "2"
    missing = notebook.raises("spark.sql('select * from no_db.no_table').show()")
    assert "no_table" in missing["ErrorValue"]


def test_ten_megabytes_of_output_are_bounded(notebook):
    text = notebook.run("print('first')\nprint('x' * 10_000_000)\nprint('last')")
    assert len(text) < 201_000 and text.startswith("first\nxxx") and text.endswith("xxx\nlast")
    assert f"all of it is in the log group /aws-glue/sessions/output, stream {notebook.id}" in text


def test_an_endless_statement_is_cancelled_and_the_session_is_not(notebook, tmp_path):
    notebook.run("survivor = 'here'")
    endless = notebook.submit(f"print('begun')\nopen('{tmp_path}/begun', 'w').close()\nwhile True:\n    pass")
    waiting = notebook.submit("survivor = 'gone'")
    wait_until((tmp_path / "begun").exists, "the statement to have begun in its process")
    assert notebook.statement(endless)["State"] == "RUNNING"
    notebook.glue.cancel_statement(SessionId=notebook.id, Id=waiting)
    assert notebook.statement(waiting)["State"] == "CANCELLED"
    notebook.glue.cancel_statement(SessionId=notebook.id, Id=endless)
    statement = notebook.ended(endless)
    assert statement["State"] == "CANCELLED" and statement["Output"]["ErrorName"] == "KeyboardInterrupt"
    assert statement["Output"]["Data"]["TextPlain"] == "begun"
    assert notebook.run("survivor") == "'here'"
    # What the engine does is left alone as well, and the engine answers afterwards.
    counting = notebook.submit("spark.range(10**13).selectExpr('sum(id * id % 7)').collect()")
    notebook.running(counting)
    notebook.glue.cancel_statement(SessionId=notebook.id, Id=counting)
    assert notebook.ended(counting)["State"] == "CANCELLED"
    assert notebook.run("spark.range(3).count()") == "3"
    assert refused(notebook.glue.cancel_statement, SessionId=notebook.id, Id=counting)[0] == "InvalidInputException"


COUNTING = "spark.range(10**13).selectExpr('sum(id * id % 7) AS n')"


@pytest.mark.parametrize("code", (f"{COUNTING}.collect()", COUNTING + ".write.mode('overwrite').parquet('{folder}')"))
def test_what_the_engine_does_for_a_cancelled_statement_ends_with_it(notebook, tmp_path, code):
    process = psutil.Process(int(notebook.run("import os, threading; os.getpid()")))

    def seconds():
        times = process.cpu_times()
        return times.user + times.system

    def rests():
        before = seconds()
        notebook.run("threading.Event().wait(0.5)")
        return seconds() - before < 0.2

    for work_seconds in (0, 0, 0, 0, 0.05, 0.2, 1):
        before = seconds()
        counting = notebook.submit(code.format(folder=tmp_path / "out"))
        notebook.running(counting)
        wait_until(lambda: seconds() - before >= work_seconds, "the engine to be at work", 60)
        notebook.glue.cancel_statement(SessionId=notebook.id, Id=counting)
        assert notebook.ended(counting)["State"] == "CANCELLED"
        assert notebook.run("spark.range(3).count()") == "3"
        wait_until(rests, "the engine to rest")


def test_statements_are_listed_page_by_page(tenon):
    notebook = Notebook(tenon).ready()
    numbers = [notebook.submit(f"'x' * 90_000 + str({at})") for at in range(1, 31)]
    assert numbers == list(range(1, 31))
    notebook.ended(30)
    found, token, pages = [], None, 0
    while True:
        page = notebook.glue.list_statements(SessionId=notebook.id, **({"NextToken": token} if token else {}))
        found += page["Statements"]
        pages, token = pages + 1, page.get("NextToken")
        if not token:
            break
    assert [statement["Id"] for statement in found] == numbers and pages > 1
    assert found[6]["Output"]["Data"]["TextPlain"].endswith("x7'")
    assert refused(notebook.glue.list_statements, SessionId=notebook.id, NextToken="x")[0] == "InvalidInputException"
    notebook.stop()


# Sessions


def test_a_session_shows_what_it_was_asked_for(tenon):
    asked = {
        "Description": "a notebook", "Timeout": 60, "IdleTimeout": 20, "WorkerType": "G.1X", "NumberOfWorkers": 2,
        "GlueVersion": "4.0", "Connections": {"Connections": ["c"]}, "Tags": {"team": name("t")}, "RequestOrigin": "test",
        "DefaultArguments": {"--conf": "spark.sql.shuffle.partitions=3", "--mine": "yes"},
    }
    notebook = Notebook(tenon, **asked)
    assert notebook.made["Status"] == "PROVISIONING" and notebook.made["Role"] == ROLE
    notebook.ready()
    session = notebook.get()
    for field in ("Description", "IdleTimeout", "WorkerType", "NumberOfWorkers", "GlueVersion", "Connections", "DefaultArguments"):
        assert session[field] == asked[field], field
    assert session["MaxCapacity"] == 2.0 and session["Command"] == {"Name": "glueetl", "PythonVersion": "3"}
    assert notebook.run("import sys\nsys.argv[1:]") == "['--mine', 'yes']"
    assert notebook.run("spark.conf.get('spark.sql.shuffle.partitions')") == "'3'"
    listed = notebook.glue.list_sessions(Tags=asked["Tags"])
    assert listed["Ids"] == [notebook.id] and listed["Sessions"][0]["Id"] == notebook.id
    arn = f"arn:aws:glue:us-east-1:000000000000:session/{notebook.id}"
    assert notebook.glue.get_tags(ResourceArn=arn)["Tags"] == asked["Tags"]
    assert refused(notebook.glue.delete_session, Id=notebook.id)[0] == "IllegalSessionStateException"
    ended = notebook.stop()
    assert "ErrorMessage" not in ended and ended["CompletedOn"] >= ended["CreatedOn"] and ended["ExecutionTime"] > 0
    assert ended["DPUSeconds"] == pytest.approx(2 * ended["ExecutionTime"])
    assert refused(notebook.glue.stop_session, Id=notebook.id)[0] == "IllegalSessionStateException"
    assert refused(notebook.glue.run_statement, SessionId=notebook.id, Code="1")[0] == "IllegalSessionStateException"
    assert refused(notebook.glue.create_session, Id=notebook.id, Role=ROLE, Command={})[0] == "AlreadyExistsException"
    # What its statements came to can be read until it is deleted.
    assert notebook.statement(1)["Output"]["Status"] == "ok"
    notebook.glue.delete_session(Id=notebook.id)
    assert refused(notebook.glue.get_session, Id=notebook.id)[0] == "EntityNotFoundException"
    assert notebook.glue.list_sessions(Tags=asked["Tags"])["Ids"] == []


def test_what_is_not_there_or_not_built_is_refused(tenon):
    glue = tenon.client("glue")
    for call, request in [(glue.get_session, {"Id": "none"}), (glue.run_statement, {"SessionId": "none", "Code": "1"}),
                          (glue.get_statement, {"SessionId": "none", "Id": 1}), (glue.list_statements, {"SessionId": "none"}),
                          (glue.cancel_statement, {"SessionId": "none", "Id": 1})]:
        assert refused(call, **request) == ("EntityNotFoundException", "Session none not found.")
    for call in (glue.stop_session, glue.delete_session):
        assert refused(call, Id="none")[0] == "InvalidInputException"
    base = {"Id": name("s"), "Role": ROLE, "Command": {"Name": "glueetl"}}
    for extra, code in [({"SessionType": "SPARK_CONNECT"}, "OperationNotSupportedException"),
                        ({"Command": {"Name": "gluestreaming"}}, "OperationNotSupportedException"),
                        ({"Command": {"PythonVersion": "2"}}, "InvalidInputException"),
                        ({"GlueVersion": "1.0"}, "InvalidInputException"),
                        ({"Timeout": 20_000}, "InvalidInputException"),
                        ({"MaxCapacity": 2.0, "WorkerType": "G.1X", "NumberOfWorkers": 2}, "InvalidInputException")]:
        assert refused(glue.create_session, **{**base, **extra})[0] == code, extra
    assert "security configurations" in refused(glue.create_session, **base, SecurityConfiguration="x")[1]


def test_two_sessions_know_nothing_of_each_other(tenon):
    one, two = Notebook(tenon), Notebook(tenon)
    one.ready(), two.ready()
    slow = one.submit("import time\nwho = 1\nwhile True: time.sleep(0.1)")
    one.running(slow)
    assert two.raises("who")["ErrorName"] == "NameError"
    assert two.run("import os\nos.getcwd()") != ""
    one.stop()
    assert one.statement(slow)["State"] == "CANCELLED" and two.run("1") == "1"
    two.stop()


def test_a_statement_may_stop_its_own_session(tenon):
    notebook = Notebook(tenon).ready()
    number = notebook.submit(
        f"import boto3, time\nprint('good bye')\nboto3.client('glue').stop_session(Id='{notebook.id}')\ntime.sleep(600)")
    session = notebook.reaches("STOPPED")
    assert "ErrorMessage" not in session
    statement = notebook.statement(number)
    assert statement["State"] == "CANCELLED" and statement["Output"]["Data"]["TextPlain"] == "good bye"


def test_a_process_that_ends_itself_is_a_failure_that_says_so(tenon):
    notebook = Notebook(tenon).ready()
    number = notebook.submit("import os\nos.kill(os.getpid(), 11)")
    session = notebook.reaches("FAILED")
    assert "signal 11 (SIGSEGV)" in session["ErrorMessage"]
    statement = notebook.statement(number)
    assert statement["State"] == "ERROR" and statement["Output"]["ErrorName"] == "SessionEnded"
    assert "SIGSEGV" in statement["Output"]["ErrorValue"]


def test_memory_is_bounded(tenon):
    notebook = Notebook(tenon, WorkerType="G.025X", NumberOfWorkers=2).ready()
    assert notebook.raises("x = bytearray(5 << 30)")["ErrorName"] == "MemoryError"
    assert notebook.run("1") == "1"
    notebook.stop()


def test_nothing_of_the_server_s_environment_reaches_a_session(tenon_factory):
    server = tenon_factory(environment={"SECRET_OF_THE_SERVER": "x", "AWS_SECRET_ACCESS_KEY": "hidden"}).start()
    notebook = Notebook(server).ready()
    seen = notebook.run("import os\nsorted(os.environ.items())")
    assert "SECRET_OF_THE_SERVER" not in seen and "'hidden'" not in seen
    folder = notebook.run("print(os.getcwd())")
    assert folder.startswith(str(server.data_dir))
    notebook.stop()
    assert [path.name for path in (server.data_dir / "scripts").iterdir()] == ["packages"]


def test_a_session_signs_with_a_key_that_ends_with_it(verifying):
    notebook = Notebook(verifying).ready()
    notebook.run("import boto3")
    assert notebook.run("boto3.client('sts').get_caller_identity()['Account']") == "'000000000000'"
    key = notebook.run("import os\nprint(os.environ['AWS_ACCESS_KEY_ID'], os.environ['AWS_SECRET_ACCESS_KEY'])").split()
    assert key[0].startswith("ASIA")
    notebook.stop()
    late = verifying.client("s3", access_key=key[0], secret=key[1])
    assert refused(late.list_buckets)[0] == "InvalidAccessKeyId"


def test_a_server_that_is_killed_leaves_no_process_and_no_session_that_seems_alive(tenon_factory):
    server = tenon_factory().start()
    one, two = Notebook(server), Notebook(server)
    one.ready(), two.ready()
    pid = int(one.run("import os, subprocess\nchild = subprocess.Popen(['sleep', '600'])\nos.getpid()"))
    group = group_of(pid)
    assert len(group) >= 3
    number = one.submit("while True: pass")
    one.running(number)
    server.kill()
    all_gone(group)
    server.start()
    for notebook in (one, two):
        notebook.glue = server.client("glue")
        session = notebook.reaches("FAILED")
        assert session["ErrorMessage"].startswith("The server that ran the session has ended")
    assert one.statement(number)["State"] == "ERROR"
    assert one.statement(1)["Output"]["Data"]["TextPlain"] == str(pid)
    assert Notebook(server).ready().run("1 + 1") == "2"


def test_a_server_that_stops_ends_its_sessions(tenon_factory):
    server = tenon_factory().start()
    notebook = Notebook(server).ready()
    group = group_of(int(notebook.run("import os\nos.getpid()")))
    assert server.stop() == 0
    all_gone(group)
    server.start()
    notebook.glue = server.client("glue")
    session = notebook.get()
    assert (session["Status"], session["ErrorMessage"]) == ("STOPPED", "The server was stopped.")


def test_a_server_open_to_a_network_has_no_sessions_unless_told(tenon_factory):
    server = tenon_factory("--set", "scripts.enabled=false").start()
    code, message = refused(server.client("glue").create_session, Id="s", Role=ROLE, Command={"Name": "glueetl"})
    assert code == "OperationNotSupportedException" and "scripts.enabled = true" in message
