"""The catalog after a write: `enableUpdateCatalog`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple
from urllib.parse import unquote

from awsglue import gluetypes as g
from awsglue._aws import client
from awsglue._catalog import place
from awsglue._columns import col
from awsglue._listing import truthy, under
from awsglue._types import to_catalog
from awsglue.errors import DataError

_BATCH = 100


# Formats that carry their types: the names of Hive's classes.
_TYPED = {"parquet": ("parquet.MapredParquet", "ql.io.parquet.serde.ParquetHiveSerDe"),
          "avro": ("avro.AvroContainer", "serde2.avro.AvroSerDe"), "orc": ("orc.Orc", "ql.io.orc.OrcSerde")}


def _xml(format_options: Dict[str, Any]) -> Dict[str, str]:
    tags = {"rowTag": str(format_options.get("rowTag") or "ROW")}
    if format_options.get("rootTag"):
        tags["rootTag"] = str(format_options["rootTag"])
    return tags


def descriptor(format: str, location: str, columns: List[Dict[str, str]], format_options: Dict[str, Any]) -> Dict[str, Any]:
    """How the catalog describes files that this library wrote."""
    hive = "org.apache.hadoop.hive"
    text = {"InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "OutputFormat": f"{hive}.ql.io.HiveIgnoreKeyTextOutputFormat"}
    if format in _TYPED:
        files, library = _TYPED[format]
        form = {"InputFormat": f"{hive}.ql.io.{files}InputFormat", "OutputFormat": f"{hive}.ql.io.{files}OutputFormat"}
        serde = {"SerializationLibrary": f"{hive}.{library}", "Parameters": {}}
    elif format == "xml":
        # Hive has no SerDe for it.
        form, serde = {}, {"Parameters": _xml(format_options)}
    elif format == "json":
        form, serde = text, {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe", "Parameters": {}}
    elif str(format_options.get("quoteChar")) == "-1":
        form, serde = text, {"SerializationLibrary": f"{hive}.serde2.lazy.LazySimpleSerDe", "Parameters": {
            "field.delim": str(format_options.get("separator") or ","), "serialization.null.format": ""}}
    else:
        separator = str(format_options.get("separator") or ",")
        # OpenCSVSerde, because values with separators or quotes are written in quotes.
        form, serde = text, {"SerializationLibrary": f"{hive}.serde2.OpenCSVSerde", "Parameters": {
            "separatorChar": separator, "quoteChar": str(format_options.get("quoteChar", '"'))}}
    return {**form, "Columns": columns, "Location": location, "SerdeInfo": serde, "Compressed": False,
            "StoredAsSubDirectories": False}


@dataclass
class Update:
    """A table that is to be made, or to be extended, once its files are there."""

    catalog: Dict[str, Any]
    table: Optional[Dict[str, Any]]
    wanted: Dict[str, Any]
    keys: List[str]
    location: str

    def publish(self, df: Any) -> None:
        """Makes or updates the table, then adds the partitions of `df` that it lacks."""
        glue = client("glue")
        where = {"DatabaseName": self.catalog["database"], **place(self.catalog["catalog_id"])}
        if self.table is None:
            glue.create_table(TableInput=self.wanted, **where)
        elif self.wanted:
            glue.update_table(TableInput=self.wanted, **where)
        if self.keys:
            self._add_partitions(df, glue, where)

    def _add_partitions(self, df: Any, glue: Any, where: Dict[str, str]) -> None:
        name = self.catalog["table"]
        storage = glue.get_table(Name=name, **where)["Table"]["StorageDescriptor"]
        rows = df.select(*[col(key) for key in self.keys]).distinct().collect()
        folders = _folders(self.location, len(self.keys))
        inputs = []
        for row in rows:
            values = tuple(row)
            if values not in folders:
                raise DataError(f"the files are written, but the folder of the partition {list(values)} was not found "
                                f"under {self.location}: it is not in the catalog")
            inputs.append({"Values": list(values), "StorageDescriptor": {**storage, "Location": folders[values]}})
        for start in range(0, len(inputs), _BATCH):
            reply = glue.batch_create_partition(TableName=name, PartitionInputList=inputs[start : start + _BATCH], **where)
            for error in reply.get("Errors", []):
                if error["ErrorDetail"]["ErrorCode"] != "AlreadyExistsException":
                    raise DataError(f"the files are written, but the partition {error['PartitionValues']} of {name} could "
                                    f"not be added: {error['ErrorDetail'].get('ErrorMessage')}")


def _folders(location: str, depth: int) -> Dict[Tuple[str, ...], str]:
    """The partition folders under a location, by their values: engines differ in how they write special characters."""
    found: Dict[Tuple[str, ...], str] = {}
    for item in under(location):
        start = item.url.index(location) + len(location)
        steps = item.url[start:].split("/")[:-1]
        if len(steps) == depth and all("=" in step for step in steps):
            values = tuple(unquote(step.partition("=")[2]) for step in steps)
            found[values] = item.url[:start] + "/".join(steps) + "/"
    return found


def check(catalog: Dict[str, Any], format: str, path: str, kind: g.StructType, keys: List[str],
          options: Dict[str, Any], format_options: Dict[str, Any]) -> Update:
    """Decides, before anything is written, what will happen to the table."""
    behavior = options.get("updateBehavior", "UPDATE_IN_DATABASE")
    if behavior not in ("UPDATE_IN_DATABASE", "LOG"):
        raise DataError(f"updateBehavior is {behavior!r}; it is UPDATE_IN_DATABASE or LOG")
    location = path.rstrip("/") + "/"
    glue = client("glue")
    where = {"DatabaseName": catalog["database"], **place(catalog["catalog_id"])}
    try:
        table = glue.get_table(Name=catalog["table"], **where)["Table"]
    except glue.exceptions.EntityNotFoundException:
        glue.get_database(Name=catalog["database"], **place(catalog["catalog_id"]))
        return Update(catalog, None, _new_table(catalog["table"], format, location, kind, keys, format_options), keys, location)
    return Update(catalog, table, _changed(table, format, location, kind, keys, behavior), keys, location)


def _columns(kind: g.StructType, names: List[str]) -> List[Dict[str, str]]:
    return [{"Name": name.lower(), "Type": to_catalog(kind.getField(name).dataType)} for name in names]


def _new_table(name: str, format: str, location: str, kind: g.StructType, keys: List[str],
               format_options: Dict[str, Any]) -> Dict[str, Any]:
    own = _columns(kind, [field.name for field in kind.fields if field.name not in keys])
    parameters = {"classification": format, "typeOfData": "file", **(_xml(format_options) if format == "xml" else {})}
    if format == "csv":
        parameters["delimiter"] = str(format_options.get("separator") or ",")
        if truthy(format_options.get("writeHeader", True)):
            parameters["skip.header.line.count"] = "1"
    return {"Name": name, "TableType": "EXTERNAL_TABLE", "Parameters": parameters, "PartitionKeys": _columns(kind, keys),
            "StorageDescriptor": descriptor(format, location, own, format_options)}


def _changed(table: Dict[str, Any], format: str, location: str, kind: g.StructType, keys: List[str],
             behavior: str) -> Dict[str, Any]:
    """The table with new columns, or nothing when it stays as it is. What does not fit is refused."""
    storage, name = table["StorageDescriptor"], table["Name"]
    if storage.get("Location", "").rstrip("/") + "/" != location:
        raise DataError(f"the table {name} lies at {storage.get('Location')}, not at {location}")
    known = table.get("Parameters", {}).get("classification", format)
    if known != format:
        raise DataError(f"the table {name} holds {known}, not {format}")
    if [key["Name"] for key in table.get("PartitionKeys", [])] != [key.lower() for key in keys]:
        raise DataError(f"the table {name} is partitioned by {[k['Name'] for k in table.get('PartitionKeys', [])]}, not by {keys}")
    types = {column["Name"].lower(): column["Type"] for column in storage["Columns"]}
    own = _columns(kind, [field.name for field in kind.fields if field.name not in keys])
    new = [column for column in own if column["Name"] not in types]
    other = [c for c in own if c["Name"] in types and c["Type"] != types[c["Name"]].lower()]
    if behavior == "LOG":
        return {}
    if other:
        raise DataError(f"the column {other[0]['Name']} of the table {name} is {types[other[0]['Name']]}, not {other[0]['Type']}")
    if not new:
        return {}
    keep = ("Name", "Description", "Owner", "Retention", "PartitionKeys", "TableType", "Parameters", "ViewOriginalText",
            "ViewExpandedText")
    changed = {field: table[field] for field in keep if field in table}
    changed["StorageDescriptor"] = {**storage, "Columns": storage["Columns"] + new}
    return changed
