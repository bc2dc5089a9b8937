"""`EvaluateDataQuality`: rules in DQDL on frames."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from awsglue._support import partly
from awsglue.transforms.base import GlueTransform


class EvaluateDataQuality(GlueTransform):
    """Evaluates rules in DQDL on a frame: a record for each rule, with its outcome."""

    tenon_status = ("supported", "by the server; the frame is staged as Parquet")
    returns = {"type": "DynamicFrame", "description": "A record for each rule"}

    def __call__(self, frame: Any, ruleset: str, publishing_options: Optional[Dict[str, Any]] = None,
                 additional_options: Optional[Dict[str, Any]] = None,
                 additional_data_sources: Optional[Mapping[str, Any]] = None, transformation_ctx: str = "") -> Any:
        from awsglue._quality import Evaluation

        found = Evaluation(frame, ruleset, publishing_options, additional_options, additional_data_sources)
        found.drop()
        return found.outcomes()

    @classmethod
    @partly("outcomes of rows are computed when they are selected")
    def process_rows(cls, frame: Any, ruleset: str, publishing_options: Optional[Dict[str, Any]] = None,
                     additional_options: Optional[Dict[str, Any]] = None,
                     additional_data_sources: Optional[Mapping[str, Any]] = None, transformation_ctx: str = "") -> Any:
        """Evaluates the rules; a collection of `ruleOutcomes`, `rowLevelOutcomes` (the frame's records, each with the rules
        that hold for it) and `originalData` (the frame)."""
        from awsglue._quality import Evaluation

        return Evaluation(frame, ruleset, publishing_options, additional_options, additional_data_sources).collection()
