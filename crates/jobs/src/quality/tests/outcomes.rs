//! How rules end, and what is measured for them.

use super::super::Outcome::{Error, Failed, Passed};
use super::super::{evaluate, parse};
use super::Data;

/// In doubles their sum is 0.6000000000000001.
#[tokio::test]
async fn decimals_are_added_to_the_last_digit() {
    let data = Data::new().await;
    let text = "SELECT CAST(column1 AS DECIMAL(9, 2)) AS cents FROM (VALUES (0.1), (0.2), (0.3))";
    let frame = data.session.sql(text).await.unwrap();
    let ruleset = parse(r#"Rules = [ Sum "cents" = 0.6 ]"#).unwrap();
    let found = evaluate(data.input(frame), &ruleset).await.unwrap().rules;
    assert_eq!(found[0].outcome, Passed, "{found:?}");
}

#[tokio::test]
async fn numbers_of_columns() {
    let data = Data::new().await;
    let unequal = 2_f64.ln() + 0.0;
    assert!(unequal > 0.0);
    // Three values of `Name`, of which bob occurs twice: - (2/4 ln 2/4 + 2 * 1/4 ln 1/4).
    let entropy = -(0.5 * 0.5_f64.ln() + 2.0 * 0.25 * 0.25_f64.ln());
    data.check(&[
        ("RowCount = 5", Passed, &[("Dataset.*.RowCount", 5.0)]),
        ("RowCount between 5 and 9", Failed, &[("Dataset.*.RowCount", 5.0)]),
        (
            r#"RowCount = 2 where "paid = true and amount > 1 or id = 1""#,
            Passed,
            &[("Dataset.*.RowCount", 2.0)],
        ),
        ("ColumnCount = 9", Passed, &[("Dataset.*.ColumnCount", 9.0)]),
        (r#"Completeness "Name" = "0.8""#, Passed, &[("Column.Name.Completeness", 0.8)]),
        (r#"IsComplete "Name""#, Failed, &[("Column.Name.Completeness", 0.8)]),
        (r#"IsComplete "Name" where "id <> 4""#, Passed, &[("Column.Name.Completeness", 1.0)]),
        (r#"Sum "amount" = 10"#, Passed, &[("Column.amount.Sum", 10.0)]),
        (r#"Sum "price" = 12"#, Passed, &[("Column.price.Sum", 12.0)]),
        (r#"Mean "amount" between 2 and 3"#, Passed, &[("Column.amount.Mean", 2.5)]),
        // Of the population: sqrt(((1.5)^2 + 0.5^2) * 2 / 4).
        (
            r#"StandardDeviation "amount" < 2"#,
            Passed,
            &[("Column.amount.StandardDeviation", 1.25_f64.sqrt())],
        ),
        (
            r#"ColumnCorrelation "amount" "twice" > 0.99"#,
            Passed,
            &[("Multicolumn.amount,twice.ColumnCorrelation", 1.0)],
        ),
        (r#"Entropy "Name" > 1"#, Passed, &[("Column.Name.Entropy", entropy)]),
        (r#"DistinctValuesCount "Name" = 3"#, Passed, &[("Column.Name.DistinctValuesCount", 3.0)]),
        (r#"Uniqueness "Name" = 0.5"#, Passed, &[("Column.Name.Uniqueness", 0.5)]),
        (r#"UniqueValueRatio "Name" > 0.6"#, Passed, &[("Column.Name.UniqueValueRatio", 2.0 / 3.0)]),
        (r#"IsUnique "id""#, Passed, &[("Column.id.Uniqueness", 1.0)]),
        (r#"IsUnique "Name""#, Failed, &[("Column.Name.Uniqueness", 0.5)]),
        (r#"IsPrimaryKey "id""#, Passed, &[("Column.id.Completeness", 1.0), ("Column.id.Uniqueness", 1.0)]),
        (
            r#"IsPrimaryKey "Name""#,
            Failed,
            &[("Column.Name.Completeness", 0.8), ("Column.Name.Uniqueness", 0.5)],
        ),
        (
            r#"IsPrimaryKey "id" "Name""#,
            Failed,
            &[
                ("Multicolumn.id,Name.Uniqueness", 1.0),
                ("Column.id.Completeness", 1.0),
                ("Column.Name.Completeness", 0.8),
            ],
        ),
    ])
    .await;
}

#[tokio::test]
async fn columns_and_names() {
    let data = Data::new().await;
    data.check(&[
        (r#"ColumnExists "name""#, Passed, &[]),
        (r#"ColumnExists "nope""#, Failed, &[]),
        (r#"IsComplete "nope""#, Failed, &[]),
        (r#"Mean "nope" > 1"#, Failed, &[]),
        (r#"Mean "Name" > 1"#, Error, &[]),
        (r#"ColumnLength "id" > 1"#, Error, &[]),
        (r#"IsComplete "id" where "no such thing""#, Error, &[]),
        (
            r#"ColumnNamesMatchPattern "[A-Za-z]+""#,
            Passed,
            &[("Dataset.*.ColumnNamesPatternMatchRatio", 1.0)],
        ),
        (
            r#"ColumnNamesMatchPattern "[a-z]{2,5}""#,
            Failed,
            &[("Dataset.*.ColumnNamesPatternMatchRatio", 7.0 / 9.0)],
        ),
    ])
    .await;
}

#[tokio::test]
async fn values_and_nulls() {
    let data = Data::new().await;
    data.check(&[
        (r#"ColumnValues "id" between 0 and 6"#, Passed, &[("Column.id.ColumnValues.Compliance", 1.0)]),
        (r#"ColumnValues "id" between 1 and 6"#, Failed, &[("Column.id.ColumnValues.Compliance", 0.8)]),
        (r#"ColumnValues "id" not between 1 and 5"#, Failed, &[("Column.id.ColumnValues.Compliance", 0.4)]),
        (r#"ColumnValues "id" > 0"#, Passed, &[("Column.id.Minimum", 1.0)]),
        (r#"ColumnValues "id" <= 4.5"#, Failed, &[("Column.id.Maximum", 5.0)]),
        // Null is not above 0, and neither equal to 7 nor among them.
        (r#"ColumnValues "amount" > 0"#, Failed, &[("Column.amount.Minimum", 1.0)]),
        (r#"ColumnValues "amount" != 7"#, Passed, &[("Column.amount.ColumnValues.Compliance", 1.0)]),
        (
            r#"ColumnValues "amount" not in [7, 8.5]"#,
            Passed,
            &[("Column.amount.ColumnValues.Compliance", 1.0)],
        ),
        (
            r#"ColumnValues "amount" not in [7, NULL]"#,
            Failed,
            &[("Column.amount.ColumnValues.Compliance", 0.8)],
        ),
        (
            r#"ColumnValues "amount" = NULL with threshold = 0.2"#,
            Passed,
            &[("Column.amount.ColumnValues.Compliance", 0.2)],
        ),
        (
            r#"ColumnValues "amount" in [1, 2, 3, 4, null]"#,
            Passed,
            &[("Column.amount.ColumnValues.Compliance", 1.0)],
        ),
        (
            r#"ColumnValues "price" in [1.5, 2.50, 3.5, 4.5] with threshold > 0.7"#,
            Passed,
            &[("Column.price.ColumnValues.Compliance", 0.8)],
        ),
        (
            r#"ColumnValues "Name" in ["ann", "bob", NULL, WHITESPACES_ONLY]"#,
            Passed,
            &[("Column.Name.ColumnValues.Compliance", 1.0)],
        ),
        (
            r#"ColumnValues "Name" in ["ann", "bob", NULL]"#,
            Failed,
            &[("Column.Name.ColumnValues.Compliance", 0.8)],
        ),
        (r#"ColumnValues "code" != EMPTY"#, Failed, &[("Column.code.ColumnValues.Compliance", 0.8)]),
        // Text beside a number is a number, as in Spark.
        (
            r#"ColumnValues "code" > 8 with threshold >= 0.4"#,
            Passed,
            &[("Column.code.ColumnValues.Compliance", 0.4)],
        ),
        (
            r#"ColumnValues "Name" matches "[a-z]+" with threshold > 0.5"#,
            Passed,
            &[("Column.Name.ColumnValues.Compliance", 0.6)],
        ),
        (r#"ColumnValues "Name" matches "[a-z]""#, Failed, &[("Column.Name.PatternMatch", 0.0)]),
        (r#"ColumnValues "Name" not matches "b.*""#, Failed, &[("Column.Name.PatternMatch", 0.4)]),
        (
            r#"ColumnValues "code" matches "\d+(\.\d)?" where "code <> 'x' and code <> ''""#,
            Passed,
            &[("Column.code.PatternMatch", 1.0)],
        ),
        (
            r#"ColumnValues "paid" in ["TRUE"] where "paid is not null" with threshold > 0.7"#,
            Passed,
            &[("Column.paid.ColumnValues.Compliance", 0.75)],
        ),
        (r#"ColumnValues "paid" > 1"#, Error, &[]),
        (r#"ColumnValues "id" = "abc""#, Error, &[]),
        (r#"ColumnValues "id" = EMPTY"#, Error, &[]),
        // Of no rows none is against it.
        (r#"ColumnValues "id" > 100 where "id > 10""#, Passed, &[]),
        (r#"ColumnDataType "code" = "Integer" where "id > 10""#, Passed, &[]),
        // Parts of none cannot be computed.
        (r#"IsComplete "id" where "id > 10""#, Failed, &[]),
        (r#"IsUnique "id" where "id > 10""#, Failed, &[]),
        (r#"IsPrimaryKey "id" where "id > 10""#, Failed, &[]),
        (r#"Completeness "id" >= 0.0 where "id > 10""#, Failed, &[]),
        (
            r#"ColumnLength "code" <= 3"#,
            Passed,
            &[("Column.code.MinimumLength", 0.0), ("Column.code.MaximumLength", 3.0)],
        ),
        // Null has the length 0.
        (
            r#"ColumnLength "Name" > 1"#,
            Failed,
            &[("Column.Name.MinimumLength", 0.0), ("Column.Name.MaximumLength", 3.0)],
        ),
        (
            r#"ColumnDataType "code" = "Integer" with threshold >= 0.6"#,
            Passed,
            &[("Column.code.ColumnDataType.Compliance", 0.6)],
        ),
        (r#"ColumnDataType "code" = "DOUBLE""#, Failed, &[("Column.code.ColumnDataType.Compliance", 0.6)]),
        (r#"ColumnDataType "code" != "Date""#, Passed, &[("Column.code.ColumnDataType.Compliance", 1.0)]),
    ])
    .await;
}

#[tokio::test]
async fn dates_and_ages() {
    let data = Data::new().await;
    data.check(&[
        (
            r#"ColumnValues "day" > "2026-01-06" with threshold = 0.6"#,
            Passed,
            &[("Column.day.ColumnValues.Compliance", 0.6)],
        ),
        (
            r#"ColumnValues "day" between "2026-01-07" and "2026-01-10" with threshold = 0.2"#,
            Passed,
            &[("Column.day.ColumnValues.Compliance", 0.2)],
        ),
        (
            r#"ColumnValues "day" in ["2026-01-10", "2026-01-09", NULL] with threshold = 0.6"#,
            Passed,
            &[("Column.day.ColumnValues.Compliance", 0.6)],
        ),
        // By days: three days ago is the 7th.
        (
            r#"ColumnValues "day" >= (now() - 3 days) with threshold = 0.6"#,
            Passed,
            &[("Column.day.ColumnValues.Compliance", 0.6)],
        ),
        (
            r#"ColumnValues "seen" > (now() - 12 hours) with threshold = 0.4"#,
            Passed,
            &[("Column.seen.ColumnValues.Compliance", 0.4)],
        ),
        (
            r#"ColumnValues "seen" = "2026-01-10" with threshold = 0.4"#,
            Passed,
            &[("Column.seen.ColumnValues.Compliance", 0.4)],
        ),
        (
            r#"ColumnValues "seen" >= "2026-01-10 02:00:00" with threshold = 0.2"#,
            Passed,
            &[("Column.seen.ColumnValues.Compliance", 0.2)],
        ),
        (
            r#"DataFreshness "seen" <= 24 hours where "seen is not null""#,
            Failed,
            &[("Column.seen.DataFreshness.Compliance", 0.5)],
        ),
        (r#"DataFreshness "seen" < 3 days"#, Failed, &[("Column.seen.DataFreshness.Compliance", 0.8)]),
        (
            r#"DataFreshness "day" between 1 days and 5 days where "id in (2, 3)""#,
            Passed,
            &[("Column.day.DataFreshness.Compliance", 1.0)],
        ),
        (r#"DataFreshness "id" < 3 days"#, Error, &[]),
    ])
    .await;
}

#[tokio::test]
async fn other_datasets() {
    let data = Data::new().await;
    data.check(&[
        (r#"RowCountMatch "names" >= 1.2"#, Passed, &[("Dataset.names.RowCountMatch", 1.25)]),
        (r#"RowCountMatch "nobody" >= 1"#, Failed, &[]),
        (r#"SchemaMatch "same" = 1.0"#, Passed, &[("Dataset.same.SchemaMatch", 1.0)]),
        (r#"SchemaMatch "names" = 1.0"#, Failed, &[("Dataset.names.SchemaMatch", 0.0)]),
        // Blanks are nobody, and null is in no dataset, though both have one.
        (
            r#"ReferentialIntegrity "Name" "names.who" = 0.6"#,
            Passed,
            &[("Column.names.ReferentialIntegrity", 0.6)],
        ),
        (
            r#"ReferentialIntegrity "id,Name" "names.{key,who}" = 0.4"#,
            Passed,
            &[("Column.names.ReferentialIntegrity", 0.4)],
        ),
        (
            r#"AggregateMatch "sum(amount)" "sum(names.sum)" = 2"#,
            Passed,
            &[("Column.amount,sum.AggregateMatch", 2.0)],
        ),
        (
            r#"AggregateMatch "avg(amount)" "avg(amount)" = 1.0"#,
            Passed,
            &[("Column.amount.AggregateMatch", 1.0)],
        ),
        (r#"DatasetMatch "same" "id" = 1.0"#, Passed, &[("Dataset.same.DatasetMatch", 1.0)]),
        (
            r#"DatasetMatch "names" "id->key" "Name->who" = 0.4"#,
            Passed,
            &[("Dataset.names.DatasetMatch", 0.4)],
        ),
        (r#"DatasetMatch "same" "Name" = 1.0"#, Failed, &[]),
        (r#"DatasetMatch "names" "id->key" = 1.0"#, Error, &[]),
        (
            r#"CustomSql "select count(*) from primary where amount > 2" = 2"#,
            Passed,
            &[("Dataset.*.CustomSQL", 2.0)],
        ),
        (
            r#"CustomSql "select count(*) from primary p join names n on p.id = n.key" = 3"#,
            Passed,
            &[("Dataset.*.CustomSQL", 3.0)],
        ),
        (r#"CustomSql "select id from primary" > 0"#, Error, &[]),
        (r#"CustomSql "select Name from primary" > 0"#, Error, &[]),
        (r#"CustomSql "selec 1" > 0"#, Error, &[]),
        (
            r#"CustomSql "select id from primary where amount > 1""#,
            Failed,
            &[("Dataset.*.CustomSQL.Compliance", 0.6)],
        ),
        (r#"CustomSql "select amount from primary" "#, Passed, &[("Dataset.*.CustomSQL.Compliance", 1.0)]),
        (
            r#"CustomSql "select id from primary where amount > 1" with threshold > 0.5"#,
            Passed,
            &[("Dataset.*.CustomSQL.Compliance", 0.6)],
        ),
    ])
    .await;
}

#[tokio::test]
async fn composite_rules() {
    let mut data = Data::new().await;
    let either = r#"(ColumnValues "id" > 2) or (ColumnValues "twice" < 5)"#;
    data.check(&[
        (
            r#"(RowCount > 1) and (IsUnique "id")"#,
            Passed,
            &[("Column.id.Uniqueness", 1.0), ("Dataset.*.RowCount", 5.0)],
        ),
        (r#"(RowCount > 9) or ((IsUnique "id") and (IsComplete "id"))"#, Passed, &[]),
        (r#"(RowCount > 9) and (IsUnique "id")"#, Failed, &[]),
        (r#"(Mean "Name" > 9) and (IsUnique "id")"#, Error, &[]),
        (r#"(Mean "Name" > 9) and (RowCount > 9)"#, Failed, &[]),
        (r#"(Mean "Name" > 9) or (IsUnique "id")"#, Passed, &[]),
        // Neither holds for all rows, though one of them does for each.
        (either, Failed, &[]),
    ])
    .await;
    data.by_row = true;
    data.check(&[
        (either, Passed, &[]),
        (r#"(ColumnValues "id" > 2) and (ColumnValues "twice" < 5)"#, Failed, &[]),
        (r#"(ColumnValues "amount" = NULL) or (ColumnValues "amount" between 0 and 5)"#, Passed, &[]),
        (r#"(IsUnique "Name") or (ColumnValues "Name" = "bob")"#, Passed, &[]),
        (r#"(IsPrimaryKey "Name") or (ColumnValues "Name" = "bob")"#, Failed, &[]),
        (r#"(IsComplete "Name" where "id = 4") or (ColumnValues "id" < 4)"#, Failed, &[]),
        (r#"(IsComplete "Name" where "id <> 4") or (ColumnValues "id" < 0)"#, Passed, &[]),
        (r#"(Completeness "Name" > 0.5) or (IsUnique "id")"#, Error, &[]),
        (r#"(RowCount > 1) or (IsUnique "id")"#, Error, &[]),
    ])
    .await;
}

#[tokio::test]
async fn analyzers_measure_without_a_condition() {
    let data = Data::new().await;
    let text = r#"Analyzers = [ RowCount, ColumnLength "Name", ColumnValues "amount", AllStatistics "id", Mean "Name",
        CustomSql "select max(id) from primary" ]"#;
    let found = data.evaluate(text).await;
    assert_eq!(found.score(), None);
    let metric = |at: usize, name: &str| found.analyzers[at].metrics.get(name).copied();
    assert_eq!(metric(0, "Dataset.*.RowCount"), Some(5.0));
    assert_eq!(metric(1, "Column.Name.MaximumLength"), Some(3.0));
    assert_eq!(metric(2, "Column.amount.Minimum"), Some(1.0));
    assert_eq!(metric(2, "Column.amount.Maximum"), Some(4.0));
    assert_eq!(metric(3, "Column.id.Uniqueness"), Some(1.0));
    assert_eq!(metric(3, "Column.id.Sum"), Some(15.0));
    assert!((metric(3, "Column.id.Entropy").unwrap() - 5_f64.ln()).abs() < 1e-12);
    assert!(found.analyzers[4].reason.as_ref().unwrap().contains("holds no numbers"));
    assert_eq!(metric(5, "Dataset.*.CustomSQL"), Some(5.0));
}

#[tokio::test]
async fn reasons_say_what_was_found() {
    let data = Data::new().await;
    let found = data
        .rules(&[
            r#"Completeness "Name" > 0.9"#,
            r#"ColumnValues "amount" > 1"#,
            r#"IsUnique "Name""#,
            r#"IsComplete "nope""#,
            r#"ColumnValues "amount" > 1 with threshold > 0.9"#,
        ])
        .await;
    let reasons: Vec<&str> = found.iter().map(|rule| rule.reason.as_deref().unwrap()).collect();
    assert_eq!(reasons[0], "Column.Name.Completeness is 0.8, not > 0.9");
    assert_eq!(reasons[1], "2 of 5 rows do not hold, 1 of them because they are null");
    assert_eq!(reasons[2], "2 of 4 values occur more than once");
    assert!(reasons[3].starts_with("the data has no column nope; there are id, Name"), "{}", reasons[3]);
    assert_eq!(
        reasons[4],
        "the part of the rows that hold is 0.6, not > 0.9, 1 of them because they are null"
    );
    assert!(found.iter().all(|rule| rule.rule.contains(' ')));
}

#[test]
fn patterns_that_the_engine_cannot_match_are_refused() {
    for pattern in ["(?=a)b", r"(a)\\1", "a("] {
        let text = format!(r#"Rules = [ ColumnValues "a" matches "{pattern}" ]"#);
        let message = parse(&text).unwrap_err().to_string();
        assert!(message.contains("cannot be matched"), "{message}");
    }
    assert!(parse(r#"Rules = [ ColumnNamesMatchPattern "(?!a)" ]"#).is_err());
    assert!(parse("Rules = [ Nonsense ]").unwrap_err().to_string().contains("line 1, column 11"));
}
