use proptest::prelude::*;

use super::{ExpressionError, parse};
use crate::error::CatalogError;
use crate::model::Column;

fn keys() -> Vec<Column> {
    let declared = [
        ("s", "string"),
        ("i", "int"),
        ("d", "decimal(10,2)"),
        ("f", "double"),
        ("date", "date"),
        ("ts", "timestamp"),
        ("b", "boolean"),
        ("v", "varchar(20)"),
        ("x", "array<int>"),
    ];
    declared.iter().map(|(name, hive)| Column::new(*name, *hive)).collect()
}

const ROW: [&str; 9] =
    ["it's", "10", "1.50", "2.5", "2024-02-29", "2024-02-29 10:00:00.5", "TRUE", "a_b%", "?"];

fn matches(expression: &str) -> bool {
    parse(expression, &keys()).unwrap().unwrap().matches(&ROW).unwrap()
}

fn refused(expression: &str) -> ExpressionError {
    parse(expression, &keys()).unwrap_err()
}

#[test]
fn compares_by_type() {
    for truth in [
        "i > 9",
        "i = '10'",
        "i = 010",
        "9 < i",
        "I >= 10 AND `I` <= 10 and \"i\" = 10",
        "i <> 9 AND i != 9",
        "i IN (1, 10)",
        "i NOT IN (1, 2)",
        "i BETWEEN 5 AND 15",
        "i NOT BETWEEN 11 AND 15",
        "i > -1 AND i > - 1 AND i < +11",
        "s = 'it''s'",
        "s = \"it's\"",
        "s > 'it' AND s < 'iu'",
        "d = 1.5 AND d = 1.500 AND d < 1.51 AND d > 1e0",
        "f > 2 AND f = 2.50",
        "date = '2024-02-29'",
        "date = DATE '2024-02-29'",
        "date > date '2024-02-28'",
        "ts = TIMESTAMP '2024-02-29 10:00:00.500'",
        "ts > {ts '2024-02-29 10:00:00'}",
        "b = true AND b = 'true' AND b <> FALSE",
        "v LIKE 'a%' AND v LIKE 'a!_b!%' ESCAPE '!'",
        "v NOT LIKE 'b%'",
        "s IS NOT NULL AND NOT s IS NULL",
        "NOT (i = 9 OR s = 'x')",
        "i = 9 OR i = 10 AND s = 'it''s'",
        "((i = 10))",
    ] {
        assert!(matches(truth), "{truth}");
    }
}

#[test]
fn says_no() {
    for lie in ["i < 9", "s = 'its'", "i = 1 AND i = 10", "d > 1.5", "date < '2024-02-29'", "v LIKE 'A%'"] {
        assert!(!matches(lie), "{lie}");
    }
}

#[test]
fn blank_filters_nothing() {
    for blank in ["", "  ", "\n\t"] {
        assert_eq!(parse(blank, &keys()), Ok(None));
    }
}

#[test]
fn null_is_the_default_partition() {
    let row = ["__HIVE_DEFAULT_PARTITION__"; 9];
    let answer = |text: &str| parse(text, &keys()).unwrap().unwrap().matches(&row).unwrap();
    for truth in ["i IS NULL", "s IS NULL", "date IS NULL AND NOT ts IS NOT NULL"] {
        assert!(answer(truth), "{truth}");
    }
    assert!(answer("s = '__HIVE_DEFAULT_PARTITION__'"), "clients ask for NULL this way");
    for unknown in ["i = 1", "i <> 1", "NOT i = 1", "i NOT IN (1)", "i NOT BETWEEN 1 AND 2", "i > 0 OR i < 1"]
    {
        assert!(!answer(unknown), "{unknown}");
    }
    assert!(answer("i = 1 OR s IS NULL"));
    assert!(!answer("NOT (i = 1 AND s IS NULL)"));
}

#[test]
fn names_the_position() {
    for (text, position) in [
        ("i =", 4),
        ("i = = 1", 5),
        ("(i = 1", 7),
        ("i = 1)", 6),
        ("i 1", 3),
        ("i IN ()", 7),
        ("i IN (1,)", 9),
        ("i BETWEEN 1 OR 2", 13),
        ("s = 'open", 5),
        ("1 = 1", 5),
        ("i = date", 5),
        ("i = 1 AND", 10),
        ("i = 1 ; DROP", 7),
        ("i = 12x", 5),
        ("é = 1 ?", 7),
        ("s LIKE 1", 8),
        ("s LIKE 'a' ESCAPE 'bc'", 19),
        ("i IS 1", 6),
        ("NOT", 4),
        ("and = 1", 1),
    ] {
        assert_eq!(refused(text).position(), position, "{text}: {}", refused(text));
    }
}

#[test]
fn refuses_in_glues_words() {
    let said = |text: &str| refused(text).to_string();
    assert_eq!(said("nope = 1"), "Invalid partition expression!");
    assert_eq!(said("i = '1.5'"), "\"1.5\" is not an integer.");
    assert_eq!(said("i = 99999999999999999999"), "\"99999999999999999999\" is not an integer.");
    assert_eq!(said("date = '2023-02-29'"), "2023-02-29 is not a date.");
    assert_eq!(said("d = 'one'"), "one is not a decimal.");
    assert_eq!(said("i LIKE '1%'"), "Integral data type doesn't support operation 'LIKE'");
    assert_eq!(said("date LIKE '1%'"), "Date data type doesn't support operation 'LIKE'");
    assert_eq!(said("x = 1"), "Unknown type : 'array<int>'");
    assert!(said("ts = '2024-01-01'").starts_with("Timestamp format must be"));
    assert!(said("i ~ 1").starts_with("Unsupported expression 'i ~ 1'"));
}

#[test]
fn hostile_nesting_is_refused() {
    for text in ["(".repeat(100_000), "NOT ".repeat(100_000), format!("{}i = 1", "(".repeat(500))] {
        assert!(matches!(refused(&text), ExpressionError::Syntax { .. }));
    }
    let wide = vec!["i = 10"; 20_000].join(" OR ");
    assert!(matches(&wide));
}

#[test]
fn an_unreadable_value_is_an_error() {
    let filter = parse("i > 1", &keys()).unwrap().unwrap();
    let error = filter.matches(&["a", "ten"]).unwrap_err();
    assert!(matches!(error, CatalogError::ValueNotOfType { .. }), "{error}");
}

proptest! {
    #[test]
    fn never_panics(text in "\\PC{0,80}") {
        let _ = parse(&text, &keys());
    }

    #[test]
    fn never_panics_on_words(words in prop::collection::vec(prop_oneof![
        Just("i"), Just("s"), Just("("), Just(")"), Just("NOT"), Just("AND"), Just("OR"), Just("IN"),
        Just("BETWEEN"), Just("LIKE"), Just("IS"), Just("NULL"), Just("="), Just("<"), Just("1"),
        Just("'a'"), Just("\"i\""), Just("`s`"), Just(","), Just("-"), Just("date"), Just("ESCAPE")
    ], 0..14)) {
        if let Ok(Some(filter)) = parse(&words.join(" "), &keys()) {
            let _ = filter.matches(&ROW);
        }
    }

    #[test]
    fn any_text_can_be_quoted(text in "\\PC{0,20}") {
        let written = format!("s = '{}'", text.replace('\'', "''"));
        let filter = parse(&written, &keys()).unwrap().unwrap();
        prop_assert!(filter.matches(&[text]).unwrap());
    }
}
