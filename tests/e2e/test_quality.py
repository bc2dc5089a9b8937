"""Data quality: rulesets, runs that evaluate and recommend them, results."""

import datetime
import json
import signal

import botocore.exceptions
import pytest

from conftest import name, wait_until

ENDED = ("SUCCEEDED", "FAILED", "STOPPED", "TIMEOUT")
RULES = """Rules = [
    RowCount = 4,
    IsPrimaryKey "id",
    Completeness "amount" > 0.7,
    ColumnValues "amount" between 0 and 100 where "amount is not null",
    ColumnValues "name" in ["ann", "bob"],
    (IsComplete "id") and (ColumnLength "name" <= 3),
    CustomSql "select count(*) from primary where amount > 5" = 2,
    Mean "name" > 1
]"""
CSV = "id,name,amount\n1,ann,10.5\n2,bob,3\n3,,\n4,cid,7\n"


def fault(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(**arguments)
    return raised.value.response["Error"]


class Checked:
    """A table of CSV, and rulesets on it."""

    def __init__(self, server):
        self.glue, self.s3 = server.client("glue"), server.client("s3")
        self.bucket, self.database = server.bucket("quality"), name("db")
        self.glue.create_database(DatabaseInput={"Name": self.database})
        self.table("t", [("id", "int"), ("name", "string"), ("amount", "double")], CSV)

    def table(self, own, columns, text):
        self.s3.put_object(Bucket=self.bucket, Key=f"{own}/a.csv", Body=text)
        self.glue.create_table(
            DatabaseName=self.database,
            TableInput={
                "Name": own,
                "TableType": "EXTERNAL_TABLE",
                "Parameters": {"skip.header.line.count": "1"},
                "StorageDescriptor": {
                    "Columns": [{"Name": n, "Type": t} for n, t in columns],
                    "Location": f"s3://{self.bucket}/{own}/",
                    "SerdeInfo": {
                        "SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                        "Parameters": {"field.delim": ","},
                    },
                },
            },
        )

    def source(self, table="t", **more):
        return {"GlueTable": {"DatabaseName": self.database, "TableName": table, **more}}

    def ruleset(self, text, **more):
        own = name("rules")
        self.glue.create_data_quality_ruleset(Name=own, Ruleset=text, **more)
        return own

    def start(self, *rulesets, source=None, **more):
        return self.glue.start_data_quality_ruleset_evaluation_run(
            DataSource=source or self.source(), Role="r", RulesetNames=list(rulesets), **more
        )["RunId"]

    def wait(self, run):
        def ended():
            found = self.glue.get_data_quality_ruleset_evaluation_run(RunId=run)
            return found if found["Status"] in ENDED else None

        return wait_until(ended, f"run {run} to end")

    def evaluate(self, text, **more):
        found = self.wait(self.start(self.ruleset(text), **more))
        assert found["Status"] == "SUCCEEDED", found
        return self.glue.get_data_quality_result(ResultId=found["ResultIds"][0])

    def ended_job(self, own):
        """Runs a job to its end."""
        run = self.glue.start_job_run(JobName=own)["JobRunId"]

        def ended():
            found = self.glue.get_job_run(JobName=own, RunId=run)["JobRun"]
            return found if found["JobRunState"] in ENDED else None

        return wait_until(ended, "the job to end")

    def lines(self, folder):
        """What was written there as lines of JSON."""
        keys = [item["Key"] for item in self.s3.list_objects_v2(Bucket=self.bucket, Prefix=folder)["Contents"]]
        texts = [self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in keys]
        return [json.loads(line) for text in texts for line in text.splitlines()]


@pytest.fixture(scope="module")
def checked(tenon):
    return Checked(tenon)


def outcomes(result):
    return [rule["Result"] for rule in result["RuleResults"]]


def test_a_run_evaluates_a_ruleset(checked):
    result = checked.evaluate(RULES)
    assert outcomes(result) == ["PASS", "PASS", "PASS", "PASS", "FAIL", "PASS", "PASS", "ERROR"]
    assert result["Score"] == pytest.approx(6 / 8)
    rules = result["RuleResults"]
    assert rules[0]["Name"] == "Rule_1"
    assert rules[0]["EvaluatedMetrics"] == {"Dataset.*.RowCount": 4.0}
    assert rules[1]["EvaluatedMetrics"] == {"Column.id.Uniqueness": 1.0, "Column.id.Completeness": 1.0}
    assert rules[4]["EvaluatedMetrics"] == {"Column.name.ColumnValues.Compliance": 0.5}
    assert "of 4 rows do not hold" in rules[4]["EvaluationMessage"]
    assert "holds no numbers" in rules[7]["EvaluationMessage"]
    assert result["AggregatedMetrics"]["TotalRulesPassed"] == 6
    assert result["DataSource"] == checked.source()
    assert result["StartedOn"] <= result["CompletedOn"]


def test_rulesets_are_kept_changed_listed_and_deleted(checked):
    glue = checked.glue
    target = {"DatabaseName": checked.database, "TableName": "t"}
    own = checked.ruleset("Rules = [ RowCount > 1 ]", Description="d", TargetTable=target, Tags={"team": own_tag()})
    found = glue.get_data_quality_ruleset(Name=own)
    assert (found["Ruleset"], found["Description"], found["TargetTable"]) == ("Rules = [ RowCount > 1 ]", "d", target)
    changed = glue.update_data_quality_ruleset(Name=own, Ruleset="Rules = [ RowCount > 2, IsComplete \"id\" ]")
    assert changed["Description"] == "d" and "IsComplete" in changed["Ruleset"]
    arn = f"arn:aws:glue:us-east-1:000000000000:dataQualityRuleset/{own}"
    tags = glue.get_tags(ResourceArn=arn)["Tags"]
    glue.tag_resource(ResourceArn=arn, TagsToAdd={"more": "1"})

    def listed(**arguments):
        return [r["Name"] for r in glue.list_data_quality_rulesets(**arguments)["Rulesets"]]

    assert listed(Filter={"Name": own}) == [own]
    assert listed(Tags={**tags, "more": "1"}) == [own]
    assert listed(Tags={**tags, "more": "2"}) == []
    assert own in listed(Filter={"TargetTable": target})
    assert listed(Filter={"Name": own, "CreatedAfter": datetime.datetime(2100, 1, 1)}) == []
    assert glue.list_data_quality_rulesets(Filter={"Name": own})["Rulesets"][0]["RuleCount"] == 2
    first = glue.list_data_quality_rulesets(MaxResults=1)
    assert len(first["Rulesets"]) == 1
    checked.ruleset("Rules = [ RowCount > 1 ]")
    seen, token = [], ""
    while token is not None:
        page = glue.list_data_quality_rulesets(MaxResults=1, NextToken=token)
        seen += [r["Name"] for r in page["Rulesets"]]
        token = page.get("NextToken")
    assert len(seen) == len(set(seen)) and own in seen
    glue.delete_data_quality_ruleset(Name=own)
    assert fault(glue.get_data_quality_ruleset, Name=own)["Code"] == "EntityNotFoundException"
    assert fault(glue.delete_data_quality_ruleset, Name=own)["Code"] == "EntityNotFoundException"
    assert fault(glue.get_tags, ResourceArn=arn)["Code"] == "EntityNotFoundException"


def own_tag():
    return name("tag")


def test_what_cannot_be_evaluated_is_refused_at_creation(checked):
    create = checked.glue.create_data_quality_ruleset
    for text, why in [
        ("Rules = [\n  IsUniqe \"a\"\n]", "line 2, column 3: IsUniqe is no type of rule"),
        ("Rules = [ DetectAnomalies \"RowCount\" ]", "DetectAnomalies is not supported"),
        ("Rules = [ FileFreshness \"s3://b/\" > 1 ]", "FileFreshness is not supported"),
        ("Rules = [ RowCount > avg(last(3)) ]", "earlier runs"),
        ("Rules = [ ColumnValues \"a\" matches \"(?=b)\" ]", "cannot be matched"),
        ("Rules = []", "at least one rule"),
    ]:
        error = fault(create, Name=name("bad"), Ruleset=text)
        assert error["Code"] == "InvalidInputException" and why in error["Message"], error
    own = checked.ruleset("Rules = [ RowCount > 1 ]")
    assert fault(create, Name=own, Ruleset="Rules = [ RowCount > 1 ]")["Code"] == "AlreadyExistsException"
    error = fault(
        create, Name=name("r"), Ruleset="Rules = [ RowCount > 1 ]",
        TargetTable={"DatabaseName": checked.database, "TableName": "nope"},
    )
    assert error["Code"] == "EntityNotFoundException"
    error = fault(checked.glue.update_data_quality_ruleset, Name=own, Ruleset="Rules = [ Nope ]")
    assert error["Code"] == "InvalidInputException"
    token = name("token")
    again = {"Name": name("once"), "Ruleset": "Rules = [ RowCount > 1 ]", "ClientToken": token}
    assert create(**again)["Name"] == create(**again)["Name"]


def test_other_tables_and_composite_rules_row_by_row(checked):
    if not hasattr(checked, "others"):
        checked.table("people", [("who", "string"), ("n", "int")], "who,n\nann,1\nbob,2\n")
        checked.others = True
    text = """Rules = [
        ReferentialIntegrity "name" "people.who" = 0.5,
        RowCountMatch "people" = 2.0,
        (ColumnValues "name" = "ann") or (ColumnValues "id" > 1)
    ]"""
    others = {"people": checked.source("people")}
    result = checked.evaluate(text, AdditionalDataSources=others)
    assert outcomes(result) == ["PASS", "PASS", "FAIL"]
    by_row = {"CompositeRuleEvaluationMethod": "ROW"}
    result = checked.evaluate(text, AdditionalDataSources=others, AdditionalRunOptions=by_row)
    assert outcomes(result) == ["PASS", "PASS", "PASS"]
    # Without a name of its own, a table of the catalog has that of the catalog.
    own = f"{checked.database}.people"
    result = checked.evaluate(f'Rules = [ AggregateMatch "sum(id)" "sum({own}.n)" > 3, RowCountMatch "nobody" = 1 ]')
    assert outcomes(result) == ["PASS", "FAIL"]


def test_results_are_listed_and_written_as_objects(checked):
    prefix = f"s3://{checked.bucket}/found/{name('p')}"
    result = checked.evaluate(
        'Rules = [ RowCount > 9 ] Analyzers = [ Completeness "amount" ]', AdditionalRunOptions={"ResultsS3Prefix": prefix}
    )
    run = result["RulesetEvaluationRunId"]
    key = f"{prefix.split('/', 3)[3]}/{result['ResultId']}.json"
    [line] = checked.s3.get_object(Bucket=checked.bucket, Key=key)["Body"].read().decode().splitlines()
    line = json.loads(line)
    assert (line["Rule"], line["Outcome"]) == ("RowCount > 9", "Failed")
    assert result["AnalyzerResults"][0]["EvaluatedMetrics"] == {"Column.amount.Completeness": 0.75}
    glue = checked.glue
    listed = glue.list_data_quality_results(Filter={"DataSource": checked.source()})["Results"]
    assert result["ResultId"] in [r["ResultId"] for r in listed]
    assert glue.list_data_quality_results(Filter={"JobName": "nope"})["Results"] == []
    later = {"StartedAfter": datetime.datetime(2100, 1, 1)}
    assert glue.list_data_quality_results(Filter=later)["Results"] == []
    found = glue.batch_get_data_quality_result(ResultIds=[result["ResultId"], "nope"])
    assert [r["ResultId"] for r in found["Results"]] == [result["ResultId"]]
    assert found["ResultsNotFound"] == ["nope"]
    assert fault(glue.get_data_quality_result, ResultId="nope")["Code"] == "EntityNotFoundException"
    runs = glue.list_data_quality_ruleset_evaluation_runs(Filter={"DataSource": checked.source()})["Runs"]
    assert run in [r["RunId"] for r in runs]
    [first] = glue.list_data_quality_ruleset_evaluation_runs(MaxResults=1)["Runs"]
    assert first["RunId"]
    runs = glue.list_data_quality_ruleset_evaluation_runs(
        Filter={"DataSource": checked.source(), "RulesetName": "nope"}
    )
    assert runs["Runs"] == []
    both = glue.batch_get_data_quality_ruleset_evaluation_run(RunIds=[run, "nope"])
    assert [r["RunId"] for r in both["Runs"]] == [run] and both["RunsNotFound"] == ["nope"]


def test_filters_and_queries_of_the_data(checked):
    query = f"select id, amount * 2 as twice from {checked.database}.t where id < 3"
    source = {"DataQualityGlueTable": {**checked.source()["GlueTable"], "PreProcessingQuery": query}}
    result = checked.evaluate('Rules = [ Sum "twice" = 27, ColumnCount = 2 ]', source=source)
    assert outcomes(result) == ["PASS", "PASS"]
    assert result["DataSource"] == source
    bad = {"DataQualityGlueTable": {**checked.source()["GlueTable"], "PreProcessingQuery": "selec"}}
    own = checked.ruleset("Rules = [ RowCount > 1 ]")
    start = checked.glue.start_data_quality_ruleset_evaluation_run
    asked = {"Role": "r", "RulesetNames": [own]}
    assert fault(start, DataSource=bad, **asked)["Code"] == "InvalidInputException"
    options = checked.source(AdditionalOptions={"nope": "x"})
    assert "AdditionalOptions.nope" in fault(start, DataSource=options, **asked)["Message"]
    missing = checked.source("nope")
    assert fault(start, DataSource=missing, **asked)["Code"] == "EntityNotFoundException"
    error = fault(start, DataSource=checked.source(), Role="r", RulesetNames=["nope"])
    assert error["Code"] == "EntityNotFoundException"
    metrics = {"CloudWatchMetricsEnabled": True}
    error = fault(start, DataSource=checked.source(), AdditionalRunOptions=metrics, **asked)
    assert "CloudWatchMetricsEnabled" in error["Message"]
    rows = {"RowLevelResults": {"ResultType": "ALL"}}
    error = fault(start, DataSource=checked.source(), AdditionalRunOptions=rows, **asked)
    assert "RowLevelResults" in error["Message"]
    token = name("token")
    first = start(DataSource=checked.source(), ClientToken=token, **asked)["RunId"]
    assert start(DataSource=checked.source(), ClientToken=token, **asked)["RunId"] == first
    error = fault(start, DataSource=checked.source("people"), ClientToken=token, **asked)
    assert error["Code"] in ("InvalidInputException", "EntityNotFoundException")


def test_partitions_are_chosen_by_predicates(checked):
    glue, own = checked.glue, name("parts")
    storage = {
        "Columns": [{"Name": "id", "Type": "int"}],
        "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"},
    }
    glue.create_table(
        DatabaseName=checked.database,
        TableInput={
            "Name": own, "TableType": "EXTERNAL_TABLE", "PartitionKeys": [{"Name": "day", "Type": "int"}],
            "StorageDescriptor": {**storage, "Location": f"s3://{checked.bucket}/{own}/"},
        },
    )
    for day in (1, 2, 3):
        location = f"s3://{checked.bucket}/{own}/day={day}/"
        checked.s3.put_object(Bucket=checked.bucket, Key=f"{own}/day={day}/a.txt", Body="1\n" * day)
        glue.create_partition(
            DatabaseName=checked.database, TableName=own,
            PartitionInput={"Values": [str(day)], "StorageDescriptor": {**storage, "Location": location}},
        )
    for options, rows in [
        ({}, 6),
        ({"pushDownPredicate": "day > 1"}, 5),
        ({"catalogPartitionPredicate": "day < 3"}, 3),
        ({"pushDownPredicate": "day > 1", "catalogPartitionPredicate": "day < 3"}, 2),
    ]:
        source = checked.source(own, **({"AdditionalOptions": options} if options else {}))
        result = checked.evaluate(f"Rules = [ RowCount = {rows}, ColumnCount = 2 ]", source=source)
        assert outcomes(result) == ["PASS", "PASS"], options
    broken = checked.source(own, AdditionalOptions={"pushDownPredicate": "nope >"})
    found = checked.wait(checked.start(checked.ruleset("Rules = [ RowCount > 1 ]"), source=broken))
    assert found["Status"] == "FAILED" and "nope" in found["ErrorString"]


