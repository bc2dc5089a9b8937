"""Statements that Sail spells otherwise, or does not know."""

import pytest

from awsglue._statements import refused, setting, spelled, writes_rows


@pytest.mark.parametrize("statement, wanted", [
    ("use leg", "USE DATABASE leg"),
    ("-- first\n USE `a b`", "USE DATABASE `a b`"),
    ("use schema leg", "use schema leg"),
    ("use catalog sail", "use catalog sail"),
    ("describe leg.t", "DESCRIBE TABLE leg.t"),
    ("DESC FORMATTED leg.t", "DESCRIBE TABLE EXTENDED leg.t"),
    ("describe table extended t", "DESCRIBE TABLE EXTENDED t"),
    ("describe database leg", "describe database leg"),
    ("desc function abs", "desc function abs"),
    ("describe query select 1", "describe query select 1"),
    ("select 1 as use", "select 1 as use"),
])
def test_spelling(statement, wanted):
    assert spelled(statement) == wanted


def test_what_nobody_carries_out_says_what_to_do():
    for statement in ("msck repair table leg.t", "/* x */ SHOW PARTITIONS leg.t", "alter table t add if not exists partition (p = 1)",
                      "truncate table t", "show create table t", "analyze table t compute statistics"):
        assert refused(statement), statement
    for statement in ("select 'msck repair table'", "show tables", "alter table t add columns (x int)", "insert into t select 1"):
        assert not refused(statement), statement
    assert "batch_create_partition" in refused("MSCK REPAIR TABLE t")[1]


def test_settings_and_writes():
    assert setting("SET spark.sql.ansi.enabled = true ;") == ("spark.sql.ansi.enabled", "true")
    assert setting("set x") is None and setting("select 1") is None
    for statement in ("insert into t select 1", "INSERT OVERWRITE t SELECT 1", "create table t using parquet as select 1",
                      "create table t as with a as (select 1) select * from a"):
        assert writes_rows(statement), statement
    assert not writes_rows("create table t (a int)") and not writes_rows("create view v as select 1")
