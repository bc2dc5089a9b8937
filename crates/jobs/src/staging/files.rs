//! Files without a table, of formats that the library in scripts does not read itself.
//!
//! The columns are those of all files, each looked at to its end before the first row is read: nothing is left out because
//! only a later record has it. Of log lines the pattern says the columns.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use datafusion::common::ScalarValue;
use datafusion::dataframe::DataFrame;
use datafusion::functions::core::expr_fn::nullif;
use datafusion::logical_expr::{Expr, lit};
use engine::{PathFormat, PathSource, Session};
use formats::{Encoding, ExcelOptions, LineLayout, LineOptions, Pattern, XmlOptions};
use store::Scope;
use tokio_util::sync::CancellationToken;

use super::{Staged, Stager, chosen, folder};
use crate::JobsError;
use crate::plan::{self, PlanError, column};

/// Files to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesRead {
    /// Folders and objects that the files are below.
    pub paths: Vec<String>,
    /// The objects to read, by address, with their ETags.
    pub objects: HashMap<String, String>,
    /// What they are.
    pub format: FilesFormat,
    /// The columns, with their types as the catalog writes them; found out when absent.
    pub columns: Option<Vec<(String, String)>>,
    /// Where the files of the rows are to be; nobody else may write there.
    pub folder: String,
}

/// How files are read; the options are those of Glue's `format_options`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilesFormat {
    /// `xml`; a value that does not fit its column fails the read.
    Xml {
        /// `rowTag`.
        row_tag: String,
        /// `attributePrefix`; `None`: `_`.
        attribute_prefix: Option<String>,
        /// `valueTag`; `None`: `_VALUE`.
        value_tag: Option<String>,
        /// `encoding`, where the document does not say it.
        encoding: Option<String>,
        /// `excludeAttribute`.
        leave_out_attributes: bool,
        /// `treatEmptyValuesAsNulls`.
        empty_is_null: bool,
        /// `ignoreSurroundingSpaces`.
        trim: bool,
    },
    /// `grokLog`; a line that the pattern does not match is a row of NULLs.
    Grok {
        /// `logFormat`.
        pattern: String,
        /// `customPatterns`: one `NAME pattern` on each line.
        custom: String,
        /// `MISSING`: the text that means NULL.
        missing: String,
    },
    /// `ion`, text or binary.
    Ion,
    /// `excel`.
    Excel {
        /// `numberRows`: records to read of each workbook, at most.
        max_rows: Option<u64>,
        /// `skipFooter`: records left out at the end of each workbook.
        skip_footer: u64,
    },
}

impl Stager {
    /// Reads files as rows.
    /// Errors: `InvalidInput` for options that mean nothing, for what cannot be read or written, also objects that are not
    /// as they were listed, and when there is no record to take columns from; `Store`.
    pub async fn read_files(&self, scope: &Scope, read: &FilesRead) -> Result<Staged, JobsError> {
        let folder = folder(&read.folder)?;
        let source = source(read)?;
        let stop = CancellationToken::new();
        // The script is gone when nobody waits for this any more.
        let _guard = stop.clone().drop_guard();
        let session = self.session(scope, stop);
        let listed = session.list_path(&source).await.map_err(PlanError::from)?;
        let objects = Some(chosen(listed, &read.objects, &read.paths.join(", "))?);
        let frame = session.read_path(PathSource { objects, ..source }).await.map_err(PlanError::from)?;
        let frame = plan::plain(frame)?;
        match &read.format {
            FilesFormat::Grok { pattern, missing, .. } => {
                let staged = self.write(&session, without(frame, missing)?, folder).await?;
                refuse_unmatched(&session, read, pattern, staged.rows).await?;
                Ok(staged)
            }
            _ => self.write(&session, frame, folder).await,
        }
    }
}

/// What is to be read, but for the choice of objects.
fn source(read: &FilesRead) -> Result<PathSource, JobsError> {
    let schema = match &read.columns {
        Some(columns) => {
            let columns = columns.iter().map(|(name, hive)| (name.as_str(), hive.as_str()));
            Some(Arc::new(plan::declared(columns)?))
        }
        None => None,
    };
    let whole = PathSource {
        schema,
        folder_columns: false,
        whole_files: true,
        sample_files: usize::MAX,
        ..PathSource::new(read.paths.clone())
    };
    Ok(match &read.format {
        FilesFormat::Xml { .. } => PathSource { format: PathFormat::Xml(xml(&read.format)?), ..whole },
        FilesFormat::Ion => PathSource { format: PathFormat::Ion, ..whole },
        FilesFormat::Excel { max_rows, skip_footer } => {
            let (max_rows, skip_footer) = (*max_rows, *skip_footer);
            let excel = ExcelOptions { max_rows, skip_footer, ..ExcelOptions::default() };
            PathSource { format: PathFormat::Excel(excel), only_known: true, ..whole }
        }
        FilesFormat::Grok { pattern, custom, .. } => {
            let (lines, schema) = log_lines(pattern, custom)?;
            PathSource {
                format: PathFormat::Lines(lines),
                schema: whole.schema.clone().or(Some(schema)),
                ..whole
            }
        }
    })
}

