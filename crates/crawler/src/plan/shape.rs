//! What a file or a group of files looks like, and when two are the same table.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use formats::hive::HiveType;
use formats::{
    AvroOptions, ColumnNames, CsvOptions, ExcelOptions, Format, Inferred, InferredField, IonOptions,
    JsonOptions, LineOptions, OrcOptions, ParquetOptions, merge_seen, merge_types,
};

use super::contradictions;
use super::examples::Examples;
use super::headers;
use super::kind::Kind;

/// Share of columns that must be in both.
const SIMILAR: f64 = 0.7;

/// How much two schemas must have in common to be one table. Format and dialect must always be the same, and columns that
/// are found by position at the same places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Likeness {
    /// Seven in ten columns of the wider schema: folders beside each other, files in one folder.
    Similar,
    /// Seven in ten columns of the narrower schema, so that a schema may grow: folders `k=v` of one key.
    Grown,
    /// Nothing: `CombineCompatibleSchemas`.
    Compatible,
}

impl Likeness {
    /// Whether `shared` columns suffice for schemas of so many.
    fn suffices(self, shared: usize, a: usize, b: usize) -> bool {
        match self {
            Self::Similar => shared as f64 >= SIMILAR * a.max(b) as f64,
            Self::Grown => shared as f64 >= SIMILAR * a.min(b) as f64,
            Self::Compatible => true,
        }
    }
}

/// One or more files of a kind.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) kind: Kind,
    pub(crate) fields: Arc<Vec<InferredField>>,
    /// CSV without a header for sure: the columns as the first row of each file names them, when these are the same.
    pub(crate) titled: Option<Arc<Vec<InferredField>>>,
    /// CSV: some field is quoted.
    pub(crate) quoted: bool,
    /// CSV: the escape seen; the quote when backslashes were seen that escape nothing.
    pub(crate) escape: Option<u8>,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    /// Records, estimated where only a sample was read.
    pub(crate) records: u64,
    /// Bytes of text of the sampled records, and how many these were.
    pub(crate) sampled: (u64, u64),
    /// Bytes that were not looked at, of files of which others were.
    pub(crate) unseen: u64,
    /// [`Inferred::certainty`], of several files the least.
    pub(crate) certainty: f64,
    /// Avro: the schema that all files have; none when they differ, or are of another format.
    pub(crate) avro_schema: Option<String>,
    /// Files per compression.
    pub(crate) compressions: BTreeMap<String, u64>,
    /// Nested columns whose types in some files contradict those in others.
    pub(crate) contradicting: BTreeSet<String>,
    /// Files of which others are taken to be like those that were looked at; they count among `files`.
    pub(crate) passed_over: u64,
    /// Files to name.
    pub(crate) examples: Examples,
}

impl Shape {
    /// One file of `size` bytes.
    pub(crate) fn of(inferred: Inferred, size: u64) -> Self {
        let (kind, escape) = match &inferred.format {
            Format::Csv(csv) => (
                Kind::Csv {
                    delimiter: csv.delimiter,
                    header_lines: csv.header_lines,
                    quote: csv.quote.unwrap_or(b'"'),
                    comment: csv.comment,
                },
                match (inferred.backslashes, inferred.quoted) {
                    // The quote says that there is no other escape.
                    (true, _) => csv.quote.or(Some(b'"')),
                    (false, true) => csv.escape,
                    (false, false) => None,
                },
            ),
            Format::Json(json) => match &json.path {
                Some(path) => (Kind::JsonPath(Box::new(path.clone())), None),
                None => (Kind::Json, None),
            },
            Format::Lines(lines) => {
                (Kind::Lines(Box::new(LineOptions { names: Vec::new(), ..lines.clone() })), None)
            }
            Format::Parquet(_) => (Kind::Parquet, None),
            Format::Avro(_) => (Kind::Avro, None),
            Format::Orc(_) => (Kind::Orc, None),
            Format::Excel(excel) => (Kind::Excel { header: excel.header.unwrap_or(true) }, None),
            Format::Xml(xml) => (Kind::Xml(Box::new(xml.clone())), None),
            Format::Ion(_) => (Kind::Ion, None),
        };
        let avro_schema = match &inferred.format {
            Format::Avro(avro) => avro.schema.clone(),
            _ => None,
        };
        let average = (inferred.record_bytes / inferred.records.max(1)).max(1);
        let records = if inferred.complete { inferred.records } else { inferred.records.max(size / average) };
        Self {
            kind,
            fields: Arc::new(inferred.fields),
            titled: inferred.titled.map(Arc::new),
            quoted: inferred.quoted,
            escape,
            avro_schema,
            unseen: inferred.unseen,
            certainty: inferred.certainty,
            files: 1,
            bytes: size,
            records,
            sampled: (inferred.record_bytes, inferred.records),
            compressions: BTreeMap::from([(inferred.compression.name().to_owned(), 1)]),
            contradicting: BTreeSet::new(),
            passed_over: 0,
            examples: Examples::default(),
        }
    }

