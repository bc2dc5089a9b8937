//! The statements of each kind of node.

use std::collections::BTreeMap;

use super::python::{dictionary, flag, list, segment, text, texts};
use super::{condition, database, quality};
use crate::graph::{
    AggFunction, Aggregation, BlockCodec, Bounds, CatalogSource, Compression, Destination, FieldPath,
    FileFormat, FileSource, JoinKind, JoinSide, Mapping, Node, NodeKind, ParquetCodec, Target,
    UpdateBehavior, WriteFormat,
};

/// The variables of all nodes, by id.
type Variables = BTreeMap<String, String>;

pub(super) const NO_SCRIPT: &str = "this kind of node has no script yet; its job runs on the engine";

/// The lines of a node, each ended.
pub(super) fn statements(node: &Node, variables: &Variables) -> Result<String, String> {
    let names = Names { node, variables };
    let value = match &node.kind {
        NodeKind::Catalog(source) => catalog(source, &names)?,
        NodeKind::Files(source) => files(source, &names),
        NodeKind::ApplyMapping(mappings) => {
            names.transform("ApplyMapping", &[("mappings", mapped(mappings)?)])?
        }
        NodeKind::SelectFields(paths) => names.transform("SelectFields", &[("paths", dotted_all(paths))])?,
        NodeKind::DropFields(paths) => names.transform("DropFields", &[("paths", dotted_all(paths))])?,
        NodeKind::RenameField { from, to } => names.transform(
            "RenameField",
            &[("old_name", text(&dotted(from))), ("new_name", text(&dotted(to)))],
        )?,
        NodeKind::Filter { any, conditions } => names.of_frame(&format!(
            "{}.toDF().where({})",
            names.input(0)?,
            text(&condition::predicate(*any, conditions))
        )),
        NodeKind::Join { kind, left, right } => join(*kind, left, right, &names)?,
        NodeKind::Sql { query, aliases } => sql(query, aliases, &names)?,
        NodeKind::Aggregate { groups, aggregations } => {
            names.of_frame(&aggregate(groups, aggregations, &names)?)
        }
        NodeKind::DropDuplicates { columns } => names.of_frame(&distinct(columns, &names)?),
        NodeKind::Union { distinct } => {
            let united = format!("{}.toDF().union({}.toDF())", names.input(0)?, names.input(1)?);
            names.of_frame(&if *distinct { format!("{united}.distinct()") } else { united })
        }
        NodeKind::Jdbc(source) => database::read(source, &names),
        NodeKind::Quality(own) => return quality::statements(own, &names),
        NodeKind::Target(target) => return write(target, &names),
        _ => return Err(NO_SCRIPT.to_owned()),
    };
    Ok(format!("{} = {value}\n", names.own()?))
}

/// How a node and its inputs are called.
pub(super) struct Names<'a> {
    node: &'a Node,
    variables: &'a Variables,
}

impl Names<'_> {
    pub(super) fn own(&self) -> Result<&str, String> {
        self.of(&self.node.id)
    }

    /// The node's name, for people.
    pub(super) fn title(&self) -> &str {
        &self.node.name
    }

    fn of(&self, id: &str) -> Result<&str, String> {
        self.variables.get(id).map(String::as_str).ok_or_else(|| format!("there is no node {id}"))
    }

    pub(super) fn input(&self, at: usize) -> Result<&str, String> {
        self.of(self.node.inputs.get(at).ok_or("an input is missing")?)
    }

    pub(super) fn context(&self) -> String {
        text(&self.node.id)
    }

    /// `Transform.apply(frame=…, …)`.
    fn transform(&self, name: &str, arguments: &[(&str, String)]) -> Result<String, String> {
        let mut call = format!("{name}.apply(frame={}", self.input(0)?);
        for (argument, value) in arguments {
            call.push_str(&format!(", {argument}={value}"));
        }
        Ok(format!("{call}, transformation_ctx={})", self.context()))
    }

    /// A data frame as a dynamic frame.
    fn of_frame(&self, frame: &str) -> String {
        format!("DynamicFrame.fromDF({frame}, glueContext, {})", self.context())
    }
}

