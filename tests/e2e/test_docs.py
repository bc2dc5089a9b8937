"""What is generated for the documentation is what the documentation holds."""

import pathlib
import re

ROOT = pathlib.Path(__file__).parents[2]


def test_the_compatibility_page_is_made_from_the_operation_tables(tenon):
    page = tenon.cli("capabilities", "--markdown").stdout
    assert (ROOT / "docs/compatibility.md").read_text() == page


def test_the_athena_guide_lists_the_functions_that_queries_may_call():
    source = (ROOT / "crates/query/src/sql/functions.rs").read_text()
    known = source[source.index("const KNOWN") : source.index("/// The entry of a function")]
    names = set(re.findall(r'(?:same\(|scalar\(|name: )\s*"(\w+)"', known))
    guide = (ROOT / "docs/athena.md").read_text()
    section = guide[guide.index("## Functions") :].split("\n## ")[0]
    listed = {name for quoted in re.findall(r"`([^`]+)`", section) for name in re.findall(r"\w+", quoted)}
    assert len(names) > 60 and names <= listed, names - listed
