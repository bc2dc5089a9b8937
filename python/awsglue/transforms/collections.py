"""The transforms of collections."""

from __future__ import annotations

from typing import Any, Callable, Type

from awsglue.transforms.base import GlueTransform

_COLLECTION = {"type": "DynamicFrameCollection", "description": "New frames by name"}


class FlatMap(GlueTransform):
    """Applies a transform to each frame of a collection; collections that come of it are flattened."""

    returns = _COLLECTION

    def __call__(self, dfc: Any, BaseTransform: Type[GlueTransform], frame_name: str, transformation_ctx: str = "",
                 **base_kwargs: Any) -> Any:
        def applied(frame: Any, context: str) -> Any:
            return BaseTransform.apply(**{**base_kwargs, frame_name: frame})

        return dfc.flatmap(applied, transformation_ctx)


class MapToCollection(GlueTransform):
    """Applies a function to each frame of a collection."""

    returns = _COLLECTION

    def __call__(self, dfc: Any, callable: Callable[..., Any], transformation_ctx: str = "") -> Any:
        return dfc.map(callable, transformation_ctx)


class SelectFromCollection(GlueTransform):
    """One frame of a collection."""

    def __call__(self, dfc: Any, key: str, transformation_ctx: str = "") -> Any:
        return dfc.select(key, transformation_ctx)
