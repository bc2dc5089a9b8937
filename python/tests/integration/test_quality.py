"""Data quality rules of scripts: the server evaluates them on the script's frames."""

import datetime
import decimal
import json

import pytest

from awsglue.dynamicframe import DynamicFrame
from awsglue.errors import DataError
from awsglue.transforms import SelectFromCollection
from awsgluedq.transforms import EvaluateDataQuality

GATE = '''
import sys
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.job import Job
from awsgluedq.transforms import EvaluateDataQuality

args = getResolvedOptions(sys.argv, ["JOB_NAME", "bucket", "least"])
glueContext = GlueContext(SparkContext.getOrCreate())
job = Job(glueContext)
job.init(args["JOB_NAME"], args)
orders = glueContext.create_dynamic_frame.from_options(
    "s3", {"paths": [f"s3://{args['bucket']}/orders/"]}, "csv", {"withHeader": True})
ruleset = f"""Rules = [ IsComplete "id", ColumnValues "amount" > {args['least']}, RowCount > 1 ]"""
outcomes = EvaluateDataQuality.apply(
    frame=orders,
    ruleset=ruleset,
    publishing_options={
        "dataQualityEvaluationContext": "orders",
        "enableDataQualityCloudWatchMetrics": True,
        "enableDataQualityResultsPublishing": True,
        "resultsS3Prefix": f"s3://{args['bucket']}/results/",
    },
)
failed = outcomes.toDF().filter("Outcome != 'Passed'")
if failed.count() > 0:
    print(failed.collect()[0]["FailureReason"])
    raise Exception("the orders are not as they should be")
glueContext.write_dynamic_frame.from_options(orders, "s3", {"path": f"s3://{args['bucket']}/out/"}, "parquet")
job.commit()
'''


def test_a_gate_lets_good_data_through_and_nothing_else(data, run_script):
    data.put("orders/a.csv", "id,amount\n1,5\n2,10.5\n")
    arguments = ["--JOB_NAME", "gate", "--bucket", data.bucket, "--TempDir", data.url("tmp/")]
    passed = run_script(GATE, *arguments, "--least", "0")
    assert data.parquet("out/") == [{"id": "1", "amount": "5"}, {"id": "2", "amount": "10.5"}]
    assert "results are not reported to CloudWatch" in passed.stderr
    stopped = run_script(GATE, *arguments, "--least", "7", check=False)
    assert stopped.returncode == 1 and "the orders are not as they should be" in stopped.stderr
    assert stopped.stdout == "1 of 2 rows do not hold\n"
    assert len(data.parquet("out/")) == 2 and data.keys("tmp/") == [], "nothing temporary is left"
    # Both are published, the second with what failed.
    results = data.glue.list_data_quality_results()["Results"]
    written = data.keys("results/")
    ids = {key.removeprefix("results/").removesuffix(".json") for key in written}
    assert len(ids) == 2 and ids <= {result["ResultId"] for result in results}
    scores = sorted(data.glue.get_data_quality_result(ResultId=result)["Score"] for result in ids)
    assert scores == [pytest.approx(2 / 3), 1.0]
    lines = [json.loads(line) for key in written
             for line in data.s3.get_object(Bucket=data.bucket, Key=key)["Body"].read().splitlines()]
    assert [line["Rule"] for line in lines if line["Outcome"] == "Failed"] == ['ColumnValues "amount" > 7']


def frame(glue_context, rows, schema, name="rows"):
    df = glue_context.spark_session.createDataFrame(rows, schema)
    return DynamicFrame.fromDF(df, glue_context, name)


def orders(glue_context):
    return frame(glue_context, [(1, "ann", 5.0), (2, "bob", None), (2, None, -1.0)], "id int, who string, amount double")


def outcomes(frame):
    return {row["Rule"]: row["Outcome"] for row in frame.toDF().collect()}


