"""`DataSource`: a place to read from, whose format is set later."""

from __future__ import annotations

from typing import Any, Dict, Optional

__all__ = ["DataSource"]


class DataSource:
    """What `glueContext.getSource` returns."""

    def __init__(self, j_source: Dict[str, Any], sql_ctx: Any, name: str) -> None:
        self._place = j_source
        self._glue_context = sql_ctx
        self.name = name
        self._format: Optional[str] = j_source.get("format")
        self._format_options: Dict[str, Any] = {}

    def setFormat(self, format: str, **options: Any) -> None:
        """Sets the format and its options."""
        self._format = format
        self._format_options = options

    def getFrame(self) -> Any:
        """Reads the frame."""
        return self._glue_context.create_dynamic_frame_from_options(
            self._place["connection_type"], self._place["options"], self._format, self._format_options,
            self._place["transformation_ctx"])