def test_requests_of_other_catalogs_and_bad_numbers_are_refused(checked):
    own = checked.ruleset("Rules = [ RowCount > 1 ]")
    start = checked.glue.start_data_quality_ruleset_evaluation_run
    asked = {"Role": "r", "RulesetNames": [own]}
    error = fault(start, DataSource=checked.source(CatalogId="999999999999"), **asked)
    assert error["Code"] == "InvalidInputException" and "999999999999" in error["Message"]
    error = fault(start, DataSource=checked.source(), Timeout=100_000, **asked)
    assert "Timeout is 100000" in error["Message"]
    error = fault(start, DataSource=checked.source(ConnectionName="c"), **asked)
    assert "ConnectionName" in error["Message"]
    error = fault(start, DataSource=checked.source(), Role="r", RulesetNames=[own, own])
    assert "twice" in error["Message"]
    error = fault(start, DataSource=checked.source(), AdditionalDataSources={"primary": checked.source()}, **asked)
    assert "primary" in error["Message"]
    target = {"DatabaseName": checked.database, "TableName": "t", "CatalogId": "999999999999"}
    error = fault(
        checked.glue.create_data_quality_ruleset, Name=name("r"), Ruleset="Rules = [ RowCount > 1 ]", TargetTable=target
    )
    assert "999999999999" in error["Message"]
    error = fault(checked.glue.list_data_quality_results, NextToken="x")
    assert error["Code"] == "InvalidInputException"
    run = start(DataSource=checked.source(), Timeout=5, NumberOfWorkers=3, **asked)["RunId"]
    found = checked.wait(run)
    assert (found["Timeout"], found["NumberOfWorkers"], found["Role"]) == (5, 3, "r")


