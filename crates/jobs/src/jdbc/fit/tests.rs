//! Which types fit where.

use super::*;

fn column(native: &str, hive: &str) -> Column {
    Column {
        name: "c".to_owned(),
        native_type: native.to_owned(),
        hive_type: hive.to_owned(),
        nullable: true,
        comment: None,
    }
}

fn micros() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, None)
}

#[test]
fn what_a_table_is_made_of_takes_what_it_was_made_for() {
    let types = [
        DataType::Boolean,
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::UInt8,
        DataType::UInt32,
        DataType::UInt64,
        DataType::Float32,
        DataType::Float64,
        DataType::Decimal128(38, 18),
        DataType::Utf8View,
        DataType::Binary,
        DataType::Date32,
        micros(),
    ];
    for engine in [Engine::Postgres, Engine::MySql] {
        for data_type in &types {
            let made = declared(engine, "c", data_type).unwrap();
            let found = column(&made.native_type, "string");
            let fit = fit(engine, &found, data_type).unwrap();
            let checks = fit.checks.iter().filter(|check| **check != Check::Finite).count();
            assert_eq!(checks, 0, "{data_type} in {}: {fit:?}", made.native_type);
        }
    }
    let list = DataType::new_list(DataType::Int32, true);
    assert!(declared(Engine::Postgres, "c", &list).unwrap_err().contains("column c: "));
}

#[test]
fn what_would_lose_something_is_refused() {
    for (native, hive, data_type) in [
        ("real", "float", DataType::Float64),
        ("double precision", "double", DataType::Int64),
        ("numeric(12,2)", "decimal(12,2)", DataType::Float64),
        ("numeric(12,2)", "decimal(12,2)", DataType::Decimal128(12, 3)),
        ("numeric(3,-2)", "decimal(5,0)", DataType::Decimal128(5, 0)),
        ("text", "string", DataType::Int32),
        ("integer", "int", DataType::Utf8),
        ("integer[]", "array<int>", DataType::Utf8),
        ("date", "date", micros()),
        ("mood", "string", DataType::Utf8),
    ] {
        let message = fit(Engine::Postgres, &column(native, hive), &data_type).unwrap_err();
        assert!(message.starts_with("column c: "), "{native} {data_type}: {message}");
    }
    for (native, data_type) in [
        ("enum('a','b')", DataType::Utf8),
        ("year(4)", DataType::Int32),
        ("float(7,4)", DataType::Float32),
        ("binary(4)", DataType::Binary),
    ] {
        assert!(fit(Engine::MySql, &column(native, "string"), &data_type).is_err(), "{native}");
    }
}

#[test]
fn what_the_database_would_change_is_checked_before() {
    let of = |engine, native: &str, hive: &str, data_type: DataType| {
        fit(engine, &column(native, hive), &data_type).unwrap().checks
    };
    let postgres = |native: &str, data_type| of(Engine::Postgres, native, "string", data_type);
    assert_eq!(postgres("character varying(3)", DataType::Utf8), [Check::Chars(3)]);
    assert_eq!(postgres("character(3)", DataType::Utf8), [Check::Exactly(3)]);
    assert_eq!(postgres("timestamp(0) with time zone", micros()), [Check::Digits(0)]);
    assert_eq!(postgres("timestamp with time zone", micros()), []);
    let mysql = |native: &str, data_type| of(Engine::MySql, native, "string", data_type);
    assert_eq!(mysql("CHAR(3)", DataType::Utf8), [Check::Chars(3), Check::Trimmed]);
    assert_eq!(mysql("datetime", micros()), [Check::Digits(0)]);
    assert_eq!(mysql("double", DataType::Float32), [Check::Finite]);
    // Whole numbers, and what the column is read as, may be out of its range, which the database says.
    assert_eq!(mysql("int(10) unsigned", DataType::Int64), []);
    assert_eq!(postgres("smallint", DataType::Int64), []);
    assert_eq!(postgres("numeric(9,2)", DataType::Int64), []);
    let unsigned = of(Engine::MySql, "bigint unsigned", "decimal(20,0)", DataType::Decimal128(20, 0));
    assert_eq!(unsigned, []);
    let kept = Column { nullable: false, ..column("integer", "int") };
    assert_eq!(fit(Engine::Postgres, &kept, &DataType::Int32).unwrap().checks, [Check::NotNull]);
}
