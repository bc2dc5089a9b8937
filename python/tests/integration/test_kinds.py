"""Scripts of the kinds that users have, from crawl to result."""

import json

from shared import ROOT, crawl, name

HEAD = '''\
import sys
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.dynamicframe import DynamicFrame
from awsglue import DynamicFrame as SameFrame

args = getResolvedOptions(sys.argv, ["JOB_NAME", "bucket", "database"])
sc = SparkContext()
glueContext = GlueContext(sc)
spark = glueContext.spark_session
logger = glueContext.get_logger()
job = Job(glueContext)
job.init(args["JOB_NAME"], args)
out = "s3://" + args["bucket"] + "/"
'''


def arguments(data):
    return ["--JOB_NAME", "kind", "--bucket", data.bucket, "--database", data.database]


def test_nested_tables_joined_and_relationalized(data, run_script):
    people = [{"id": f"p{i}", "name": f"n{i}", "contact_details": [{"type": "fax", "value": f"{i}-{k}"} for k in range(i % 3)]}
              for i in range(6)]
    memberships = [{"person_id": f"p{i}", "organization_id": f"o{i % 2}", "role": "member"} for i in range(6)]
    organizations = [{"id": f"o{i}", "name": f"org {i}", "other_names": [{"lang": "en"}], "seats": 100 + i} for i in range(2)]
    for table, rows in (("persons", people), ("memberships", memberships), ("organizations", organizations)):
        data.put(f"in/{table}/data.json", "".join(json.dumps(row) + "\n" for row in rows))
    assert set(data.crawl("in/")) == {"persons", "memberships", "organizations"}
    run_script(HEAD + '''
def read(name):
    return glueContext.create_dynamic_frame.from_catalog(database=args["database"], table_name=name, transformation_ctx=name)

persons, memberships = read("persons"), read("memberships")
orgs = read("organizations").drop_fields(["other_names"]).rename_field("id", "org_id").rename_field("name", "org_name")
history = Join.apply(orgs, Join.apply(persons, memberships, "id", "person_id"), "org_id", "organization_id")
history = history.drop_fields(["person_id", "org_id"])
history.printSchema()
assert history.count() == 6
tables = history.relationalize("hist_root", out + "temp/")
assert sorted(tables.keys()) == ["hist_root", "hist_root_contact_details"], tables.keys()
for name in tables.keys():
    glueContext.write_dynamic_frame.from_options(tables.select(name), "s3", {"path": out + "rel/" + name + "/"}, "parquet")
job.commit()
''', *arguments(data))
    root = data.parquet("rel/hist_root/")
    details = data.parquet("rel/hist_root_contact_details/")
    assert len(root) == 6 and {row["seats"] for row in root} == {100, 101}
    by_key = {}
    for row in details:
        by_key.setdefault(row["id"], []).append(row["contact_details.val.value"])
    for row in root:
        number = int(row["id"][1:])
        found = by_key.get(row["contact_details"], []) if row["contact_details"] is not None else []
        assert sorted(found) == [f"{number}-{k}" for k in range(number % 3)]


def test_the_guide_s_example(tenon, run_script):
    guide = (ROOT / "docs/scripts.md").read_text()
    script = guide.split("```python\n")[1].split("```")[0]
    s3, glue = tenon.client("s3"), tenon.client("glue")
    raw, silver, database = tenon.bucket("raw"), tenon.bucket("silver"), name("shop")
    glue.create_database(DatabaseInput={"Name": database})
    s3.put_object(Bucket=raw, Key="orders/day=2026-01-01/a.csv", Body=b"order_id,customer,amount\n1,ann,10.50\n2,bob,3.25\n")
    s3.put_object(Bucket=raw, Key="orders/day=2026-01-02/a.csv", Body=b"order_id,customer,amount\n3,ann,7\n3,ann,7\n4,cyd,\n")
    crawl(tenon, raw, "orders/", database)
    run_script(script.replace("shop-silver", silver).replace('"shop"', f'"{database}"'), "--JOB_NAME", "paid")
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=silver)["Contents"]]
    assert {key.rpartition("/")[0] for key in keys} == {"paid/day=2026-01-01", "paid/day=2026-01-02"}


