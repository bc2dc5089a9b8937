"""Tables whose files are not their rows."""

import pytest

from awsglue import _catalog


@pytest.mark.parametrize(
    "facts, kind",
    [
        ({"Parameters": {"table_type": "iceberg"}}, "ICEBERG"),
        ({"Parameters": {"spark.sql.sources.provider": "hudi"}}, "HUDI"),
        ({"StorageDescriptor": {"InputFormat": "org.apache.hudi.hadoop.HoodieParquetInputFormat"}}, "HUDI"),
        ({"Parameters": {"classification": "parquet"}}, None),
    ],
)
def test_are_known(facts, kind):
    assert _catalog.open_format(facts) == kind
