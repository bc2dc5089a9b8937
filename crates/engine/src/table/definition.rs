//! How a table of the catalog is read: its columns as arrow types, its format, its location; and the same for each of
//! its partitions.

use std::{collections::BTreeMap, sync::Arc};

use arrow::datatypes::{Field, Schema, SchemaRef};
use catalog::{Column, StorageDescriptor, Table, partition::Partition};
use formats::{
    Format,
    hive::{HiveType, shown},
    serde_info,
};

use super::symlink::has_manifests;
use super::types::{Narrower, narrower};
use crate::{EngineError, hive, location::Location, scan::spelling};

/// A table's definition, checked and translated.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) database: String,
    pub(super) table: String,
    /// `database.table`, for messages.
    pub(super) name: String,
    pub(super) keys: Vec<Column>,
    pub(super) key_schema: SchemaRef,
    pub(super) file_schema: SchemaRef,
    /// The columns that are, or hold, texts of a given length, with their types.
    pub(super) bounded: Vec<(String, HiveType)>,
    descriptor: StorageDescriptor,
    parameters: BTreeMap<String, String>,
    pub(super) format: Arc<Format>,
}

/// A partition, or the whole of a table without keys.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) values: Vec<String>,
    pub(super) location: Location,
    pub(super) format: Arc<Format>,
    /// Whether the location holds manifests that name the files.
    pub(super) has_manifests: bool,
}

impl Definition {
    /// `fold_fields`: names of fields inside structures are lower case, as those of columns are.
    pub(super) fn new(table: &Table, fold_fields: bool) -> Result<Self, EngineError> {
        let name = format!("{}.{}", table.database_name, table.name);
        refuse_other_kinds(table, &name)?;
        Self::of_columns(table, name, fold_fields)
    }

    /// The same of a table of any kind: its columns as the catalog has them. `name`: for messages.
    pub(super) fn of_columns(table: &Table, name: String, fold_fields: bool) -> Result<Self, EngineError> {
        let unsupported = |what: String| EngineError::TableUnsupported { table: name.clone(), what };
        let Some(descriptor) = table.storage_descriptor() else {
            return Err(unsupported("it has no storage descriptor".to_owned()));
        };
        let parameters = table.parameters().cloned().unwrap_or_default();
        let keys = table.partition_keys().to_vec();
        let format = Arc::new(format_of(descriptor, &parameters, table.columns(), &name)?);
        let mut file_schema = schema_of(table.columns(), &name, tells_choices(&format))?;
        if fold_fields && !tells_case_apart(&format) {
            file_schema = folded(&file_schema).map_err(unsupported)?;
        }
        let key_schema = schema_of(&keys, &name, false)?;
        for key in key_schema.fields() {
            if !hive::is_partition_type(key.data_type()) {
                let what =
                    format!("its partition key {} has the type {}", key.name(), shown(key.data_type()));
                return Err(unsupported(what));
            }
            if file_schema.index_of(key.name()).is_ok() {
                return Err(unsupported(format!("its partition key {} is a column too", key.name())));
            }
        }
        let descriptor = descriptor.clone();
        let bounded = bounded(table.columns());
        let (database, table) = (table.database_name.clone(), table.name.clone());
        Ok(Self {
            database,
            table,
            name,
            keys,
            key_schema,
            file_schema,
            bounded,
            descriptor,
            parameters,
            format,
        })
    }

    /// A table without partition keys as its only part.
    pub(super) fn whole(&self) -> Result<Part, EngineError> {
        let Some(location) = self.location()? else {
            let what = "it has no location".to_owned();
            return Err(EngineError::TableUnsupported { table: self.name.clone(), what });
        };
        let has_manifests = has_manifests(&self.descriptor);
        Ok(Part { values: Vec::new(), location, format: Arc::clone(&self.format), has_manifests })
    }

    /// Where the table lies, if it says.
    pub(super) fn location(&self) -> Result<Option<Location>, EngineError> {
        let location = self.descriptor.location.as_deref().filter(|text| !text.is_empty());
        location.map(|text| self.parse_location(text)).transpose()
    }

    /// A partition: what it does not say for itself, its table says.
    pub(super) fn part(&self, partition: &Partition) -> Result<Part, EngineError> {
        let values = partition.values().to_vec();
        let location = match partition.location().filter(|text| !text.is_empty()) {
            Some(own) => self.parse_location(own)?,
            None => self.default_location(&values)?,
        };
        let format = self.own_format(partition)?;
        // A partition without an input format of its own has the table's.
        let own = partition.storage_descriptor().filter(|own| own.input_format.is_some());
        let has_manifests = has_manifests(own.unwrap_or(&self.descriptor));
        Ok(Part { values, location, format, has_manifests })
    }

    fn default_location(&self, values: &[String]) -> Result<Location, EngineError> {
        let whole = self.whole()?.location;
        let keys: Vec<String> = self.keys.iter().map(|key| key.name.clone()).collect();
        let prefix = format!("{}{}", whole.folder(), hive::folder(&keys, values));
        Ok(Location { bucket: whole.bucket, prefix })
    }

