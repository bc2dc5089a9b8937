"""Every request field of the crawler and table APIs does what `/_/capabilities` says: an acting one changes what comes
out, a stored one comes back, a refused one is refused by name. A field without a case is a failure."""

import copy
import json
import pathlib
import re
import urllib.request

import botocore
import pytest
from botocore.exceptions import ClientError, ParamValidationError

import fields_crawlers
import fields_tables
from fields_tables import More
from shapes import Maker, operation


def snake(word):
    return botocore.xform_name(word)


def cases():
    """Operation: kind of world, request that works, changes."""
    tables = {name: (fields_tables.Tables, *case) for name, case in fields_tables.CASES.items()}
    return {**tables, **fields_crawlers.CASES}


CASES = cases()
# Operations of these two APIs, whether they are here or not.
OURS = re.compile(r"^(Batch\w+|Create|Delete|Get|GetUnfiltered|List|Search|Start|Stop|Update)(Table|Partition|Crawl|ColumnStatistics)\w*$")
# Of other chapters of the API: optimizers and computed statistics have tests of their own.
ELSEWHERE = re.compile(r"Optimizer|TaskRun|TaskSettings")


@pytest.fixture(scope="module")
def glue_fields(tenon):
    with urllib.request.urlopen(f"{tenon.endpoint}/_/capabilities") as answer:
        operations = json.load(answer)["services"]["glue"]["operations"]
    built = {name: how["fields"] for name, how in operations.items() if how.get("built")}
    return {name: fields for name, fields in built.items() if OURS.match(name) and not ELSEWHERE.search(name)}


def resolve(value, world):
    if callable(value):
        return value(world)
    if isinstance(value, dict):
        return {key: resolve(member, world) for key, member in value.items()}
    if isinstance(value, list):
        return [resolve(member, world) for member in value]
    return value


def put(request, path, value):
    """Sets a member; of lists on the way the first element's."""
    *way, last = path.split(".")
    at = request
    for step in way:
        at = at.setdefault(step, {})
        at = at[0] if isinstance(at, list) else at
    at[last] = value


def outcome(world, operation_name, request):
    """What the call answered or refused, and what the world looks like then; without what differs between worlds."""
    try:
        answer = getattr(world.glue, snake(operation_name))(**request)
        answer.pop("ResponseMetadata")
    except ClientError as error:
        answer = ["refused", error.response["Error"]["Code"]]
    text = json.dumps([answer, repr(world.snapshot())], default=str, sort_keys=True)
    text = text.replace(world.account, "ACCOUNT")
    text = re.sub(r"datetime\.datetime\([^()]*(\([^()]*\))?[^()]*\)|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[^\"']*", "TIME", text)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ID", text)
    # The hash that tells tables of one name apart is one of the location, and so of the bucket.
    text = re.sub(r"_[0-9a-f]{32}", "_HASH", text)
    text = re.sub(r"\b1\d{12}\b", "MILLIS", text)
    text = re.sub(r"'(averageRecordSize|sizeKey)': '\d+'|\"(\w*Seconds)\": [\d.]+", "", text)
    return text


def build(world_kind, tenon, base, field, value):
    world = world_kind(tenon)
    request = copy.deepcopy(resolve(base, world))
    if isinstance(value, More):
        request.update(copy.deepcopy(resolve(value.beside, world)))
        value = value.value
    return world, request, value


ACTING = [(name, field) for name, (_, _, changes) in CASES.items() for field in changes]


@pytest.mark.parametrize(("name", "field"), ACTING, ids=[f"{name}-{field}" for name, field in ACTING])
def test_an_acting_field_changes_the_outcome(tenon, name, field):
    kind, base, changes = CASES[name]
    world, request, _ = build(kind, tenon, base, field, changes[field])
    before = outcome(world, name, request)
    if "MaxResults" not in field and "NextToken" not in field and name != "StopCrawler":
        assert '[["refused"' not in before, "the request itself must work"
    world, request, value = build(kind, tenon, base, field, changes[field])
    put(request, field, resolve(value, world))
    assert outcome(world, name, request) != before