def test_a_run_that_cannot_read_fails_and_stores_nothing(checked):
    own = name("broken")
    checked.table(own, [("id", "int")], "id\n1\n")
    checked.s3.put_object(Bucket=checked.bucket, Key=f"{own}/b.csv", Body=b"\x1f\x8b broken")
    found = checked.wait(checked.start(checked.ruleset('Rules = [ Sum "id" > 0 ]'), source=checked.source(own)))
    if found["Status"] == "FAILED":
        assert found["ErrorString"]
        assert "ResultIds" not in found
    else:
        # Text that is no number is null in a table of text.
        assert found["Status"] == "SUCCEEDED"
    error = fault(checked.glue.cancel_data_quality_ruleset_evaluation_run, RunId=found["RunId"])
    assert error["Code"] == "InvalidInputException" and "has ended" in error["Message"]
    error = fault(checked.glue.cancel_data_quality_ruleset_evaluation_run, RunId="nope")
    assert error["Code"] == "EntityNotFoundException"


def test_rules_are_recommended_and_hold(checked):
    glue = checked.glue
    own = name("recommended")
    run = glue.start_data_quality_rule_recommendation_run(
        DataSource=checked.source(), Role="r", CreatedRulesetName=own
    )["RunId"]

    def ended():
        found = glue.get_data_quality_rule_recommendation_run(RunId=run)
        return found if found["Status"] in ENDED else None

    found = wait_until(ended, "the recommendation to end")
    assert found["Status"] == "SUCCEEDED", found
    assert 'IsPrimaryKey' not in found["RecommendedRuleset"]
    assert 'IsUnique "id"' in found["RecommendedRuleset"]
    assert 'Completeness "amount" >= 0.75' in found["RecommendedRuleset"]
    made = glue.get_data_quality_ruleset(Name=own)
    assert made["Ruleset"] == found["RecommendedRuleset"]
    assert made["RecommendationRunId"] == run
    evaluated = checked.wait(checked.start(own))
    result = glue.get_data_quality_result(ResultId=evaluated["ResultIds"][0])
    assert result["Score"] == 1.0, result["RuleResults"]
    listed = glue.list_data_quality_rule_recommendation_runs(Filter={"DataSource": checked.source()})["Runs"]
    assert run in [r["RunId"] for r in listed]
    error = fault(
        glue.start_data_quality_rule_recommendation_run,
        DataSource=checked.source(), Role="r", CreatedRulesetName=own,
    )
    assert error["Code"] == "ConflictException"
    error = fault(
        glue.start_data_quality_rule_recommendation_run,
        DataSource=checked.source(), Role="r", RecommendationMode="ADVANCED",
    )
    assert "ADVANCED" in error["Message"]
    assert fault(glue.get_data_quality_ruleset_evaluation_run, RunId=run)["Code"] == "EntityNotFoundException"
    assert fault(glue.cancel_data_quality_rule_recommendation_run, RunId=run)["Code"] == "InvalidInputException"


