"""A PostgreSQL server that a test starts for itself, from Debian's packages, as a user without rights."""

import os
import pathlib
import shutil
import subprocess

NOBODY = 65_534


def programs() -> pathlib.Path:
    """The newest of the versions that Debian installs beside each other, else whatever PATH has."""
    versions = [path for path in pathlib.Path("/usr/lib/postgresql").glob("*") if path.name.isdigit()]
    if versions:
        return max(versions, key=lambda path: int(path.name)) / "bin"
    return pathlib.Path(shutil.which("initdb") or "").parent


class Postgres:
    def __init__(self, folder: pathlib.Path):
        """`folder` must be reachable for every user."""
        self.folder = folder
        if os.getuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        folder.chmod(0o700)

    def run(self, program, *arguments):
        rights = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
        subprocess.run(
            [str(programs() / program), *arguments], cwd=self.folder, check=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, **rights,
        )

    def start(self):
        data = str(self.folder / "data")
        self.run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        options = f"-k {self.folder} -h '' -F -c max_connections=100"
        self.run("pg_ctl", "start", "-w", "-D", data, "-l", str(self.folder / "log"), "-o", options)
        return self

    def stop(self):
        self.run("pg_ctl", "stop", "-m", "immediate", "-w", "-D", str(self.folder / "data"))

    @property
    def url(self):
        return f"postgres://postgres@localhost/postgres?host={self.folder}"
