"""What each acting field of the table APIs is for: a world with tables, and per field a request that comes out differently."""

import random

from conftest import name

SCHEMA = '{"type": "record", "name": "r", "fields": [{"name": "f", "type": "int"}]}'
OTHER = '{"type": "record", "name": "r", "fields": [{"name": "f", "type": "int"}, {"name": "g", "type": ["null", "int"], "default": null}]}'
COLUMNS = [{"Name": "a", "Type": "int"}, {"Name": "b", "Type": "string"}]
KEYS = [{"Name": "p", "Type": "string"}, {"Name": "q", "Type": "int"}]


def account():
    return str(random.randrange(10**11, 10**12))


def table(own, **more):
    return {"Name": own, "StorageDescriptor": {"Columns": COLUMNS, "Location": f"s3://b/{own}"}, **more}


class Tables:
    """An account of its own, so that names are the same in every world."""

    def __init__(self, server):
        self.account = account()
        self.glue = glue = server.client("glue", access_key=self.account)
        for database in ("d", "e"):
            glue.create_database(DatabaseInput={"Name": database})
        glue.create_table(DatabaseName="d", TableInput=table("t", PartitionKeys=KEYS, Description="ducks"))
        for count in "12":
            changed = table("t", PartitionKeys=KEYS, Description="ducks", Parameters={"count": count})
            glue.update_table(DatabaseName="d", TableInput=changed)
        glue.create_table(DatabaseName="d", TableInput=table("u", Owner="zoe", PartitionKeys=KEYS[:1]))
        glue.create_table(DatabaseName="d", TableInput={"Name": "w", "TargetTable": {"DatabaseName": "d", "Name": "u"}})
        for values in (["x", "1"], ["x", "2"], ["y", "3"]):
            self.partition("t", values)
        self.partition("u", ["x"])
        glue.create_partition_index(
            DatabaseName="d", TableName="t", PartitionIndex={"IndexName": "i", "Keys": ["p"]}
        )
        glue.create_registry(RegistryName="r")
        glue.create_schema(
            RegistryId={"RegistryName": "r"}, SchemaName="s", DataFormat="AVRO", Compatibility="NONE",
            SchemaDefinition=SCHEMA,
        )
        glue.register_schema_version(
            SchemaId={"RegistryName": "r", "SchemaName": "s"}, SchemaDefinition=OTHER
        )
        for of in ({"place": "table"}, {"place": "partition", "PartitionValues": ["x", "1"]}):
            self.statistics(of.pop("place"), "a", 1, **of)

    def partition(self, of, values):
        self.glue.create_partition(
            DatabaseName="d", TableName=of,
            PartitionInput={"Values": values, "StorageDescriptor": {"Columns": COLUMNS}},
        )

    def statistics(self, place, column, nulls, **of):
        update = getattr(self.glue, f"update_column_statistics_for_{place}")
        update(DatabaseName="d", TableName="t", ColumnStatisticsList=[statistics(column, nulls)], **of)

    def snapshot(self):
        seen = {}
        for database in self.glue.get_databases()["DatabaseList"]:
            for found in self.glue.get_tables(DatabaseName=database["Name"])["TableList"]:
                at = {"DatabaseName": database["Name"], "TableName": found["Name"]}
                # What a link leads to may be gone.
                more = [] if "TargetTable" in found else [self.versions(at), self.partitions(at)]
                seen[database["Name"], found["Name"]] = [found, *more]
        return seen

    def versions(self, at):
        return [v["VersionId"] for v in self.glue.get_table_versions(**at)["TableVersions"]]

    def partitions(self, at):
        listed = self.glue.get_partitions(**at)["Partitions"]
        indexes = self.glue.get_partition_indexes(**at)["PartitionIndexDescriptorList"]
        of_columns = self.glue.get_column_statistics_for_table(**at, ColumnNames=["a"])["ColumnStatisticsList"]
        of_parts = [
            self.glue.get_column_statistics_for_partition(**at, PartitionValues=p["Values"], ColumnNames=["a"])
            for p in listed
        ]
        return [listed, indexes, of_columns, [part["ColumnStatisticsList"] for part in of_parts]]


def statistics(column, nulls):
    return {
        "ColumnName": column,
        "ColumnType": "int",
        "AnalyzedTime": 1_000_000_000,
        "StatisticsData": {
            "Type": "LONG",
            "LongColumnStatisticsData": {"NumberOfNulls": nulls, "NumberOfDistinctValues": 5},
        },
    }


def reference(version):
    return {"SchemaId": {"RegistryName": "r", "SchemaName": "s"}, "SchemaVersionNumber": version}


def token(operation, **request):
    """The token of the second page of a world's own listing."""
    return lambda world: getattr(world.glue, operation)(**request, MaxResults=1)["NextToken"]


def arn(table):
    return lambda world: f"arn:aws:glue:us-east-1:{world.account}:table/{table}"


