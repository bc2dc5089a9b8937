"""`EvaluateDataQuality`, which generated scripts import from here."""

from __future__ import annotations

from awsglue._support import not_built
from awsglue.transforms import EvaluateDataQuality as _Base

__all__ = ["EvaluateDataQuality"]


class EvaluateDataQuality(_Base):
    """Evaluates rules in DQDL: not built, and refused by name."""

    process_rows = not_built("EvaluateDataQuality.process_rows", _Base.tenon_status[1])
