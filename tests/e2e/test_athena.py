"""Athena through boto3, SDK for pandas and the command line."""

import json

import awswrangler as wr
import boto3
import botocore
import pandas as pd
import pytest

from conftest import name, wait_until

FINAL = ("SUCCEEDED", "FAILED", "CANCELLED")


class Athena:
    def __init__(self, server):
        self.client = server.client("athena")
        self.bucket = server.bucket("athena")
        self.database = name("db")
        self.server = server
        server.client("glue").create_database(DatabaseInput={"Name": self.database})

    def start(self, sql, **options):
        return self.client.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": self.database},
            ResultConfiguration={"OutputLocation": f"s3://{self.bucket}/results/"},
            **options,
        )["QueryExecutionId"]

    def wait(self, query_id):
        def ended():
            execution = self.client.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
            return execution if execution["Status"]["State"] in FINAL else None

        return wait_until(ended, f"query {query_id} to end")

    def run(self, sql):
        execution = self.wait(self.start(sql))
        status = execution["Status"]
        assert status["State"] == "SUCCEEDED", status.get("StateChangeReason")
        return execution

    def fails(self, sql):
        status = self.wait(self.start(sql))["Status"]
        assert status["State"] == "FAILED", sql
        assert status["AthenaError"]["ErrorMessage"] == status["StateChangeReason"]
        return status["StateChangeReason"]

    def rows(self, sql):
        """Column types and the rows after the header; None for NULL."""
        query_id = self.run(sql)["QueryExecutionId"]
        result = self.client.get_query_results(QueryExecutionId=query_id)["ResultSet"]
        columns = [(c["Name"], c["Type"]) for c in result["ResultSetMetadata"]["ColumnInfo"]]
        rows = [tuple(d.get("VarCharValue") for d in row["Data"]) for row in result["Rows"]]
        assert rows[0] == tuple(n for n, _ in columns)
        return columns, rows[1:]

    def lines(self, sql):
        query_id = self.run(sql)["QueryExecutionId"]
        result = self.client.get_query_results(QueryExecutionId=query_id)["ResultSet"]
        return [row["Data"][0]["VarCharValue"] for row in result["Rows"]]


@pytest.fixture(scope="module")
def athena(tenon):
    found = Athena(tenon)
    s3 = tenon.client("s3")
    for day, text in {
        "2026-01-01": "1,ada,2.5\n2,bob,\n",
        "2026-01-02": "3,cy,4.0\n4,,0.25\n",
    }.items():
        s3.put_object(Bucket=found.bucket, Key=f"t/dt={day}/data.csv", Body=text.encode())
    found.run(
        f"""CREATE EXTERNAL TABLE t (id int, who string, amount double)
            PARTITIONED BY (dt string)
            ROW FORMAT DELIMITED FIELDS TERMINATED BY ','
            LOCATION 's3://{found.bucket}/t/' TBLPROPERTIES ('serialization.null.format'='')"""
    )
    added = found.lines("MSCK REPAIR TABLE t")
    assert added == [f"Repair: Added partition to metastore t:dt=2026-01-0{day}" for day in (1, 2)]
    return found


def test_types_nulls_and_names(athena):
    columns, rows = athena.rows("SELECT id, amount, amount * 2, dt, count(*) OVER () n FROM t ORDER BY id")
    assert columns == [("id", "integer"), ("amount", "double"), ("_col2", "double"), ("dt", "varchar"), ("n", "bigint")]
    assert rows == [
        ("1", "2.5", "5.0", "2026-01-01", "4"),
        ("2", None, None, "2026-01-01", "4"),
        ("3", "4.0", "8.0", "2026-01-02", "4"),
        ("4", "0.25", "0.5", "2026-01-02", "4"),
    ]


