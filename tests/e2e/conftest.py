"""Starts the built binary for the end-to-end tests.

`tenon` is one server per test process, shared by its tests: each test uses names of its own (`name()`).
`tenon_factory` gives a test servers of its own, to stop, kill and start again on the same data folder.
"""

import json
import os
import pathlib
import signal
import subprocess
import time
import uuid

import boto3
import pytest
from botocore.config import Config

DEADLINE_SECONDS = 60


def binary() -> str:
    default = pathlib.Path.home() / ".cache/tenon/target/debug/tenon"
    path = os.environ.get("TENON_BIN", str(default))
    if not os.path.exists(path):
        pytest.exit(f"{path} does not exist: run `make build` first, or set TENON_BIN", 2)
    return path


def scripts_environment() -> str:
    """The Python environment of scripts that `scripts/setup scripts` has made."""
    return os.environ.get("TENON_SCRIPTS_VENV", str(pathlib.Path.home() / ".cache/tenon/scripts"))


def wait_until(condition, what: str, deadline_seconds: float = DEADLINE_SECONDS):
    """Returns the first truthy value of `condition()`; fails with `what` when the deadline passes."""
    end = time.monotonic() + deadline_seconds
    pause = 0.002
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline_seconds} s for {what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


class Server:
    """A `tenon serve` process on a free port, with its data in `data_dir`."""

    def __init__(self, directory: pathlib.Path, arguments=(), environment=None):
        self.directory = directory
        self.data_dir = directory / "data"
        self.arguments = list(arguments)
        self.environment = environment or {}
        self.listen = "127.0.0.1:0"
        self.process = None
        self.endpoint = None
        self.starts = 0

    @property
    def log(self) -> pathlib.Path:
        return self.directory / "server.log"

    def start(self):
        self.starts += 1
        ready = self.directory / f"ready-{self.starts}.json"
        command = [binary(), "serve", "--listen", self.listen, "--ready-file", str(ready)]
        if "--ephemeral" not in self.arguments:
            command += ["--data-dir", str(self.data_dir)]
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TENON_"))}
        environment["TENON_SCRIPTS_ENVIRONMENT"] = scripts_environment()
        environment.update(self.environment)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command + self.arguments, stdout=log, stderr=log, env=environment, start_new_session=True
            )
        wait_until(lambda: ready.exists() or self.process.poll() is not None, "the server to be ready")
        if not ready.exists():
            raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log.read_text()[-4000:]}")
        address = json.loads(ready.read_text())["address"]
        self.endpoint = f"http://{address}"
        return self

    @property
    def port(self) -> int:
        return int(self.endpoint.rsplit(":", 1)[1])

    def stop(self):
        """Stops gracefully and returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE_SECONDS)

    def kill(self):
        """`kill -9`: nothing in the process gets a chance to tidy up."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE_SECONDS)

    def client(self, service, access_key="test", secret="test", region="us-east-1", **config):
        defaults = {"retries": {"max_attempts": 1}}
        if service == "s3" and "s3" not in config:
            defaults["s3"] = {"addressing_style": "path"}
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret,
            region_name=region,
            config=Config(**{**defaults, **config}),
        )

    def environ(self):
        """The environment with which a command-line client reaches this server."""
        return {
            **os.environ,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
            "TENON_SCRIPTS_ENVIRONMENT": scripts_environment(),
        }

    def cli(self, *arguments, check=True, **options):
        """Runs a `tenon` command as a client of this server."""
        return subprocess.run(
            [binary(), *arguments], env=self.environ(), capture_output=True, text=True, check=check, **options
        )

    def bucket(self, prefix="b"):
        """Makes a bucket with a name nobody else uses and returns the name."""
        made = name(prefix).replace("_", "-")
        self.client("s3").create_bucket(Bucket=made)
        return made


def name(prefix="n") -> str:
    return f"{prefix}_{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def tenon(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("tenon")).start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def verifying(tmp_path_factory):
    """A server in mode `sigv4`: it knows the keys `test` and `OTHER`, and lets nobody else in."""
    environment = {"TENON_KEYS": "test:test,OTHER:others-secret"}
    server = Server(tmp_path_factory.mktemp("verifying"), ["--set", "auth=sigv4"], environment).start()
    yield server
    server.stop()


@pytest.fixture
def tenon_factory(tmp_path):
    servers = []

    def make(*arguments, environment=None, directory=None):
        home = directory or tmp_path / f"server-{len(servers)}"
        home.mkdir(parents=True, exist_ok=True)
        server = Server(home, arguments, environment)
        servers.append(server)
        return server

    yield make
    for server in servers:
        if server.process is not None:
            server.kill()
