"""Bookmarks in sources: only what is new, whatever the source. The server's side is played by the test."""

import pytest

from awsglue._bookmarks import Bookmarks, Loaded
from awsglue.errors import BookmarkError


class Memory:
    def __init__(self):
        self.version, self.state = 0, {}

    def load(self, job, between):
        return Loaded(self.version, False, {context: dict(known) for context, known in self.state.items()})

    def commit(self, job, version, read):
        if version != self.version:
            raise BookmarkError("overtaken")
        for context, items in read.items():
            self.state.setdefault(context, {}).update({item.url: item.etag for item in items.values()})
        self.version += 1
        return self.version


@pytest.fixture
def run(glue_context):
    """Begins a run: `run()` gives its bookmark."""
    store = Memory()

    def begin():
        glue_context._bookmarks = Bookmarks(store, "job")
        return glue_context._bookmarks

    yield begin
    glue_context._bookmarks = None


def ids(frame):
    return sorted(int(row["id"]) for row in frame.toDF().collect())


def test_tables_give_what_is_new(glue_context, data, run):
    def read(context="orders"):
        return glue_context.create_dynamic_frame.from_catalog(data.database, "t", transformation_ctx=context)

    data.put("t/day=1/a.csv", "id,v\n1,x\n2,y\n")
    data.crawl("t/")
    first = run()
    assert ids(read()) == [1, 2]
    assert ids(read()) == [1, 2], "a run reads the same however often it asks"
    run()
    assert ids(read()) == [1, 2], "a run that did not commit has not read"
    first.commit()
    second = run()
    assert ids(read()) == [] and read().toDF().columns == ["id", "v", "day"]
    assert ids(read("")) == [1, 2], "without a context there is no bookmark"
    data.put("t/day=1/b.csv", "id,v\n3,z\n")
    data.put("t/day=1/a.csv", "id,v\n1,x\n2,changed\n")
    assert ids(read()) == [1, 2, 3]
    second.commit()
    run()
    assert ids(read()) == []


def test_files_give_what_is_new_and_keep_their_columns(glue_context, data, run):
    def read(format, options=None):
        return glue_context.create_dynamic_frame.from_options(
            "s3", {"paths": [data.url(f"{format}/")]}, format, options or {}, transformation_ctx=format)

    data.put("csv/a.csv", "id,v\n1,x\n")
    data.put("json/a.json", '{"id": 1, "v": "x"}\n')
    first = run()
    assert ids(read("csv", {"withHeader": True})) == ids(read("json")) == [1]
    first.commit()
    run()
    for frame in (read("csv", {"withHeader": True}), read("json")):
        mapped = frame.filter(lambda r: r["id"] == 1).apply_mapping([("id", "int", "key", "long")])
        assert mapped.count() == 0 and mapped.toDF().columns == ["key"]
        mapped.write("s3", {"path": data.url("out/")}, "parquet")
    assert data.keys("out/") == []
    data.put("json/b.json", '{"id": 2}\n')
    assert ids(read("json")) == [2]


def test_a_run_that_may_read_only_some_files_leaves_the_rest_to_the_next(glue_context, data, run):
    for i in range(5):
        data.put(f"b/{i}.json", '{"id": %d}\n' % i)
    seen = []
    for _ in range(4):
        bookmark = run()
        frame = glue_context.create_dynamic_frame.from_options(
            "s3", {"paths": [data.url("b/")], "boundedFiles": 2}, "json", transformation_ctx="b")
        seen.append(ids(frame))
        bookmark.commit()
    assert sorted(sum(seen, [])) == [0, 1, 2, 3, 4] and [len(part) for part in seen] == [2, 2, 1, 0]