def test_values_of_several_types_get_one(athena):
    columns, rows = athena.rows(
        """SELECT sum(CASE WHEN id > 1 THEN 1 ELSE 0.5 END) s, sum(coalesce(amount, 0.0)) a, nullif(1, 2.5) n,
                  max(x) m FROM t CROSS JOIN (VALUES 1, 2.25) v(x)"""
    )
    assert columns == [("s", "decimal"), ("a", "double"), ("n", "integer"), ("m", "decimal")]
    assert rows == [("7.0", "13.5", "1", "2.25")]
    columns, rows = athena.rows("SELECT id x FROM t UNION SELECT amount FROM t WHERE amount > 3 ORDER BY x")
    assert (columns, rows) == ([("x", "double")], [("1.0",), ("2.0",), ("3.0",), ("4.0",)])


def test_text_tables_as_athena_reads_them(athena):
    s3 = athena.server.client("s3")
    s3.put_object(Bucket=athena.bucket, Key="opencsv/a.csv", Body=b'"19000","1704164645123","x"\n')
    athena.run(
        f"""CREATE EXTERNAL TABLE oc (d date, ts timestamp, s string)
            ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde' LOCATION 's3://{athena.bucket}/opencsv/'"""
    )
    assert athena.rows("SELECT * FROM oc")[1] == [("2022-01-08", "2024-01-02 03:04:05.123", "x")]
    s3.put_object(Bucket=athena.bucket, Key="bounded/a.csv", Body=b"abcd,xyz\n")
    athena.run(
        f"""CREATE EXTERNAL TABLE bounded (c char(3), v varchar(2))
            ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION 's3://{athena.bucket}/bounded/'"""
    )
    assert athena.rows("SELECT v, length(v) n FROM bounded") == ([("v", "varchar"), ("n", "bigint")], [("xy", "2")])
    assert athena.fails("SELECT c FROM bounded").startswith("NOT_SUPPORTED: column c has the type char(3)")
    athena.run("DROP TABLE oc")
    athena.run("DROP TABLE bounded")


def test_partitions_are_pruned(athena):
    all_bytes = athena.run("SELECT count(*) FROM t")["Statistics"]["DataScannedInBytes"]
    execution = athena.run("SELECT count(*) FROM t WHERE dt = '2026-01-02'")
    assert 0 < execution["Statistics"]["DataScannedInBytes"] < all_bytes
    assert athena.rows("SELECT count(*) c FROM t WHERE dt > '2026-01-05'")[1] == [("0",)]


def test_result_files(athena):
    execution = athena.run("SELECT coalesce(who, '') who, amount FROM t WHERE id IN (2, 4) ORDER BY id")
    location = execution["ResultConfiguration"]["OutputLocation"]
    assert location == f"s3://{athena.bucket}/results/{execution['QueryExecutionId']}.csv"
    s3 = athena.server.client("s3")
    key = location.split("/", 3)[3]
    assert s3.get_object(Bucket=athena.bucket, Key=key)["Body"].read() == b'"who","amount"\n"bob",\n"","0.25"\n'
    assert s3.head_object(Bucket=athena.bucket, Key=f"{key}.metadata")["ContentLength"] > 0


