//! Which columns of databases hold which of our values without a loss.
//!
//! A column takes a type when it has room for each of its values, when both are whole numbers, or when it is the type that the
//! column is read as: what of such values does not fit is an error of the database, or one of the [`Check`]s where the
//! database would change the value instead (blanks at the end of a text, digits of a second, NULL in a column that then numbers or dates itself).

#[cfg(test)]
mod tests;

use arrow::datatypes::{DataType, TimeUnit};
use formats::hive::shown;
use sources::jdbc::{Column, Engine, Landed};

/// What must hold of a value before it is given away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// The column takes no NULL.
    NotNull,
    /// At most so many characters.
    Chars(u64),
    /// At most so many bytes.
    Bytes(u64),
    /// Exactly so many characters: fewer are filled up.
    Exactly(u64),
    /// No blank at its end.
    Trimmed,
    /// At most so many digits of a second.
    Digits(u32),
    /// A number, and a finite one.
    Finite,
}

/// How values become cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As arrow prints them.
    Text,
    /// Truth values as the engine's digits.
    Truth,
    /// Numbers with a point, with all digits of a double.
    Double,
    /// Bytes.
    Bytes,
    /// Moments in UTC.
    Moment,
}

/// How a column of a frame goes into one of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fit {
    pub(super) form: Form,
    pub(super) checks: Vec<Check>,
}

/// What a column can hold.
enum Room {
    Truth,
    /// What is out of its range the database refuses.
    Whole,
    /// No digits: any number.
    Decimal(Option<(i32, i32)>),
    Single,
    Double,
    Text(Vec<Check>),
    Bytes(Option<u64>),
    Day,
    Moment {
        digits: u32,
    },
}

/// What a type of ours holds.
enum Kind {
    Nothing,
    Truth,
    Whole { least: i128, most: i128 },
    Decimal { precision: i32, scale: i32 },
    Single,
    Double,
    Text,
    Bytes,
    Day,
    Moment { digits: u32 },
}

fn whole(bits: u32, signed: bool) -> (i128, i128) {
    let most = 1_i128 << if signed { bits - 1 } else { bits };
    (if signed { -most } else { 0 }, most - 1)
}

fn kind(data_type: &DataType) -> Option<Kind> {
    let of = |bits, signed| {
        let (least, most) = whole(bits, signed);
        Kind::Whole { least, most }
    };
    Some(match data_type {
        DataType::Null => Kind::Nothing,
        DataType::Boolean => Kind::Truth,
        DataType::Int8 => of(8, true),
        DataType::Int16 => of(16, true),
        DataType::Int32 => of(32, true),
        DataType::Int64 => of(64, true),
        DataType::UInt8 => of(8, false),
        DataType::UInt16 => of(16, false),
        DataType::UInt32 => of(32, false),
        DataType::UInt64 => of(64, false),
        DataType::Float16 | DataType::Float32 => Kind::Single,
        DataType::Float64 => Kind::Double,
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale)
            if *scale >= 0 =>
        {
            Kind::Decimal { precision: i32::from(*precision), scale: i32::from(*scale) }
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Kind::Text,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            Kind::Bytes
        }
        DataType::Date32 => Kind::Day,
        DataType::Timestamp(unit, _) => Kind::Moment {
            digits: match unit {
                TimeUnit::Second => 0,
                TimeUnit::Millisecond => 3,
                TimeUnit::Microsecond => 6,
                TimeUnit::Nanosecond => 9,
            },
        },
        DataType::Dictionary(_, values) => return kind(values),
        _ => return None,
    })
}

