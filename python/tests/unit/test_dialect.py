"""What delimited text may be written with."""

import pytest

from awsglue._dialect import checked
from awsglue.errors import DataError, NotBuilt


@pytest.mark.parametrize("options, what", [
    ({"separator": "||"}, "separator must be one character"), ({"quoteChar": ""}, "quoteChar must be one character.*-1"),
    ({"separator": "é"}, "ASCII"), ({"separator": ",", "quoteChar": ","}, "both ','"), ({"separator": '"'}, "double quote"),
    ({"separator": '"', "quoteChar": "'"}, "double quote"), ({"separator": "\n"}, "separator is"), ({"quoteChar": "\n"}, "quoteChar is"),
])
def test_what_nobody_could_read_back_is_refused(options, what):
    with pytest.raises(DataError, match=what):
        checked(options)


def test_what_is_written():
    assert checked({"separator": "\\t", "quoteChar": -1}) == {"separator": "\t", "quoteChar": "-1"}
    assert checked({"writeHeader": False}) == {"separator": ",", "quoteChar": '"', "writeHeader": False}
    with pytest.raises(NotBuilt, match="escape"):
        checked({"escaper": "\\"})