def test_pages_have_the_header_once(athena):
    query_id = athena.run("SELECT id FROM t ORDER BY id")["QueryExecutionId"]
    pages = athena.client.get_paginator("get_query_results").paginate(
        QueryExecutionId=query_id, PaginationConfig={"PageSize": 2}
    )
    values = [[r["Data"][0]["VarCharValue"] for r in page["ResultSet"]["Rows"]] for page in pages]
    assert values == [["id", "1"], ["2", "3"], ["4"]]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("7 / 2", "3"),
        ("-7 / 2", "-3"),
        ("7 % 3", "1"),
        ("CAST(7 AS double) / 2", "3.5"),
        ("CAST(2.5e0 AS integer)", "3"),
        ("CAST(-2.5e0 AS bigint)", "-3"),
        ("1.5 + 1", "2.5"),
        ("(SELECT sum(CAST(id AS decimal(7,2))) FROM t)", "10.00"),
        ("'a' || NULL", None),
        ("concat('a', 'b', 'c')", "abc"),
        ("length('Łódź')", "4"),
        ("trim(' \tx ')", "x"),
        ("year(DATE '2026-03-04')", "2026"),
        ("date_trunc('month', DATE '2026-03-04')", "2026-03-01"),
        ("DATE '2026-01-31' + INTERVAL '1' MONTH", "2026-02-28"),
        ("CAST(TIMESTAMP '2026-01-02 03:04:05' AS date)", "2026-01-02"),
        ("TIMESTAMP '2026-01-02 03:04:05.678'", "2026-01-02 03:04:05.678"),
        ("coalesce(NULL, 5)", "5"),
        ("nullif(1, 1)", None),
        ("if(1 > 2, 'x', 'y')", "y"),
        ("CASE WHEN 1 = 1 THEN 'one' END", "one"),
        ("1e10", "1.0E10"),
        ("'x' LIKE '_'", "true"),
        ("true AND NULL", None),
        ("round(2.5e0)", "3.0"),
        ("TRY_CAST('abc' AS integer)", None),
        ("1 IS DISTINCT FROM NULL", "true"),
        (r"'a\b' LIKE 'a\b'", "true"),
        (r"'a\_' LIKE 'a\_'", "true"),
        (r"'ab' LIKE 'a\_'", "false"),
        ("'50%' LIKE '50#%' ESCAPE '#'", "true"),
        (r"'a%' LIKE 'a\%' ESCAPE '\'", "true"),
        (r"'\'", "\\"),
        ("CAST(1 AS integer)", "1"),
        ("DECIMAL '1.50'", "1.50"),
        ("CAST('t' AS boolean)", "true"),
        ("CAST('2026-1-2' AS date)", "2026-01-02"),
        ("CAST('2026-01-02 03:04:05.6789' AS timestamp)", "2026-01-02 03:04:05.679"),
        ("TRY_CAST('yes' AS boolean)", None),
        ("floor(7)", "7"),
        ("ceil(CAST(1.5 AS double))", "2.0"),
        ("CAST('Infinity' AS double)", "Infinity"),
        ("nan() = nan()", "false"),
        ("CASE WHEN 1 = 1 THEN 1 ELSE 1 / 0 END", "1"),
        ("sqrt(-1)", "NaN"),
        ("upper('straße')", "STRAßE"),
        ("DATE '1500-01-01' < TIMESTAMP '2020-01-01 00:00:00'", "true"),
        ("CAST(2.5e0 AS varchar)", "2.5E0"),
        ("date_diff('day', DATE '2024-02-01', DATE '2024-03-01')", "29"),
    ],
)
def test_scalar_values_are_trinos(athena, expression, expected):
    assert athena.rows(f"SELECT {expression} AS x")[1] == [(expected,)]


def test_a_result_may_have_two_columns_of_one_name(athena):
    columns, rows = athena.rows("SELECT * FROM t l JOIN t r ON l.id = r.id WHERE l.id = 1")
    assert [n for n, _ in columns] == ["id", "who", "amount", "dt"] * 2
    assert rows == [("1", "ada", "2.5", "2026-01-01") * 2]


def test_conditions_are_evaluated_in_turn(athena):
    assert athena.rows("SELECT id FROM t WHERE id - 1 <> 0 AND 3 / (id - 1) > 1 ORDER BY id")[1] == [("2",)]