    /// Whether columns are found by name, so that a file with other columns can be read all the same.
    pub(crate) fn is_by_name(&self) -> bool {
        match &self.kind {
            Kind::Csv { .. } => false,
            Kind::Json | Kind::JsonPath(_) | Kind::Lines(_) | Kind::Xml(_) => true,
            Kind::Parquet | Kind::Avro | Kind::Orc | Kind::Excel { .. } | Kind::Ion => true,
        }
    }

    /// The most common compression.
    pub(crate) fn compression(&self) -> &str {
        self.compressions.iter().max_by_key(|(_, files)| **files).map_or("none", |(name, _)| name.as_str())
    }

    /// Bytes of an average record.
    pub(crate) fn average_record(&self) -> u64 {
        self.sampled.0 / self.sampled.1.max(1)
    }

    /// Takes in another group when both are one table.
    pub(crate) fn merge(&mut self, other: &Self, likeness: Likeness) -> bool {
        // Most files share their columns, also in memory.
        let alike = self.kind == other.kind
            && self.escape == other.escape
            && Arc::ptr_eq(&self.fields, &other.fields);
        let mut merged = None;
        if !alike {
            let Some(fields) = self.merged_fields(other, likeness) else { return false };
            merged = Some(fields);
        }
        self.examples.merge((&self.fields, &other.fields), &other.examples);
        if let Some(fields) = merged {
            if matches!(self.kind, Kind::Parquet | Kind::Avro | Kind::Orc) {
                self.contradicting.extend(contradictions::of(&self.fields, &fields));
                self.contradicting.extend(contradictions::of(&other.fields, &fields));
            }
            if *self.fields != fields {
                self.fields = Arc::new(fields);
            }
        }
        self.titled = headers::merged(self.titled.take(), other.titled.as_ref());
        self.contradicting.extend(other.contradicting.iter().cloned());
        self.quoted |= other.quoted;
        self.escape = self.escape.or(other.escape);
        if self.avro_schema != other.avro_schema {
            // Neither file's schema is the table's: each file is read by its own.
            self.avro_schema = None;
        }
        self.files += other.files;
        self.bytes += other.bytes;
        self.records += other.records;
        self.unseen += other.unseen;
        self.certainty = self.certainty.min(other.certainty);
        self.passed_over += other.passed_over;
        self.sampled = (self.sampled.0 + other.sampled.0, self.sampled.1 + other.sampled.1);
        for (name, files) in &other.compressions {
            *self.compressions.entry(name.clone()).or_default() += files;
        }
        true
    }

    /// Whether both could be one table.
    pub(crate) fn fits(&self, other: &Self, likeness: Likeness) -> bool {
        self.merged_fields(other, likeness).is_some()
    }

    fn merged_fields(&self, other: &Self, likeness: Likeness) -> Option<Vec<InferredField>> {
        if self.kind != other.kind {
            return None;
        }
        // Backslashes that escape in one and stand for themselves in the other: no SerDe reads both.
        if let (Some(ours), Some(theirs)) = (self.escape, other.escape)
            && ours != theirs
        {
            return None;
        }
        let (a, b) = (&*self.fields, &*other.fields);
        match &self.kind {
            Kind::Csv { header_lines, .. } => merge_positions(a, b, *header_lines > 0, likeness),
            Kind::Json | Kind::JsonPath(_) | Kind::Lines(_) => merge_names(a, b, likeness, None),
            Kind::Xml(xml) => merge_names(a, b, likeness, Some(&xml.value_tag.to_lowercase())),
            Kind::Parquet | Kind::Avro | Kind::Orc | Kind::Excel { .. } | Kind::Ion => {
                merge_names(a, b, likeness, None)
            }
        }
    }

