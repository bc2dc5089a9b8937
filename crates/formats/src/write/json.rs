//! JSON lines: one object per row; NULL members are left out.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow_json::LineDelimitedWriter;

use super::WriteOptions;
use super::compress::Compressor;
use crate::error::{FormatError, Problem};

pub(super) struct JsonEncoder {
    out: Compressor,
}

impl JsonEncoder {
    pub(super) fn new(name: &str, write: &WriteOptions) -> Result<Self, FormatError> {
        Ok(Self { out: Compressor::new(write.compression).map_err(|e| FormatError::io(name, e))? })
    }

    pub(super) fn write(&mut self, name: &str, batch: &RecordBatch) -> Result<(), FormatError> {
        let mut text = Vec::new();
        let mut writer = LineDelimitedWriter::new(&mut text);
        let written = writer.write(batch).and_then(|()| writer.finish());
        written.map_err(|e| FormatError::new(name, Problem::Schema { message: e.to_string() }))?;
        drop(writer);
        self.out.write_all(&text).map_err(|e| FormatError::io(name, e))
    }

    pub(super) fn finish(&mut self, name: &str) -> Result<(), FormatError> {
        self.out.finish().map_err(|e| FormatError::io(name, e))
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        self.out.take()
    }
}