def test_literals_have_trinos_types(athena):
    columns, _ = athena.rows("SELECT 1 a, 3000000000 b, 1.5 c, 1e0 d, 'x' e, true f, count(*) g, row_number() OVER (ORDER BY 1) h FROM (SELECT 1 z) GROUP BY 1, 2, 3, 4, 5, 6")
    assert [t for _, t in columns] == ["integer", "bigint", "decimal", "double", "varchar", "boolean", "bigint", "bigint"]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * FROM nowhere", "TABLE_NOT_FOUND"),
        ("SELECT * FROM nodb.t", "does not exist"),
        ("SELECT nocolumn FROM t", "COLUMN_NOT_FOUND: line 1:8: Column 'nocolumn' cannot be resolved"),
        ("SELECT frobnicate(id) FROM t", "FUNCTION_NOT_FOUND: line 1:8: Function 'frobnicate' not registered"),
        ("SELECT parse_datetime(who, 'Y') FROM t", "NOT_SUPPORTED: line 1:8: function parse_datetime is not supported by Tenon yet"),
        ('SELECT "$path" FROM t', "NOT_SUPPORTED: line 1:8: the hidden column $path"),
        ("SELECT * FROM information_schema.tables", "NOT_SUPPORTED: line 1:15: information_schema.tables"),
        ('SELECT * FROM "t$partitions"', "NOT_SUPPORTED: line 1:15: the metadata table t$partitions"),
        ("SELECT id FROM t WHERE id = '1'", "TYPE_MISMATCH: line 1:27: Cannot apply operator: integer = varchar"),
        ("SELECT 1 / 0", "DIVISION_BY_ZERO: Division by zero"),
        ("SELECT 2147483647 + 1", "integer addition overflow"),
        ("SELECT sum(id + 9223372036854775807) FROM t", "overflow"),
        ("SELECT CAST('abc' AS integer)", "INVALID_CAST_ARGUMENT: Cannot cast 'abc' to INT"),
        ("SELECT CAST('yes' AS boolean)", "INVALID_CAST_ARGUMENT: Cannot cast 'yes' to BOOLEAN"),
        ("SELECT sum(CAST(1 AS decimal(38,0))) FROM t", "NOT_SUPPORTED"),
        ("SELECT CAST(1 AS decimal(38,0)) + 1", "NOT_SUPPORTED"),
        ("SELECT CAST(1 AS decimal(20,0)) * CAST(1 AS decimal(20,0))", "NOT_SUPPORTED"),
        ("SELECT CAST('20260102' AS date)", "Value cannot be cast to date: 20260102"),
        ("SELECT CAST('2026-01-02T03:04:05Z' AS timestamp)", "Value cannot be cast to timestamp"),
        ("SELECT sum(x) FROM (SELECT 9223372036854775807 x UNION ALL SELECT 1)", "bigint addition overflow"),
        ("SELECT DATE '2026-01-02' + INTERVAL '1' HOUR", "TYPE_MISMATCH"),
        ("SELECT CAST(1.005e0 AS decimal(5,2))", "NOT_SUPPORTED"),
        ("SELECT * FROM t TABLESAMPLE BERNOULLI (10)", "NOT_SUPPORTED"),
        ("SELECT 1.0 % 3", "NOT_SUPPORTED"),
        ("INSERT INTO t VALUES (1)", "NOT_SUPPORTED"),
        ("CREATE TABLE x AS SELECT 1 a", "NOT_SUPPORTED"),
        ("DROP TABLE nowhere", "TABLE_NOT_FOUND"),
        ("SELECT id % 2 AS odd FROM t GROUP BY odd", "COLUMN_NOT_FOUND"),
        ("SELECT 1 AS a, 2 AS a ORDER BY a", "AMBIGUOUS_NAME"),
        ("WITH a AS (SELECT 1 x), " + ", ".join(f"{c} AS (SELECT p.x FROM {b} p, {b} q)" for b, c in zip("abcdefghij", "bcdefghijk")) + " SELECT * FROM k", "EXCEEDED_QUERY_COMPLEXITY"),
    ],
)
def test_what_cannot_be_answered_fails_and_says_why(athena, sql, expected):
    assert expected in athena.fails(sql)