@pytest.mark.parametrize("point", ["quality.evaluated", "quality.before_commit", "quality.committed"])
def test_a_run_of_a_killed_server_ends_once(tenon_factory, tmp_path, point):
    server = tenon_factory().start()
    checked = Checked(server)
    own = checked.ruleset("Rules = [ RowCount = 4 ]")
    assert server.stop() == 0
    marker = tmp_path / "marker"
    server.arguments = ["--set", f"crash.point={point}@1", "--set", f"crash.marker={marker}"]
    server.start()
    checked.glue = server.client("glue")
    try:
        run = checked.start(own)
    except botocore.exceptions.BotoCoreError:
        # The answer was on its way when the server died; the run was not acknowledged, but is there.
        run = None
    assert server.process.wait(60) == -signal.SIGKILL
    assert marker.read_text().split() == [point]
    server.arguments = []
    server.start()
    glue = checked.glue = server.client("glue")
    [started] = glue.list_data_quality_ruleset_evaluation_runs()["Runs"]
    assert run in (None, started["RunId"])
    found = checked.wait(started["RunId"])
    assert found["Status"] == "SUCCEEDED", found
    [result] = glue.list_data_quality_results()["Results"]
    assert found["ResultIds"] == [result["ResultId"]]
    assert outcomes(glue.get_data_quality_result(ResultId=result["ResultId"])) == ["PASS"]


