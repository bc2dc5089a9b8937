//! From DataFusion's errors to ours.

use std::{io, sync::Arc};

use arrow::error::ArrowError;
use datafusion::{
    common::{Column, SchemaError},
    error::DataFusionError,
    parquet::errors::ParquetError,
};

use super::{EngineError, plain::plain};

/// Looks for one of our errors inside an error of DataFusion.
pub(super) fn find_ours(error: &DataFusionError) -> Option<EngineError> {
    match error {
        DataFusionError::Shared(inner) => find_ours(inner),
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => find_ours(inner),
        DataFusionError::Collection(errors) => errors.iter().find_map(find_ours),
        DataFusionError::External(inner) => find_in_chain(inner.as_ref()),
        DataFusionError::ArrowError(inner, _) => find_in_chain(inner.as_ref()),
        DataFusionError::ParquetError(inner) => find_in_chain(inner.as_ref()),
        DataFusionError::IoError(inner) => inner.get_ref().and_then(|inner| find_in_chain(inner)),
        _ => None,
    }
}

/// Looks for one of our errors in a chain of sources.
pub(super) fn find_in_chain(error: &(dyn std::error::Error + 'static)) -> Option<EngineError> {
    if let Some(ours) = error.downcast_ref::<EngineError>() {
        return Some(ours.clone());
    }
    if let Some(inner) = error.downcast_ref::<DataFusionError>() {
        return find_ours(inner);
    }
    match error.downcast_ref::<ArrowError>() {
        Some(ArrowError::ExternalError(inner)) => return find_in_chain(inner.as_ref()),
        Some(ArrowError::IoError(_, inner)) => return inner.get_ref().and_then(|inner| find_in_chain(inner)),
        _ => {}
    }
    if let Some(ParquetError::External(inner)) = error.downcast_ref::<ParquetError>() {
        return find_in_chain(inner.as_ref());
    }
    error.source().and_then(find_in_chain)
}

pub(super) fn classify(error: &DataFusionError, memory_limit_bytes: u64) -> EngineError {
    match error {
        DataFusionError::Shared(inner) => classify(inner, memory_limit_bytes),
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
            classify(inner, memory_limit_bytes)
        }
        DataFusionError::Collection(errors) => match errors.first() {
            Some(first) => classify(first, memory_limit_bytes),
            None => EngineError::Internal("an empty collection of errors".to_owned()),
        },
        DataFusionError::SchemaError(inner, _) => from_schema_error(inner),
        DataFusionError::ResourcesExhausted(detail) => {
            EngineError::MemoryExhausted { limit_bytes: memory_limit_bytes, detail: detail.clone() }
        }
        DataFusionError::SQL(inner, _) => EngineError::Sql { message: inner.to_string() },
        DataFusionError::Plan(message) | DataFusionError::Configuration(message) => {
            EngineError::Plan { message: plain(message) }
        }
        DataFusionError::NotImplemented(message) => EngineError::Unsupported { message: plain(message) },
        DataFusionError::Execution(message) => EngineError::Execution { message: plain(message) },
        DataFusionError::ArrowError(inner, _) => from_arrow(inner),
        DataFusionError::ParquetError(inner) => EngineError::Execution { message: plain(&inner.to_string()) },
        DataFusionError::IoError(inner) => from_io(inner),
        DataFusionError::ExecutionJoin(inner) if inner.is_cancelled() => EngineError::Cancelled,
        other => EngineError::Internal(other.strip_backtrace()),
    }
}

/// What DataFusion does with files by itself is spilling: objects are read and written by ours, whose errors were found before.
const SPILL_FULL: &str = "the disk for what does not fit in memory is full: make room on it, or name a folder on another one \
     (engine.spill_dir), or give the engine more memory (engine.memory)";

fn from_io(error: &io::Error) -> EngineError {
    let kept = match is_full(error) {
        true => io::Error::new(io::ErrorKind::StorageFull, SPILL_FULL),
        false => io::Error::new(error.kind(), error.to_string()),
    };
    EngineError::Io(Arc::new(kept))
}

/// Whether a disk without room is at the bottom of the error.
fn is_full(error: &io::Error) -> bool {
    if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        return true;
    }
    let mut next = error.get_ref().map(|inner| inner as &(dyn std::error::Error + 'static));
    while let Some(inner) = next {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return is_full(io);
        }
        next = inner.source();
    }
    false
}

