//! Files that the library in scripts does not write itself: the script stages a frame as Parquet, and its rows become files of
//! another format; or it says what the rows of a table become ([`TableRows`]).
//!
//! The files become visible together, when all are written. What a crash leaves: nothing.

use datafusion::dataframe::DataFrame;
use engine::write::{self, Spec};
use engine::{PathSource, Session, SessionOptions, SqlDialect};
use formats::{CsvOptions, Format, Strictness, WriteOptions, XmlOptions};
use store::Scope;
use tokio_util::sync::CancellationToken;

use super::{Stager, TableRows, place};
use crate::JobsError;
use crate::execute::formats_of;
use crate::graph::write_format;
use crate::plan::PlanError;
use crate::quality::service::StagedFrame;

/// About how large a file becomes.
const FILE_BYTES: u64 = 128 << 20;

/// Where rows come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Rows {
    /// A frame of the script's.
    Staged(StagedFrame),
    /// A table.
    Made(TableRows),
}

/// Rows to write.
#[derive(Debug, Clone, PartialEq)]
pub struct FilesWrite {
    /// The rows.
    pub rows: Rows,
    /// The folder that the files are added to.
    pub path: String,
    /// `avro`, `orc`, `xml`, `csv`, `json` or `parquet`.
    pub format: String,
    /// How they are compressed, by the names that targets of visual jobs have; empty for the format's default.
    pub compression: String,
    /// Columns that become folders.
    pub partition_keys: Vec<String>,
    /// CSV: what is between two fields; `None`: a comma.
    pub separator: Option<u8>,
    /// CSV: what is around values that need it; `None`: `"`.
    pub quote: Option<u8>,
    /// CSV: the text for NULL in files without quotes, as LazySimpleSerDe reads them; a value that they would not give back is
    /// refused. `None`: files with quotes.
    pub plain_null: Option<String>,
    /// CSV: whether files begin with the names of the columns.
    pub header: bool,
    /// XML: the element of each row; `None`: `ROW`.
    pub row_tag: Option<String>,
    /// XML: the root; `None`: `ROWS`.
    pub root_tag: Option<String>,
}

impl Stager {
    /// Writes the rows of a frame as files with names of their own; returns how many rows there are. Without rows there is no
    /// file. Errors: `InvalidInput` for what the format cannot hold, or cannot be read or written, of which nothing is there;
    /// `Store`.
    pub async fn write_files(&self, scope: &Scope, asked: &FilesWrite) -> Result<u64, JobsError> {
        let place = place("Path", &asked.path)?;
        let (format, options) = of(asked)?;
        let stop = CancellationToken::new();
        // The script is gone when nobody waits for this any more.
        let _guard = stop.clone().drop_guard();
        // What the script has made is as it made it; of a table it must not get another reading than its own.
        let strictness = match asked.rows {
            Rows::Staged(_) => Strictness::Dialect,
            Rows::Made(_) => Strictness::Values,
        };
        let options_of_session = SessionOptions {
            cancel: stop,
            dialect: SqlDialect::Spark,
            strictness,
            ..SessionOptions::default()
        };
        let session = self.session_of(scope, options_of_session);
        let (frame, max_tasks) = match &asked.rows {
            Rows::Staged(frame) => staged(&session, frame).await?,
            Rows::Made(made) => (made.open(&session).await?, None),
        };
        let own = self.store.ids().uuid().replace('-', "");
        let spec = Spec {
            format,
            options,
            partition_keys: asked.partition_keys.clone(),
            target_file_bytes: FILE_BYTES,
            max_tasks,
            ..Spec::parquet(place.bucket, place.prefix, format!("part-{own}"))
        };
        let output = write::write_partitioned(&session, frame, &spec).await.map_err(PlanError::from)?;
        let mut tx = self.store.begin().await?;
        let published = write::publish(&mut tx, &self.lake, output).await.map_err(PlanError::from)?;
        tx.commit().await?;
        Ok(published.rows)
    }
}

/// A frame, and how many files a folder gets at most: as many as the frame has parts.
pub(super) async fn staged(
    session: &Session,
    frame: &StagedFrame,
) -> Result<(DataFrame, Option<usize>), JobsError> {
    let source = PathSource::new(vec![frame.folder.clone()]);
    let parts = session.list_path(&source).await.map_err(PlanError::from)?.len();
    Ok((frame.open(session).await?, Some(parts.max(1))))
}

/// The format and its compression.
fn of(asked: &FilesWrite) -> Result<(Format, WriteOptions), JobsError> {
    let named = write_format(&asked.format, &asked.compression).map_err(JobsError::invalid)?;
    let (format, options) = formats_of(named);
    let options = WriteOptions { header: asked.header, ..options };
    Ok(match format {
        Format::Csv(csv) => {
            let delimiter = asked.separator.unwrap_or(csv.delimiter);
            let dialect = match &asked.plain_null {
                Some(null) => {
                    CsvOptions { null_text: Some(null.clone()), ..CsvOptions::lazy_simple(Vec::new()) }
                }
                None => CsvOptions { quote: asked.quote.or(csv.quote), ..csv },
            };
            (Format::Csv(CsvOptions { delimiter, ..dialect }), options)
        }
        Format::Xml(xml) => {
            let row_tag = asked.row_tag.clone().unwrap_or_else(|| xml.row_tag.clone());
            (Format::Xml(XmlOptions { row_tag, root_tag: asked.root_tag.clone(), ..xml }), options)
        }
        other => (other, options),
    })
}

#[cfg(test)]
mod tests {
    use formats::Compression;

    use super::*;

    #[test]
    fn names_become_formats() {
        let asked = |format: &str, compression: &str| FilesWrite {
            rows: Rows::Staged(StagedFrame { folder: "s3://b/f/".to_owned(), columns: Vec::new() }),
            path: "s3://b/p/".to_owned(),
            format: format.to_owned(),
            compression: compression.to_owned(),
            partition_keys: Vec::new(),
            separator: Some(b';'),
            quote: None,
            plain_null: None,
            header: false,
            row_tag: Some("r".to_owned()),
            root_tag: None,
        };
        let (format, options) = of(&asked("csv", "xz")).unwrap();
        assert!(matches!(format, Format::Csv(csv) if csv.delimiter == b';' && csv.quote == Some(b'"')));
        assert!(!options.header && options.compression == Compression::Xz);
        let plain = FilesWrite { plain_null: Some("-".to_owned()), ..asked("csv", "") };
        let (format, _) = of(&plain).unwrap();
        assert!(matches!(format, Format::Csv(csv) if csv.quote.is_none() && csv.delimiter == b';'
            && csv.null_text.as_deref() == Some("-")));
        let (format, options) = of(&asked("xml", "")).unwrap();
        assert!(matches!(format, Format::Xml(xml) if xml.row_tag == "r" && xml.root() == "ROWS"));
        assert_eq!(options.compression, Compression::None);
        assert_eq!(of(&asked("orc", "")).unwrap().1.compression, Compression::Snappy);
        for (format, compression, what) in [("orc", "lzo", "lzo is not supported"), ("ion", "", "Format ion")]
        {
            let error = of(&asked(format, compression)).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
    }
}
