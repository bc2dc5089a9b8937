"""How fields are named: as the record spells them, in another case, as one name with dots, by the type of a choice."""

import json

import pytest

from awsglue import gluetypes as g
from awsglue.errors import DataError


def rows(frame):
    return sorted((row.asDict(recursive=True) for row in frame.toDF().collect()), key=repr)


@pytest.fixture
def read(glue_context, tmp_path):
    def made(*records):
        (tmp_path / "a.json").write_text("\n".join(map(json.dumps, records)))
        return glue_context.create_dynamic_frame.from_options("s3", {"paths": [str(tmp_path)]}, "json")

    return made


@pytest.fixture
def frame(read):
    return read({"id": 1, "mail": "m", "n": {"u": 7, "w": {"x": "y"}}, "l": [{"Deep": 1, "e": 2}], "p": 5},
                {"id": 2, "mail": None, "n": None, "l": None, "p": "t"})


def test_names_in_another_case_mean_the_only_one_that_is_so(frame):
    left = frame.drop_fields(["MAIL", "ID", "N.U", "l[].deep", "P"])
    assert rows(left) == [{"n": None, "l": None}, {"n": {"w": {"x": "y"}}, "l": [{"e": 2}]}]
    assert rows(frame.select_fields(["Id", "n.W.X"])) == [{"id": 1, "n": {"w": {"x": "y"}}}, {"id": 2, "n": None}]
    assert frame.rename_field("ID", "Key").schema().field_map.keys() == {"Key", "mail", "n", "l", "p"}
    assert rows(frame.rename_field("N.U", "u").select_fields("u")) == [{"u": 7}, {"u": None}]
    halves = frame.split_fields(["ID", "MAIL"], "a", "b")
    assert list(halves["a"].schema().field_map) == ["id", "mail"] and list(halves["b"].schema().field_map) == ["n", "l", "p"]
    assert rows(frame.resolveChoice(specs=[("P", "cast:int")]).select_fields("p")) == [{"p": 5}, {"p": None}]
    assert sorted(map(len, (rows(part) for part in frame.split_rows({"ID": {">": 1}}, "a", "b").values()))) == [1, 1]
    other = frame.select_fields("mail").rename_field("mail", "post")
    assert [row["id"] for row in rows(frame.select_fields(["id", "mail"]).join(["MAIL"], ["Post"], other))] == [1]


def test_one_name_with_dots_is_a_path_where_no_field_is_called_so(frame, read):
    assert "u" not in rows(frame.drop_fields(["`n.u`"]))[0]["n"]
    assert rows(frame.select_fields(["`n.U`"])) == [{"n": None}, {"n": {"u": 7}}]
    assert rows(frame.rename_field("`n.u`", "u").select_fields("u")) == [{"u": 7}, {"u": None}]
    mapped = frame.apply_mapping([("`n.w.x`", "string", "x", "string"), ("id", "int", "id", "int")])
    assert rows(mapped) == [{"x": "y", "id": 1}, {"x": None, "id": 2}]
    dotted = read({"n.u": 1, "n": {"u": 2}})
    assert rows(dotted.select_fields(["n.u"])) == [{"n.u": 1}] and rows(dotted.drop_fields(["`n.u`"])) == [{"n": {"u": 2}}]


def test_mappings_look_for_other_cases_when_asked_to(frame):
    asked = [("ID", "int", "a", "int"), ("n.U", "int", "b", "int"), ("mail", "string", "c", "string")]
    assert rows(frame.apply_mapping(asked, case_sensitive=False)) == [{"a": 1, "b": 7, "c": "m"}, {"a": 2, "b": None, "c": None}]
    assert rows(frame.apply_mapping(asked)) == [{"c": "m"}, {"c": None}]


def test_a_mapping_may_take_the_values_of_one_type_of_a_choice(frame):
    mapped = frame.apply_mapping([("id", "int", "id", "int"), ("p.string", "string", "s", "string"), ("p.int", "int", "i", "string")])
    assert rows(mapped) == [{"id": 1, "s": None, "i": "5"}, {"id": 2, "s": "t", "i": None}]
    with pytest.raises(DataError):
        frame.apply_mapping([("p.date", "date", "d", "date")])


def test_a_mapping_keeps_what_it_gives_the_type_choice(frame, read):
    mapped = frame.apply_mapping([("p", "choice", "q", "choice"), ("id", "int", "id", "Choice")])
    assert isinstance(mapped.schema().getField("q").dataType, g.ChoiceType)
    assert rows(mapped.resolveChoice(specs=[("q", "cast:string")])) == [{"q": "5", "id": 1}, {"q": "t", "id": 2}]
    nulls = read({"id": 1, "none": None}).apply_mapping([("none", "struct", "none", "struct"), ("id", "int", "id", "int")])
    assert rows(nulls) == [{"none": None, "id": 1}]


def test_a_mapping_puts_a_field_into_a_structure_beside_its_own(read):
    frame = read({"id": 1, "s": {"x": 2}})
    both = [("s", "struct", "s", "struct"), ("id", "int", "s.id", "int")]
    assert rows(frame.apply_mapping(both)) == [{"s": {"x": 2, "id": 1}}]
    # Of two for one path the last counts.
    assert rows(frame.apply_mapping([both[1], both[0]])) == [{"s": {"x": 2}}]


def test_names_with_dots_beside_others_reach_functions(read):
    frame = read({"id": 1, "dot.ted": 2, "b": "x"}, {"id": 2, "dot.ted": 3, "b": "y"}, {"id": 3, "dot.ted": "z", "b": "y"})
    assert [row["id"] for row in rows(frame.filter(lambda record: record["b"].upper() == "Y"))] == [2, 3]
    made = frame.map(lambda record: {**record, "more": record["id"] + 1}).resolveChoice(specs=[("`dot.ted`", "cast:int")])
    assert rows(made.drop_fields("b")) == [{"id": 1, "dot.ted": 2, "more": 2}, {"id": 2, "dot.ted": 3, "more": 3},
                                           {"id": 3, "dot.ted": None, "more": 4}]
    df = made.toDF()
    same = sorted(map(tuple, df.collect()))
    assert sorted(map(tuple, df.where("id > 0").mapInArrow(lambda batches: batches, df.schema).collect())) == same
    assert sorted(map(tuple, df.groupBy("b").applyInPandas(lambda frame: frame[["id"]], "id int").collect())) == [(1,), (2,), (3,)]
