"""Column statistics tasks: a run reads the table and writes what it finds into the catalog."""

import base64
import datetime
import decimal

import botocore.exceptions
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import name, wait_until

ENDED = ("SUCCEEDED", "FAILED", "STOPPED")
PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"


def fault(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(**arguments)
    return raised.value.response["Error"]


class Measured:
    """A table of Parquet files in folders of one partition key."""

    def __init__(self, server):
        self.server = server
        self.glue, self.s3 = server.client("glue"), server.client("s3")
        self.bucket, self.database = server.bucket("stats"), name("db")
        self.glue.create_database(DatabaseInput={"Name": self.database})
        self.place = {"DatabaseName": self.database, "TableName": "t"}

    def put(self, day, rows):
        body = pa.BufferOutputStream()
        pq.write_table(rows, body)
        self.s3.put_object(Bucket=self.bucket, Key=f"t/day={day}/a.parquet", Body=body.getvalue().to_pybytes())

    def create(self, columns, days=()):
        def descriptor(path):
            return {
                "Columns": [{"Name": n, "Type": t} for n, t in columns],
                "Location": f"s3://{self.bucket}/{path}",
                "SerdeInfo": {"SerializationLibrary": PARQUET},
            }

        self.glue.create_table(
            DatabaseName=self.database,
            TableInput={
                "Name": "t",
                "TableType": "EXTERNAL_TABLE",
                "StorageDescriptor": descriptor("t/"),
                "PartitionKeys": [{"Name": "day", "Type": "int"}],
            },
        )
        for day in days:
            part = {"Values": [str(day)], "StorageDescriptor": descriptor(f"t/day={day}/")}
            self.glue.create_partition(PartitionInput=part, **self.place)

    def start(self, **extra):
        started = self.glue.start_column_statistics_task_run(Role="r", **self.place, **extra)
        return started["ColumnStatisticsTaskRunId"]

    def get(self, run):
        return self.glue.get_column_statistics_task_run(ColumnStatisticsTaskRunId=run)["ColumnStatisticsTaskRun"]

    def wait(self, run, status="SUCCEEDED"):
        wait_until(lambda: self.get(run)["Status"] in ENDED, "the run to end")
        found = self.get(run)
        assert found["Status"] == status, found
        return found

    def statistics(self, *columns):
        found = self.glue.get_column_statistics_for_table(ColumnNames=list(columns), **self.place)
        return {one["ColumnName"]: one for one in found["ColumnStatisticsList"]}


@pytest.fixture
def measured(tenon):
    return Measured(tenon)


def test_what_is_written(measured):
    for day, base in ((1, 0), (2, 10)):
        rows = pa.table(
            {
                "n": pa.array([base + 1, base + 2, None], pa.int64()),
                "s": ["a", "bb", None],
                "ok": [True, False, True],
                "at": [datetime.date(2026, 1, day), None, datetime.date(2026, 1, 1)],
                "price": pa.array([decimal.Decimal("1.50"), decimal.Decimal("-0.01"), None], pa.decimal128(9, 2)),
                "tags": [["x"], [], None],
            }
        )
        measured.put(day, rows)
    columns = [
        ("n", "bigint"), ("s", "string"), ("ok", "boolean"), ("at", "date"), ("price", "decimal(9,2)"),
        ("tags", "array<string>"),
    ]
    measured.create(columns, days=(1, 2))
    before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=2)
    run = measured.wait(measured.start())
    assert run["ComputationType"] == "FULL" and run["StartTime"] <= run["EndTime"]
    found = measured.statistics("n", "s", "ok", "at", "price", "day")
    # All partitions together; nested columns have no statistics.
    assert found["n"]["StatisticsData"] == {
        "Type": "LONG",
        "LongColumnStatisticsData": {
            "MinimumValue": 1, "MaximumValue": 12, "NumberOfNulls": 2, "NumberOfDistinctValues": 4,
        },
    }
    assert found["n"]["ColumnType"] == "bigint" and found["n"]["AnalyzedTime"] >= before
    assert found["s"]["StatisticsData"]["StringColumnStatisticsData"] == {
        "MaximumLength": 2, "AverageLength": 1.5, "NumberOfNulls": 2, "NumberOfDistinctValues": 2,
    }
    assert found["ok"]["StatisticsData"]["BooleanColumnStatisticsData"] == {
        "NumberOfTrues": 4, "NumberOfFalses": 2, "NumberOfNulls": 0,
    }
    dates = found["at"]["StatisticsData"]["DateColumnStatisticsData"]
    assert (dates["MinimumValue"].date(), dates["MaximumValue"].date()) == (
        datetime.date(2026, 1, 1), datetime.date(2026, 1, 2),
    )
    price = found["price"]["StatisticsData"]["DecimalColumnStatisticsData"]
    assert int.from_bytes(price["MinimumValue"]["UnscaledValue"], "big", signed=True) == -1, base64.b64encode(
        price["MinimumValue"]["UnscaledValue"]
    )
    assert int.from_bytes(price["MaximumValue"]["UnscaledValue"], "big", signed=True) == 150
    assert price["MaximumValue"]["Scale"] == 2
    day = found["day"]["StatisticsData"]["LongColumnStatisticsData"]
    assert (day["MinimumValue"], day["MaximumValue"], day["NumberOfDistinctValues"]) == (1, 2, 2)
    errors = measured.glue.get_column_statistics_for_table(ColumnNames=["tags"], **measured.place)["Errors"]
    assert errors[0]["ColumnName"] == "tags"
    partition = measured.glue.get_column_statistics_for_partition(
        PartitionValues=["1"], ColumnNames=["n"], **measured.place
    )
    assert partition["ColumnStatisticsList"] == []


