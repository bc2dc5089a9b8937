"""Statements over tables that the engine does not read itself."""

import pytest

from awsglue._sql import extend, names_in, rewritten


def views(database, name):
    return f"v_{name}" if database == "d" and name in ("t", "u") else None


@pytest.mark.parametrize("statement, wanted", [
    ("select * from d.t", "select * from `v_t` AS `t`"),
    ("SELECT x.id FROM d.t x JOIN `d`.`u` AS y ON x.id = y.id", "SELECT x.id FROM `v_t` x JOIN `v_u` AS y ON x.id = y.id"),
    ("select d.t.id, t.v from d.t where d.t.id > 1", "select `t`.id, t.v from `v_t` AS `t` where `t`.id > 1"),
    ("select 'd.t', \"d.t\" -- d.t\nfrom d.t /* d.t */ limit 1", "select 'd.t', \"d.t\" -- d.t\nfrom `v_t` AS `t` /* d.t */ limit 1"),
    ("select * from d.t, d.u where d.id = 1", "select * from `v_t` AS `t`, `v_u` AS `u` where d.id = 1"),
    ("select * from (select id from d.t group by id) q, d.u", "select * from (select id from `v_t` AS `t` group by id) q, `v_u` AS `u`"),
    ("with q as (select * from d.t) select d.t from q d", "with q as (select * from `v_t` AS `t`) select d.t from q d"),
    ("insert into d.t select * from e.f", "insert into d.t select * from e.f"),
    ("select * from c.d.t", "select * from c.d.t"),
    ("select f(a.b, d.t) from d.other", "select f(a.b, d.t) from d.other"),
    ("select 1.5, x.y from z where a in (select id from d.u)", "select 1.5, x.y from z where a in (select id from `v_u` AS `u`)"),
])
def test_only_tables_that_are_read_become_views(statement, wanted):
    assert rewritten(statement, views) == wanted


def test_tables_by_name():
    class Session:
        def sql(self, text):
            return text

        def table(self, name):
            return name

    session = Session()
    extend(session, views)
    assert session.table("d.t") == "v_t" and session.table("`d`.`u`") == "v_u" and session.table("t") == "t"
    assert session.sql(sqlQuery="select * from d.t") == "select * from `v_t` AS `t`"


def test_views_are_not_shown_among_tables():
    class Shown(str):
        def filter(self, condition):
            return f"{self} where {condition}"

    class Session:
        table = None

        def sql(self, text):
            return Shown(text)

    session = Session()
    extend(session, views)
    assert session.sql(" SHOW TABLES in d") == " SHOW TABLES in d where not startswith(tableName, '__tenon_')"
    assert session.sql("show columns in t") == "show columns in t"


def test_names_are_no_texts_and_no_numbers():
    assert names_in("`a ``b` = 'c' and D.e > 1 -- f\n/* g */ or \"h\" = x1") == ["a `b", "and", "D", "e", "or", "x1"]
