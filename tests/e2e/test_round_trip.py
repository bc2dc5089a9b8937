"""Whatever a client gives the catalog comes back: requests made from the service's own model."""

import pytest

from conftest import name
from shapes import Maker, differences, model, operation

GLUE = model("glue")
ROUNDS = 25


def lower(dice):
    """A name as the catalog keeps it: it folds names of databases, tables and columns to lower case, as Glue does."""
    return "".join(dice.choice("abcxyz0189_-. äß中") for _ in range(dice.randint(1, 10))).strip() or "n"


def unlike(dice):
    """A name like no other."""
    return f"{lower(dice)}{dice.randrange(10**9)}"


def made(shape, seed, given=None, without=(), **options):
    given = {f"{shape}.StorageDescriptor.Columns.Name": unlike, f"{shape}.PartitionKeys.Name": unlike, **(given or {})}
    # Glue refuses parameters of partition keys.
    without = [f"{shape}.PartitionKeys.Parameters", *without]
    return Maker(seed, given=given, without=without, **options).make(GLUE.shape_for(shape), shape)


def check(sent, got, but=()):
    """`but`: members of the request that the model's answer has no place for."""
    sent = {key: value for key, value in sent.items() if key not in but}
    assert differences(sent, got) == []


def shares(rounds=ROUNDS):
    """The first request has every member there is; the others fewer and fewer."""
    return [1.0 - n / rounds for n in range(rounds)]


@pytest.fixture(scope="module")
def glue(tenon):
    return tenon.client("glue")


@pytest.fixture(scope="module")
def database(glue):
    made = name("rt")
    glue.create_database(DatabaseInput={"Name": made})
    return made


def missing(of, other):
    """Members of one shape that the other has not."""
    return set(GLUE.shape_for(of).members) - set(GLUE.shape_for(other).members)


def test_databases(glue):
    assert missing("DatabaseInput", "Database") == set()
    for seed, share in enumerate(shares()):
        own = name("db")
        # A resource link is tested with the links; federated catalogs are refused by name.
        without = ["DatabaseInput.TargetDatabase", *refused("CreateDatabase", "DatabaseInput")]
        sent = made("DatabaseInput", seed, share=share, given={"DatabaseInput.Name": own}, without=without)
        glue.create_database(DatabaseInput=sent)
        check(sent, glue.get_database(Name=own)["Database"])
        again = made("DatabaseInput", -seed - 1, share=share, given={"DatabaseInput.Name": own}, without=without)
        glue.update_database(Name=own, DatabaseInput=again)
        got = glue.get_database(Name=own)["Database"]
        check(again, got)
        gone = set(sent) - set(again) - {"CreateTableDefaultPermissions"}
        assert not gone & set(got), "what an update leaves out is gone"


REFUSED = {}


def refused(operation, member):
    """Paths below a request's member that the server says it refuses."""
    fields = REFUSED["glue"]["operations"][operation]["fields"]
    return [path for path, how in fields.items() if path.startswith(f"{member}.") and isinstance(how, dict)]


@pytest.fixture(scope="module", autouse=True)
def capabilities(tenon):
    import json
    import urllib.request

    with urllib.request.urlopen(f"{tenon.endpoint}/_/capabilities") as answer:
        REFUSED.update(json.load(answer)["services"])


def table_input(seed, share, table):
    given = {"TableInput.Name": table}
    without = [
        "TableInput.TargetTable",
        "TableInput.StorageDescriptor.SchemaReference",
        *refused("CreateTable", "TableInput"),
    ]
    return made("TableInput", seed, share=share, given=given, without=without)


# The answer's ViewDefinition is another shape, with fewer members than the request's.
def view_as_answered(sent):
    if "ViewDefinition" not in sent:
        return sent
    view, answered = sent["ViewDefinition"], GLUE.shape_for("ViewDefinition").members
    kept = {key: value for key, value in view.items() if key in answered}
    if "Representations" in kept:
        members = GLUE.shape_for("ViewRepresentation").members
        kept["Representations"] = [
            {key: value for key, value in one.items() if key in members} for one in kept["Representations"]
        ]
    return {**sent, "ViewDefinition": kept}


def test_tables(glue, database):
    # Glue's answer has no place for these.
    assert missing("TableInput", "Table") == set()
    for seed, share in enumerate(shares()):
        own = name("t")
        sent = table_input(seed, share, own)
        glue.create_table(DatabaseName=database, TableInput=sent)
        check(view_as_answered(sent), glue.get_table(DatabaseName=database, Name=own)["Table"])
        again = table_input(-seed - 1, share, own)
        # The partition keys of a table stay.
        again["PartitionKeys"] = sent.get("PartitionKeys", [])
        glue.update_table(DatabaseName=database, TableInput=again)
        got = glue.get_table(DatabaseName=database, Name=own)["Table"]
        check(view_as_answered(again), got)
        gone = set(sent) - set(again) - {"Retention"}
        assert not gone & set(got), "what an update leaves out is gone"
        versions = glue.get_table_versions(DatabaseName=database, TableName=own)["TableVersions"]
        check(view_as_answered(sent), versions[-1]["Table"])


