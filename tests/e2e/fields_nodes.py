"""What each acting field of a node of a visual job is for: graphs that run, and per field a change after which they come out
differently."""

import copy

MORE = {"Type": "COLUMNEXTRACTED", "Value": ["id"]}


def condition(operation, value):
    return [{"Operation": operation, "Values": [MORE, {"Type": "CONSTANT", "Value": [value]}]}]


def group(name, operation, value):
    return {"GroupName": name, "LogicalOperator": "AND", "Filters": condition(operation, value)}


def source(kind, members, changes):
    """Read and written as it is."""
    def graph(world, node):
        return {"n": {kind: node}, "out": world.parquet("n", "out")}
    return graph, members, changes


def transform(kind, members, changes, read=None):
    """Reads `src`, of which `other` is another version. `read` gives the nodes between it and the targets."""
    def graph(world, node):
        between = read(world) if read else {"out": world.parquet("n", "out")}
        return {"src": world.json("src"), "other": world.json("other"), "n": {kind: node}, **between}
    return graph, {"Inputs": ["src"], **members}, {"Inputs": {"Inputs": ["other"]}, **changes}


def of_two(kind, members, changes):
    def graph(world, node):
        return {"src": world.json("src"), "other": world.json("other"), "third": world.json("third"),
                "n": {kind: node}, "out": world.parquet("n", "out")}
    return graph, {"Inputs": ["src", "other"], **members}, changes


def with_gaps():
    """What is missing is the same in both inputs; what tells it differs."""
    def graph(world, node):
        return {"gaps": world.json("gaps"), "gaps2": world.json("gaps2"), "n": {"FillMissingValues": node},
                "out": world.parquet("n", "out")}
    return graph, {"Inputs": ["gaps"], "ImputedPath": "price"}, {
        "Inputs": {"Inputs": ["gaps2"]}, "ImputedPath": {"ImputedPath": "kind"}, "FilledPath": {"FilledPath": "known"}}


def target(kind, members, changes):
    def graph(world, node):
        return {"src": world.json("src"), "other": world.json("other"), "many": world.json("many"), "large": world.json("large"),
                "n": {kind: node}}
    return graph, {"Inputs": ["src"], **members}, {"Inputs": {"Inputs": ["other"]}, **changes}


def chosen(world):
    return {
        "c0": {"SelectFromCollection": {"Name": "c0", "Inputs": ["n"], "Index": 0}}, "out": world.parquet("c0", "out"),
        "c1": {"SelectFromCollection": {"Name": "c1", "Inputs": ["n"], "Index": 1}}, "out1": world.parquet("c1", "out1"),
    }


def from_collection():
    def graph(world, node):
        split = {"Name": "sp", "Inputs": ["src"], "Paths": [["id"]]}
        return {"src": world.json("src"), "sp": {"SplitFields": split},
                "sp2": {"SplitFields": {**split, "Paths": [["name"]]}},
                "n": {"SelectFromCollection": node}, "out": world.parquet("n", "out")}
    return graph, {"Inputs": ["sp"], "Index": 0}, {"Inputs": {"Inputs": ["sp2"]}, "Index": {"Index": 1}}


def files(world, folder):
    return [world.path(folder)]


BOUNDS = {
    "AdditionalOptions.BoundedSize": {"AdditionalOptions": {"BoundedSize": 1}},
    "AdditionalOptions.BoundedFiles": {"AdditionalOptions": {"BoundedFiles": 1}},
}


def s3(folder, other):
    """Members and changes of a source of files."""
    members = {"Paths": lambda world: files(world, folder), "Recurse": True}
    changes = {
        "Paths": {"Paths": lambda world: files(world, other)},
        "Exclusions": {"Exclusions": ["**/b.*"]},
        "Recurse": {"Recurse": False},
        **BOUNDS,
    }
    return members, changes


def s3_source(kind, folder, other, members, changes):
    common, varied = s3(folder, other)
    return source(kind, {**common, **members}, {**varied, **changes})