def test_a_run_can_be_cancelled(tenon_factory):
    server = tenon_factory().start()
    checked = Checked(server)
    rows = "".join(f"{n},ann,{n}\n" for n in range(400_000))
    checked.s3.put_object(Bucket=checked.bucket, Key="t/a.csv", Body="id,name,amount\n" + rows)
    rules = ", ".join(f'Uniqueness "id" > 0 where "id > {n}"' for n in range(30))
    own = checked.ruleset(f"Rules = [ {rules} ]")
    run = checked.start(own)
    checked.glue.cancel_data_quality_ruleset_evaluation_run(RunId=run)
    found = checked.wait(run)
    assert found["Status"] == "STOPPED", found
    assert "ResultIds" not in found
    assert checked.glue.list_data_quality_results()["Results"] == []


def test_a_job_is_stopped_by_its_rules(checked):
    glue, s3, bucket = checked.glue, checked.s3, checked.bucket
    folder = name("in")
    s3.put_object(Bucket=bucket, Key=f"{folder}/a.csv", Body=CSV)

    def run(own, ruleset, timing):
        glue.create_job(
            Name=own, Role="r", Command={"Name": "glueetl", "ScriptLocation": "s3://x/y.py"},
            CodeGenConfigurationNodes={
                "in": {"S3CsvSource": {
                    "Name": "in", "Paths": [f"s3://{bucket}/{folder}/"], "Separator": "comma", "QuoteChar": "quote",
                    "WithHeader": True, "Recurse": True,
                }},
                "dq": {"EvaluateDataQuality": {
                    "Name": "checks", "Inputs": ["in"], "Ruleset": ruleset, "Output": "PrimaryInput",
                    "StopJobOnFailureOptions": {"StopJobOnFailureTiming": timing},
                    "PublishingOptions": {"EvaluationContext": "nightly", "ResultsPublishingEnabled": True},
                }},
                "out": {"S3GlueParquetTarget": {"Name": "out", "Inputs": ["dq"], "Path": f"s3://{bucket}/{own}/"}},
            },
        )
        found = checked.ended_job(own)
        [listed] = glue.list_data_quality_results(Filter={"JobName": own})["Results"]
        assert listed["JobRunId"] == found["Id"]
        result = glue.get_data_quality_result(ResultId=listed["ResultId"])
        assert (result["RulesetName"], result["EvaluationContext"]) == ("checks", "nightly")
        written = s3.list_objects_v2(Bucket=bucket, Prefix=f"{own}/")["KeyCount"]
        return found, outcomes(result), written

    good = 'Rules = [ RowCount = 4, ColumnDataType "id" = "Integer" ]'
    bad = 'Rules = [ RowCount = 4, IsComplete "amount", ColumnLength "name" > 0 ]'
    found, results, written = run(name("good"), good, "Immediate")
    assert (found["JobRunState"], results, written > 0) == ("SUCCEEDED", ["PASS", "PASS"], True)
    found, results, written = run(name("stopped"), bad, "Immediate")
    assert (found["JobRunState"], results[2], written) == ("FAILED", "FAIL", 0)
    assert "data quality rules did not pass" in found["ErrorMessage"]
    found, results, written = run(name("after"), bad, "AfterDataLoad")
    assert (found["JobRunState"], results[2], written > 0) == ("FAILED", "FAIL", True)
    assert "data quality rules did not pass" in found["ErrorMessage"]