def test_every_rule_has_its_outcome(glue_context):
    rules = """Rules = [ RowCount = 3, IsUnique "id", Completeness "who" > 0.5, Sum "who" > 1, ColumnExists "nope" ]"""
    found = EvaluateDataQuality.apply(orders(glue_context), rules)
    assert [field.name for field in found.schema()] == [
        "Rule", "Outcome", "FailureReason", "EvaluatedMetrics", "EvaluatedRule"]
    rows = {row["Rule"]: row for row in found.toDF().collect()}
    assert outcomes(found) == {
        "RowCount = 3": "Passed", 'IsUnique "id"': "Failed", 'Completeness "who" > 0.5': "Passed", 'Sum "who" > 1': "Error",
        'ColumnExists "nope"': "Failed"}
    assert rows["RowCount = 3"]["EvaluatedMetrics"] == {"Dataset.*.RowCount": 3.0}
    assert rows["RowCount = 3"]["FailureReason"] is None and rows["RowCount = 3"]["EvaluatedRule"] == "RowCount = 3"
    assert "there are id, who, amount" in rows['ColumnExists "nope"']["FailureReason"]
    # Frames go on as other frames do.
    assert found.filter(lambda row: row["Outcome"] != "Passed").count() == 3
    assert found.select_fields(["Rule", "Outcome"]).toDF().columns == ["Rule", "Outcome"]


def test_rows_say_which_rules_hold_for_them(glue_context):
    rules = 'Rules = [ IsComplete "who" where "id = 2", ColumnValues "amount" > 0, RowCount > 1 ]'
    first = orders(glue_context)
    made = EvaluateDataQuality().process_rows(
        frame=first, ruleset=rules, publishing_options={"dataQualityEvaluationContext": "x"},
        additional_options={"performanceTuning.caching": "CACHE_NOTHING", "observations.scope": "ALL",
                            "rowLevelConfiguration.filteredRowLabel": "SKIPPED"})
    assert made.keys() == ["rowLevelOutcomes", "ruleOutcomes", "originalData"]
    assert made.select("originalData") is first
    assert set(outcomes(SelectFromCollection.apply(made, "ruleOutcomes")).values()) == {"Passed", "Failed"}
    rows = SelectFromCollection.apply(dfc=made, key="rowLevelOutcomes", transformation_ctx="x").toDF()
    assert rows.columns == ["id", "who", "amount", "DataQualityRulesPass", "DataQualityRulesFail", "DataQualityRulesSkip",
                            "DataQualityEvaluationResult"]
    found = {(row["id"], row["who"]): row for row in rows.collect()}
    complete, positive = 'IsComplete "who" where "id = 2"', 'ColumnValues "amount" > 0'
    ann, bob, nobody = found[1, "ann"], found[2, "bob"], found[2, None]
    assert (ann["DataQualityRulesPass"], ann["DataQualityEvaluationResult"]) == ([positive], "Passed")
    assert ann["DataQualityRulesSkip"] == ["RowCount > 1", complete] or ann["DataQualityRulesSkip"] == [complete, "RowCount > 1"]
    assert (bob["DataQualityRulesPass"], bob["DataQualityRulesFail"], bob["amount"]) == ([complete], [positive], None)
    assert nobody["DataQualityRulesFail"] == [complete, positive] and nobody["DataQualityEvaluationResult"] == "Failed"
    assert made["rowLevelOutcomes"].filter(lambda row: row["DataQualityEvaluationResult"] == "Passed").count() == 1


def test_rules_about_several_frames(glue_context):
    people = frame(glue_context, [("ann",), ("cid",)], "name string", "people")
    rules = """Rules = [ ReferentialIntegrity "who" "people.name" = 1.0, ReferentialIntegrity "who" "people.{name}" >= 0.3,
        RowCountMatch "people" > 1, CustomSql "select count(*) from primary join people on who = name" = 1,
        RowCountMatch "nobody" > 0 ]"""
    found = EvaluateDataQuality().process_rows(frame=orders(glue_context), ruleset=rules,
                                               additional_data_sources={"people": people})["ruleOutcomes"]
    assert list(outcomes(found).values()) == ["Failed", "Passed", "Passed", "Passed", "Failed"]
    same = EvaluateDataQuality.apply(people, 'Rules = [ DatasetMatch "other" "name" = 1 ]',
                                     additional_data_sources={"other": people})
    assert list(outcomes(same).values()) == ["Passed"]


def test_composite_rules_of_rows(glue_context):
    rules = 'Rules = [ (ColumnValues "id" = 1) or (IsComplete "who") ]'
    whole = EvaluateDataQuality.apply(orders(glue_context), rules)
    rows = EvaluateDataQuality.apply(orders(glue_context), rules,
                                     additional_options={"compositeRuleEvaluation.method": "ROW"})
    assert list(outcomes(whole).values()) + list(outcomes(rows).values()) == ["Failed", "Failed"]
    filled = orders(glue_context).filter(lambda row: row["amount"] is None or row["amount"] > 0)
    rules = 'Rules = [ (ColumnValues "id" = 1) or (ColumnValues "id" = 2) ]'
    method = {"compositeRuleEvaluation.method": "ROW"}
    assert list(outcomes(EvaluateDataQuality.apply(filled, rules, additional_options=method)).values()) == ["Passed"]
    assert list(outcomes(EvaluateDataQuality.apply(filled, rules)).values()) == ["Failed"]


