"""Scripts as users write them, run as they are."""

from shared import crawl

SCRIPT_1 = '''\
import sys
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.job import Job

args = getResolvedOptions(sys.argv, ['JOB_NAME'])
sc = SparkContext()
glueContext = GlueContext(sc)
job = Job(glueContext)
job.init(args['JOB_NAME'], args)

datasource = glueContext.create_dynamic_frame.from_catalog(database = "my_database", table_name = "sales_csv")
transformed = datasource.filter(lambda x: x["quantity"] > 0)
glueContext.write_dynamic_frame.from_options(frame = transformed, connection_type = "s3", connection_options = {"path": "s3://my-bucket/sales-parquet/"}, format = "parquet", format_options = {"compression": "snappy"}, transformation_ctx = "write_parquet")

job.commit()
'''


def sales(tenon):
    """Database `my_database`, table `sales_csv` by a crawl, bucket `my-bucket`."""
    glue, s3 = tenon.client("glue"), tenon.client("s3")
    s3.create_bucket(Bucket="my-bucket")
    rows = "".join(f"{i},item {i},{i % 7 - 2}\n" for i in range(1000))
    body = "order_id,product,quantity\n" + rows + "1000,none,\n"
    s3.put_object(Bucket="my-bucket", Key="sales_csv/sales.csv", Body=body.encode())
    glue.create_database(DatabaseInput={"Name": "my_database"})
    crawl(tenon, "my-bucket", "sales_csv/", "my_database")
    return s3


def test_the_first_script_byte_for_byte(tenon, run_script):
    import io

    import pyarrow.parquet as parquet

    s3 = sales(tenon)
    run_script(SCRIPT_1, "--JOB_NAME", "x")
    found = s3.list_objects_v2(Bucket="my-bucket", Prefix="sales-parquet/")["Contents"]
    rows = []
    for entry in found:
        file = parquet.ParquetFile(io.BytesIO(s3.get_object(Bucket="my-bucket", Key=entry["Key"])["Body"].read()))
        assert file.metadata.row_group(0).column(0).compression == "SNAPPY"
        rows += file.read().to_pylist()
    assert sorted(row["order_id"] for row in rows) == [i for i in range(1000) if i % 7 - 2 > 0]
    assert {type(row["quantity"]) for row in rows} == {int}
    # Without bookmarks a second run reads everything again, and adds it.
    run_script(SCRIPT_1, "--JOB_NAME", "x")
    again = s3.list_objects_v2(Bucket="my-bucket", Prefix="sales-parquet/")["Contents"]
    assert len(again) == 2 * len(found)
    # Bookmarks without a run that they could belong to are refused before anything is read or written.
    refused = run_script(SCRIPT_1, "--JOB_NAME", "x", "--job-bookmark-option", "job-bookmark-enable", check=False)
    assert refused.returncode != 0 and "bookmarks belong to the runs of a job" in refused.stderr
    assert len(s3.list_objects_v2(Bucket="my-bucket", Prefix="sales-parquet/")["Contents"]) == len(again)