    fn parse_location(&self, text: &str) -> Result<Location, EngineError> {
        Location::parse(text).map_err(|what| EngineError::LocationInvalid {
            table: Some(self.name.clone()),
            location: text.to_owned(),
            what,
        })
    }

    fn own_format(&self, partition: &Partition) -> Result<Arc<Format>, EngineError> {
        let parameters = self.own_parameters(partition.parameters());
        let own = partition.storage_descriptor().unwrap_or(&self.descriptor);
        let same_serde = own.serde_info.is_none() || own.serde_info == self.descriptor.serde_info;
        let same_input = own.input_format.is_none() || own.input_format == self.descriptor.input_format;
        // A list without any is as none: a partition has its table's columns where it names no own ones.
        let own_columns = own.columns.as_deref().filter(|columns| !columns.is_empty());
        let columns = own_columns.or(self.descriptor.columns.as_deref()).unwrap_or_default();
        let same_columns = self.descriptor.columns.as_deref().unwrap_or_default() == columns;
        if same_serde && same_columns && same_input && parameters.is_none() {
            return Ok(Arc::clone(&self.format));
        }
        let mut merged = own.clone();
        merged.serde_info = own.serde_info.clone().or_else(|| self.descriptor.serde_info.clone());
        merged.input_format = own.input_format.clone().or_else(|| self.descriptor.input_format.clone());
        // What the partition's own parameters say goes before what its SerDe says, too.
        let overrides = |name: &str| {
            let mut names = partition.parameters().into_iter().flat_map(BTreeMap::keys);
            serde_info::is_setting(name) && names.any(|own| own.eq_ignore_ascii_case(name))
        };
        if let Some(settings) = merged.serde_info.as_mut().and_then(|serde| serde.parameters.as_mut()) {
            settings.retain(|name, _| !overrides(name));
        }
        let parameters = parameters.as_ref().unwrap_or(&self.parameters);
        let format = format_of(&merged, parameters, columns, &self.name)?;
        let wanted = self.descriptor.columns.as_deref().unwrap_or_default();
        if !tells_choices(&format) {
            schema_of(wanted, &self.name, false)?;
        }
        match narrower(&format, columns, wanted) {
            None => Ok(Arc::new(format)),
            Some(Narrower { column, own, wanted }) => Err(EngineError::PartitionTypeMismatch {
                partition: format!("partition {} of table {}", partition.values().join("/"), self.name)
                    .into(),
                column,
                own: own.to_string(),
                wanted: wanted.to_string(),
            }),
        }
    }

    /// The table's parameters with those of a partition, where that says otherwise how its files are read. What else
    /// partitions say (statistics) differs from one to the next.
    fn own_parameters(&self, own: Option<&BTreeMap<String, String>>) -> Option<BTreeMap<String, String>> {
        let same = |known: &str, name: &str| known.eq_ignore_ascii_case(name);
        let is_new = |(name, value): &(&String, &String)| {
            serde_info::is_setting(name)
                && !self.parameters.iter().any(|(n, known)| same(n, name) && known == *value)
        };
        let own: Vec<(&String, &String)> = own?.iter().filter(is_new).collect();
        if own.is_empty() {
            return None;
        }
        let mut parameters = self.parameters.clone();
        parameters.retain(|known, _| !own.iter().any(|(name, _)| same(known, name)));
        parameters.extend(own.into_iter().map(|(name, value)| (name.clone(), value.clone())));
        Some(parameters)
    }
}

fn refuse_other_kinds(table: &Table, name: &str) -> Result<(), EngineError> {
    let unsupported =
        |what: &str| Err(EngineError::TableUnsupported { table: name.to_owned(), what: what.to_owned() });
    if table.table_type().is_some_and(|kind| kind.eq_ignore_ascii_case("VIRTUAL_VIEW")) {
        return unsupported("it is a view");
    }
    if let Some(format) = table.open_format() {
        return unsupported(&format!("it is a table of the open format {format}"));
    }
    if let Some(kind) = table.stream() {
        return unsupported(&format!("it is a table of a {kind} stream, and streams are not queried"));
    }
    if table.parameter("projection.enabled").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return unsupported("it uses partition projection");
    }
    // What crawlers write of databases and APIs.
    let location = table.location().unwrap_or_default();
    let of = match table.parameter("typeOfData") {
        _ if location.is_empty() || location.starts_with("s3") => None,
        Some("api") => Some("an API"),
        _ => Some("a database").filter(|_| !location.contains("://")),
    };
    if let (Some(of), Some(kind)) = (of, table.parameter("classification")) {
        return unsupported(&format!("it is a table of {of} ({kind}: {location}), not of files"));
    }
    Ok(())
}