fn dotted(path: &FieldPath) -> String {
    path.iter().map(|name| segment(name)).collect::<Vec<_>>().join(".")
}

fn dotted_all(paths: &[FieldPath]) -> String {
    list(paths.iter().map(|path| text(&dotted(path))))
}

fn bounds(bounds: Bounds) -> Vec<(&'static str, String)> {
    let files = bounds.files.map(|most| ("boundedFiles", text(&most.to_string())));
    let bytes = bounds.bytes.map(|most| ("boundedSize", text(&most.to_string())));
    files.into_iter().chain(bytes).collect()
}

fn catalog(source: &CatalogSource, names: &Names<'_>) -> Result<String, String> {
    let mut options = bounds(source.bounds);
    if let Some(predicate) = &source.predicate {
        // The catalog's own grammar, as the engine takes it.
        options.push(("catalogPartitionPredicate", text(predicate)));
    }
    let options = match options.is_empty() {
        true => String::new(),
        false => format!(", additional_options={}", dictionary(options)),
    };
    Ok(format!(
        "glueContext.create_dynamic_frame.from_catalog(database={}, table_name={}{options}, transformation_ctx={})",
        text(&source.database),
        text(&source.table),
        names.context()
    ))
}

fn files(source: &FileSource, names: &Names<'_>) -> String {
    let (format, format_options) = read_format(&source.format);
    let paths: Vec<String> = source.paths.iter().map(ToString::to_string).collect();
    let mut options =
        vec![("paths", texts(paths.iter().map(String::as_str))), ("recurse", flag(source.recurse))];
    if !source.exclusions.is_empty() {
        let patterns: Vec<String> = source.exclusions.iter().map(ToString::to_string).collect();
        options.push(("exclusions", text(&texts(patterns.iter().map(String::as_str)))));
    }
    options.extend(bounds(source.bounds));
    format!(
        "glueContext.create_dynamic_frame.from_options(connection_type=\"s3\", connection_options={}, \
         format=\"{format}\", format_options={}, transformation_ctx={})",
        dictionary(options),
        dictionary(format_options),
        names.context()
    )
}