fn from_arrow(error: &ArrowError) -> EngineError {
    match error {
        ArrowError::IoError(_, inner) => from_io(inner),
        ArrowError::NotYetImplemented(message) => EngineError::Unsupported { message: plain(message) },
        ArrowError::DivideByZero => EngineError::DivisionByZero,
        ArrowError::ArithmeticOverflow(message) => EngineError::OutOfRange { what: plain(message) },
        ArrowError::CastError(message) | ArrowError::ParseError(message) => {
            EngineError::InvalidCast { what: plain(message) }
        }
        other => EngineError::Execution { message: plain(&other.to_string()) },
    }
}

fn from_schema_error(error: &SchemaError) -> EngineError {
    match error {
        SchemaError::AmbiguousReference { field } => {
            EngineError::AmbiguousColumn { column: field.flat_name() }
        }
        SchemaError::FieldNotFound { field, valid_fields } => EngineError::ColumnNotFound {
            column: field.name().to_owned(),
            relation: field.relation.as_ref().map(ToString::to_string),
            candidates: valid_fields.iter().map(Column::flat_name).collect(),
        },
        SchemaError::DuplicateQualifiedField { qualifier, name } => {
            EngineError::AmbiguousColumn { column: format!("{qualifier}.{name}") }
        }
        SchemaError::DuplicateUnqualifiedField { name } => {
            EngineError::AmbiguousColumn { column: name.clone() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours() -> EngineError {
        EngineError::TableNotFound { database: "shop".to_owned(), table: "orders".to_owned() }
    }

    #[test]
    fn finds_our_error_through_every_wrapper() {
        let plain = ours().into_datafusion();
        let context = ours().into_datafusion().context("while planning");
        let shared = DataFusionError::Shared(Arc::new(ours().into_datafusion()));
        let arrow = DataFusionError::ArrowError(Box::new(ArrowError::ExternalError(Box::new(ours()))), None);
        let parquet = DataFusionError::ParquetError(Box::new(ParquetError::External(Box::new(ours()))));
        let io = DataFusionError::IoError(io::Error::other(ours()));
        let nested = DataFusionError::External(Box::new(DataFusionError::Shared(Arc::new(arrow_external()))));
        for error in [plain, context, shared, arrow, parquet, io, nested] {
            let found = EngineError::from_datafusion(&error, 0);
            assert!(matches!(found, EngineError::TableNotFound { .. }), "{error:?} became {found:?}");
        }
    }

    fn arrow_external() -> DataFusionError {
        DataFusionError::ArrowError(
            Box::new(ArrowError::ExternalError(Box::new(ours().into_datafusion()))),
            None,
        )
    }

    #[test]
    fn arithmetic_that_fails_is_told_apart() {
        let of = |error| EngineError::from_datafusion(&DataFusionError::ArrowError(Box::new(error), None), 0);
        assert!(matches!(of(ArrowError::DivideByZero), EngineError::DivisionByZero));
        let overflow = of(ArrowError::ArithmeticOverflow("Overflow happened on: 1 + 2".to_owned()));
        assert!(matches!(overflow, EngineError::OutOfRange { .. }));
        let cast = of(ArrowError::CastError("Cannot cast string 'x' to value of Int32 type".to_owned()));
        assert_eq!(cast.to_string(), "Cannot cast string 'x' to value of integer type");
    }

    #[test]
    fn a_disk_without_room_is_found_at_the_bottom() {
        let full = || DataFusionError::IoError(io::ErrorKind::StorageFull.into());
        let arrow = ArrowError::IoError("x".to_owned(), io::Error::other(full()));
        let other = DataFusionError::IoError(io::Error::other("away"));
        for (error, what) in [
            (full(), SPILL_FULL),
            (full().context("spilling"), SPILL_FULL),
            (DataFusionError::IoError(io::Error::other(full())), SPILL_FULL),
            (DataFusionError::ArrowError(Box::new(arrow), None), SPILL_FULL),
            (other, "away"),
        ] {
            assert_eq!(EngineError::from_datafusion(&error, 0).to_string(), what);
        }
    }

    #[test]
    fn classifies_by_variant() {
        let exhausted = DataFusionError::ResourcesExhausted("too much".to_owned()).context("sorting");
        let found = EngineError::from_datafusion(&exhausted, 77);
        assert!(matches!(found, EngineError::MemoryExhausted { limit_bytes: 77, .. }), "{found:?}");
        let missing = DataFusionError::SchemaError(
            Box::new(SchemaError::FieldNotFound {
                field: Box::new(Column::new(Some("orders"), "amuont")),
                valid_fields: vec![Column::new(Some("orders"), "amount")],
            }),
            Box::new(None),
        );
        let found = EngineError::from_datafusion(&missing, 0);
        assert_eq!(found.to_string(), "column amuont not found in orders");
    }
}
