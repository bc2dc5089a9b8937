"""`DynamicFrameCollection`: frames by name."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Sequence, Union


class DynamicFrameCollection:
    """An ordered dictionary of frames. A list of frames is taken by their names."""

    def __init__(self, dynamic_frames: Union[Dict[str, Any], Sequence[Any]], glue_ctx: Any) -> None:
        if not isinstance(dynamic_frames, dict):
            dynamic_frames = {frame.name: frame for frame in dynamic_frames}
        self._frames: Dict[str, Any] = dict(dynamic_frames)
        self.glue_ctx = glue_ctx

    def keys(self) -> List[str]:
        """The names, in order."""
        return list(self._frames)

    def values(self) -> List[Any]:
        """The frames, in order."""
        return list(self._frames.values())

    def select(self, key: str, transformation_ctx: str = "") -> Any:
        """The frame of this name."""
        if key not in self._frames:
            raise KeyError(f"the collection has no frame {key!r}; it has {', '.join(self._frames)}")
        return self._frames[key]

    def map(self, callable: Callable[..., Any], transformation_ctx: str = "") -> "DynamicFrameCollection":
        """A collection of what `callable(frame, transformation_ctx)` returns for each frame."""
        made = {name: callable(frame, _joined(transformation_ctx, name)) for name, frame in self._frames.items()}
        return DynamicFrameCollection(made, self.glue_ctx)

    def flatmap(self, f: Callable[..., Any], transformation_ctx: str = "") -> "DynamicFrameCollection":
        """As `map`; a collection that `f` returns becomes part of the result, its names behind that of the frame."""
        made: Dict[str, Any] = {}
        for name, frame in self._frames.items():
            result = f(frame, _joined(transformation_ctx, name))
            if isinstance(result, DynamicFrameCollection):
                made.update({f"{name}_{inner}": found for inner, found in result._frames.items()})
            else:
                made[name] = result
        return DynamicFrameCollection(made, self.glue_ctx)

    def __getitem__(self, key: str) -> Any:
        return self.select(key)

    def __len__(self) -> int:
        return len(self._frames)

    def __contains__(self, key: object) -> bool:
        return key in self._frames

    def __iter__(self):
        return iter(self._frames)


def _joined(context: str, name: str) -> str:
    return f"{context}{name}" if context else ""
