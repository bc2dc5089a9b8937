"""Sessions and runs of scripts on two servers that share a store: what each knows of the other's, and what is left of one that dies."""

import pytest

from conftest import wait_until
from glue_scripts import ENDLESS, Scripts, gone, pids
from test_sessions import Notebook, all_gone, group_of, refused
from test_two_servers import pair, postgres  # noqa: F401


class Shared(Notebook):
    """A session that is asked for at either server."""

    def at(self, server):
        self.glue = server.client("glue")
        return self

    def pid(self):
        return int(self.run("import os\nos.getpid()"))


def host(pair, pid):  # noqa: F811
    """The server that a session's process belongs to."""
    folders = {server: str(server.data_dir) for server in pair.servers}
    with open(f"/proc/{pid}/environ") as variables:
        text = variables.read()
    return next(server for server, folder in folders.items() if folder in text)


def other(pair, server):  # noqa: F811
    return next(one for one in pair.servers if one is not server)


@pytest.fixture
def shared(pair):  # noqa: F811
    made = Shared(pair.servers[0])
    made.ready()
    return made


def test_a_session_is_the_same_from_both_servers(pair, shared):  # noqa: F811
    first, second = pair.servers
    assert shared.run("kept = 20") == ""
    assert shared.at(second).run("kept + 1") == "21"
    number = shared.submit("print('told to end')\nwhile True: pass")
    shared.running(number)
    shared.at(first).glue.cancel_statement(SessionId=shared.id, Id=number)
    cancelled = shared.at(second).ended(number)
    assert cancelled["State"] == "CANCELLED" and "told to end" in cancelled["Output"]["Data"]["TextPlain"]
    for server in pair.servers:
        glue = server.client("glue")
        assert [session["Status"] for session in glue.list_sessions()["Sessions"]] == ["READY"]
        assert len(glue.list_statements(SessionId=shared.id)["Statements"]) == 3
    pid = shared.pid()
    group = group_of(pid)
    # Whichever of them has the process: the other one is asked to end it.
    shared.at(other(pair, host(pair, pid))).stop()
    all_gone(group)
    assert shared.at(first).get()["Status"] == shared.at(second).get()["Status"] == "STOPPED"
    assert refused(shared.glue.run_statement, SessionId=shared.id, Code="1")[0] == "IllegalSessionStateException"


def test_a_session_whose_server_is_killed_is_failed_at_the_other(pair, shared):  # noqa: F811
    pid = shared.pid()
    group = group_of(pid)
    dies = host(pair, pid)
    lives = other(pair, dies)
    shared.at(lives)
    number, waits = shared.submit("print('so far')\nwhile True: pass"), shared.submit("1")
    shared.running(number)
    dies.kill()
    all_gone(group)
    ended = shared.reaches("FAILED")
    assert ended["ErrorMessage"].startswith("The server that ran the session has ended"), ended
    assert [shared.statement(one)["State"] for one in (number, waits)] == ["ERROR", "CANCELLED"]
    assert shared.statement(1)["Output"]["Data"]["TextPlain"] == str(pid)
    # The one that comes back finds it as it is, and both go on.
    dies.start()
    assert shared.at(dies).get()["Status"] == "FAILED"
    assert Shared(dies).ready().at(lives).run("1 + 1") == "2"


def test_a_session_that_is_made_when_its_server_dies_is_not_made_for_ever(pair):  # noqa: F811
    first, second = pair.servers
    made = Shared(first)
    first.kill()
    # Begun by neither, by the other one, or lost with the first.
    session = made.at(second).reaches("READY", "FAILED")
    if session["Status"] == "READY":
        assert made.run("1 + 1") == "2"


def test_a_run_is_stopped_and_lost_at_the_other_server(pair):  # noqa: F811
    first, second = pair.servers
    scripts = Scripts(first)
    job = scripts.create(ENDLESS, ExecutionProperty={"MaxConcurrentRuns": 2})
    run, lost = scripts.start(job), scripts.start(job)
    stopped, alive = pids(scripts, run), pids(scripts, lost)
    elsewhere = Scripts.__new__(Scripts)
    elsewhere.__dict__.update(scripts.__dict__, server=second, glue=second.client("glue"), logs=second.client("logs"))
    assert elsewhere.get(job, run)["JobRunState"] == "RUNNING"
    elsewhere.glue.batch_stop_job_run(JobName=job, JobRunIds=[run])
    assert scripts.ended(job, run)["JobRunState"] == elsewhere.ended(job, run)["JobRunState"] == "STOPPED"
    gone(stopped)
    dies = host(pair, alive[0])
    dies.kill()
    gone(alive)
    lives = elsewhere if dies is first else scripts
    ended = lives.ended(job, lost)
    assert ended["JobRunState"] == "FAILED", ended
    assert "what the script had written until then is there" in ended["ErrorMessage"]
    wait_until(lambda: lives.get(job, lost)["CompletedOn"], "its end")
