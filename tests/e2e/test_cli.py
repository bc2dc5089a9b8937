"""The commands of `tenon` as their users run them, off the beaten track: other regions, foreign settings, bad input."""

import os
import signal
import socket
import subprocess

import pytest

from conftest import binary, name, wait_until


def environment(**variables):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TENON_"))}
    return {**clean, **variables}


def test_demo_in_another_region_and_amid_foreign_settings(tmp_path):
    """A server of the user's own may be configured in the environment: the demo's server is another one."""
    variables = environment(
        AWS_DEFAULT_REGION="eu-west-1", TENON_EPHEMERAL="true", TENON_AUTH="sigv4", TENON_KEYS="A:b",
        TENON_LISTEN="192.0.2.1:1",
    )
    command = [binary(), "demo", "--scale", "0.002", "--days", "3", "--data-dir", str(tmp_path / "demo")]
    told = []
    for _ in range(2):
        done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        assert "AWS_DEFAULT_REGION=eu-west-1" in done.stdout
        assert "rows in = rows of that day" in done.stdout
        assert done.stdout.count("✓") == 4 and "✗" not in done.stdout, done.stdout
        told.append([line for line in done.stdout.splitlines() if "┆" in line])
    # The same seed gives the same answers, also over what an earlier demo left.
    assert told[0] == told[1] and len(told[0]) > 10


def test_sql_in_another_region(tenon):
    done = subprocess.run(
        [binary(), "sql", "SELECT 1 AS one", "--csv", "--endpoint", tenon.endpoint],
        env=environment(AWS_REGION="eu-central-1", AWS_ACCESS_KEY_ID="555555555555", AWS_SECRET_ACCESS_KEY="x"),
        capture_output=True, text=True,
    )
    assert (done.returncode, done.stdout) == (0, "one\n1\n"), done.stderr


def test_sql_without_a_result(tenon):
    database = name("db")
    assert tenon.cli("sql", f"CREATE DATABASE {database}").stdout == "OK\n"
    assert tenon.cli("sql", f"DROP DATABASE {database}", "--json").stdout == "[]\n"


def test_no_server():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    done = subprocess.run(
        [binary(), "status", "--endpoint", f"http://127.0.0.1:{port}"], env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 1 and "tenon serve" in done.stderr, done.stderr


def test_a_signal_ends_a_start_that_hangs(tmp_path):
    """A database that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        variables = environment(TENON_STORE=f"postgres://u@127.0.0.1:{listener.getsockname()[1]}/db?sslmode=disable")
        command = [binary(), "serve", "--listen", "127.0.0.1:0", "--data-dir", str(tmp_path / "data")]
        server = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            connection, _ = listener.accept()
            server.send_signal(signal.SIGTERM)
            assert server.wait(30) == 0
            connection.close()
        finally:
            server.kill()


def test_a_second_signal_takes_an_ephemeral_folder_along(tenon_factory, tmp_path):
    server = tenon_factory("--ephemeral", environment={"TMPDIR": str(tmp_path)}).start()
    folder = wait_until(lambda: list(tmp_path.glob("tenon-*")), "the folder")[0]
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"PUT /b/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n")
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: refuses(server), "the server to drain")
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(30)
    assert not folder.exists()


def refuses(server):
    try:
        socket.create_connection(("127.0.0.1", server.port)).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.parametrize(
    "command", [["crawl", "nope"], ["job", "run", "nope"], ["sql", "SELEC"], ["sql", "SELECT * FROM nope.nope"]]
)
def test_what_is_not_there(tenon, command):
    done = tenon.cli(*command, check=False)
    assert done.returncode == 1 and done.stdout == "" and done.stderr.startswith("tenon: "), done