def test_statements_of_any_size_leave_the_server_standing(athena):
    deep = ["SELECT 1" + " + 1" * 20_000, "SELECT " + "(" * 5_000 + "1" + ")" * 5_000, "SELECT 1 x" + " UNION ALL SELECT 1" * 300]
    for sql in deep:
        with pytest.raises(athena.client.exceptions.InvalidRequestException, match="the statement"):
            athena.start(sql)
    assert athena.rows("SELECT 1" + " + 1" * 240 + " AS x")[1] == [("241",)]
    for chain in (" OR 1 = 1" * 120, " AND 1 = 1" * 120, " IS NULL" * 240):
        athena.wait(athena.start("SELECT 1 WHERE 1 = 1" + chain))
    athena.run("SELECT 'a'" + " || 'a'" * 240 + " AS x")
    athena.run("SELECT 1 AS x" + " UNION ALL SELECT 1" * 99)
    many = ", ".join(str(n) for n in range(20_000))
    assert athena.rows(f"SELECT count(*) AS n FROM t WHERE id IN ({many})")[1] == [("4",)]


@pytest.mark.parametrize("sql", ["SELEC 1", "SELECT FROM", "SELECT 1;; SELECT 2", "", "SELECT 'abc"])
def test_what_does_not_parse_is_refused_at_once(athena, sql):
    with pytest.raises((athena.client.exceptions.InvalidRequestException, botocore.exceptions.ParamValidationError)):
        athena.start(sql)


def test_an_output_location_is_needed_and_must_exist(athena):
    with pytest.raises(athena.client.exceptions.InvalidRequestException, match="No output location provided"):
        athena.client.start_query_execution(QueryString="SELECT 1")
    with pytest.raises(athena.client.exceptions.InvalidRequestException, match="output bucket"):
        athena.client.start_query_execution(
            QueryString="SELECT 1", ResultConfiguration={"OutputLocation": "s3://no-such-bucket-anywhere/"}
        )


def test_a_client_token_names_one_query(athena):
    token = "t" * 32 + name()
    first = athena.start("SELECT 1", ClientRequestToken=token)
    assert athena.start("SELECT 1", ClientRequestToken=token) == first
    with pytest.raises(athena.client.exceptions.InvalidRequestException, match="Idempotent"):
        athena.start("SELECT 2", ClientRequestToken=token)


def test_unbuilt_fields_are_refused(athena):
    with pytest.raises(botocore.exceptions.ClientError, match="parameters"):
        athena.start("SELECT ?", ExecutionParameters=["1"])


def test_show_and_describe(athena):
    assert athena.database in athena.lines("SHOW DATABASES")
    assert athena.lines(f"SHOW TABLES IN {athena.database}") == ["t"]
    assert athena.lines("SHOW PARTITIONS t") == ["dt=2026-01-01", "dt=2026-01-02"]
    described = [line.split("\t")[0].strip() for line in athena.lines("DESCRIBE t")]
    assert described[:4] == ["id", "who", "amount", "dt"]
    created = "\n".join(athena.lines("SHOW CREATE TABLE t"))
    assert "PARTITIONED BY" in created and f"s3://{athena.bucket}/t/" in created
    # What it shows makes the same table again.
    athena.run(created.replace("`t`", "`again`", 1))
    again = athena.server.client("glue").get_table(DatabaseName=athena.database, Name="again")["Table"]
    first = athena.server.client("glue").get_table(DatabaseName=athena.database, Name="t")["Table"]
    assert again["StorageDescriptor"] == first["StorageDescriptor"]
    athena.run("DROP TABLE again")
    assert "TABLE_NOT_FOUND" in athena.fails("DESCRIBE again")


@pytest.mark.parametrize("quote", ["`", '"'])
def test_the_database_of_the_context_may_be_quoted(athena, quote):
    database = f"{quote}{athena.database}{quote}"
    for sql in ("DESCRIBE t", "SHOW CREATE TABLE t", "MSCK REPAIR TABLE t", "SELECT id FROM t"):
        query_id = athena.client.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": database},
            ResultConfiguration={"OutputLocation": f"s3://{athena.bucket}/results/"},
        )["QueryExecutionId"]
        execution = athena.wait(query_id)
        assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]
        assert execution["QueryExecutionContext"]["Database"] == database