def test_requests_that_cannot_be_honoured(measured):
    measured.put(1, pa.table({"n": [1]}))
    measured.create([("n", "bigint"), ("tags", "array<string>")], days=(1,))
    start = measured.glue.start_column_statistics_task_run
    missing = {"DatabaseName": measured.database, "TableName": "nobody", "Role": "r"}
    assert fault(start, **missing)["Code"] == "EntityNotFoundException"
    for extra, word in (
        ({"ColumnNameList": ["m"]}, "m"),
        ({"ColumnNameList": ["tags"]}, "array<string>"),
        ({"SampleSize": 0}, "SampleSize"),
        ({"CatalogID": "123456789012"}, "123456789012"),
    ):
        error = fault(start, Role="r", **measured.place, **extra)
        assert error["Code"] == "InvalidInputException" and word in error["Message"], error
    get = measured.glue.get_column_statistics_task_run
    assert fault(get, ColumnStatisticsTaskRunId="x")["Code"] == "EntityNotFoundException"
    stop = measured.glue.stop_column_statistics_task_run
    assert fault(stop, **measured.place)["Code"] == "ColumnStatisticsTaskNotRunningException"


def test_chosen_columns_samples_and_lists(measured):
    measured.put(1, pa.table({"n": list(range(20_000)), "s": ["x"] * 20_000}))
    measured.create([("n", "bigint"), ("s", "string")], days=(1,))
    first = measured.start(ColumnNameList=["n"], SampleSize=10)
    run = measured.wait(first)
    assert (run["ColumnNameList"], run["SampleSize"]) == (["n"], 10)
    assert set(measured.statistics("n", "s")) == {"n"}
    distinct = measured.statistics("n")["n"]["StatisticsData"]["LongColumnStatisticsData"]["NumberOfDistinctValues"]
    assert 1_600 < distinct < 2_400
    second = measured.start()
    measured.wait(second)
    assert 19_000 < measured.statistics("n")["n"]["StatisticsData"]["LongColumnStatisticsData"][
        "NumberOfDistinctValues"
    ] <= 20_000
    runs = measured.glue.get_column_statistics_task_runs(MaxResults=1, **measured.place)
    assert [r["ColumnStatisticsTaskRunId"] for r in runs["ColumnStatisticsTaskRuns"]] == [second]
    rest = measured.glue.get_column_statistics_task_runs(NextToken=runs["NextToken"], **measured.place)
    assert [r["ColumnStatisticsTaskRunId"] for r in rest["ColumnStatisticsTaskRuns"]] == [first]
    assert second in measured.glue.list_column_statistics_task_runs()["ColumnStatisticsTaskRunIds"]


