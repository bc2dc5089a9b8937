"""What FillMissingValues asks the server for."""

import pytest

from awsglue._missing import _members
from awsglue.errors import DataError
from awsglueml.transforms import FillMissingValues


@pytest.mark.parametrize("field, filled, members", [
    ("age", "", {"ImputedPath": "age"}),
    ("age", None, {"ImputedPath": "age"}),
    ("age", "known", {"ImputedPath": "age", "FilledPath": "known"}),
])
def test_arguments_become_members_of_a_node(field, filled, members):
    assert _members(field, filled) == members


@pytest.mark.parametrize("field, filled, message", [
    ("", "", "names no field"), (None, "", "names no field"), (["a"], "", "names no field"), ("a", 1, "is no name"),
])
def test_what_names_no_field_is_refused(field, filled, message):
    with pytest.raises(DataError, match=message):
        _members(field, filled)


def test_frames_are_dynamic_frames():
    with pytest.raises(DataError, match="needs a DynamicFrame, and was given str"):
        FillMissingValues.apply("frame", "age")
    names = [argument["name"] for argument in FillMissingValues.describeArgs()]
    assert names == ["frame", "missing_values_column", "output_column", "transformation_ctx", "info", "stageThreshold",
                     "totalThreshold"]