    /// The format to write into the catalog.
    pub(crate) fn format(&self, columns: &[String]) -> Format {
        match &self.kind {
            Kind::Csv { delimiter, header_lines, quote, comment } => {
                let names = columns.to_vec();
                let base = if self.quoted {
                    CsvOptions {
                        escape: self.escape,
                        quote: Some(*quote),
                        ..CsvOptions::open_csv(names.clone())
                    }
                } else {
                    CsvOptions::lazy_simple(names.clone())
                };
                Format::Csv(CsvOptions {
                    delimiter: *delimiter,
                    header_lines: *header_lines,
                    comment: *comment,
                    names: ColumnNames::Given(names),
                    ..base
                })
            }
            Kind::Json => Format::Json(JsonOptions::default()),
            Kind::JsonPath(path) => {
                Format::Json(JsonOptions { path: Some((**path).clone()), ..JsonOptions::default() })
            }
            Kind::Parquet => Format::Parquet(ParquetOptions {}),
            Kind::Xml(xml) => Format::Xml((**xml).clone()),
            Kind::Lines(lines) => Format::Lines(LineOptions { names: columns.to_vec(), ..(**lines).clone() }),
            Kind::Avro => Format::Avro(AvroOptions { schema: self.avro_schema.clone() }),
            Kind::Excel { header } => {
                Format::Excel(ExcelOptions { header: Some(*header), ..ExcelOptions::default() })
            }
            Kind::Orc => Format::Orc(OrcOptions { columns: columns.to_vec(), ..OrcOptions::default() }),
            Kind::Ion => Format::Ion(IonOptions::default()),
        }
    }
}

/// `value_tag`: see [`merge_seen`].
fn merged(a: &InferredField, b: &InferredField, value_tag: Option<&str>) -> InferredField {
    let (ty, seen) = merge_seen((&a.ty, &a.seen), (&b.ty, &b.seen), value_tag);
    InferredField { name: a.name.clone(), ty, nullable: a.nullable || b.nullable, seen }
}

/// CSV is read by position: one schema must begin with the other.
pub(super) fn merge_positions(
    a: &[InferredField],
    b: &[InferredField],
    header: bool,
    likeness: Likeness,
) -> Option<Vec<InferredField>> {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    if !likeness.suffices(short.len(), a.len(), b.len()) {
        return None;
    }
    let same = |x: &InferredField, y: &InferredField| {
        if header {
            x.name == y.name
        } else {
            x.seen.is_nothing() || y.seen.is_nothing() || alike(&x.ty, &y.ty)
        }
    };
    let matches = long.iter().zip(short).filter(|(x, y)| same(x, y)).count();
    let enough = if header {
        matches == short.len()
    } else {
        a.len() == b.len() && likeness.suffices(matches, a.len(), b.len())
    };
    if !enough {
        return None;
    }
    let rest = long[short.len()..].iter().map(|f| InferredField { nullable: true, ..f.clone() });
    Some(long.iter().zip(short).map(|(x, y)| merged(x, y, None)).chain(rest).collect())
}

fn alike(a: &HiveType, b: &HiveType) -> bool {
    a == b || merge_types(a, b) != HiveType::String
}

fn merge_names(
    a: &[InferredField],
    b: &[InferredField],
    likeness: Likeness,
    value_tag: Option<&str>,
) -> Option<Vec<InferredField>> {
    // By name, not one by one: there may be thousands.
    let in_a: HashSet<&str> = a.iter().map(|x| x.name.as_str()).collect();
    let in_b: HashMap<&str, &InferredField> = b.iter().map(|y| (y.name.as_str(), y)).collect();
    let shared = in_a.iter().filter(|name| in_b.contains_key(*name)).count();
    if !likeness.suffices(shared, a.len(), b.len()) {
        return None;
    }
    let mut fields = Vec::with_capacity(a.len());
    for x in a {
        match in_b.get(x.name.as_str()) {
            Some(y) => fields.push(merged(x, y, value_tag)),
            None => fields.push(InferredField { nullable: true, ..x.clone() }),
        }
    }
    let new = b.iter().filter(|y| !in_a.contains(y.name.as_str()));
    fields.extend(new.map(|y| InferredField { nullable: true, ..y.clone() }));
    Some(fields)
}
