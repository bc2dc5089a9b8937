"""A plugin for pytest: tests of scripts against a server of their own.

    def test_only_paid_orders_are_written(tenon):
        bucket = tenon.bucket()
        tenon.s3.put_object(Bucket=bucket, Key="orders/a.json", Body=b'{"id": 1, "amount": 0}')
        tenon.run("paid.py", {"JOB_NAME": "paid", "bucket": bucket})
        …

The server is `tenon` from `TENON_BIN` or `PATH`, started when the first test asks for it, on a port of its own, without a
data folder, and ended with the session. Installed from its wheel the plugin is found by itself, else by `-p tenon_pytest`.
"""

from __future__ import annotations

import os
from typing import Iterator

import pytest

from tenon_pytest.runs import ScriptRun
from tenon_pytest.server import NoServer, Tenon

__all__ = ["ScriptRun", "Tenon", "tenon"]


@pytest.fixture(scope="session")
def tenon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenon]:
    """A server, with clients for it. While it is there, the environment of this process points to it."""
    server = Tenon(tmp_path_factory.mktemp("tenon"))
    try:
        server.start()
    except NoServer as error:
        pytest.fail(str(error), pytrace=False)
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(server.variables())
    try:
        yield server
    finally:
        os.environ.clear()
        os.environ.update(before)
        server.stop()
