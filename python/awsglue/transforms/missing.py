"""`FillMissingValues`: what a field lacks, told from the other fields."""

from __future__ import annotations

from typing import Any

from awsglue.transforms.base import GlueTransform


class FillMissingValues(GlueTransform):
    """Adds a field that holds a field's values and, where these are null or empty texts, what the other fields tell."""

    tenon_status = ("supported", "by the server, with a model of its own; the frame is staged as Parquet")

    def __call__(self, frame: Any, missing_values_column: str, output_column: str = "", transformation_ctx: str = "",
                 info: str = "", stageThreshold: int = 0, totalThreshold: int = 0) -> Any:
        from awsglue._missing import fill
        from awsglue._stages import Stage, call_site

        stage = Stage("FillMissingValues", info or "", stageThreshold, totalThreshold, call_site())
        return fill(frame, missing_values_column, output_column, stage)
