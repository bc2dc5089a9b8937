"""Starts what scripts need: a Tenon server (TENON_BIN), buckets, crawls. Scripts run as processes of their own."""

import os
import subprocess
import sys

import pytest

from shared import ROOT, Data, servers


@pytest.fixture(scope="session")
def tenon(tmp_path_factory):
    server = servers.Server(tmp_path_factory.mktemp("tenon"), ["--ephemeral"]).start()
    # Tests that use the library in this process use this server.
    os.environ.update(AWS_ENDPOINT_URL=server.endpoint, AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test",
                      AWS_DEFAULT_REGION="us-east-1", AWS_REGION="us-east-1", AWS_EC2_METADATA_DISABLED="true")
    yield server
    from awsglue import _staging

    _staging.clear()
    server.stop()


@pytest.fixture(scope="session")
def glue_context(tenon):
    """A context on an engine inside this process."""
    from pyspark.context import SparkContext

    from awsglue.context import GlueContext

    return GlueContext(SparkContext.getOrCreate())


@pytest.fixture
def run_script(tenon, tmp_path):
    """Runs a script as a process: `run(text, "--JOB_NAME", "x")`."""

    def run(text, *arguments, check=True, environment=None):
        script = tmp_path / "script.py"
        script.write_text(text)
        paths = os.pathsep.join([str(ROOT / "python"), os.environ.get("PYTHONPATH", "")])
        # Not the engine of this process: a script starts its own.
        inherited = {k: v for k, v in tenon.environ().items() if not k.startswith(("SPARK_", "SAIL_", "AWS_ALLOW"))}
        done = subprocess.run(
            [sys.executable, str(script), *arguments], capture_output=True, text=True, timeout=300,
            env={**inherited, "PYTHONPATH": paths, **(environment or {})},
        )
        if check and done.returncode != 0:
            raise AssertionError(f"exit {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-6000:]}")
        return done

    return run


@pytest.fixture
def data(tenon):
    return Data(tenon)
