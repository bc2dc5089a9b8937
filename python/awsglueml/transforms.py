"""Transforms of AWS Glue's machine-learning package: `EntityDetector` and `FillMissingValues`; the others are refused by name."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Union

from awsglue.transforms import FillMissingValues, FindIncrementalMatches, FindMatches


class EntityDetector:
    """Finds personal data in the text fields of a frame, by the rules of PIIDetection nodes of visual jobs."""

    tenon_status = ("supported", "`detect`, with one action for all entity types, and `classify_columns`; by the server")

    def detect(self, frame: Any, entityTypesToDetect: Union[Sequence[str], Mapping[str, Any]],
               outputColumnName: str = "DetectedEntities", detectionSensitivity: str = "LOW") -> Any:
        """The frame with a column that says what each record holds. Instead of a list of entity types, a mapping of them
        to lists of actions (`DETECT`, `REDACT`, `PARTIAL_REDACT`, `SHA256_HASH`) changes what is found."""
        from awsglue._sensitive import detect

        return detect(frame, entityTypesToDetect, outputColumnName, detectionSensitivity)

    def classify_columns(self, frame: Any, entityTypesToDetect: Sequence[str], sampleFraction: float = 0.1,
                         thresholdFraction: float = 0.1, detectionSensitivity: str = "LOW") -> Dict[str, List[str]]:
        """The columns of which enough records hold an entity type, each with which."""
        from awsglue._sensitive import classify

        return classify(frame, entityTypesToDetect, sampleFraction, thresholdFraction, detectionSensitivity)


__all__ = ["EntityDetector", "FillMissingValues", "FindIncrementalMatches", "FindMatches"]