def test_the_same_request_has_the_same_outcome(tenon):
    """Else the test above proves nothing."""
    for name, (kind, base, _) in CASES.items():
        outcomes = []
        for _ in range(2):
            world, request, _ = build(kind, tenon, base, None, None)
            outcomes.append(outcome(world, name, request))
        assert outcomes[0] == outcomes[1], name


def test_every_field_has_a_case(glue_fields):
    assert set(glue_fields) == set(CASES), "operations of the crawler and table APIs"
    for name, fields in glue_fields.items():
        acting = {field for field, how in fields.items() if how == "acts"}
        elsewhere = {field for field in acting if is_tested_elsewhere(field)}
        assert acting - elsewhere == set(CASES[name][2]), name
        assert all(how in ("acts", "stored", "mixed") or set(how) <= {"refused", "ignored"} for how in fields.values())


def is_tested_elsewhere(field):
    """Whether a field of a target that needs a server of another kind is in that target's own tests."""
    for prefix, tests in fields_crawlers.ELSEWHERE.items():
        if field.startswith(prefix):
            text = (pathlib.Path(__file__).parent / tests).read_text()
            assert re.search(rf"\b{field.split('.')[-1]}\b", text), field
            return True
    return False


def plain(name, world, base):
    return copy.deepcopy(resolve(base, world))


def value_of(name, field):
    """A value that the model allows, and that is not empty."""
    shape = operation("glue", name).input_shape
    for step in field.split("."):
        shape = shape.member if shape.type_name == "list" else shape
        shape = shape.members[step]
    return Maker(field).make(shape, field)


def test_refused_fields_are_refused(tenon, glue_fields):
    """By name and with the reason of the capabilities, and nothing else happens."""
    worlds = {}
    tried = 0
    for name, fields in glue_fields.items():
        kind, base, _ = CASES[name]
        kind = fields_crawlers.Reads if kind is not fields_tables.Tables else kind
        for field, how in fields.items():
            if how in ("acts", "stored", "mixed") or "refused" not in how:
                continue
            world = worlds.setdefault(kind, None) or kind(tenon)
            worlds[kind] = world
            request = plain(name, world, base)
            top = field.split(".")[0]
            if "." in field and not isinstance(request.get(top), (dict, list)):
                request[top] = {}
            if "Targets.CatalogTargets" in field:
                request["Targets"] = fields_crawlers.catalog("d", "known")
            for kind_of_target in ("DeltaTargets", "IcebergTargets", "HudiTargets"):
                if f"Targets.{kind_of_target}." in field:
                    request["Targets"] = {kind_of_target: [{}]}
            put(request, field, value_of(name, field))
            before = outcome_of_nothing(world)
            with pytest.raises((ClientError, ParamValidationError)) as refused:
                getattr(world.glue, snake(name))(**request)
            assert isinstance(refused.value, ClientError), (name, field, refused.value)
            message = str(refused.value)
            assert field.split(".")[-1] in message and how["refused"] in message, (name, field, message)
            assert outcome_of_nothing(world) == before, (name, field)
            tried += 1
    assert tried > 20


def outcome_of_nothing(world):
    return repr(world.snapshot())


STORED = {
    # Operation: what reads it back, from the answer to the operation that reads it.
    "CreateCrawler": lambda glue, name: glue.get_crawler(Name=name)["Crawler"],
    "UpdateCrawler": lambda glue, name: glue.get_crawler(Name=name)["Crawler"],
}


def test_stored_fields_come_back(tenon, glue_fields):
    """Those of the crawlers; members of tables and partitions: test_round_trip."""
    world = fields_crawlers.Reads(tenon)
    given = {"LakeFormationConfiguration": {"UseLakeFormationCredentials": True, "AccountId": "123456789012"}}
    for name, fields in glue_fields.items():
        stored = [field for field, how in fields.items() if how == "stored"]
        if name not in STORED:
            assert not stored, (name, stored)
            continue
        for field in stored:
            assert "." not in field
            value = given.get(field) or value_of(name, field)
            if name == "CreateCrawler":
                own = f"stored-{field}"
                request = {**plain(name, world, CASES[name][1]), "Name": own}
            else:
                own, request = "c2", {"Name": "c2"}
            getattr(world.glue, snake(name))(**{**request, field: value})
            assert STORED[name](world.glue, own)[field] == value, (name, field)