type Options = Vec<(&'static str, String)>;

fn read_format(format: &FileFormat) -> (&'static str, Options) {
    let letter = |byte: u8| text(&char::from(byte).to_string());
    match format {
        FileFormat::Csv { separator, quote, escape, header, skip_first } => {
            let mut options = vec![
                ("withHeader", flag(*header)),
                ("separator", letter(*separator)),
                ("quoteChar", quote.map_or_else(|| "-1".to_owned(), letter)),
            ];
            options.extend(escape.map(|escape| ("escaper", letter(escape))));
            options.extend(skip_first.then(|| ("skipFirst", flag(true))));
            ("csv", options)
        }
        FileFormat::Json => ("json", Vec::new()),
        FileFormat::Parquet => ("parquet", Vec::new()),
        FileFormat::Excel { max_rows, skip_footer } => {
            let mut options: Options =
                max_rows.iter().map(|most| ("numberRows", text(&most.to_string()))).collect();
            if *skip_footer > 0 {
                options.push(("skipFooter", text(&skip_footer.to_string())));
            }
            ("excel", options)
        }
    }
}

/// The mappings of a list, those of structures as paths.
fn mapped(mappings: &[Mapping]) -> Result<String, String> {
    let mut entries = Vec::new();
    flatten(mappings, &[], &[], &mut entries)?;
    Ok(list(entries))
}

fn flatten(
    mappings: &[Mapping],
    from: &[String],
    to: &[String],
    entries: &mut Vec<String>,
) -> Result<(), String> {
    for mapping in mappings {
        let from = [from, mapping.from.as_slice()].concat();
        let to = [to, mapping.to.as_slice()].concat();
        if !mapping.children.is_empty() {
            flatten(&mapping.children, &from, &to, entries)?;
            continue;
        }
        let Some(wanted) = &mapping.to_type else {
            return Err(format!("the mapping of {} has no ToType, which a script needs", dotted(&from)));
        };
        let found = mapping.from_type.as_ref().unwrap_or(wanted);
        let parts = [&dotted(&from), found, &dotted(&to), wanted].map(|part| text(part));
        entries.push(format!("({})", parts.join(", ")));
    }
    Ok(())
}

fn join(kind: JoinKind, left: &JoinSide, right: &JoinSide, names: &Names<'_>) -> Result<String, String> {
    let how = match kind {
        JoinKind::Inner => "inner",
        JoinKind::Left => "left",
        JoinKind::Right => "right",
        JoinKind::Outer => "outer",
        JoinKind::LeftSemi => "left_semi",
        JoinKind::LeftAnti => "left_anti",
    };
    let (one, two) = (names.of(&left.input)?, names.of(&right.input)?);
    let top_level = |side: &JoinSide| side.keys.iter().all(|key| key.len() == 1);
    if left.keys == right.keys && top_level(left) {
        // Keys of the same name become one column.
        let keys = texts(left.keys.iter().flatten().map(String::as_str));
        return Ok(names.of_frame(&format!("{one}.toDF().join({two}.toDF(), {keys}, {})", text(how))));
    }
    if left.keys.iter().zip(&right.keys).any(|(left, right)| left == right) {
        return Err("some of its keys have the same name and some have not; rename them".to_owned());
    }
    let pairs = left.keys.iter().zip(&right.keys).map(|(left, right)| {
        format!("F.col({}) == F.col({})", text(&condition::field(left)), text(&condition::field(right)))
    });
    Ok(names.of_frame(&format!("{one}.toDF().join({two}.toDF(), {}, {})", list(pairs), text(how))))
}

fn sql(query: &str, aliases: &[(String, String)], names: &Names<'_>) -> Result<String, String> {
    let frames = aliases.iter().map(|(input, alias)| Ok((alias.as_str(), names.of(input)?.to_owned())));
    let frames = dictionary(frames.collect::<Result<Vec<_>, String>>()?);
    Ok(format!("spark_sql({}, {frames}, {})", text(query), names.context()))
}

fn aggregate(
    groups: &[FieldPath],
    aggregations: &[Aggregation],
    names: &Names<'_>,
) -> Result<String, String> {
    let by = groups.iter().map(|path| format!("F.col({})", text(&condition::field(path))));
    let values = aggregations.iter().map(|one| {
        let column = format!("F.col({})", text(&condition::field(&one.column)));
        let alias = text(&one.function.result_name(&one.column.join(".")));
        format!("F.{}({column}).alias({alias})", function(one.function))
    });
    let (by, values) = (by.collect::<Vec<_>>().join(", "), values.collect::<Vec<_>>().join(", "));
    Ok(format!("{}.toDF().groupBy({by}).agg({values})", names.input(0)?))
}

fn function(function: AggFunction) -> &'static str {
    match function {
        AggFunction::Avg => "avg",
        AggFunction::CountDistinct => "count_distinct",
        AggFunction::Count => "count",
        AggFunction::First => "first",
        AggFunction::Last => "last",
        AggFunction::Kurtosis => "kurtosis",
        AggFunction::Max => "max",
        AggFunction::Min => "min",
        AggFunction::Skewness => "skewness",
        AggFunction::StddevSamp => "stddev_samp",
        AggFunction::StddevPop => "stddev_pop",
        AggFunction::Sum => "sum",
        AggFunction::SumDistinct => "sum_distinct",
        AggFunction::VarSamp => "var_samp",
        AggFunction::VarPop => "var_pop",
    }
}

fn distinct(columns: &[FieldPath], names: &Names<'_>) -> Result<String, String> {
    let frame = format!("{}.toDF()", names.input(0)?);
    if columns.is_empty() {
        return Ok(format!("{frame}.distinct()"));
    }
    if columns.iter().any(|path| path.len() > 1) {
        return Err("scripts drop duplicates by top-level columns only".to_owned());
    }
    Ok(format!("{frame}.dropDuplicates({})", texts(columns.iter().flatten().map(String::as_str))))
}