def table(name="known", database=None):
    return {"Database": database or (lambda world: world.database), "Table": name}


def save_modes(members):
    """Options of a target whose table has rows."""
    def options(**own):
        return {**members, "AdditionalOptions": own}
    return {
        "AdditionalOptions.mode": {**options(mode="overwrite"), "instead of": members},
        "AdditionalOptions.partitionOverwriteMode": {
            **options(mode="overwrite", partitionOverwriteMode="dynamic"), "instead of": options(mode="overwrite")},
        "AdditionalOptions.keys": {
            **options(mode="upsert", keys="id"), "Inputs": ["other"],
            "instead of": {**options(mode="upsert", keys="id,name"), "Inputs": ["other"]}},
        # More than a file for each thread; what is read of Parquet tells how many files there are.
        "AdditionalOptions.target-file-size-bytes": {
            **options(**{"target-file-size-bytes": "1048576"}), "Inputs": ["large"], "instead of": {**members, "Inputs": ["large"]}},
    }


def delta_modes(members):
    """The same of Delta tables, of which one has no partitions to replace."""
    modes = save_modes(members)
    return {name: modes[name] for name in ("AdditionalOptions.mode", "AdditionalOptions.partitionOverwriteMode")}


OTHER_TABLE = {"Table": {"Table": "other"}, "Database": {"Database": lambda world: world.second}}


def policy(**members):
    return {"EnableUpdateCatalog": True, "UpdateBehavior": "UPDATE_IN_DATABASE", "Database": lambda world: world.database,
            "Table": "made", **members}


POLICY = {
    "SchemaChangePolicy.EnableUpdateCatalog": {"SchemaChangePolicy": policy(EnableUpdateCatalog=False)},
    "SchemaChangePolicy.UpdateBehavior": {"SchemaChangePolicy": policy(Table="narrow", UpdateBehavior="LOG"),
                                          "Path": lambda world: world.path("narrow"), "instead of": {
        "SchemaChangePolicy": policy(Table="narrow"), "Path": lambda world: world.path("narrow")}},
    "SchemaChangePolicy.Table": {"SchemaChangePolicy": policy(Table="named")},
    "SchemaChangePolicy.Database": {"SchemaChangePolicy": policy(Database=lambda world: world.second)},
}
WRITES = {"Path": {"Path": lambda world: world.path("out-2")}, "PartitionKeys": {"PartitionKeys": [["day"]]}}
# Enough rows for every thread; what is read of Parquet tells how many files there are.
PARTS = {"NumberTargetPartitions": {"Inputs": ["many"], "NumberTargetPartitions": "1", "instead of": {"Inputs": ["many"]}}}
MASK = {"PiiType": "RowMasking", "MaskValue": "*"}
COLUMNS = {"PiiType": "ColumnAudit", "EntityTypesToDetect": ["EMAIL"], "MaskValue": None}

# A body gives its head; a definition names itself.
CODE = """
def keep(glueContext, dfc) -> DynamicFrameCollection:
    return dfc

def first(glueContext, dfc):
    frame = dfc.select(list(dfc.keys())[0])
    return DynamicFrameCollection({"one": frame.select_fields(["id"])}, glueContext)
"""
# What a module of DynamicTransform may be: it tells what it is called with.
MODULE = """
from awsglue import DynamicFrame
from pyspark.sql import functions as F

def {name}(self, a=1, b=None, items=None):
    told = "{name} " + repr((a, b, items))
    return DynamicFrame.fromDF(self.toDF().withColumn("told", F.lit(told)), self.glue_ctx, "told")

DynamicFrame.{name} = {name}
DynamicFrame.tell_{name} = lambda self, **given: {name}(self, **given).rename_field("told", "heard")
"""


def parameter(of="a", kind="int", value=("2",), **more):
    return {"Parameters": [{"Name": of, "Type": kind, "Value": list(value), **more}]}


def only(world):
    return {"c": {"SelectFromCollection": {"Name": "c", "Inputs": ["n"], "Index": 0}}, "out": world.parquet("c", "out")}