def test_a_job_parts_its_rows_by_rules_about_several_inputs(checked):
    glue, s3, bucket = checked.glue, checked.s3, checked.bucket
    own = name("parted")
    s3.put_object(Bucket=bucket, Key=f"{own}/in/a.csv", Body="id,name\n1,ann\n2,bob\n3,cid\n")
    s3.put_object(Bucket=bucket, Key=f"{own}/people/a.csv", Body="name\nann\nbob\n")

    def source(folder):
        return {"S3CsvSource": {"Name": folder, "Paths": [f"s3://{bucket}/{own}/{folder}/"], "Separator": "comma",
                                "QuoteChar": "quote", "WithHeader": True, "Recurse": True}}

    def chosen(title, index):
        return {"SelectFromCollection": {"Name": title, "Inputs": ["dq"], "Index": index}}

    def written(title, of):
        return {"S3DirectTarget": {"Name": title, "Inputs": [of], "Path": f"s3://{bucket}/{own}/{title}/", "Format": "json"}}

    failed = {"Operation": "EQ", "Values": [{"Type": "COLUMNEXTRACTED", "Value": ["DataQualityEvaluationResult"]},
                                            {"Type": "CONSTANT", "Value": ["Failed"]}]}
    glue.create_job(
        Name=own, Role="r", Command={"Name": "glueetl", "ScriptLocation": "s3://x/y.py"},
        CodeGenConfigurationNodes={
            "in": source("in"), "people": source("people"),
            "dq": {"EvaluateDataQualityMultiFrame": {
                "Name": "checks", "Inputs": ["in", "people"], "AdditionalDataSources": {"people": "known"},
                "Ruleset": 'Rules = [ ReferentialIntegrity "name" "known.name" = 1, RowCount = 3 ]',
                "PublishingOptions": {"EvaluationContext": "nightly"},
                "AdditionalOptions": {"performanceTuning.caching": "CACHE_NOTHING", "observations.scope": "ALL"},
            }},
            "rows": chosen("rowLevelOutcomes", 0), "outcomes": chosen("ruleOutcomes", 1),
            "failed": {"Filter": {"Name": "failed", "Inputs": ["rows"], "LogicalOperator": "AND", "Filters": [failed]}},
            "quarantine": written("quarantine", "failed"), "told": written("told", "outcomes"),
        },
    )
    found = checked.ended_job(own)
    assert found["JobRunState"] == "SUCCEEDED", found.get("ErrorMessage")
    rows = checked.lines(f"{own}/quarantine/")
    assert rows == [{"id": "3", "name": "cid", "DataQualityRulesPass": [], "DataQualityRulesSkip": ["RowCount = 3"],
                     "DataQualityRulesFail": ['ReferentialIntegrity "name" "known.name" = 1'],
                     "DataQualityEvaluationResult": "Failed"}]
    assert [row["Outcome"] for row in checked.lines(f"{own}/told/")] == ["Failed", "Passed"]
    [listed] = glue.list_data_quality_results(Filter={"JobName": own})["Results"]
    assert outcomes(glue.get_data_quality_result(ResultId=listed["ResultId"])) == ["FAIL", "PASS"]