def test_databases(athena):
    made = name("made")
    athena.run(f"CREATE DATABASE IF NOT EXISTS {made} COMMENT 'x' LOCATION 's3://{athena.bucket}/{made}/'")
    athena.run(f"CREATE DATABASE IF NOT EXISTS {made}")
    assert "ALREADY_EXISTS" in athena.fails(f"CREATE DATABASE {made}")
    athena.run(f"CREATE EXTERNAL TABLE {made}.x (a int) LOCATION 's3://{athena.bucket}/x/'")
    assert "SCHEMA_NOT_EMPTY" in athena.fails(f"DROP DATABASE {made}")
    athena.run(f"DROP DATABASE {made} CASCADE")
    athena.run(f"DROP DATABASE IF EXISTS {made}")


def test_work_groups(athena):
    client, group = athena.client, name("wg")
    location = f"s3://{athena.bucket}/team/"
    client.create_work_group(
        Name=group, Configuration={"ResultConfiguration": {"OutputLocation": location}},
        Tags=[{"Key": "team", "Value": "a"}],
    )
    with pytest.raises(client.exceptions.InvalidRequestException):
        client.create_work_group(Name=group)
    # The group's location wins over the query's.
    execution = athena.wait(athena.start("SELECT 1 x", WorkGroup=group))
    assert execution["ResultConfiguration"]["OutputLocation"].startswith(location)
    assert client.list_query_executions(WorkGroup=group)["QueryExecutionIds"] == [execution["QueryExecutionId"]]
    assert group in [g["Name"] for g in client.list_work_groups()["WorkGroups"]]
    client.update_work_group(WorkGroup=group, State="DISABLED")
    with pytest.raises(client.exceptions.InvalidRequestException, match="disabled"):
        athena.start("SELECT 1", WorkGroup=group)
    with pytest.raises(client.exceptions.InvalidRequestException, match="not empty"):
        client.delete_work_group(WorkGroup=group)
    client.delete_work_group(WorkGroup=group, RecursiveDeleteOption=True)
    with pytest.raises(client.exceptions.InvalidRequestException, match="not found"):
        client.get_work_group(WorkGroup=group)
    assert client.get_work_group(WorkGroup="primary")["WorkGroup"]["State"] == "ENABLED"


def test_metadata(athena):
    client = athena.client
    assert client.list_data_catalogs()["DataCatalogsSummary"][0]["CatalogName"] == "AwsDataCatalog"
    table = client.get_table_metadata(
        CatalogName="AwsDataCatalog", DatabaseName=athena.database, TableName="t"
    )["TableMetadata"]
    assert [c["Name"] for c in table["Columns"]] == ["id", "who", "amount"]
    assert table["PartitionKeys"] == [{"Name": "dt", "Type": "string"}]
    assert table["Parameters"]["location"] == f"s3://{athena.bucket}/t/"
    with pytest.raises(client.exceptions.MetadataException):
        client.get_database(CatalogName="AwsDataCatalog", DatabaseName="nowhere")


def test_a_table_whose_bucket_is_gone(athena):
    gone = athena.server.bucket("gone")
    athena.run(f"CREATE EXTERNAL TABLE lost (a int) LOCATION 's3://{gone}/x/'")
    athena.server.client("s3").delete_bucket(Bucket=gone)
    assert gone in athena.fails("SELECT * FROM lost")
    athena.run("DROP TABLE lost")


def test_a_running_query_can_be_stopped(athena):
    cross = " CROSS JOIN ".join(f"t t{n}" for n in range(14))
    query_id = athena.start(f"SELECT count(*) FROM {cross} WHERE t0.id + t13.id < 0")
    athena.client.stop_query_execution(QueryExecutionId=query_id)
    status = athena.wait(query_id)["Status"]
    assert status["State"] == "CANCELLED"
    with pytest.raises(athena.client.exceptions.InvalidRequestException):
        athena.client.get_query_results(QueryExecutionId=query_id)