fn xml(format: &FilesFormat) -> Result<XmlOptions, JobsError> {
    let FilesFormat::Xml {
        row_tag,
        attribute_prefix,
        value_tag,
        encoding,
        leave_out_attributes,
        empty_is_null,
        trim,
    } = format
    else {
        return Err(JobsError::invalid("the format is not xml"));
    };
    let encoding = match encoding {
        Some(label) => Encoding::of_label(label).map_err(|error| JobsError::invalid(error.to_string()))?,
        None => None,
    };
    let default = XmlOptions::new(row_tag, "xml");
    Ok(XmlOptions {
        attribute_prefix: attribute_prefix.clone().unwrap_or_else(|| default.attribute_prefix.clone()),
        value_tag: value_tag.clone().unwrap_or_else(|| default.value_tag.clone()),
        encoding,
        leave_out_attributes: *leave_out_attributes,
        empty_is_null: *empty_is_null,
        trim: *trim,
        ..default
    })
}

/// Lines of a pattern, and the columns that it has.
fn log_lines(pattern: &str, custom: &str) -> Result<(LineOptions, Arc<Schema>), JobsError> {
    let found = Pattern::grok(pattern, custom);
    let found = found.map_err(|error| JobsError::invalid(format!("logFormat {pattern}: {error}")))?;
    // Patterns without names are kept under their own.
    let any_named = found.fields().iter().any(|field| field.named);
    let kept = found.fields().iter().filter(|field| field.named || !any_named);
    let named: Vec<(String, String)> = kept.map(|field| (field.name.clone(), field.ty.to_string())).collect();
    if named.is_empty() {
        let what = format!("logFormat {pattern} names no field: write %{{PATTERN:name}}");
        return Err(JobsError::invalid(what));
    }
    let schema = plan::declared(named.iter().map(|(name, hive)| (name.as_str(), hive.as_str())))?;
    let layout = LineLayout::Grok { pattern: pattern.to_owned(), custom: custom.to_owned() };
    let names = named.into_iter().map(|(name, _)| name).collect();
    Ok((LineOptions::new(layout, "grokLog", names), Arc::new(schema)))
}

/// The frame with NULL for a text that says that a value is missing.
fn without(frame: DataFrame, missing: &str) -> Result<DataFrame, JobsError> {
    let text = || lit(ScalarValue::Utf8(Some(missing.to_owned())));
    let columns: Vec<Expr> = frame
        .schema()
        .fields()
        .iter()
        .map(|field| {
            let own = column(field.name());
            match field.data_type() {
                DataType::Utf8 => nullif(own, text()).alias(field.name()),
                _ => own,
            }
        })
        .collect();
    frame.select(columns).map_err(|error| JobsError::invalid(error.to_string()))
}

/// Refuses a pattern that no line has matched: it is wrong, or the files are others.
async fn refuse_unmatched(
    session: &Session,
    read: &FilesRead,
    pattern: &str,
    rows: u64,
) -> Result<(), JobsError> {
    if rows == 0 {
        return Ok(());
    }
    let staged = PathSource {
        format: PathFormat::Parquet,
        folder_columns: false,
        ..PathSource::new(vec![read.folder.clone()])
    };
    let frame = plan::plain(session.read_path(staged).await.map_err(PlanError::from)?)?;
    let names: Vec<String> = frame.schema().fields().iter().map(|field| field.name().clone()).collect();
    let matched = names.iter().map(|name| column(name).is_not_null()).reduce(Expr::or);
    let frame = matched.map_or(Ok(frame.clone()), |matched| frame.filter(matched));
    let frame = frame.and_then(|frame| frame.limit(0, Some(1)));
    let frame = frame.map_err(|error| JobsError::invalid(error.to_string()))?;
    if session.count(frame).await.map_err(PlanError::from)? > 0 {
        return Ok(());
    }
    let paths = read.paths.join(", ");
    Err(JobsError::invalid(format!("logFormat {pattern} matches none of the {rows} lines of {paths}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: FilesFormat) -> FilesRead {
        let (paths, objects) = (vec!["s3://b/p/".to_owned()], HashMap::new());
        FilesRead { paths, objects, format, columns: None, folder: "s3://b/f/".to_owned() }
    }

    fn grok(pattern: &str, custom: &str) -> FilesFormat {
        FilesFormat::Grok { pattern: pattern.to_owned(), custom: custom.to_owned(), missing: "-".to_owned() }
    }

    #[test]
    fn a_pattern_says_the_columns() {
        let found = source(&read(grok("%{A:at} %{NUMBER:n:int}", "A [a-z]+"))).unwrap();
        let schema = found.schema.unwrap();
        let columns: Vec<_> =
            schema.fields().iter().map(|field| (field.name().as_str(), field.data_type())).collect();
        assert_eq!(columns, [("at", &DataType::Utf8), ("n", &DataType::Int32)]);
        for (pattern, what) in [("%{NOPE:n}", "logFormat %{NOPE:n}: "), ("plain", "names no field")] {
            let error = source(&read(grok(pattern, ""))).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
    }

    #[test]
    fn columns_that_are_given_are_not_looked_for() {
        let columns = Some(vec![("a".to_owned(), "struct<b:int>".to_owned())]);
        let found = source(&FilesRead { columns, ..read(FilesFormat::Ion) }).unwrap();
        assert_eq!(found.schema.unwrap().field(0).name(), "a");
        assert!(found.whole_files && !found.folder_columns && found.sample_files == usize::MAX);
        let columns = Some(vec![("a".to_owned(), "nothing".to_owned())]);
        assert!(source(&FilesRead { columns, ..read(FilesFormat::Ion) }).is_err());
    }
}