/// The type of a column that is made for values of ours; an error when there is none.
pub(crate) fn declared(engine: Engine, name: &str, data_type: &DataType) -> Result<Landed, String> {
    let unfit =
        || format!("column {name}: values of the type {} are not written to databases", shown(data_type));
    let postgres = engine == Engine::Postgres;
    let either = |one: &str, other: &str| (if postgres { one } else { other }).to_owned();
    let native_type = match kind(data_type).ok_or_else(unfit)? {
        Kind::Nothing | Kind::Text => either("text", "longtext"),
        Kind::Truth => either("boolean", "tinyint(1)"),
        Kind::Whole { least, most } => match (least, most) {
            (-128, _) => either("smallint", "tinyint"),
            (_, most) if most <= i128::from(i16::MAX) => "smallint".to_owned(),
            (_, most) if most <= i128::from(i32::MAX) => either("integer", "int"),
            (_, most) if most <= i128::from(i64::MAX) => "bigint".to_owned(),
            _ => either("numeric(20,0)", "bigint unsigned"),
        },
        Kind::Decimal { precision, scale } if postgres => format!("numeric({precision},{scale})"),
        // Source: MySQL Reference Manual, "Fixed-Point Types".
        Kind::Decimal { precision: precision @ ..=65, scale: scale @ ..=30 } => {
            format!("decimal({precision},{scale})")
        }
        Kind::Decimal { .. } => return Err(unfit()),
        Kind::Single => either("real", "float"),
        Kind::Double => either("double precision", "double"),
        Kind::Bytes => either("bytea", "longblob"),
        Kind::Day => "date".to_owned(),
        Kind::Moment { .. } => either("timestamp without time zone", "datetime(6)"),
    };
    Ok(Landed { name: name.to_owned(), native_type })
}

/// How values of a type go into a column; an error that says why they do not.
pub(crate) fn fit(engine: Engine, column: &Column, data_type: &DataType) -> Result<Fit, String> {
    let unfit = || {
        format!(
            "column {}: values of the type {} do not fit into {} without a loss; cast them (ApplyMapping)",
            column.name,
            shown(data_type),
            column.native_type
        )
    };
    let room = match engine {
        Engine::Postgres => room_of_postgres(column),
        Engine::MySql => room_of_mysql(column),
    };
    let Some(room) = room else {
        return Err(format!("column {}: the type {} is not written to", column.name, column.native_type));
    };
    let (form, mut checks) =
        matched(kind(data_type).ok_or_else(unfit)?, room, || reads_as(column, data_type))
            .ok_or_else(unfit)?;
    if !column.nullable {
        checks.push(Check::NotNull);
    }
    if form == Form::Double && engine == Engine::MySql {
        checks.push(Check::Finite);
    }
    Ok(Fit { form, checks })
}

/// Whether the column is read as values of that type.
fn reads_as(column: &Column, data_type: &DataType) -> bool {
    let hive = column.hive_type.parse::<formats::hive::HiveType>().ok();
    hive.and_then(|hive| hive.to_arrow().ok()).is_some_and(|own| own == *data_type)
}

fn matched(kind: Kind, room: Room, reads: impl Fn() -> bool) -> Option<(Form, Vec<Check>)> {
    let plain = |form| Some((form, Vec::new()));
    match (kind, room) {
        (Kind::Nothing, _) => plain(Form::Text),
        (Kind::Truth, Room::Truth) => plain(Form::Truth),
        (Kind::Whole { .. }, Room::Whole | Room::Decimal(_)) => plain(Form::Text),
        (Kind::Whole { least, most }, Room::Double) if least >= -(1 << 53) && most <= 1 << 53 => {
            plain(Form::Text)
        }
        (Kind::Whole { least, most }, Room::Single) if least >= -(1 << 24) && most <= 1 << 24 => {
            plain(Form::Text)
        }
        (Kind::Decimal { .. }, Room::Decimal(None)) => plain(Form::Text),
        (Kind::Decimal { precision, scale }, Room::Decimal(Some((most, after)))) => {
            let fits = scale <= after && (precision - scale <= most - after || reads());
            if fits { plain(Form::Text) } else { None }
        }
        (Kind::Decimal { scale: 0, .. }, Room::Whole) if reads() => plain(Form::Text),
        (Kind::Single, Room::Single | Room::Double) | (Kind::Double, Room::Double) => plain(Form::Double),
        (Kind::Text, Room::Text(checks)) => Some((Form::Text, checks)),
        (Kind::Bytes, Room::Bytes(most)) => Some((Form::Bytes, most.map(Check::Bytes).into_iter().collect())),
        (Kind::Day, Room::Day) => plain(Form::Text),
        (Kind::Moment { digits: given }, Room::Moment { digits }) => {
            Some((Form::Moment, (given > digits).then_some(Check::Digits(digits)).into_iter().collect()))
        }
        _ => None,
    }
}