def test_joins_that_find_nothing_hold_up_nobody(athena):
    athena.server.client("s3").put_object(
        Bucket=athena.bucket, Key="pairs/a.csv", Body="".join(f"1,{n}\n" for n in range(300_000)).encode()
    )
    athena.run(
        "CREATE EXTERNAL TABLE pairs (k bigint, n bigint) ROW FORMAT DELIMITED FIELDS TERMINATED BY ','"
        f" LOCATION 's3://{athena.bucket}/pairs/'"
    )
    # As many as run at the same time but one; each would compute for minutes.
    queries = [
        athena.start(f"SELECT count(*) FROM pairs a JOIN pairs b ON a.k = b.k WHERE a.n + b.n < 0 -- {n}") for n in range(3)
    ]
    for _ in range(5):
        assert athena.rows("SELECT count(*) AS n FROM pairs")[1] == [("300000",)]
    states = athena.client.batch_get_query_execution(QueryExecutionIds=queries)["QueryExecutions"]
    assert {one["Status"]["State"] for one in states} == {"RUNNING"}
    for query_id in queries:
        athena.client.stop_query_execution(QueryExecutionId=query_id)
    assert {athena.wait(query_id)["Status"]["State"] for query_id in queries} == {"CANCELLED"}
    athena.run("DROP TABLE pairs")


def test_what_takes_long_to_plan_is_stopped_at_once(athena):
    wide = " CROSS JOIN ".join(f"t t{n}" for n in range(99))
    query_id = athena.start(f"SELECT count(*) FROM {wide}")
    athena.client.stop_query_execution(QueryExecutionId=query_id)
    assert athena.wait(query_id)["Status"]["State"] == "CANCELLED"
    assert athena.rows("SELECT 1 AS x")[1] == [("1",)]


@pytest.fixture
def pandas_session(athena, monkeypatch):
    for key, value in athena.server.environ().items():
        if key.startswith("AWS_"):
            monkeypatch.setenv(key, value)
    return boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")


def test_sdk_for_pandas(athena, pandas_session):
    frame = pd.DataFrame({"id": [1, 2, 3], "x": [1.5, None, 2.5], "word": ["a", "b", None], "year": [2025, 2026, 2026]})
    wr.s3.to_parquet(
        frame, path=f"s3://{athena.bucket}/frames/", dataset=True, database=athena.database, table="frames",
        partition_cols=["year"], boto3_session=pandas_session,
    )
    read = wr.athena.read_sql_query(
        "SELECT id, x, word FROM frames ORDER BY id",
        database=athena.database, ctas_approach=False, s3_output=f"s3://{athena.bucket}/results/",
        boto3_session=pandas_session,
    )
    assert read["id"].tolist() == [1, 2, 3]
    assert read["x"].isna().tolist() == [False, True, False]
    assert read["word"].isna().tolist() == [False, False, True]
    back = wr.s3.read_parquet(f"s3://{athena.bucket}/frames/", dataset=True, boto3_session=pandas_session)
    assert len(back) == 3
    types = wr.catalog.get_table_types(database=athena.database, table="frames", boto3_session=pandas_session)
    assert types["id"] == "bigint" and types["year"] in ("bigint", "string")


def test_tenon_sql(athena):
    arguments = ["sql", f"SELECT id, who FROM {athena.database}.t WHERE id < 3 ORDER BY id"]
    output = ["--output-location", f"s3://{athena.bucket}/cli/"]
    table = athena.server.cli(*arguments, *output).stdout
    assert "ada" in table and "bob" in table
    assert athena.server.cli(*arguments, "--csv", *output).stdout == "id,who\n1,ada\n2,bob\n"
    assert json.loads(athena.server.cli(*arguments, "--json", *output).stdout) == [
        {"id": 1, "who": "ada"}, {"id": 2, "who": "bob"},
    ]
    failed = athena.server.cli("sql", f"SELECT nocolumn FROM {athena.database}.t", *output, check=False)
    assert failed.returncode != 0 and "nocolumn" in failed.stderr