def test_a_script_as_the_visual_editor_writes_it(data, run_script):
    data.put("sales/a.csv", "id,amount,state\n1,10,CA\n2,-1,CA\n3,7,NY\n")
    data.crawl("sales/")
    run_script(HEAD + '''
def sparkSqlQuery(glueContext, query, mapping, transformation_ctx) -> DynamicFrame:
    for alias, frame in mapping.items():
        frame.toDF().createOrReplaceTempView(alias)
    result = spark.sql(query)
    return DynamicFrame.fromDF(result, glueContext, transformation_ctx)

Source_node1 = glueContext.create_dynamic_frame.from_catalog(database=args["database"], table_name="sales", transformation_ctx="Source_node1")
ApplyMapping_node2 = ApplyMapping.apply(frame=Source_node1, mappings=[("id", "long", "id", "string"), ("amount", "long", "amount", "double"), ("state", "string", "state", "string")], transformation_ctx="ApplyMapping_node2")
Filter_node3 = Filter.apply(frame=ApplyMapping_node2, f=lambda row: (row["amount"] > 0), transformation_ctx="Filter_node3")
Sql_node4 = sparkSqlQuery(glueContext, query="select state, sum(amount) as total from myDataSource group by state", mapping={"myDataSource": Filter_node3}, transformation_ctx="Sql_node4")
Sink_node5 = glueContext.getSink(path=out + "totals/", connection_type="s3", updateBehavior="UPDATE_IN_DATABASE", partitionKeys=["state"], enableUpdateCatalog=True, transformation_ctx="Sink_node5")
Sink_node5.setCatalogInfo(catalogDatabase=args["database"], catalogTableName="totals")
Sink_node5.setFormat("glueparquet", compression="snappy")
Sink_node5.writeFrame(Sql_node4)
job.commit()
''', *arguments(data))
    assert data.parquet("totals/") == [{"total": 10.0}, {"total": 7.0}]
    partitions = data.glue.get_partitions(DatabaseName=data.database, TableName="totals")["Partitions"]
    assert sorted(p["Values"][0] for p in partitions) == ["CA", "NY"]


def test_boto3_inside_a_script_and_a_failure_in_the_middle(data, run_script):
    data.put("in/a.json", '{"a": 1}\n')
    done = run_script(HEAD + '''
import boto3
s3 = boto3.client("s3")
print([entry["Key"] for entry in s3.list_objects_v2(Bucket=args["bucket"])["Contents"]])
frame = glueContext.create_dynamic_frame.from_options("s3", {"paths": [out + "in/"]}, "json")
frame.write("s3", {"path": out + "first/"}, "json")
logger.info("half way")
raise RuntimeError("the middle")
''', *arguments(data), check=False)
    assert done.returncode == 1 and done.stdout == "['in/a.json']\n"
    assert "half way" in done.stderr and "RuntimeError: the middle" in done.stderr
    assert len(data.keys("first/")) == 1, "what was written before stays, as on AWS"


def test_exits_and_missing_arguments(data, run_script):
    assert run_script("import sys; from awsglue.context import GlueContext; GlueContext(); sys.exit(3)", check=False).returncode == 3
    done = run_script(HEAD, "--JOB_NAME", "x", check=False)
    assert "the following arguments are required: --bucket, --database" in done.stderr
    done = run_script(HEAD + "glueContext.create_dynamic_frame.from_catalog(args['database'], 'nothing')\n", *arguments(data), check=False)
    assert done.returncode == 1 and "EntityNotFoundException" in done.stderr


def test_another_process_as_the_engine(tenon, data, tmp_path, run_script):
    """Any Spark Connect server: here Sail in a process of its own."""
    import os
    import subprocess
    import sys

    data.put("in/a.csv", "id,v\n1,x\n2,y\n")
    data.crawl("in/")
    code = ("import sys, time\nfrom pysail.spark import SparkConnectServer\nserver = SparkConnectServer('127.0.0.1', 0)\n"
            "server.start(background=True)\nprint(*server.listening_address, flush=True)\nsys.stdin.read()\n")
    program = tmp_path / "server.py"
    program.write_text(code)
    paths = str(ROOT / "python")
    environment = {**{k: v for k, v in tenon.environ().items() if not k.startswith(("SPARK_", "SAIL_"))},
                   "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1", "PYTHONPATH": paths}
    server = subprocess.Popen([sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.DEVNULL, env=environment)
    try:
        host, port = server.stdout.readline().split()
        done = run_script(HEAD + '''
frame = glueContext.create_dynamic_frame.from_catalog(args["database"], "in")
kept = frame.filter(lambda r: r["id"] > 1).map(lambda r: {**r, "v": r["v"] * 2})
print(kept.toDF().collect())
from awsglue.errors import DataError
try:
    frame.map(lambda r: {"a": [1]}).relationalize("r")
except DataError as error:
    print(error)
''', *arguments(data), environment={"TENON_SCRIPT_ENGINE": f"spark-connect://{host}:{port}"})
        assert "Row(id=2, v='yy')" in done.stdout and "staging_path is needed" in done.stdout
    finally:
        server.stdin.close()
        server.wait(60)
    assert os.environ.get("SPARK_REMOTE", "") != f"sc://{host}:{port}"
