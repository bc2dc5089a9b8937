"""The server that tests start, and clients for it."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import time
import uuid
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

from tenon_pytest import runs

_START_SECONDS = 60
_STOP_SECONDS = 30
_REGION = "us-east-1"


class NoServer(Exception):
    """The server cannot be started; the text says why."""


def binary() -> str:
    """The program to start."""
    named = os.environ.get("TENON_BIN")
    found = named if named and os.path.exists(named) else None if named else shutil.which("tenon")
    if found is None:
        where = f"TENON_BIN is {named!r}, which does not exist" if named else "it is not in PATH"
        raise NoServer(f"the fixture `tenon` needs the program tenon, and {where}; set TENON_BIN to it")
    return found


class Tenon:
    """A server without a data folder: what is in it is gone when it ends."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self._process: Optional["subprocess.Popen[bytes]"] = None
        self._clients: Dict[str, Any] = {}
        # Where it is reached: the AWS_ENDPOINT_URL of its clients.
        self.url = ""

    @property
    def log(self) -> pathlib.Path:
        """What the server says."""
        return self._folder / "server.log"

    def start(self) -> "Tenon":
        """Starts it and waits until it is ready. Raises `NoServer`."""
        ready = self._folder / "ready.json"
        command = [binary(), "serve", "--ephemeral", "--listen", "127.0.0.1:0", "--ready-file", str(ready)]
        # Settings of another server are none of this one; where its scripts find Python may be.
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("AWS_", "TENON_")) or name.startswith("TENON_SCRIPTS_")}
        with open(self.log, "wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=kept, start_new_session=True)
        end = time.monotonic() + _START_SECONDS
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise NoServer(f"{command[0]} did not start:\n{self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.01)
        self.url = "http://" + json.loads(ready.read_text())["address"]
        return self

    def stop(self) -> None:
        """Ends it."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def variables(self) -> Dict[str, str]:
        """The environment of whoever is to reach it, and nothing else."""
        return {"AWS_ENDPOINT_URL": self.url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_REGION": _REGION, "AWS_DEFAULT_REGION": _REGION, "AWS_EC2_METADATA_DISABLED": "true"}

    def client(self, service: str) -> Any:
        """A boto3 client."""
        if service not in self._clients:
            import boto3
            from botocore.config import Config

            style = Config(s3={"addressing_style": "path"}) if service == "s3" else None
            self._clients[service] = boto3.client(
                service, endpoint_url=self.url, region_name=_REGION, aws_access_key_id="test",
                aws_secret_access_key="test", config=style)
        return self._clients[service]

    @property
    def s3(self) -> Any:
        """The client for S3."""
        return self.client("s3")

    @property
    def glue(self) -> Any:
        """The client for Glue."""
        return self.client("glue")

    @property
    def athena(self) -> Any:
        """The client for Athena."""
        return self.client("athena")

    def bucket(self, prefix: str = "test") -> str:
        """Makes a bucket under a name of its own."""
        name = f"{prefix}-{uuid.uuid4().hex[:16]}"
        self.s3.create_bucket(Bucket=name)
        return name

    def run(self, script: Union[str, "os.PathLike[str]"], arguments: Union[Mapping[str, Any], Sequence[str]] = (),
            check: bool = True, in_process: bool = False, timeout: Optional[float] = None,
            environment: Optional[Mapping[str, str]] = None) -> runs.ScriptRun:
        """Runs a script, as a process of its own or in this one, and returns what it printed and how it ended.

        `arguments` are those of the command line, or a dictionary: `{"JOB_NAME": "x"}` is `--JOB_NAME x`. With `check`, a
        script that fails fails the test. In this process, scripts share one engine, which saves its start; breakpoints and
        patches work; `timeout` and `environment` do not.
        """
        given: List[str] = runs.command_line(arguments)
        if in_process:
            if timeout is not None or environment is not None:
                raise TypeError("timeout and environment are for scripts that run as processes")
            return runs.in_process(os.fspath(script), given, check)
        return runs.as_process(os.fspath(script), given, check, timeout, {**self.variables(), **(environment or {})})
