"""The interface to the server that keeps bookmarks, against a server that does as the interface says."""

import datetime
import http.server
import json
import threading

import pytest

from awsglue._aws import Object
from awsglue._bookmarks import Bookmarks, ServerStore
from awsglue.errors import BookmarkError

NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.timezone.utc)


@pytest.fixture
def server(monkeypatch):
    jobs = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def reply(self, code, document):
            body = json.dumps(document).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert "/us-east-1/glue/aws4_request" in self.headers["Authorization"]
            if body["JobName"] == "of another server":
                return self.reply(404, {"error": "no such page"})
            if body["JobName"] == "nobody's":
                return self.reply(404, {"__type": "EntityNotFoundException", "message": "Job nobody's not found."})
            kept = jobs.setdefault(body["JobName"], {"Version": 0, "Again": False, "Contexts": {}})
            if self.path == "/_/scripts/bookmark/load":
                return self.reply(200, kept)
            assert self.path == "/_/scripts/bookmark/commit"
            if body["Version"] != kept["Version"]:
                return self.reply(409, {"__type": "ConcurrentModificationException", "message": "overtaken"})
            kept["Version"] += 1
            kept["By"] = (body["RunId"], body["Fence"])
            for context, items in body["Read"].items():
                kept["Contexts"].setdefault(context, {}).update({url: seen["Etag"] for url, seen in items.items()})
                kept["Seen"] = items
            self.reply(200, {"Version": kept["Version"]})

        def log_message(self, *_arguments):
            pass

    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{made.server_port}/")
    monkeypatch.delenv("AWS_ENDPOINT_URL_GLUE", raising=False)
    for name, value in {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1",
                        "TENON_RUN_ID": "jr_1", "TENON_RUN_FENCE": "3"}.items():
        monkeypatch.setenv(name, value)
    yield jobs
    made.shutdown()
    made.server_close()


def take(bookmarks, context, items):
    """Reads what a bookmark leaves, and notes it."""
    fresh = bookmarks.unread(context, items)
    bookmarks.mark(context, fresh)
    return fresh


def item(key, etag="1"):
    return Object("b", key, 7, etag, NOON)


def test_a_bookmark_is_kept_under_its_version(server):
    first = Bookmarks(ServerStore(), "a job/é")
    overtaken = Bookmarks(ServerStore(), "a job/é")
    take(first, "ctx", [item("a")]), take(overtaken, "ctx", [item("a")])
    first.commit()
    kept = server["a job/é"]
    assert (kept["Version"], kept["Contexts"], kept["By"]) == (1, {"ctx": {"s3://b/a": "1"}}, ("jr_1", 3))
    assert kept["Seen"] == {"s3://b/a": {"Etag": "1", "Size": 7, "ModifiedMs": 1767268800000}}
    with pytest.raises(BookmarkError, match="another run"):
        overtaken.commit()
    second = Bookmarks(ServerStore(), "a job/é")
    assert take(second, "ctx", [item("a"), item("b")]) == [item("b")]
    take(first, "ctx", [item("c")])
    first.commit()
    assert server["a job/é"]["Version"] == 2


def test_a_script_that_is_no_run_commits_nothing(server, monkeypatch):
    bookmarks = Bookmarks(ServerStore(), "j")
    take(bookmarks, "ctx", [item("a")])
    monkeypatch.delenv("TENON_RUN_FENCE")
    with pytest.raises(BookmarkError, match="StartJobRun"):
        bookmarks.commit()
    assert server["j"]["Version"] == 0


def test_what_the_server_says_is_told(server):
    with pytest.raises(BookmarkError, match="keeps no bookmarks for scripts"):
        Bookmarks(ServerStore(), "of another server")
    with pytest.raises(BookmarkError, match="Job nobody's not found"):
        Bookmarks(ServerStore(), "nobody's")
