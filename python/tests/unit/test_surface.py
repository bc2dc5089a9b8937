"""The names that AWS documents are there; what is not built says so by name; the guide tells the same."""

import importlib
import inspect
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "python/tools"))

import surface  # noqa: E402


def test_every_documented_name_is_there():
    for module, owner, names in surface.DOCUMENTED:
        found = importlib.import_module(module)
        place = getattr(found, owner) if owner else found
        for name in names:
            assert hasattr(place, name), f"{module}.{owner}.{name}"


def test_what_is_not_built_raises_before_it_looks_at_its_arguments():
    refused = [entry for entry in surface.entries() if entry.status == "unsupported" and not entry.is_module_note]
    assert len(refused) >= 10
    for entry in refused:
        call = entry.member
        if inspect.isclass(call):
            call = call.apply
        with pytest.raises(NotImplementedError) as raised:
            call(1, 2, nothing=3)
        assert entry.name.rpartition(".")[2].split("(")[0] in str(raised.value)


def test_what_needs_spark():
    """Each is refused by name on Sail in integration/test_engine.py, and called on Apache Spark in the end-to-end tests."""
    assert {entry.name.rpartition(".")[2] for entry in surface.entries() if entry.status == "needs Spark" and not entry.is_module_note} == {
        "create_dynamic_frame_from_rdd", "from_rdd"}


def test_the_guide_s_table_is_made_from_the_code():
    guide = (ROOT / "docs/scripts.md").read_text()
    assert surface.table() in guide, "run: python python/tools/surface.py --write"


def test_transforms_describe_themselves():
    import awsglue.transforms as transforms

    described = transforms.ApplyMapping.describe()["transform"]
    assert described["name"] == "ApplyMapping" and described["location"] == "internal"
    assert [argument["name"] for argument in described["args"]][:2] == ["frame", "mappings"]
    assert described["args"][0]["optional"] is False and described["args"][2]["defaultValue"] == "True"
    assert transforms.SplitRows.describeReturn()["type"] == "DynamicFrameCollection"
    with pytest.raises(NotImplementedError):
        transforms.GlueTransform.describeTransform()


def test_importing_costs_nothing_of_pyspark():
    code = "import sys, awsglue, awsglue.utils, awsglue.job, awsglue.gluetypes, awsglue.transforms, tenon_pyspark\n" \
           "assert not [name for name in sys.modules if name.startswith(('pyspark', 'boto3', 'pyarrow'))]\n" \
           "tenon_pyspark.install()\nassert sum(type(f).__module__ == 'tenon_pyspark' for f in sys.meta_path) == 2\n"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT / "python")


def test_generated_scripts_import_data_quality():
    import awsglue.transforms
    from awsgluedq.transforms import EvaluateDataQuality

    assert EvaluateDataQuality is awsglue.transforms.EvaluateDataQuality
    arguments = [argument["name"] for argument in EvaluateDataQuality.describeArgs()]
    assert arguments[:3] == ["frame", "ruleset", "publishing_options"] and "additional_data_sources" in arguments
    from awsgluedi.transforms import data_quality

    with pytest.raises(NotImplementedError, match="data_quality.RemoveDuplicates"):
        data_quality.RemoveDuplicates.apply(data_frame=None)