fn write(target: &Target, names: &Names<'_>) -> Result<String, String> {
    let keys = texts(target.partition_keys.iter().map(String::as_str));
    let mut frame = names.input(0)?.to_owned();
    if let Destination::Path { most_files: Some(most), .. } = &target.destination {
        frame = format!("{frame}.coalesce({most})");
    }
    match &target.destination {
        Destination::Path { path, format, catalog: None, .. } => {
            let (format, options) = write_format(*format);
            let place = dictionary([("path", text(&path.to_string())), ("partitionKeys", keys)]);
            Ok(format!(
                "glueContext.write_dynamic_frame.from_options(frame={frame}, connection_type=\"s3\", \
                 connection_options={place}, format=\"{format}\", format_options={}, transformation_ctx={})\n",
                dictionary(options),
                names.context()
            ))
        }
        Destination::Path { path, format, catalog: Some(update), .. } => {
            let (format, options) = write_format(*format);
            let behavior = behavior(update.behavior);
            let more: String = options.iter().map(|(name, value)| format!(", {name}={value}")).collect();
            let own = names.own()?;
            Ok(format!(
                "{own} = glueContext.getSink(path={}, connection_type=\"s3\", updateBehavior=\"{behavior}\", \
                 partitionKeys={keys}, enableUpdateCatalog=True, transformation_ctx={})\n\
                 {own}.setCatalogInfo(catalogDatabase={}, catalogTableName={})\n\
                 {own}.setFormat(\"{format}\"{more})\n\
                 {own}.writeFrame({frame})\n",
                text(&path.to_string()),
                names.context(),
                text(&update.database),
                text(&update.table),
            ))
        }
        Destination::Iceberg(_) => Err(unwritten("an Iceberg target")),
        Destination::Delta(_) => Err(unwritten("a Delta target")),
        Destination::Database(to) => Ok(database::write(to, &frame, names)),
        Destination::Table { database, table, update } => {
            let mut options = vec![("partitionKeys", keys)];
            if let Some(update) = update {
                options.push(("enableUpdateCatalog", flag(true)));
                options.push(("updateBehavior", text(behavior(*update))));
            }
            Ok(format!(
                "glueContext.write_dynamic_frame.from_catalog(frame={frame}, database={}, table_name={}, \
                 additional_options={}, transformation_ctx={})\n",
                text(database),
                text(table),
                dictionary(options),
                names.context()
            ))
        }
    }
}

fn unwritten(what: &str) -> String {
    format!("{what} has no script yet; its job runs on the engine")
}

fn behavior(update: UpdateBehavior) -> &'static str {
    match update {
        UpdateBehavior::UpdateInDatabase => "UPDATE_IN_DATABASE",
        UpdateBehavior::Log => "LOG",
    }
}

fn write_format(format: WriteFormat) -> (&'static str, Options) {
    let compressed = |codec: Option<Compression>| {
        codec.map(|codec| ("compression", text(codec.name()))).into_iter().collect()
    };
    match format {
        WriteFormat::Parquet(codec) => {
            let name = match codec {
                ParquetCodec::Snappy => "snappy",
                ParquetCodec::Gzip => "gzip",
                ParquetCodec::Zstd => "zstd",
                ParquetCodec::Uncompressed => "uncompressed",
            };
            ("parquet", vec![("compression", text(name))])
        }
        WriteFormat::Csv(codec) => ("csv", compressed(codec)),
        WriteFormat::Json(codec) => ("json", compressed(codec)),
        // AWS Glue writes none; our library does.
        WriteFormat::Xml(codec) => ("xml", compressed(codec)),
        WriteFormat::Avro(codec) => ("avro", block(codec, "deflate")),
        WriteFormat::Orc(codec) => ("orc", block(codec, "zlib")),
    }
}

/// `deflate` is what the format calls it.
fn block(codec: BlockCodec, deflate: &str) -> Options {
    let name = match codec {
        BlockCodec::Snappy => "snappy",
        BlockCodec::Deflate => deflate,
        BlockCodec::Zstd => "zstd",
        BlockCodec::Bzip2 => "bzip2",
        BlockCodec::Xz => "xz",
        BlockCodec::Lz4 => "lz4",
        BlockCodec::Uncompressed => "uncompressed",
    };
    vec![("compression", text(name))]
}
