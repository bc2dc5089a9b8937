//! Blocks of rows as bytes: messages of Arrow's IPC format.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::buffer::{Buffer, MutableBuffer};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::reader::FileDecoder;
use arrow::ipc::writer::{
    DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions, write_message,
};
use arrow::ipc::{Block, MetadataVersion};

use super::ReadAt;

/// What arrays in a block are aligned to: what the widest numbers need, so that they are not copied when they are read.
const ALIGNMENT: usize = 16;

/// Whether a block takes as many bytes as its rows of such a column need. (Of a view or a dictionary, it would take
/// all values that there are.)
pub(super) fn is_storable(of: &DataType) -> bool {
    match of {
        DataType::List(field) | DataType::LargeList(field) | DataType::Map(field, _) => {
            is_storable(field.data_type())
        }
        DataType::Struct(fields) => fields.iter().all(|field| is_storable(field.data_type())),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::LargeBinary => true,
        DataType::Null | DataType::Boolean | DataType::FixedSizeBinary(_) => true,
        other => other.is_primitive(),
    }
}

/// Where a block lies in its file.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    from: u64,
    head: u32,
    body: u64,
}

/// Writes blocks one behind the other.
pub(super) struct Writer {
    file: Box<dyn Write + Send>,
    options: IpcWriteOptions,
    context: IpcWriteContext,
    bytes: Vec<u8>,
    end: u64,
}

impl Writer {
    pub(super) fn new(file: Box<dyn Write + Send>) -> Result<Self, ArrowError> {
        let options = IpcWriteOptions::try_new(ALIGNMENT, false, MetadataVersion::V5)?;
        Ok(Self { file, options, context: IpcWriteContext::default(), bytes: Vec::new(), end: 0 })
    }

    /// Bytes written so far.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    pub(super) fn write(&mut self, block: &RecordBatch) -> Result<At, ArrowError> {
        let mut no_dictionaries = DictionaryTracker::new(false);
        let generator = IpcDataGenerator::default();
        let (_, message) = generator.encode(block, &mut no_dictionaries, &self.options, &mut self.context)?;
        self.bytes.clear();
        let (head, body) = write_message(&mut self.bytes, message, &self.options)?;
        self.file.write_all(&self.bytes)?;
        let head_bytes = u32::try_from(head).map_err(|_| ArrowError::OffsetOverflowError(head))?;
        let at = At { from: self.end, head: head_bytes, body: body as u64 };
        self.end += (head + body) as u64;
        Ok(at)
    }
}

/// Reads blocks of a schema.
pub(super) struct Reader(FileDecoder);

impl Reader {
    pub(super) fn new(schema: SchemaRef) -> Self {
        Self(FileDecoder::new(schema, MetadataVersion::V5))
    }

    pub(super) fn read(&self, file: &dyn ReadAt, at: At) -> Result<RecordBatch, ArrowError> {
        let length = u64::from(at.head) + at.body;
        let mut bytes = MutableBuffer::from_len_zeroed(
            usize::try_from(length).map_err(|_| ArrowError::OffsetOverflowError(at.head as usize))?,
        );
        file.read_exact_at(bytes.as_slice_mut(), at.from)?;
        let block = Block::new(0, at.head as i32, at.body as i64);
        let read = self.0.read_record_batch(&block, &Buffer::from(bytes))?;
        read.ok_or_else(|| ArrowError::IpcError("a block of sorted rows holds none".to_owned()))
    }
}
