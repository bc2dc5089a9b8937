//! What is said about each row.

use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::super::{parse, row_outcomes};
use super::Data;

/// Pass, fail and skip of each row, and its result.
async fn outcomes(data: &Data, rules: &str, skipped: bool) -> Vec<[String; 4]> {
    let ruleset = parse(rules).unwrap();
    let frame = row_outcomes(data.input(data.orders()), &ruleset, skipped).await.unwrap();
    let names: Vec<String> = frame.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(
        names[9..],
        [
            "DataQualityRulesPass",
            "DataQualityRulesFail",
            "DataQualityRulesSkip",
            "DataQualityEvaluationResult"
        ]
    );
    let frame = frame.sort_by(vec![datafusion::prelude::ident("id")]).unwrap();
    let (batches, _) = data.session.collect(frame).await.unwrap();
    let mut found = Vec::new();
    for batch in batches {
        let shown: Vec<_> = (9..13)
            .map(|at| ArrayFormatter::try_new(batch.column(at), &FormatOptions::default()).unwrap())
            .collect();
        for row in 0..batch.num_rows() {
            found.push([0, 1, 2, 3].map(|at| shown[at].value(row).to_string()));
        }
    }
    found
}

#[tokio::test]
async fn every_row_says_which_rules_hold_for_it() {
    let data = Data::new().await;
    let rules = r#"Rules = [ IsComplete "Name", IsUnique "Name", RowCount > 1,
        ReferentialIntegrity "Name" "names.who" > 0.5, CustomSql "select id from primary where id < 3" ]"#;
    let found = outcomes(&data, rules, false).await;
    let (complete, unique) = (r#"IsComplete "Name""#, r#"IsUnique "Name""#);
    let (reference, sql) = (
        r#"ReferentialIntegrity "Name" "names.who" > 0.5"#,
        r#"CustomSql "select id from primary where id < 3""#,
    );
    let list = |rules: &[&str]| format!("[{}]", rules.join(", "));
    let row = |pass: &[&str], fail: &[&str], result: &str| {
        [list(pass), list(fail), list(&["RowCount > 1"]), result.to_owned()]
    };
    assert_eq!(found[0], row(&[complete, unique, reference, sql], &[], "Passed"));
    assert_eq!(found[1], row(&[complete, reference, sql], &[unique], "Failed"));
    assert_eq!(found[2], row(&[complete, reference], &[unique, sql], "Failed"));
    assert_eq!(found[3], row(&[unique], &[complete, reference, sql], "Failed"));
    assert_eq!(found[4], row(&[complete, unique], &[reference, sql], "Failed"));
}

#[tokio::test]
async fn rows_that_where_leaves_out_pass_or_are_skipped() {
    let data = Data::new().await;
    let rules = r#"Rules = [ IsComplete "Name" where "id > 3" ]"#;
    let rule = r#"[IsComplete "Name" where "id > 3"]"#;
    let passed = outcomes(&data, rules, false).await;
    assert_eq!(passed[0], [rule, "[]", "[]", "Passed"].map(str::to_owned));
    assert_eq!(passed[3], ["[]", rule, "[]", "Failed"].map(str::to_owned));
    let skipped = outcomes(&data, rules, true).await;
    assert_eq!(skipped[0], ["[]", "[]", rule, "Passed"].map(str::to_owned));
    assert_eq!(skipped[4], [rule, "[]", "[]", "Passed"].map(str::to_owned));
}

#[tokio::test]
async fn composite_rules_and_rules_that_say_nothing() {
    let data = Data::new().await;
    let rules = r#"Rules = [ (ColumnValues "id" > 2) or (ColumnValues "twice" < 3), Mean "id" > 1,
        (ColumnValues "id" > 2) and (RowCount > 1) ]"#;
    let found = outcomes(&data, rules, false).await;
    let either = r#"[(ColumnValues "id" > 2) or (ColumnValues "twice" < 3)]"#;
    let rest = r#"[Mean "id" > 1, (ColumnValues "id" > 2) and (RowCount > 1)]"#;
    assert_eq!(found[0], [either, "[]", rest, "Passed"].map(str::to_owned));
    assert_eq!(found[1], ["[]", either, rest, "Failed"].map(str::to_owned));
}