fn number(numbers: &[i32]) -> Option<u64> {
    numbers.first().and_then(|number| u64::try_from(*number).ok())
}

fn room_of_postgres(column: &Column) -> Option<Room> {
    let parts = column.parts();
    let digits = u32::try_from(number(&parts.numbers).unwrap_or(6)).ok()?;
    Some(match parts.name {
        "smallint" | "integer" | "bigint" => Room::Whole,
        "numeric" => Room::Decimal(match parts.numbers.as_slice() {
            [] => None,
            // Fewer than no digits behind the point: values are rounded.
            [_, scale] if *scale < 0 => return None,
            [precision, scale] => Some((*precision, *scale)),
            [precision, ..] => Some((*precision, 0)),
        }),
        "real" => Room::Single,
        "double precision" => Room::Double,
        "boolean" => Room::Truth,
        "date" => Room::Day,
        "bytea" => Room::Bytes(None),
        "text" | "uuid" | "json" | "jsonb" => Room::Text(Vec::new()),
        "character varying" => Room::Text(number(&parts.numbers).map(Check::Chars).into_iter().collect()),
        "character" => Room::Text(number(&parts.numbers).map(Check::Exactly).into_iter().collect()),
        name if name == "timestamp" || name.starts_with("timestamp ") => Room::Moment { digits },
        _ => return None,
    })
}

fn room_of_mysql(column: &Column) -> Option<Room> {
    let lower = column.native_type.to_ascii_lowercase();
    let column = Column { native_type: lower, ..column.clone() };
    let parts = column.parts();
    let unsigned = parts.rest.contains("unsigned") || parts.name.contains("unsigned");
    let numbers = parts.numbers.as_slice();
    // MySQL takes blanks at the end away unasked, of what is too long and of `char`.
    let bytes = |most| Room::Text(vec![Check::Bytes(most)]);
    Some(match parts.name.split(' ').next().unwrap_or_default() {
        "tinyint" if !unsigned && numbers == [1] => Room::Truth,
        "tinyint" | "smallint" | "mediumint" | "int" | "integer" | "bigint" => Room::Whole,
        "decimal" | "numeric" => Room::Decimal(match numbers {
            [precision, scale] => Some((*precision, *scale)),
            [precision] => Some((*precision, 0)),
            _ => return None,
        }),
        // With digits they round.
        "float" if numbers.is_empty() => Room::Single,
        "double" if numbers.is_empty() => Room::Double,
        "date" => Room::Day,
        "datetime" | "timestamp" => {
            Room::Moment { digits: u32::try_from(number(numbers).unwrap_or(0)).ok()? }
        }
        "varchar" => Room::Text(number(numbers).map(Check::Chars).into_iter().collect()),
        "char" => {
            let most = number(numbers).map(Check::Chars);
            Room::Text(most.into_iter().chain([Check::Trimmed]).collect())
        }
        "tinytext" => bytes(0xff),
        "text" => bytes(0xffff),
        "mediumtext" => bytes(0xff_ffff),
        "longtext" | "json" => Room::Text(Vec::new()),
        "varbinary" => Room::Bytes(number(numbers)),
        "tinyblob" => Room::Bytes(Some(0xff)),
        "blob" => Room::Bytes(Some(0xffff)),
        "mediumblob" => Room::Bytes(Some(0xff_ffff)),
        "longblob" => Room::Bytes(None),
        _ => return None,
    })
}