CASES = {
    "CatalogSource": source("CatalogSource", table(), {**OTHER_TABLE, "PartitionPredicate": {"PartitionPredicate": "day = '2'"}}),
    "S3CatalogSource": source("S3CatalogSource", table(), {
        **OTHER_TABLE, "PartitionPredicate": {"PartitionPredicate": "day = '2'"}, **BOUNDS}),
    "CatalogDeltaSource": source("CatalogDeltaSource", table("delta"), {"Table": {"Table": "delta2"}, "Database": OTHER_TABLE["Database"]}),
    "S3CatalogDeltaSource": source("S3CatalogDeltaSource", table("delta"), {"Table": {"Table": "delta2"}, "Database": OTHER_TABLE["Database"]}),
    "CatalogIcebergSource": source("CatalogIcebergSource", table("ice"), {"Table": {"Table": "ice2"}, "Database": OTHER_TABLE["Database"]}),
    "S3CatalogIcebergSource": source("S3CatalogIcebergSource", table("ice"), {"Table": {"Table": "ice2"}, "Database": OTHER_TABLE["Database"]}),
    "S3DeltaSource": source("S3DeltaSource", {"Paths": lambda world: files(world, "delta")},
                            {"Paths": {"Paths": lambda world: files(world, "delta2")}}),
    "S3CsvSource": s3_source("S3CsvSource", "csv", "csv2", {"Separator": "comma", "QuoteChar": "quote", "WithHeader": True}, {
        "Separator": {"Separator": "pipe"}, "QuoteChar": {"QuoteChar": "disabled"}, "Escaper": {"Escaper": "!"},
        "WithHeader": {"WithHeader": False}, "SkipFirst": {"SkipFirst": True, "WithHeader": False,
                                                           "instead of": {"WithHeader": False}}}),
    "S3JsonSource": s3_source("S3JsonSource", "json", "src", {}, {}),
    "S3ParquetSource": s3_source("S3ParquetSource", "parquet", "parquet2", {}, {}),
    "S3ExcelSource": s3_source("S3ExcelSource", "excel", "excel2", {}, {
        "NumberRows": {"NumberRows": 1}, "SkipFooter": {"SkipFooter": 1}}),
    "Aggregate": transform("Aggregate", {"Groups": [["day"]], "Aggs": [{"Column": ["id"], "AggFunc": "max"}]}, {
        "Groups": {"Groups": [["name"]]}, "Aggs": {"Aggs": [{"Column": ["id"], "AggFunc": "min"}]}}),
    "ApplyMapping": transform("ApplyMapping", {"Mapping": [{"FromPath": ["id"], "ToKey": "id", "ToType": "long"}]}, {
        "Mapping": {"Mapping": [{"FromPath": ["id"], "ToKey": "key", "ToType": "long"}]}}),
    "CustomCode": transform("CustomCode", {"ClassName": "keep", "Code": CODE}, {
        "ClassName": {"ClassName": "first"},
        "Code": {"Code": "one = dfc[list(dfc.keys())[0]]\nreturn DynamicFrameCollection({'x': one.drop_fields(['day'])}, glueContext)"},
    }, read=only),
    "DynamicTransform": transform("DynamicTransform", {
        "TransformName": "told", "FunctionName": "tell_say", "Path": lambda world: world.path("code") + "say.py", **parameter()}, {
        "Path": {"Path": lambda world: world.path("code") + "shout.py", "FunctionName": "shout", "instead of": {"FunctionName": "say"}},
        "FunctionName": {"FunctionName": "say"},
        "Parameters.Name": parameter("b"), "Parameters.Type": parameter(kind="str"), "Parameters.Value": parameter(value=["3"]),
        "Parameters.ListType": {**parameter("items", "list", ["1", "2"], ListType="int"),
                                "instead of": parameter("items", "list", ["1", "2"])},
        "Parameters.IsOptional": {**parameter(value=[], IsOptional=True), "instead of": parameter(value=[])}}),
    "DropDuplicates": transform("DropDuplicates", {}, {"Columns": {"Columns": [["day"]]}}),
    "DropFields": transform("DropFields", {"Paths": [["id"]]}, {"Paths": {"Paths": [["day"]]}}),
    "DropNullFields": transform("DropNullFields", {}, {
        "NullCheckBoxList.IsEmpty": {"NullCheckBoxList": {"IsEmpty": True}},
        "NullCheckBoxList.IsNullString": {"NullCheckBoxList": {"IsNullString": True}},
        "NullCheckBoxList.IsNegOne": {"NullCheckBoxList": {"IsNegOne": True}},
        "NullTextList.Value": {"NullTextList": [{"Value": "0", "Datatype": {"Id": "int", "Label": "Long"}}],
                               "instead of": {"NullTextList": [{"Value": "1", "Datatype": {"Id": "int", "Label": "Long"}}]}},
        "NullTextList.Datatype.Id": {"NullTextList": [{"Value": "0", "Datatype": {"Id": "long", "Label": "Long"}}],
                                     "instead of": {"NullTextList": [{"Value": "0", "Datatype": {"Id": "int", "Label": "Long"}}]}},
    }),
    "FillMissingValues": with_gaps(),
    "Filter": transform("Filter", {"LogicalOperator": "AND", "Filters": condition("GT", "1") + condition("LT", "3")}, {
        "LogicalOperator": {"LogicalOperator": "OR"}, "Filters": {"Filters": condition("GT", "1")}}),
    "Join": of_two("Join", {"JoinType": "leftsemi", "Columns": [{"From": "src", "Keys": [["id"]]}, {"From": "other", "Keys": [["id"]]}]}, {
        "JoinType": {"JoinType": "leftanti"},
        "Columns": {"Columns": [{"From": "src", "Keys": [["id"]]}, {"From": "other", "Keys": [["zero"]]}]},
        "Inputs": {"Inputs": ["src", "third"], "Columns": [{"From": "src", "Keys": [["id"]]}, {"From": "third", "Keys": [["id"]]}]}}),
    "Merge": of_two("Merge", {"Source": "src", "PrimaryKeys": [["id"]]}, {
        "Source": {"Source": "other"}, "PrimaryKeys": {"PrimaryKeys": [["id"], ["name"]]}, "Inputs": {"Inputs": ["src", "third"]}}),
    "PIIDetection": transform("PIIDetection", {**MASK, "EntityTypesToDetect": ["EMAIL", "USA_SSN"]}, {
        "PiiType": {"PiiType": "RowHashing", "MaskValue": None},
        "EntityTypesToDetect": {"EntityTypesToDetect": ["EMAIL"]},
        "OutputColumnName": {"OutputColumnName": "seen"},
        "MaskValue": {"MaskValue": "x"},
        "SampleFraction": {**COLUMNS, "SampleFraction": 0.0, "instead of": COLUMNS},
        "ThresholdFraction": {**COLUMNS, "ThresholdFraction": 1.0, "instead of": COLUMNS},
        **{field: {"PiiType": "RowPartialMasking", "MaskValue": None, field: value,
                   "instead of": {"PiiType": "RowPartialMasking", "MaskValue": None}}
           for field, value in [("RedactChar", "x"), ("MatchPattern", "[a-z]"), ("NumLeftCharsToExclude", 2),
                                ("NumRightCharsToExclude", 2)]},
    }),
    "RenameField": transform("RenameField", {"SourcePath": ["id"], "TargetPath": ["key"]}, {
        "SourcePath": {"SourcePath": ["day"]}, "TargetPath": {"TargetPath": ["key2"]}}),
    "Route": transform("Route", {"GroupFiltersList": [group("a", "LT", "2"), group("b", "GT", "2")]}, {
        # The default group needs no condition; any other one does.
        "GroupFiltersList.GroupName": {"GroupFiltersList": [group("a", "LT", "2"), {**group("default_group", "GT", "2"), "Filters": []}]},
        "GroupFiltersList.Filters": {"GroupFiltersList": [group("a", "LT", "3"), group("b", "GT", "2")]},
        "GroupFiltersList.LogicalOperator": {
            "GroupFiltersList": [{"GroupName": "a", "LogicalOperator": "OR", "Filters": condition("GT", "1") + condition("LT", "3")}],
            "instead of": {
                "GroupFiltersList": [{"GroupName": "a", "LogicalOperator": "AND", "Filters": condition("GT", "1") + condition("LT", "3")}]},
        },
    }, read=chosen),
    "SelectFields": transform("SelectFields", {"Paths": [["id"]]}, {"Paths": {"Paths": [["day"]]}}),
    "SelectFromCollection": from_collection(),
    "SparkSQL": transform("SparkSQL", {"SqlQuery": "SELECT id FROM t", "SqlAliases": [{"From": "src", "Alias": "t"}]}, {
        "SqlQuery": {"SqlQuery": "SELECT id + 1 AS id FROM t"},
        "SqlAliases": {"SqlQuery": "SELECT id FROM u", "SqlAliases": [{"From": "src", "Alias": "u"}], "instead of": {
            "SqlQuery": "SELECT id FROM u"}},
        "Inputs": {"Inputs": ["other"], "SqlAliases": [{"From": "other", "Alias": "t"}]}}),
    "Spigot": transform("Spigot", {"Path": lambda world: world.path("sample")}, {
        "Path": {"Path": lambda world: world.path("sample-2")}, "Topk": {"Topk": 1}, "Prob": {"Prob": 0.0}}),
    "SplitFields": transform("SplitFields", {"Paths": [["id"]]}, {"Paths": {"Paths": [["day"]]}}, read=chosen),
    "Union": of_two("Union", {"UnionType": "ALL"}, {
        "UnionType": {"UnionType": "DISTINCT"}, "Inputs": {"Inputs": ["src", "third"]}}),
    "S3DirectTarget": target("S3DirectTarget", {
        "Path": lambda world: world.path("out"), "Format": "json", "SchemaChangePolicy": policy()}, {
        **WRITES, **POLICY, "Format": {"Format": "csv"}, "Compression": {"Compression": "gzip"},
        "NumberTargetPartitions": {
            **PARTS["NumberTargetPartitions"], "Format": "parquet", "instead of": {"Inputs": ["many"], "Format": "parquet"}}}),
    "S3GlueParquetTarget": target("S3GlueParquetTarget", {
        "Path": lambda world: world.path("out"), "SchemaChangePolicy": policy()}, {
        **WRITES, **POLICY, **PARTS, "Compression": {"Compression": "gzip"},
        "SchemaChangePolicy.UpdateBehavior": {
            "SchemaChangePolicy": policy(Table="thin", UpdateBehavior="LOG"), "Path": lambda world: world.path("thin"),
            "instead of": {"SchemaChangePolicy": policy(Table="thin"), "Path": lambda world: world.path("thin")}}}),
    "CatalogTarget": target("CatalogTarget", table("wide"), {
        "Table": {"Table": "wide2"}, "Database": OTHER_TABLE["Database"], "PartitionKeys": {"PartitionKeys": [["name"]]}}),
    "S3CatalogTarget": target("S3CatalogTarget", {**table("narrow"), "SchemaChangePolicy": {"EnableUpdateCatalog": True}}, {
        "Table": {"Table": "wide"}, "Database": OTHER_TABLE["Database"], "PartitionKeys": {"PartitionKeys": [["day"]]},
        "SchemaChangePolicy.EnableUpdateCatalog": {"SchemaChangePolicy": {"EnableUpdateCatalog": False}},
        "SchemaChangePolicy.UpdateBehavior": {"SchemaChangePolicy": {"EnableUpdateCatalog": True, "UpdateBehavior": "LOG"}}}),
    "S3DeltaDirectTarget": target("S3DeltaDirectTarget", {
        "Path": lambda world: world.path("delta-out"), "Format": "delta", "Compression": "snappy", "SchemaChangePolicy": policy()}, {
        "Path": {"Path": lambda world: world.path("delta-out-2")}, "Compression": {"Compression": "uncompressed"},
        "PartitionKeys": {"PartitionKeys": [["day"]]}, **PARTS,
        "SchemaChangePolicy.EnableUpdateCatalog": POLICY["SchemaChangePolicy.EnableUpdateCatalog"],
        "SchemaChangePolicy.Table": POLICY["SchemaChangePolicy.Table"],
        "SchemaChangePolicy.Database": POLICY["SchemaChangePolicy.Database"],
        "SchemaChangePolicy.UpdateBehavior": {
            "SchemaChangePolicy": policy(Table="thin-delta", UpdateBehavior="LOG"), "Path": lambda world: world.path("thin-delta"),
            "instead of": {"SchemaChangePolicy": policy(Table="thin-delta"), "Path": lambda world: world.path("thin-delta")}},
        **delta_modes({"SchemaChangePolicy": policy(Table="thin-delta", UpdateBehavior="LOG"),
                       "Path": lambda world: world.path("thin-delta")})}),
    "S3DeltaCatalogTarget": target("S3DeltaCatalogTarget", {
        **table("thin-delta"), "SchemaChangePolicy": {"EnableUpdateCatalog": True, "UpdateBehavior": "LOG"}}, {
        "Table": {"Table": "parted-delta"}, "Database": OTHER_TABLE["Database"], "PartitionKeys": {"PartitionKeys": [["id"]]},
        "SchemaChangePolicy.EnableUpdateCatalog": {"SchemaChangePolicy": {"EnableUpdateCatalog": False}},
        "SchemaChangePolicy.UpdateBehavior": {"SchemaChangePolicy": {"EnableUpdateCatalog": True}},
        **delta_modes({})}),
    "S3IcebergDirectTarget": target("S3IcebergDirectTarget", {
        "Path": lambda world: world.path("ice-out"), "Format": "iceberg", "Compression": "snappy", "SchemaChangePolicy": policy()}, {
        "Path": {"Path": lambda world: world.path("ice-out-2")}, "Compression": {"Compression": "gzip"},
        "SchemaChangePolicy.Table": {"SchemaChangePolicy": policy(Table="named")},
        "SchemaChangePolicy.Database": {"SchemaChangePolicy": policy(Database=lambda world: world.second)},
        "SchemaChangePolicy.UpdateBehavior": {
            "SchemaChangePolicy": policy(Table="ice", UpdateBehavior="LOG"), "Path": lambda world: world.path("ice"),
            "instead of": {"SchemaChangePolicy": policy(Table="ice"), "Path": lambda world: world.path("ice")}},
        "PartitionKeys": {"PartitionKeys": [["day"]]},
        **save_modes({"SchemaChangePolicy": policy(Table="ice3"), "Path": lambda world: world.path("ice3")})}),
    "S3IcebergCatalogTarget": target("S3IcebergCatalogTarget", {**table("ice3"), "SchemaChangePolicy": {}}, {
        "Table": {"Table": "ice4"}, "Database": OTHER_TABLE["Database"], "PartitionKeys": {"PartitionKeys": [["day"]]},
        **save_modes({}),
        "SchemaChangePolicy.UpdateBehavior": {**table("ice"), "SchemaChangePolicy": {"UpdateBehavior": "LOG"}, "instead of": table("ice")}}),
}


def members(case, change, world):
    """The members of a node: the case's, with those of a change, without those that are None."""
    base = {**copy.copy(case), **change}
    return resolve({name: value for name, value in base.items() if value is not None}, world)


def resolve(value, world):
    if callable(value):
        return value(world)
    if isinstance(value, dict):
        return {key: resolve(member, world) for key, member in value.items()}
    if isinstance(value, list):
        return [resolve(member, world) for member in value]
    return value
