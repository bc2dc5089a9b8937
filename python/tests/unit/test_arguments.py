"""`getResolvedOptions` and `Job`."""

import sys

import pytest

from awsglue._aws import Object
from awsglue._bookmarks import Bookmarks, Loaded
from awsglue.errors import BookmarkError, GlueError
from awsglue.job import Job
from awsglue.utils import GlueArgumentError, getResolvedOptions


def test_values_by_name():
    args = getResolvedOptions(
        ["s.py", "--JOB_NAME", "x", "--a=b=c", "--n", "-5", "--flag", "", "--twice", "1", "--twice", "2", "--other", "y",
         "--bare=", "--sql", "-- a comment", "--last"],
        ["JOB_NAME", "a", "n", "flag", "twice", "bare", "sql"])
    assert (args["JOB_NAME"], args["a"], args["n"], args["flag"], args["twice"]) == ("x", "b=c", "-5", "", "2")
    assert (args["bare"], args["sql"]) == ("", "-- a comment")
    assert "other" not in args


def test_glue_s_own_arguments_are_always_there():
    args = getResolvedOptions(["s.py", "--JOB_NAME", "x", "--job-bookmark-option", "job-bookmark-enable", "--TempDir", "s3://t/"],
                              ["JOB_NAME", "TempDir"])
    assert args["job_bookmark_option"] == "job-bookmark-enable" and args["TempDir"] == "s3://t/"
    assert args["JOB_RUN_ID"] is None and args["encryption_type"] is None
    assert getResolvedOptions(["s.py"], [])["job_bookmark_option"] == "job-bookmark-disable"


def test_what_is_missing_is_named():
    with pytest.raises(GlueArgumentError, match="--JOB_NAME, --day"):
        getResolvedOptions(["s.py", "--month", "1", "--JOB", "x"], ["JOB_NAME", "day", "month"])
    with pytest.raises(GlueArgumentError, match="list"):
        getResolvedOptions(["s.py"], "JOB_NAME")
    with pytest.raises(GlueArgumentError, match="job-bookmark-option"):
        getResolvedOptions(["s.py", "--job-bookmark-option", "on"], [])


def test_a_value_is_not_lost():
    for given in (["--dash", "--looks-like=arg"], ["--dash", "--x", "1"], ["--x", "1", "--dash"]):
        with pytest.raises(GlueArgumentError, match="--dash: expected one argument.*--dash=VALUE"):
            getResolvedOptions(["s.py", *given], ["dash"])
        assert getResolvedOptions(["s.py", *given], []), "nobody asks for it"
    assert getResolvedOptions(["s.py", "--dash=--looks-like=arg"], ["dash"])["dash"] == "--looks-like=arg"


def test_hyphens_and_underscores():
    args = getResolvedOptions(["s.py", "--my-arg", "1"], ["my-arg"])
    assert args["my-arg"] == args["my_arg"] == "1"


class Context:
    _bookmarks = None


def test_a_job_without_bookmarks(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["s.py"])
    job = Job(Context())
    with pytest.raises(GlueError):
        job.commit()
    job.init("x", {})
    job.commit()
    assert Job.isInitialized() and job.bookmarks is None
    Job.reset()
    assert not Job.isInitialized()


def test_a_job_with_bookmarks_needs_a_server_that_keeps_them(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["s.py", "--job-bookmark-option", "job-bookmark-enable"])
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL_GLUE", raising=False)
    monkeypatch.delenv("TENON_RUN_ID", raising=False)
    with pytest.raises(BookmarkError, match="StartJobRun"):
        Job(Context()).init("x", {})
    monkeypatch.setenv("TENON_RUN_ID", "jr_1")
    monkeypatch.setenv("TENON_RUN_FENCE", "1")
    with pytest.raises(BookmarkError, match="AWS_ENDPOINT_URL"):
        Job(Context()).init("x", {})
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(BookmarkError, match="cannot be reached"):
        Job(Context()).init("x")


def test_another_name_than_the_run_s_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["s.py", "--JOB_NAME", "mine", "--job-bookmark-option", "job-bookmark-enable"])
    monkeypatch.setenv("TENON_RUN_ID", "jr_1")
    monkeypatch.setenv("TENON_RUN_FENCE", "1")
    with pytest.raises(BookmarkError, match=r"'other', and this is a run of the job 'mine'.*init\(args\[\"JOB_NAME\"\], args\)"):
        Job(Context()).init("other", {})


def test_a_range_of_runs_has_two_ends(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["s.py", "--job-bookmark-option", "job-bookmark-pause"])
    with pytest.raises(GlueError, match="together"):
        Job(Context()).init("x", {"job_bookmark_from": "jr_1", "job_bookmark_to": None})


class Memory:
    """A store as the server should be."""

    def __init__(self):
        self.version, self.state = 0, {}

    def load(self, job, between):
        return Loaded(self.version, between is not None, {context: dict(known) for context, known in self.state.items()})

    def commit(self, job, version, read):
        if version != self.version:
            raise BookmarkError("overtaken")
        for context, items in read.items():
            self.state.setdefault(context, {}).update({item.url: item.etag for item in items.values()})
        self.version += 1
        return self.version


def take(bookmarks, context, items):
    """Reads what a bookmark leaves, and notes it."""
    fresh = bookmarks.unread(context, items)
    bookmarks.mark(context, fresh)
    return fresh


def item(key, etag="1"):
    return Object("b", key, 1, etag, None)


def test_a_bookmark_leaves_out_what_a_committed_run_has_read():
    store = Memory()
    first = Bookmarks(store, "j")
    assert len(take(first, "ctx", [item("a"), item("b")])) == 2
    assert len(take(first, "", [item("a")])) == 1, "without a context there is no bookmark"
    abandoned = Bookmarks(store, "j")
    assert len(take(abandoned, "ctx", [item("a")])) == 1, "nothing is known before a commit"
    first.commit()
    second = Bookmarks(store, "j")
    assert [i.key for i in take(second, "ctx", [item("a"), item("b", "2"), item("c")])] == ["b", "c"]
    assert len(take(second, "other", [item("a")])) == 1
    with pytest.raises(BookmarkError):
        abandoned.commit()
    second.commit()
    second.commit()
    assert store.version == 2
    assert take(Bookmarks(store, "j"), "ctx", [item("a"), item("b", "2"), item("c")]) == []


def test_a_paused_bookmark_is_read_and_not_moved():
    store = Memory()
    store.state = {"ctx": {"s3://b/a": "1"}}
    paused = Bookmarks(store, "j", paused=True)
    assert [i.key for i in take(paused, "ctx", [item("a"), item("b")])] == ["b"]
    paused.commit()
    assert store.version == 0
    again = Bookmarks(store, "j", paused=True, between=("r1", "r2"))
    assert [i.key for i in take(again, "ctx", [item("a"), item("b")])] == ["a"]
    assert len(take(again, "", [item("a"), item("b")])) == 2
