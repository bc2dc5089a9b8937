"""Starts Tenon and its peers, each on a free port with its data in a scratch folder."""

import contextlib
import http.client
import os
import pathlib
import socket
import subprocess
import time

import psutil

TENON = os.environ.get("TENON_BIN", str(pathlib.Path.home() / ".cache/tenon/target/debug/tenon"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port: int, path: str = "/") -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", path)
        connection.getresponse().read()
        return True
    except OSError:
        return False


def resident_mib(process: subprocess.Popen) -> float:
    """Resident memory of a server and its children, in MiB."""
    root = psutil.Process(process.pid)
    return sum(p.memory_info().rss for p in [root, *root.children(recursive=True)]) / 2**20


@contextlib.contextmanager
def serving(command, port, environment=None, deadline_seconds=60):
    """Runs a server until the block ends; yields the process and the seconds to its first answer."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, env={**os.environ, **(environment or {})}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while not answers(port):
            if process.poll() is not None or time.perf_counter() - began > deadline_seconds:
                raise RuntimeError(f"{command[0]} did not answer (exit code {process.poll()})")
            time.sleep(0.001)
        yield process, time.perf_counter() - began
    finally:
        process.terminate()
        process.wait(30)


def tenon(home: pathlib.Path, port: int, *arguments: str):
    return serving([TENON, "serve", "--listen", f"127.0.0.1:{port}", "--data-dir", str(home / "data"), *arguments], port)


def moto(home: pathlib.Path, port: int, python: str):
    return serving([str(pathlib.Path(python).parent / "moto_server"), "-p", str(port)], port)


def ministack(home: pathlib.Path, port: int, python: str):
    environment = {"GATEWAY_PORT": str(port), "PORT": str(port)}
    return serving([str(pathlib.Path(python).parent / "ministack")], port, environment)
