"""The interface to the server that keeps bookmarks, against a server that does as the interface says."""

import http.server
import json
import threading
import urllib.parse

import pytest

from awsglue._aws import Object
from awsglue._bookmarks import Bookmarks, ServerStore
from awsglue.errors import BookmarkError


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

        def job(self):
            prefix = "/_/scripts/bookmarks/"
            return urllib.parse.unquote(self.path[len(prefix) :]) if self.path.startswith(prefix) else None

        def do_GET(self):
            if self.job() is None or self.job() == "unknown path":
                return self.reply(404, {"message": "no such page"})
            self.reply(200, jobs.get(self.job(), {"Version": 0, "Contexts": {}}))

        def do_PUT(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if body["Version"] != jobs.get(self.job(), {"Version": 0})["Version"]:
                return self.reply(409, {"message": "overtaken"})
            jobs[self.job()] = {"Version": body["Version"] + 1, "Contexts": body["Contexts"], "RunId": body["RunId"]}
            self.reply(200, {})

        def log_message(self, *_arguments):
            pass

    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{made.server_port}/")
    monkeypatch.delenv("AWS_ENDPOINT_URL_GLUE", raising=False)
    yield jobs
    made.shutdown()
    made.server_close()


def take(bookmarks, context, items):
    """Reads what a bookmark leaves, and notes it."""
    fresh = bookmarks.unread(context, items)
    bookmarks.mark(context, fresh)
    return fresh


def item(key, etag="1"):
    return Object("b", key, 1, etag, None)


def test_a_bookmark_is_kept_under_its_version(server):
    first = Bookmarks(ServerStore(), "a job/é", "r1")
    overtaken = Bookmarks(ServerStore(), "a job/é", "r0")
    take(first, "ctx", [item("a")]), take(overtaken, "ctx", [item("a")])
    first.commit()
    assert server == {"a job/é": {"Version": 1, "Contexts": {"ctx": {"s3://b/a": "1"}}, "RunId": "r1"}}
    with pytest.raises(BookmarkError, match="another run"):
        overtaken.commit()
    assert take(Bookmarks(ServerStore(), "a job/é", "r2"), "ctx", [item("a"), item("b")]) == [item("b")]


def test_a_server_without_bookmarks_is_named(server):
    with pytest.raises(BookmarkError, match="keeps no bookmarks for scripts"):
        Bookmarks(ServerStore(), "unknown path", None)