def test_values_of_all_types_come_to_the_rules_and_back(glue_context):
    schema = "b boolean, s smallint, l bigint, d decimal(10,2), day date, at timestamp, xs array<int>, st struct<a:int,b:string>, n void"
    row = (True, 7, 1 << 60, decimal.Decimal("12.50"), datetime.date(2026, 2, 28), datetime.datetime(2026, 2, 28, 23, 59, 59),
           [1, 2], {"a": 1, "b": "x"}, None)
    kinds = frame(glue_context, [row, (None,) * 9], schema)
    rules = """Rules = [ ColumnValues "d" = 12.5 where "d is not null", ColumnValues "day" = "2026-02-28" where "day is not null",
        CustomSql "select count(*) from primary where l = 1152921504606846976 and s = 7 and b and st.b = 'x'" = 1,
        CustomSql "select count(*) from primary where at = timestamp '2026-02-28 23:59:59'" = 1, ColumnCount = 9,
        Completeness "n" = 0.0 ]"""
    made = EvaluateDataQuality.process_rows(kinds, rules)
    assert set(outcomes(made["ruleOutcomes"]).values()) == {"Passed"}, made["ruleOutcomes"].toDF().collect()
    back = {row["l"]: row for row in made["rowLevelOutcomes"].toDF().collect()}[1 << 60]
    assert (back["b"], back["s"], back["d"], back["day"]) == (True, 7, decimal.Decimal("12.50"), datetime.date(2026, 2, 28))
    assert str(back["at"]).startswith("2026-02-28 23:59:59") and back["xs"] == [1, 2] and back["st"]["b"] == "x"


def test_frames_without_records_and_without_fields(glue_context):
    empty = orders(glue_context).filter(lambda row: row["id"] > 5)
    made = EvaluateDataQuality.process_rows(empty, 'Rules = [ RowCount = 0, ColumnCount = 3, ColumnValues "id" > 0, RowCount > 0 ]')
    assert list(outcomes(made["ruleOutcomes"]).values()) == ["Passed", "Passed", "Passed", "Failed"]
    rows = made["rowLevelOutcomes"]
    assert rows.count() == 0 and rows.toDF().columns[-1] == "DataQualityEvaluationResult"
    nothing = DynamicFrame(empty.toDF().select(), glue_context, "nothing")
    assert list(outcomes(EvaluateDataQuality.apply(nothing, "Rules = [ ColumnCount > 0, RowCount = 0 ]")).values()) == [
        "Failed", "Passed"]
    with pytest.raises(DataError, match="have no fields"):
        EvaluateDataQuality.apply(DynamicFrame(orders(glue_context).toDF().select(), glue_context, "x"), "Rules = [ RowCount > 0 ]")


def test_what_cannot_be_evaluated_is_said(glue_context, monkeypatch):
    first = orders(glue_context)
    for rules, why in [('Rules = [ IsUniqe "id" ]', "IsUniqe is no type of rule"), ("Rules = [ DetectAnomalies \"RowCount\" ]", "DetectAnomalies"),
                       ("", "needs ruleset")]:
        with pytest.raises(DataError, match=why):
            EvaluateDataQuality.apply(first, rules)
    with pytest.raises(DataError, match="no-such-bucket"):
        EvaluateDataQuality.apply(first, "Rules = [ RowCount > 0 ]", {"resultsS3Prefix": "no-such-bucket/x"})
    with pytest.raises(DataError, match="ROW or COLUMN"):
        EvaluateDataQuality.apply(first, "Rules = [ RowCount > 0 ]", None, {"compositeRuleEvaluation.method": "x"})
    with pytest.raises(DataError, match="primary is the name"):
        EvaluateDataQuality.apply(first, "Rules = [ RowCount > 0 ]", additional_data_sources={"primary": first})
    with pytest.raises(DataError, match="DynamicFrame.fromDF"):
        EvaluateDataQuality.apply(first.toDF(), "Rules = [ RowCount > 0 ]")
    monkeypatch.setattr("sys.argv", ["x", "--TempDir", "/tmp/x"])
    with pytest.raises(DataError, match="must lie in S3"):
        EvaluateDataQuality.apply(first, "Rules = [ RowCount > 0 ]")