/// `choices`: the reader tells the values of unions apart.
fn schema_of(columns: &[Column], name: &str, choices: bool) -> Result<SchemaRef, EngineError> {
    let mut fields: Vec<Field> = Vec::with_capacity(columns.len());
    for column in columns {
        let column_name = column.name.to_lowercase();
        let unsupported = |what: String| EngineError::TableUnsupported { table: name.to_owned(), what };
        if fields.iter().any(|field| *field.name() == column_name) {
            return Err(unsupported(format!("it has two columns named {column_name}")));
        }
        let hive_type: HiveType = column
            .hive_type()
            .parse()
            .map_err(|error| unsupported(format!("the type of column {column_name} is not one: {error}")))?;
        let data_type = if choices { hive_type.to_arrow_with_choices() } else { hive_type.to_arrow() };
        let data_type = data_type.map_err(|error| unsupported(format!("column {column_name}: {error}")))?;
        fields.push(Field::new(column_name, data_type, true));
    }
    Ok(Arc::new(Schema::new(fields)))
}

/// The columns whose values have a length that plain text does not enforce.
fn bounded(columns: &[Column]) -> Vec<(String, HiveType)> {
    let typed = columns.iter().filter_map(|column| {
        let hive_type: HiveType = column.hive_type().parse().ok()?;
        Some((column.name.to_lowercase(), hive_type))
    });
    typed.filter(|(_, hive_type)| is_bounded(hive_type)).collect()
}

fn is_bounded(hive_type: &HiveType) -> bool {
    match hive_type {
        HiveType::Char(_) | HiveType::Varchar(_) => true,
        HiveType::Array(item) => is_bounded(item),
        HiveType::Map(key, value) => is_bounded(key) || is_bounded(value),
        HiveType::Struct(fields) => fields.iter().any(|(_, field)| is_bounded(field)),
        HiveType::Union(members) => members.iter().any(is_bounded),
        _ => false,
    }
}

/// Whether a reader tells the types of a union's values apart.
fn tells_choices(format: &Format) -> bool {
    matches!(format, Format::Json(_))
}

/// Whether a reader needs the fields of structures spelled as its files spell them.
fn tells_case_apart(format: &Format) -> bool {
    matches!(format, Format::Json(options) if !options.case_insensitive)
}

/// The schema with lower-case fields in structures; the error says which column has two that become the same.
fn folded(schema: &SchemaRef) -> Result<SchemaRef, String> {
    let fields = schema.fields().iter().map(|field| match spelling::folded(field.data_type()) {
        Some(data_type) => Ok(field.as_ref().clone().with_data_type(data_type)),
        None => Err(format!("column {} has two fields whose names differ in case only", field.name())),
    });
    Ok(Arc::new(Schema::new(fields.collect::<Result<Vec<Field>, String>>()?)))
}

/// The format that a descriptor's SerDe stands for; for tables without one, their `classification`.
fn format_of(
    descriptor: &StorageDescriptor,
    parameters: &BTreeMap<String, String>,
    columns: &[Column],
    name: &str,
) -> Result<Format, EngineError> {
    let unsupported = |what: String| EngineError::TableUnsupported { table: name.to_owned(), what };
    let names: Vec<String> = columns.iter().map(|column| column.name.to_lowercase()).collect();
    let serde = descriptor.serde_info.clone().unwrap_or_default();
    let own = serde.parameters.unwrap_or_default();
    let library = serde.serialization_library.filter(|library| !library.is_empty());
    let library = library.or_else(|| match parameters.get("classification").map(String::as_str) {
        Some("csv") => Some(serde_info::LAZY_SIMPLE.to_owned()),
        Some("json") => Some(serde_info::OPENX_JSON.to_owned()),
        Some("parquet") => Some(serde_info::PARQUET.to_owned()),
        Some("avro") => Some(serde_info::AVRO.to_owned()),
        Some("orc") => Some(serde_info::ORC.to_owned()),
        Some("ion") => Some(serde_info::ION.to_owned()),
        Some("fixed") => Some(serde_info::FIXED.to_owned()),
        _ => match descriptor.input_format.as_deref() {
            Some(serde_info::PARQUET_INPUT) => Some(serde_info::PARQUET.to_owned()),
            Some(serde_info::AVRO_INPUT) => Some(serde_info::AVRO.to_owned()),
            Some(serde_info::ORC_INPUT) => Some(serde_info::ORC.to_owned()),
            Some(serde_info::ION_INPUT) => Some(serde_info::ION.to_owned()),
            _ => None,
        },
    });
    match library {
        None if serde_info::is_xml(&own, parameters) => {
            serde_info::xml_of(&own, parameters).map_err(|error| unsupported(error.to_string()))
        }
        Some(library) => {
            let format = serde_info::format_of(&library, &own, parameters, names)
                .map_err(|error| unsupported(error.to_string()))?;
            Ok(if descriptor.input_format.as_deref() == Some(serde_info::CLOUDTRAIL_INPUT) {
                serde_info::within_cloudtrail(format)
            } else {
                format
            })
        }
        None => Err(unsupported("it has neither a SerDe nor a known classification".to_owned())),
    }
}
