"""What EntityDetector asks the server for."""

import pytest

from awsglue._sensitive import _wanted
from awsglue.errors import DataError, NotBuilt


def actions(action, *entities, **options):
    return {entity: [{"action": action, "actionOptions": options}] for entity in entities}


@pytest.mark.parametrize("wanted, types, members", [
    (["EMAIL"], ["EMAIL"], {"PiiType": "RowAudit"}),
    (actions("DETECT", "EMAIL", "USA_SSN"), ["EMAIL", "USA_SSN"], {"PiiType": "RowAudit"}),
    (actions("redact", "EMAIL", redactText="?"), ["EMAIL"], {"PiiType": "RowMasking", "MaskValue": "?"}),
    (actions("SHA256_HASH", "EMAIL"), ["EMAIL"], {"PiiType": "RowHashing"}),
    (actions("PARTIAL_REDACT", "EMAIL", redactChar="#", numLeftCharsToExclude="3"), ["EMAIL"],
     {"PiiType": "RowPartialMasking", "RedactChar": "#", "NumLeftCharsToExclude": 3}),
    ({"EMAIL": {"action": "DETECT", "sourceColumns": ["*"], "sourceColumnsToExclude": []}}, ["EMAIL"], {"PiiType": "RowAudit"}),
])
def test_actions_become_members_of_a_node(wanted, types, members):
    assert _wanted(wanted) == (types, members)


@pytest.mark.parametrize("wanted, error, message", [
    ("EMAIL", DataError, "a list of names"),
    ({}, DataError, "no entity type"),
    ({**actions("DETECT", "EMAIL"), **actions("SHA256_HASH", "USA_SSN")}, NotBuilt, "another action for each entity type"),
    ({"EMAIL": actions("DETECT", "EMAIL")["EMAIL"] * 2}, NotBuilt, "2 actions for EMAIL"),
    (actions("ENCRYPT", "EMAIL"), DataError, "'ENCRYPT' is none of DETECT"),
    (actions("REDACT", "EMAIL"), DataError, "needs actionOptions with redactText"),
    (actions("REDACT", "EMAIL", redacttext="?"), DataError, "'redacttext' is none of redactText"),
    ({"EMAIL": [{"action": "DETECT", "sourceColumns": ["a"]}]}, NotBuilt, "sourceColumns of EMAIL"),
    ({"EMAIL": [{"action": "DETECT", "columns": ["a"]}]}, DataError, "'columns' is none of"),
])
def test_what_is_not_built_is_refused(wanted, error, message):
    with pytest.raises(error, match=message.replace("(", "\\(")):
        _wanted(wanted)
