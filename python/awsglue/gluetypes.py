"""The types of DynamicFrames: those of Spark, and choices between them.

A field of a DynamicFrame may hold values of several types in different records; its type is then a `ChoiceType`. All
types compare by what they are, print as `printSchema` prints them, and convert to JSON and back.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Optional, Sequence, Type, Union

__all__ = [
    "ArrayType", "AtomicType", "BinaryType", "BooleanType", "ByteType", "ChoiceType", "DataType", "DateType",
    "DecimalType", "DoubleType", "EntityType", "EnumType", "Field", "FloatType", "IntegerType", "LongType", "MapType",
    "NullType", "ShortType", "StringType", "StructType", "TimestampType", "UnknownType", "from_json",
]


class DataType:
    """The base of all types. `properties` are free notes on a type; they take no part in comparisons."""

    type_name = ""

    def __init__(self, properties: Optional[Dict[str, Any]] = None) -> None:
        self.properties: Dict[str, Any] = dict(properties or {})

    @classmethod
    def typeName(cls) -> str:
        """The name of the type, as schemas print it: `int`, `string`, `struct`, …"""
        return cls.type_name or cls.__name__[: -len("Type")].lower()

    def jsonValue(self) -> Dict[str, Any]:
        """The type as a JSON document."""
        return {"dataType": self.typeName(), "properties": self.properties}

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash((type(self).__name__, repr(self._identity())))

    def _identity(self) -> Any:
        return ()

    def __repr__(self) -> str:
        inner = self._identity()
        return f"{type(self).__name__}({', '.join(map(repr, inner)) if inner else ''})"


class AtomicType(DataType):
    """The base of the types without parts."""

    @classmethod
    def fromJsonValue(cls, json_value: Dict[str, Any]) -> "AtomicType":
        """Makes the type from its JSON document."""
        return cls(json_value.get("properties"))


class BinaryType(AtomicType):
    """Bytes."""


class BooleanType(AtomicType):
    """True or false."""


class ByteType(AtomicType):
    """An integer of 8 bits."""


class DateType(AtomicType):
    """A day."""


class DoubleType(AtomicType):
    """A floating-point number of 64 bits."""


class FloatType(AtomicType):
    """A floating-point number of 32 bits."""


class IntegerType(AtomicType):
    """An integer of 32 bits."""

    type_name = "int"


class LongType(AtomicType):
    """An integer of 64 bits."""


class NullType(AtomicType):
    """The type of a field that is null in every record."""


class ShortType(AtomicType):
    """An integer of 16 bits."""


class StringType(AtomicType):
    """Text."""


class TimestampType(AtomicType):
    """A moment."""


class UnknownType(AtomicType):
    """A type that is not known."""


class DecimalType(AtomicType):
    """A number of `precision` digits, `scale` of them after the point."""

    def __init__(self, precision: int = 10, scale: int = 2, properties: Optional[Dict[str, Any]] = None) -> None:
        super().__init__(properties)
        self.precision = precision
        self.scale = scale

    @classmethod
    def fromJsonValue(cls, json_value: Dict[str, Any]) -> "DecimalType":
        return cls(json_value["precision"], json_value["scale"], json_value.get("properties"))

    def jsonValue(self) -> Dict[str, Any]:
        return {**super().jsonValue(), "precision": self.precision, "scale": self.scale}

    def _identity(self) -> Any:
        return (self.precision, self.scale)


class EnumType(AtomicType):
    """Text that is one of `options`."""

    def __init__(self, options: Iterable[str]) -> None:
        super().__init__()
        self.options = list(options)

    @classmethod
    def fromJsonValue(cls, json_value: Dict[str, Any]) -> "EnumType":
        return cls(json_value["options"])

    def jsonValue(self) -> Dict[str, Any]:
        return {**super().jsonValue(), "options": self.options}

    def _identity(self) -> Any:
        return tuple(self.options)


class ArrayType(DataType):
    """A list of elements of one type."""

    def __init__(self, elementType: Optional[DataType] = None, properties: Optional[Dict[str, Any]] = None) -> None:
        super().__init__(properties)
        self.elementType = elementType or UnknownType()

    def jsonValue(self) -> Dict[str, Any]:
        return {**super().jsonValue(), "elementType": self.elementType.jsonValue()}

    def _identity(self) -> Any:
        return (self.elementType,)


class MapType(DataType):
    """Values of one type under texts."""

    def __init__(self, valueType: Optional[DataType] = None, properties: Optional[Dict[str, Any]] = None) -> None:
        super().__init__(properties)
        self.valueType = valueType or UnknownType()

    def jsonValue(self) -> Dict[str, Any]:
        return {**super().jsonValue(), "valueType": self.valueType.jsonValue()}

    def _identity(self) -> Any:
        return (self.valueType,)


class ChoiceType(DataType):
    """One of several types, differing from record to record. No two choices have the same `typeName()`."""

    def __init__(self, choices: Sequence[DataType] = (), properties: Optional[Dict[str, Any]] = None) -> None:
        super().__init__(properties)
        self.choices: Dict[str, DataType] = {}
        self.merge(choices)

    def add(self, new_choice: DataType) -> None:
        """Adds a choice; one of the same name as another is refused."""
        name = new_choice.typeName()
        if name in self.choices and self.choices[name] != new_choice:
            raise ValueError(f"the choice {name} is there already, as {self.choices[name]!r}")
        self.choices[name] = new_choice

    def merge(self, new_choices: Union[DataType, Iterable[DataType]]) -> None:
        """Adds several choices, or those of another choice type."""
        if isinstance(new_choices, ChoiceType):
            new_choices = new_choices.choices.values()
        for choice in [new_choices] if isinstance(new_choices, DataType) else new_choices:
            self.add(choice)

    def jsonValue(self) -> Dict[str, Any]:
        return {**super().jsonValue(), "choices": [choice.jsonValue() for choice in self.choices.values()]}

    def _identity(self) -> Any:
        return tuple(sorted(self.choices.values(), key=lambda choice: choice.typeName()))


class Field:
    """A name and its type."""

    def __init__(self, name: str, dataType: DataType, properties: Optional[Dict[str, Any]] = None) -> None:
        self.name = name
        self.dataType = dataType
        self.properties: Dict[str, Any] = dict(properties or {})

    def jsonValue(self) -> Dict[str, Any]:
        """The field as a JSON document."""
        return {"name": self.name, "container": self.dataType.jsonValue(), "properties": self.properties}

    @classmethod
    def fromJsonValue(cls, json_value: Dict[str, Any]) -> "Field":
        """Makes the field from its JSON document."""
        return cls(json_value["name"], from_json(json_value["container"]), json_value.get("properties"))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Field) and (self.name, self.dataType) == (other.name, other.dataType)

    def __hash__(self) -> int:
        return hash((self.name, self.dataType))

    def __repr__(self) -> str:
        return f"Field({self.name!r}, {self.dataType!r})"


class StructType(DataType):
    """Fields by name, in an order."""

    def __init__(self, fields: Iterable[Field] = (), properties: Optional[Dict[str, Any]] = None) -> None:
        super().__init__(properties)
        self.field_map: Dict[str, Field] = {}
        for field in fields:
            self.add(field)

    @property
    def fields(self) -> List[Field]:
        """The fields, in order."""
        return list(self.field_map.values())

    def add(self, field: Field) -> "StructType":
        """Adds a field at the end; one of the same name is replaced where it stands."""
        self.field_map[field.name] = field
        return self

    def hasField(self, field: Union[str, Field]) -> bool:
        """Says whether there is a field of this name."""
        return (field.name if isinstance(field, Field) else field) in self.field_map

    def getField(self, field: Union[str, Field]) -> Field:
        """Returns the field of this name."""
        return self.field_map[field.name if isinstance(field, Field) else field]

    def jsonValue(self) -> Dict[str, Any]:
        return {**super().jsonValue(), "fields": [field.jsonValue() for field in self.fields]}

    def __iter__(self):
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.field_map)

    def _identity(self) -> Any:
        return tuple(self.fields)


class EntityType(DataType):
    """Named in the documentation as not implemented, there as here."""

    def __init__(self, entity: Any, base_type: Any, properties: Optional[Dict[str, Any]] = None) -> None:
        raise NotImplementedError("EntityType: the documentation of AWS Glue has it as not implemented")


_ATOMIC: Dict[str, Type[AtomicType]] = {
    kind.typeName(): kind
    for kind in (
        BinaryType, BooleanType, ByteType, DateType, DoubleType, FloatType, IntegerType, LongType, NullType, ShortType,
        StringType, TimestampType, UnknownType, DecimalType, EnumType,
    )
}


def from_json(json_value: Dict[str, Any]) -> DataType:
    """Makes a type from what `jsonValue()` returned."""
    name = json_value["dataType"]
    properties = json_value.get("properties")
    if name in _ATOMIC:
        return _ATOMIC[name].fromJsonValue(json_value)
    if name == "array":
        return ArrayType(from_json(json_value["elementType"]), properties)
    if name == "map":
        return MapType(from_json(json_value["valueType"]), properties)
    if name == "choice":
        return ChoiceType([from_json(choice) for choice in json_value["choices"]], properties)
    if name == "struct":
        return StructType([Field.fromJsonValue(field) for field in json_value["fields"]], properties)
    raise ValueError(f"a type called {name!r} is not known")