def test_a_broken_file_fails_the_run_and_is_named(measured):
    measured.put(1, pa.table({"n": [1]}))
    measured.create([("n", "bigint")], days=(1,))
    measured.s3.put_object(Bucket=measured.bucket, Key="t/day=1/b.parquet", Body=b"PAR1 nothing")
    run = measured.wait(measured.start(), status="FAILED")
    assert f"s3://{measured.bucket}/t/day=1/b.parquet" in run["ErrorMessage"]
    assert measured.statistics("n") == {}


def test_one_run_per_table_and_a_killed_server(tenon_factory):
    server = tenon_factory().start()
    measured = Measured(server)
    measured.put(1, pa.table({"n": list(range(1_000_000))}))
    measured.create([("n", "bigint")], days=(1,))
    run = measured.start()
    # It may have ended by now; then the second one is let in, as it should be.
    if measured.get(run)["Status"] not in ENDED:
        error = None
        try:
            second = measured.start()
        except botocore.exceptions.ClientError as raised:
            error = raised.response["Error"]["Code"]
        assert error in (None, "ColumnStatisticsTaskRunningException")
        if error is None:
            run = second
    server.kill()
    server.start()
    measured.glue = server.client("glue")
    assert measured.wait(run)["Status"] == "SUCCEEDED"
    assert measured.statistics("n")["n"]["StatisticsData"]["LongColumnStatisticsData"]["MaximumValue"] == 999_999


def test_settings_with_a_schedule(measured):
    measured.put(1, pa.table({"n": [1, 2]}))
    measured.create([("n", "bigint")], days=(1,))
    glue, place = measured.glue, measured.place
    assert fault(glue.get_column_statistics_task_settings, **place)["Code"] == "EntityNotFoundException"
    schedule = "cron(0 8 * * ? *)"
    glue.create_column_statistics_task_settings(Role="r", Schedule=schedule, ColumnNameList=["n"], **place)
    error = fault(glue.create_column_statistics_task_settings, Role="r", **place)
    assert error["Code"] == "AlreadyExistsException"
    found = glue.get_column_statistics_task_settings(**place)["ColumnStatisticsTaskSettings"]
    assert found["Schedule"] == {"ScheduleExpression": schedule, "State": "SCHEDULED"}
    assert (found["ColumnNameList"], found["Role"], found["SettingSource"]) == (["n"], "r", "TABLE")
    assert "SampleSize" not in found and "LastExecutionAttempt" not in found
    glue.stop_column_statistics_task_run_schedule(**place)
    assert fault(glue.stop_column_statistics_task_run_schedule, **place)["Code"] == "InvalidInputException"
    found = glue.get_column_statistics_task_settings(**place)["ColumnStatisticsTaskSettings"]
    assert found["Schedule"]["State"] == "NOT_SCHEDULED"
    glue.start_column_statistics_task_run_schedule(**place)
    error = fault(glue.update_column_statistics_task_settings, Schedule="cron(x)", **place)
    assert error["Code"] == "InvalidInputException" and "cron" in error["Message"]
    # Every minute: the next one starts a run.
    glue.update_column_statistics_task_settings(Schedule="cron(* * * * ? *)", SampleSize=100, **place)

    def attempt():
        found = glue.get_column_statistics_task_settings(**place)["ColumnStatisticsTaskSettings"]
        return found.get("LastExecutionAttempt")

    last = wait_until(attempt, "the schedule to start a run", 75)
    assert last["Status"] == "STARTED"
    measured.wait(last["ColumnStatisticsTaskRunId"])
    assert measured.statistics("n")["n"]["StatisticsData"]["LongColumnStatisticsData"]["MaximumValue"] == 2
    glue.delete_column_statistics_task_settings(**place)
    assert fault(glue.delete_column_statistics_task_settings, **place)["Code"] == "EntityNotFoundException"