def test_partitions(glue, database):
    assert missing("PartitionInput", "Partition") == set()
    table = name("t")
    keys = [{"Name": "a", "Type": "string"}, {"Name": "b", "Type": "string"}]
    glue.create_table(DatabaseName=database, TableInput={"Name": table, "PartitionKeys": keys})
    at = {"DatabaseName": database, "TableName": table}
    without = [
        "PartitionInput.StorageDescriptor.SchemaReference",
        *refused("CreatePartition", "PartitionInput"),
    ]
    batch = []
    for seed, share in enumerate(shares()):
        word = Maker(seed).string(GLUE.shape_for("ValueString"), "value")
        given = {"PartitionInput.Values": [f"{seed}{word}", word]}
        sent = made("PartitionInput", seed, share=share, given=given, without=without)
        glue.create_partition(**at, PartitionInput=sent)
        check(sent, glue.get_partition(**at, PartitionValues=sent["Values"])["Partition"])
        again = made("PartitionInput", -seed - 1, share=share, given=given, without=without)
        glue.update_partition(**at, PartitionValueList=sent["Values"], PartitionInput=again)
        got = glue.get_partition(**at, PartitionValues=sent["Values"])["Partition"]
        check(again, got)
        assert not (set(sent) - set(again)) & set(got), "what an update leaves out is gone"
        batch.append(again)
    listed = {tuple(p["Values"]): p for p in glue.get_partitions(**at)["Partitions"]}
    for sent in batch:
        check(sent, listed[tuple(sent["Values"])])
    glue.batch_delete_partition(**at, PartitionsToDelete=[{"Values": sent["Values"]} for sent in batch])
    assert glue.batch_create_partition(**at, PartitionInputList=batch)["Errors"] == []
    answer = glue.batch_get_partition(**at, PartitionsToGet=[{"Values": sent["Values"]} for sent in batch])
    listed = {tuple(p["Values"]): p for p in answer["Partitions"]}
    for sent in batch:
        check(sent, listed[tuple(sent["Values"])])


def test_functions(glue, database):
    assert missing("UserDefinedFunctionInput", "UserDefinedFunction") == set()
    for seed, share in enumerate(shares()):
        own = name("f")
        given = {"UserDefinedFunctionInput.FunctionName": own}
        without = refused("CreateUserDefinedFunction", "FunctionInput")
        sent = made("UserDefinedFunctionInput", seed, share=share, given=given, without=without)
        glue.create_user_defined_function(DatabaseName=database, FunctionInput=sent)
        found = glue.get_user_defined_function(DatabaseName=database, FunctionName=own)
        check(sent, found["UserDefinedFunction"])
        again = made("UserDefinedFunctionInput", -seed - 1, share=share, given=given, without=without)
        glue.update_user_defined_function(DatabaseName=database, FunctionName=own, FunctionInput=again)
        found = glue.get_user_defined_function(DatabaseName=database, FunctionName=own)
        check(again, found["UserDefinedFunction"])


KINDS = ["BOOLEAN", "DATE", "DECIMAL", "DOUBLE", "LONG", "STRING", "BINARY"]


def statistics(seed, kind, share, column):
    title = kind.capitalize()
    own = f"{title}ColumnStatisticsData"
    data = GLUE.shape_for("ColumnStatisticsData").members[own]
    maker = Maker(seed, share=share)
    return {
        "ColumnName": column,
        "ColumnType": "array<int>",
        "AnalyzedTime": maker.timestamp(None, "at"),
        "StatisticsData": {"Type": kind, own: maker.make(data, own)},
    }


@pytest.mark.parametrize("kind", KINDS)
def test_statistics(glue, database, kind):
    table = name("t")
    # Columns of a type that takes statistics of any.
    columns = [{"Name": f"c{n}", "Type": "array<int>"} for n in range(8)]
    descriptor = {"Columns": columns, "Location": "s3://b/t/"}
    glue.create_table(
        DatabaseName=database,
        TableInput={
            "Name": table, "StorageDescriptor": descriptor, "PartitionKeys": [{"Name": "p", "Type": "string"}],
        },
    )
    at = {"DatabaseName": database, "TableName": table}
    glue.create_partition(**at, PartitionInput={"Values": ["x"], "StorageDescriptor": descriptor})
    names = [column["Name"] for column in columns]
    for place in ({}, {"PartitionValues": ["x"]}):
        of = "partition" if place else "table"
        for share in (1.0, 0.5, 0.0):
            sent = [statistics(seed, kind, share, column) for seed, column in enumerate(names)]
            update = getattr(glue, f"update_column_statistics_for_{of}")
            assert update(**at, **place, ColumnStatisticsList=sent).get("Errors", []) == []
            get = getattr(glue, f"get_column_statistics_for_{of}")
            found = get(**at, **place, ColumnNames=names)["ColumnStatisticsList"]
            found = {one["ColumnName"]: one for one in found}
            for one in sent:
                check(one, found[one["ColumnName"]])


def test_connections(glue):
    # The second is a test at the time of the request; the compute environments are answered under another name.
    assert missing("ConnectionInput", "Connection") == {"ValidateCredentials", "ValidateForComputeEnvironments"}
    for seed, share in enumerate(shares()):
        own = name("c")
        given = {
            "ConnectionInput.Name": own,
            "ConnectionInput.ConnectionType": "NETWORK",
            "ConnectionInput.ConnectionProperties": {},
            "ConnectionInput.ValidateCredentials": False,
        }
        without = [
            "ConnectionInput.AuthenticationConfiguration",
            "ConnectionInput.ValidateForComputeEnvironments",
            *refused("CreateConnection", "ConnectionInput"),
        ]
        sent = made("ConnectionInput", seed, share=share, given=given, without=without)
        glue.create_connection(ConnectionInput=sent)
        check(sent, glue.get_connection(Name=own)["Connection"], but=["ValidateCredentials"])


def test_every_member_was_sent():
    """The first request of each kind has all members that are not refused; else these tests test less than they say."""
    full = table_input(0, 1.0, "t")
    left_out = {"TargetTable", *(path.split(".")[1] for path in refused("CreateTable", "TableInput") if path.count(".") == 1)}
    assert set(full) == set(operation("glue", "CreateTable").input_shape.members["TableInput"].members) - left_out
