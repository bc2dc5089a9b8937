"""Data quality rules: evaluated by the server, whose evaluator is that of its own jobs and rulesets, so that a rule means
the same everywhere. Frames reach it as temporary Parquet files (`_staging`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, Dict, Iterator, Optional, Tuple

from awsglue import _server, _staging
from awsglue import gluetypes as g
from awsglue._bookmarks import current_run
from awsglue._listing import truthy
from awsglue._logger import GlueLogger
from awsglue.errors import DataError, GlueError

_PUBLISHING = {"dataQualityEvaluationContext", "enableDataQualityCloudWatchMetrics", "enableDataQualityResultsPublishing",
               "resultsS3Prefix"}
# Options that change how AWS works, or what its console shows.
_NO_EFFECT = {"performanceTuning.caching", "observations.scope", "dataQualityResultsPublishing.strategy",
              "publishAggregatedMetrics.status"}
_OUTCOMES = g.StructType([
    g.Field("Rule", g.StringType()), g.Field("Outcome", g.StringType()), g.Field("FailureReason", g.StringType()),
    g.Field("EvaluatedMetrics", g.MapType(g.DoubleType())), g.Field("EvaluatedRule", g.StringType()),
])
# What is said about each row, behind its own fields.
_SAID = [g.Field(name, g.ArrayType(g.StringType()))
         for name in ("DataQualityRulesPass", "DataQualityRulesFail", "DataQualityRulesSkip")]
_SAID.append(g.Field("DataQualityEvaluationResult", g.StringType()))


class Evaluation:
    """Rules that were evaluated on a frame."""

    def __init__(self, frame: Any, ruleset: str, publishing: Optional[Dict[str, Any]], options: Optional[Dict[str, Any]],
                 others: Optional[Mapping[str, Any]]) -> None:
        from awsglue.dynamicframe import DynamicFrame

        if not isinstance(ruleset, str) or not ruleset.strip():
            raise DataError("EvaluateDataQuality needs ruleset, a text in DQDL")
        for given in (frame, *(others or {}).values()):
            if not isinstance(given, DynamicFrame):
                raise DataError(f"EvaluateDataQuality needs DynamicFrames, and was given {type(given).__name__}: "
                                "DynamicFrame.fromDF(df, glueContext, name) makes one")
        by_row, self._skipped = _choices(options or {})
        published = _publishing(publishing or {})
        self.frame = frame
        primary, self._kind = _staging.staged(frame, "quality")
        self._asked = {
            "Ruleset": ruleset, "Primary": primary, "ByRow": by_row,
            "Others": {str(alias): _staging.staged(other, "quality")[0] for alias, other in (others or {}).items()},
        }
        answer = _call("evaluate", {**self._asked, **published})
        self.rules = answer["Rules"]
        passed = sum(rule["Outcome"] == "Passed" for rule in self.rules)
        GlueLogger().info(f"data quality: {passed} of {len(self.rules)} rules passed ({answer['ResultId']})")

    def drop(self) -> None:
        """Removes what was staged: nothing will be asked about rows."""
        for staged in (self._asked["Primary"], *self._asked["Others"].values()):
            _staging.remove(staged["Folder"])

    def outcomes(self) -> Any:
        """A record for each rule."""
        from awsglue import _engine
        from awsglue._types import to_spark
        from awsglue.dynamicframe import DynamicFrame

        rows = [(rule["Rule"], rule["Outcome"], rule["FailureReason"],
                 {name: float(value) for name, value in rule["EvaluatedMetrics"].items()}, rule["Rule"])
                for rule in self.rules]
        df = _engine.session().createDataFrame(rows, to_spark(_OUTCOMES))
        return DynamicFrame(df, self.frame.glue_ctx, "ruleOutcomes", kind=_OUTCOMES)

    def row_outcomes(self) -> Any:
        """The frame's records, each with what the rules say about it."""
        from awsglue.dynamicframe import DynamicFrame

        place = _staging.folder("quality")
        _call("rows", {**self._asked, "Skipped": self._skipped, "Folder": place})
        df, kind = _staging.read_back(place, g.StructType(self._kind.fields + _SAID))
        return DynamicFrame(df, self.frame.glue_ctx, "rowLevelOutcomes", kind=kind)

    def collection(self) -> Any:
        """All of it by Glue's names. What is said about rows is computed when it is asked for: most scripts do not."""
        from awsglue.dynamicframe import DynamicFrameCollection

        made = DynamicFrameCollection({}, self.frame.glue_ctx)
        made._frames = _Lazy({  # type: ignore[assignment]
            "rowLevelOutcomes": self.row_outcomes, "ruleOutcomes": self.outcomes, "originalData": lambda: self.frame,
        })
        return made


class _Lazy(Mapping):
    """Frames by name, each made when it is first asked for."""

    def __init__(self, makers: Dict[str, Callable[[], Any]]) -> None:
        self._makers = makers
        self._made: Dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def __contains__(self, name: object) -> bool:
        return name in self._makers


def _publishing(given: Dict[str, Any]) -> Dict[str, Any]:
    """What the server is to do with the outcomes."""
    for name in sorted(set(given) - _PUBLISHING):
        GlueLogger().warn(f"EvaluateDataQuality: the publishing option {name!r} is not known and has no effect")
    if truthy(given.get("enableDataQualityCloudWatchMetrics", False)):
        GlueLogger().warn("EvaluateDataQuality: results are not reported to CloudWatch")
    asked: Dict[str, Any] = {"Context": str(given.get("dataQualityEvaluationContext") or "default_context"),
                             "Keep": truthy(given.get("enableDataQualityResultsPublishing", True))}
    prefix = str(given.get("resultsS3Prefix") or "")
    if prefix:
        asked["ResultsPrefix"] = prefix if "://" in prefix else f"s3://{prefix}"
    run = current_run()
    if run is not None:
        asked["RunId"] = run[0]
    return asked


def _choices(given: Dict[str, Any]) -> Tuple[bool, bool]:
    """Whether composite rules are evaluated by row, and whether rows that `where` leaves out are skipped."""
    method = str(given.get("compositeRuleEvaluation.method") or "COLUMN").upper()
    label = str(given.get("rowLevelConfiguration.filteredRowLabel") or "PASSED").upper()
    if method not in ("ROW", "COLUMN"):
        raise DataError(f"compositeRuleEvaluation.method is {method!r}; it is ROW or COLUMN")
    if label not in ("PASSED", "SKIPPED"):
        raise DataError(f"rowLevelConfiguration.filteredRowLabel is {label!r}; it is PASSED or SKIPPED")
    known = _NO_EFFECT | {"compositeRuleEvaluation.method", "rowLevelConfiguration.filteredRowLabel"}
    for name in sorted(set(given) - known):
        GlueLogger().warn(f"EvaluateDataQuality: the option {name!r} is not known and has no effect")
    return method == "ROW", label == "SKIPPED"


def _call(action: str, body: Dict[str, Any]) -> Dict[str, Any]:
    try:
        return _server.call(f"quality/{action}", body, "data quality rules are evaluated by the server")
    except _server.Refused as error:
        if error.code:
            raise DataError(f"EvaluateDataQuality: {error.message}") from error
        raise GlueError(f"this server evaluates no rules of scripts (HTTP {error.status})") from error