AT = {"DatabaseName": "d", "TableName": "t"}
UNFILTERED = {"CatalogId": lambda world: world.account, "SupportedPermissionTypes": ["COLUMN_PERMISSION"]}
ELSEWHERE = "999999999999"
WHERE = {"CatalogId": ELSEWHERE, "DatabaseName": "e", "TableName": "u"}
NAMED = {"CatalogId": ELSEWHERE, "DatabaseName": "e", "Name": "u"}
SEARCH = {"Filters": [{"Key": "Name", "Value": "t", "Comparator": "EQUALS"}]}
BY_TIME = {"Filters": [{"Key": "UpdateTime", "Value": "2000-01-01T00:00:00Z", "Comparator": "GREATER_THAN"}]}
SORTED = {"SortCriteria": [{"FieldName": "Name", "Sort": "ASC"}]}
REFERRED = {"TableInput": {"Name": "n", "StorageDescriptor": {"SchemaReference": reference(1)}}}
VALUES = {"PartitionValues": ["x", "1"]}
ENTRY = {"PartitionValueList": ["x", "1"], "PartitionInput": {"Values": ["x", "1"], "Parameters": {"k": "v"}}}
STATISTICS = {"ColumnStatisticsList": [statistics("a", 7)]}


class More:
    """A value that is only to be seen beside other members of the request."""

    def __init__(self, value, **beside):
        self.value, self.beside = value, beside


def changes_of_table(start):
    return {
        "TableInput.Name": "m",
        "TableInput.PartitionKeys": KEYS[1:],
        "TableInput.StorageDescriptor.SchemaReference": More(
            reference(2), TableInput={**start, "StorageDescriptor": {"SchemaReference": reference(1)}}
        ),
        # A table is not made a link afterwards.
        "TableInput.TargetTable": {"DatabaseName": "d", "Name": "t"},
    }


NEW = {"DatabaseName": "d", "TableInput": table("n", PartitionKeys=KEYS)}
OLD = {"DatabaseName": "d", "TableInput": table("u", Owner="zoe", PartitionKeys=KEYS[:1])}

