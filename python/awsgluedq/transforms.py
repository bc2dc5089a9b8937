"""`EvaluateDataQuality`, which generated scripts import from here."""

from __future__ import annotations

from awsglue.transforms.quality import EvaluateDataQuality

__all__ = ["EvaluateDataQuality"]
