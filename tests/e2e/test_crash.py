"""`kill -9` at named points and at random moments, under concurrent load; see crash_load.py for what must hold."""

import os
import random
import shutil
import signal

import pytest

from conftest import wait_until
from crash_load import Life

# Point, and the hit at which to stop: the first hits come early, later ones amid more load.
POINTS = [
    ("store.commit.before", 40),
    ("store.commit.before", 150),
    ("store.commit.after", 30),
    ("store.commit.after", 120),
    ("lake.extent.written", 5),
    ("lake.extent.written", 25),
    ("lake.extent.synced", 4),
    ("lake.extent.synced", 20),
    ("lake.put.row", 8),
    ("lake.put.row", 40),
    ("lake.put.committed", 8),
    ("lake.put.committed", 40),
    ("lake.complete.rows", 1),
    ("lake.complete.rows", 3),
    ("lake.gc.unlinked", 1),
    ("lake.gc.unlinked", 3),
    ("catalog.purge.after_batch", 1),
    ("catalog.purge.after_batch", 3),
    ("jobs.run.before_staging", 1),
    ("jobs.run.before_staging", 3),
    ("jobs.run.after_staging", 1),
    ("jobs.run.after_staging", 3),
    ("jobs.run.before_commit", 1),
    ("jobs.run.before_commit", 3),
    ("jobs.run.after_commit", 1),
    ("jobs.run.after_commit", 3),
    ("crawl.started", 1),
    ("crawl.surveyed", 1),
    ("crawl.table.before_commit", 1),
    ("crawl.table.committed", 1),
    ("crawl.before_end", 2),
    ("query.result.staged", 2),
    ("query.result.before_commit", 2),
    ("query.result.committed", 2),
    ("statistics.measured", 1),
    ("statistics.measured", 3),
    ("statistics.before_commit", 2),
    ("statistics.committed", 2),
    ("quality.evaluated", 1),
    ("quality.evaluated", 3),
    ("quality.before_commit", 2),
    ("quality.committed", 2),
]
# The steps of a commit, once more on a server that keeps its bytes in an outside store.
OUTSIDE = [
    ("store.commit.before", 60),
    ("store.commit.after", 60),
    ("lake.extent.synced", 6),
    ("lake.put.row", 12),
    ("lake.gc.unlinked", 1),
    ("jobs.run.before_staging", 2),
    ("jobs.run.after_staging", 2),
    ("jobs.run.before_commit", 2),
    ("jobs.run.after_commit", 2),
]
# Those of scripts, which need their engine: test_script_bookmarks.py, test_script_atomic.py.
OF_SCRIPTS = {"jobs.bookmark.before_commit", "jobs.bookmark.after_commit", "jobs.script.ended", "lake.overlay.rows"}
# Those between two databases: test_job_deliveries.py.
OF_DATABASES = {"jobs.run.delivered"}
RANDOM_KILLS = 20
SOAK_KILLS = 1_000
# Side by side, as many as there are workers.
SOAK_SHARES = 8
# A soak starts from nothing now and then, so that the ledger and the data stay small.
KILLS_OF_ONE_LIFE = 25


def killed(server, marker, point, hit):
    """Lets the server die at a point amid the load, starts it again and settles the debts."""
    server.start()
    life = Life(server, seed=f"{point}{hit}")
    life.prepare()
    assert server.stop() == 0
    server.arguments = ["--set", f"crash.point={point}@{hit}", "--set", f"crash.marker={marker}"]
    server.start()
    with life:
        code = server.process.wait(120)
    assert code == -signal.SIGKILL, "the server did not die of the point"
    # Threads that come to the point at the same moment each write its name.
    assert set(marker.read_text().split()) == {point}
    assert life.ledger.in_flight > 0, "nothing was going on"
    server.arguments = []
    server.start()
    life.settle()


@pytest.mark.parametrize(("point", "hit"), POINTS, ids=[f"{point}@{hit}" for point, hit in POINTS])
def test_killed_at_a_named_point(tenon_factory, tmp_path, point, hit):
    killed(tenon_factory(), tmp_path / "marker", point, hit)


@pytest.mark.parametrize(("point", "hit"), OUTSIDE, ids=[f"{point}@{hit}" for point, hit in OUTSIDE])
def test_killed_at_a_named_point_with_the_bytes_outside(tenon_factory, tmp_path, point, hit):
    outside = tenon_factory().start()
    environment = {
        "TENON_OBJECTS_STORE": f"s3://{outside.bucket('outside')}/lake", "TENON_OBJECTS_ENDPOINT": outside.endpoint,
        "TENON_OBJECTS_ACCESS_KEY_ID": "test", "TENON_OBJECTS_SECRET_ACCESS_KEY": "test"}
    killed(tenon_factory(environment=environment), tmp_path / "marker", point, hit)


def test_every_point_is_tested(tenon):
    listed = set(tenon.cli("crash-points").stdout.split())
    assert {point for point, _ in POINTS} | OF_SCRIPTS | OF_DATABASES == listed


def kill_at_random(life, dice):
    """Kills the server and settles the debts; whether requests were broken off by it."""
    server = life.server
    with life:
        done = len(life.ledger.acknowledged)
        wait_until(lambda: len(life.ledger.acknowledged) > done + dice.randint(1, 40), "some work to be done")
        wait_until(lambda: dice.random() < 0.3, "the dice")
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait(60)
    landed, life.ledger.in_flight = life.ledger.in_flight > 0, 0
    server.start()
    life.settle()
    return landed


def lives(tenon_factory, kills, seed):
    dice = random.Random(seed)
    for start in range(0, kills, KILLS_OF_ONE_LIFE):
        server = tenon_factory().start()
        life = Life(server, seed=f"{seed}{start}")
        life.prepare()
        number, misses = start, 0
        while number < min(start + KILLS_OF_ONE_LIFE, kills):
            print(f"kill {number + 1} of {kills}, seed {seed}")
            # A kill that broke nothing off is no test and does not count.
            if kill_at_random(life, dice):
                number += 1
            else:
                misses += 1
            assert misses < KILLS_OF_ONE_LIFE, "the load is too thin: most kills break nothing off"
        server.kill()
        # Each life leaves hundreds of megabytes.
        shutil.rmtree(server.directory)


def test_killed_at_random(tenon_factory):
    lives(tenon_factory, RANDOM_KILLS, seed=os.environ.get("TENON_CRASH_SEED", "1"))


@pytest.mark.soak
@pytest.mark.parametrize("share", range(SOAK_SHARES))
def test_killed_a_thousand_times(tenon_factory, share):
    seed = os.environ.get("TENON_CRASH_SEED", str(random.randrange(10**9)))
    lives(tenon_factory, SOAK_KILLS // SOAK_SHARES, seed=f"{seed}-{share}")