# Operation: a request that works, and for each acting field a value with which it comes out differently.
CASES = {
    "BatchCreatePartition": (
        {**AT, "PartitionInputList": [{"Values": ["z", "9"]}]},
        {**WHERE, "PartitionInputList.Values": ["z", "8"]},
    ),
    "BatchDeletePartition": (
        {**AT, "PartitionsToDelete": [{"Values": ["x", "1"]}]},
        {**WHERE, "PartitionsToDelete.Values": ["x", "2"]},
    ),
    "BatchDeleteTable": (
        {"DatabaseName": "d", "TablesToDelete": ["t"]},
        {"CatalogId": ELSEWHERE, "DatabaseName": "e", "TablesToDelete": ["u"]},
    ),
    "BatchDeleteTableVersion": ({**AT, "VersionIds": ["0"]}, {**WHERE, "VersionIds": ["1"]}),
    "BatchGetPartition": (
        {**AT, "PartitionsToGet": [{"Values": ["x", "1"]}]},
        {**WHERE, "PartitionsToGet.Values": ["x", "2"]},
    ),
    "BatchUpdatePartition": (
        {**AT, "Entries": [ENTRY]},
        {**WHERE, "Entries.PartitionValueList": ["x", "2"], "Entries.PartitionInput.Values": ["x", "7"]},
    ),
    "CreatePartition": (
        {**AT, "PartitionInput": {"Values": ["z", "9"]}},
        {**WHERE, "PartitionInput.Values": ["z", "8"]},
    ),
    "CreatePartitionIndex": (
        {**AT, "PartitionIndex": {"IndexName": "j", "Keys": ["q"]}},
        {**WHERE, "PartitionIndex": {"IndexName": "j", "Keys": ["q", "p"]}},
    ),
    "CreateTable": (
        NEW,
        {
            "CatalogId": ELSEWHERE,
            "DatabaseName": "e",
            "PartitionIndexes": [{"IndexName": "j", "Keys": ["q"]}],
            "Name": "m",
            # What each member of it does: test_iceberg_glue.py.
            "OpenTableFormatInput": {"IcebergInput": {"MetadataOperation": "CREATE"}},
            **changes_of_table(NEW["TableInput"]),
        },
    ),
    "DeleteColumnStatisticsForPartition": (
        {**AT, **VALUES, "ColumnName": "a"},
        {**WHERE, "PartitionValues": ["x", "2"], "ColumnName": "b"},
    ),
    "DeleteColumnStatisticsForTable": ({**AT, "ColumnName": "a"}, {**WHERE, "ColumnName": "b"}),
    "DeletePartition": ({**AT, **VALUES}, {**WHERE, "PartitionValues": ["x", "2"]}),
    "DeletePartitionIndex": ({**AT, "IndexName": "i"}, {**WHERE, "IndexName": "j"}),
    "DeleteTable": ({"DatabaseName": "d", "Name": "t"}, NAMED),
    "DeleteTableVersion": ({**AT, "VersionId": "0"}, {**WHERE, "VersionId": "1"}),
    "GetColumnStatisticsForPartition": (
        {**AT, **VALUES, "ColumnNames": ["a"]},
        {**WHERE, "PartitionValues": ["x", "2"], "ColumnNames": ["b"]},
    ),
    "GetColumnStatisticsForTable": ({**AT, "ColumnNames": ["a"]}, {**WHERE, "ColumnNames": ["b"]}),
    "GetPartition": ({**AT, **VALUES}, {**WHERE, "PartitionValues": ["x", "2"]}),
    "GetPartitionIndexes": (AT, {**WHERE, "NextToken": "4711"}),
    "GetPartitions": (
        AT,
        {
            **WHERE,
            "Expression": "q > 1",
            "NextToken": token("get_partitions", **AT),
            "MaxResults": 2,
            "ExcludeColumnSchema": True,
            "Segment.SegmentNumber": More(1, Segment={"SegmentNumber": 0, "TotalSegments": 2}),
            "Segment.TotalSegments": More(4, Segment={"SegmentNumber": 0, "TotalSegments": 1}),
        },
    ),
    "GetTable": ({"DatabaseName": "d", "Name": "t"}, NAMED),
    "GetTableVersion": ({**AT, "VersionId": "0"}, {**WHERE, "VersionId": "1"}),
    "GetTableVersions": (AT, {**WHERE, "NextToken": token("get_table_versions", **AT), "MaxResults": 1}),
    "GetTables": (
        {"DatabaseName": "d"},
        {
            "CatalogId": ELSEWHERE,
            "DatabaseName": "e",
            "Expression": "t.*",
            "NextToken": token("get_tables", DatabaseName="d"),
            "MaxResults": 1,
            "AttributesToGet": ["NAME"],
        },
    ),
    "GetUnfilteredPartitionMetadata": (
        {**UNFILTERED, **AT, **VALUES},
        {**WHERE, "Region": "eu-west-1", "PartitionValues": ["x", "2"]},
    ),
    "GetUnfilteredPartitionsMetadata": (
        {**UNFILTERED, **AT},
        {
            **WHERE,
            "Region": "eu-west-1",
            "Expression": "q > 1",
            "NextToken": lambda world: token(
                "get_unfiltered_partitions_metadata", **{**UNFILTERED, "CatalogId": world.account}, **AT
            )(world),
            "MaxResults": 2,
            "Segment.SegmentNumber": More(1, Segment={"SegmentNumber": 0, "TotalSegments": 2}),
            "Segment.TotalSegments": More(4, Segment={"SegmentNumber": 0, "TotalSegments": 1}),
        },
    ),
    "GetUnfilteredTableMetadata": (
        {**UNFILTERED, "DatabaseName": "d", "Name": "t"},
        {
            **NAMED,
            "Region": "eu-west-1",
            "ParentResourceArn": arn("d/u"),
            # It has no place in the answer, but must be that of a table or view.
            "RootResourceArn": arn("d/none"),
        },
    ),
    "SearchTables": (
        {},
        {
            "CatalogId": ELSEWHERE,
            "NextToken": token("search_tables"),
            "SearchText": "ducks",
            "MaxResults": 1,
            "ResourceShareType": "FOREIGN",
            "Filters.Key": More("Owner", **SEARCH),
            "Filters.Value": More("u", **SEARCH),
            "Filters.Comparator": More("LESS_THAN", **BY_TIME),
            "SortCriteria.FieldName": More("Owner", SortCriteria=[{"FieldName": "Name", "Sort": "ASC"}]),
            "SortCriteria.Sort": More("DESC", **SORTED),
        },
    ),
    "UpdateColumnStatisticsForPartition": (
        {**AT, **VALUES, **STATISTICS},
        {
            **WHERE,
            "PartitionValues": ["x", "2"],
            "ColumnStatisticsList.ColumnName": "b",
            "ColumnStatisticsList.StatisticsData.Type": "STRING",
        },
    ),
    "UpdateColumnStatisticsForTable": (
        {**AT, **STATISTICS},
        {
            **WHERE,
            "ColumnStatisticsList.ColumnName": "b",
            "ColumnStatisticsList.StatisticsData.Type": "STRING",
        },
    ),
    "UpdatePartition": (
        {**AT, **ENTRY},
        {**WHERE, "PartitionValueList": ["x", "2"], "PartitionInput.Values": ["x", "7"]},
    ),
    "UpdateTable": (
        OLD,
        {
            "CatalogId": ELSEWHERE,
            "DatabaseName": "e",
            "SkipArchive": True,
            "VersionId": "4711",
            "Name": "m",
            "UpdateOpenTableFormatInput": {"UpdateIcebergInput": {"UpdateIcebergTableInput": {"Updates": []}}},
            **changes_of_table(OLD["TableInput"]),
        },
    ),
}
