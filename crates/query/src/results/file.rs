//! Writes result files.

use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use lake::{Lake, Staged, Upload, UploadChecks};

use super::cell::Cells;
use crate::run::RunError;

/// Text is handed to the upload in pieces of about this size.
const PIECE_BYTES: usize = 256 * 1024;

/// A CSV result being written.
pub(crate) struct CsvResult {
    upload: Upload,
    buffer: String,
    rows: u64,
}

impl CsvResult {
    /// Begins with the header.
    pub(crate) fn new<'a>(lake: &Lake, names: impl IntoIterator<Item = &'a str>) -> Result<Self, RunError> {
        let mut buffer = String::new();
        for (position, name) in names.into_iter().enumerate() {
            if position > 0 {
                buffer.push(',');
            }
            quoted(&mut buffer, |out| out.push_str(name));
        }
        buffer.push('\n');
        Ok(Self { upload: lake.upload(UploadChecks::default())?, buffer, rows: 0 })
    }

    pub(crate) async fn write(&mut self, batch: &RecordBatch) -> Result<(), RunError> {
        let columns = batch.columns().iter().map(Cells::new).collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            for (position, cells) in columns.iter().enumerate() {
                if position > 0 {
                    self.buffer.push(',');
                }
                if !cells.is_null(row) {
                    quoted(&mut self.buffer, |out| cells.write(row, out));
                }
            }
            self.buffer.push('\n');
            if self.buffer.len() >= PIECE_BYTES {
                self.flush().await?;
            }
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), RunError> {
        let piece = Bytes::from(std::mem::take(&mut self.buffer));
        Ok(self.upload.write(piece).await?)
    }

    /// The finished file, not yet visible, and its rows.
    pub(crate) async fn finish(mut self) -> Result<(Staged, u64), RunError> {
        self.flush().await?;
        Ok((self.upload.finish().await?, self.rows))
    }
}

/// Writes a value between quotes, doubling those inside.
fn quoted(out: &mut String, write: impl FnOnce(&mut String)) {
    out.push('"');
    let start = out.len();
    write(out);
    if out[start..].contains('"') {
        let doubled = out[start..].replace('"', "\"\"");
        out.truncate(start);
        out.push_str(&doubled);
    }
    out.push('"');
}

/// The file of a statement that shows something: a line a row.
pub(crate) async fn text_result(lake: &Lake, lines: &[String]) -> Result<Staged, RunError> {
    let mut text = String::new();
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    Ok(lake.stage_bytes(text.into_bytes()).await?)
}
