"""The whole pipeline with its metadata in PostgreSQL: the same answers, the same debts after a kill."""

import random
import shutil
import tempfile

import pathlib
import pytest

import test_job_deliveries
import test_job_keys
import test_jobs
import test_lineage
import test_sqs
from conftest import name, wait_until
from crash_load import Life
from postgres import Postgres
from test_crash import kill_at_random
from test_crawler_jdbc import postgres as databases  # noqa: F401: a fixture


@pytest.fixture
def postgres():
    # Not below the test's own folder, which other users may not enter.
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tenon-pg-"))
    server = Postgres(folder).start()
    yield server
    server.stop()
    shutil.rmtree(folder)


def test_kills(tenon_factory, postgres):
    """Crawls, jobs, queries, puts and catalog writes side by side, killed again and again."""
    server = tenon_factory(environment={"TENON_STORE": postgres.url}).start()
    life, dice = Life(server, seed="postgres"), random.Random(7)
    life.prepare()
    landed = [kill_at_random(life, dice) for _ in range(5)]
    assert any(landed)
    glue = server.client("glue")
    glue.start_crawler(Name=life.database)
    wait_until(lambda: glue.get_crawler(Name=life.database)["Crawler"]["State"] == "READY", "the crawl to end")
    assert glue.get_crawler(Name=life.database)["Crawler"]["LastCrawl"]["Status"] == "SUCCEEDED"
    assert life.count("src") == 900


def test_queues(tenon_factory, postgres):
    server = tenon_factory(environment={"TENON_STORE": postgres.url}).start()
    sqs = server.client("sqs")

    def queue():
        return sqs.create_queue(QueueName=name("q"))["QueueUrl"]

    test_sqs.test_queues_are_made_found_and_deleted(sqs)
    test_sqs.test_messages_go_round(sqs, queue())
    test_sqs.test_batches_answer_for_each_entry(sqs, queue())
    test_sqs.test_dead_letters_and_purge(sqs, queue())
    test_sqs.test_a_long_poll_ends_with_the_message(server, sqs, queue())
    test_sqs.test_buckets_tell_of_their_objects(server, sqs, queue())


def test_bookmarks_and_lineage(tenon_factory, postgres, tmp_path):
    server = tenon_factory(environment={"TENON_STORE": postgres.url}).start()
    test_jobs.test_a_bookmark_is_shown_set_and_rewound_by_hand(test_jobs.Glue(server), tmp_path)
    test_lineage.test_lineage_is_walked_both_ways(test_jobs.Glue(server))
    test_lineage.test_a_job_is_explained_and_not_run(test_jobs.Glue(server))


@pytest.fixture
def stored(tenon_factory, postgres):
    """Makes a server that keeps secrets of connections, too."""
    return lambda: tenon_factory(environment={"TENON_STORE": postgres.url, "TENON_SECRETS_KEY": "ab" * 32})


def test_bookmarks_by_keys_and_rows_for_databases(stored, databases, tmp_path):
    server, of = stored().start(), lambda: test_job_deliveries.Engine("postgresql", databases)
    test_job_keys.test_a_bookmark_by_keys_is_shown_set_and_rewound_by_hand(test_job_keys.Keys(server), of(), tmp_path)
    test_job_deliveries.test_a_run_that_fails_leaves_nothing_and_says_which_column(test_job_deliveries.Deliveries(server), of())


def test_rows_for_databases_arrive_once(stored, databases, tmp_path):
    engine = test_job_deliveries.Engine("postgresql", databases)
    test_job_deliveries.test_killed_between_two_databases_rows_arrive_once(stored, tmp_path, engine, "jobs.run.after_commit", True, 1)


def test_a_database_that_is_gone_is_an_error(tenon_factory, postgres):
    environment = {"TENON_STORE": postgres.url.replace("/postgres?", "/nowhere?")}
    with pytest.raises(AssertionError, match="nowhere"):
        tenon_factory(environment=environment).start()
