//! What is read, what is refused and where, and that printing loses nothing.

use proptest::prelude::*;

use crate::{
    Check, Comparison, Condition, Kind, Moment, Number, Operand, Rule, Ruleset, Span, Test, Unit, kinds,
};

fn parse(text: &str) -> Ruleset {
    Ruleset::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn rule(text: &str) -> Rule {
    parse(&format!("Rules = [ {text} ]")).rules.remove(0)
}

fn check(text: &str) -> Check {
    match rule(text).test {
        Test::One(check) => check,
        other => panic!("{other} is composite"),
    }
}

/// What is wrong with a rule.
fn refused(text: &str) -> String {
    match Ruleset::parse(&format!("Rules = [\n{text}\n]")) {
        Ok(found) => panic!("{text} was read as {found}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_examples_of_the_reference_are_read() {
    for text in [
        r#"IsComplete "order-id""#,
        r#"(IsComplete "id") and (IsUnique "id")"#,
        r#"(RowCount > 100) or (IsPrimaryKey "id")"#,
        r#"(Mean "Star_Rating" > 3) and ((Mean "Order_Total" > 500) or (IsComplete "Order_Id"))"#,
        r#"Completeness "colA" = "1.0""#,
        r#"ColumnValues "colA" between "2022-05-31" and "2022-06-30""#,
        r#"ColumnValues "colA" not between "2022-05-31" and "2022-06-30""#,
        r#"ColumnValues "colA" not in [ "a", "b", WHITESPACES_ONLY ]"#,
        r#"ColumnValues "colA" in [NULL, "2023-01-01"]"#,
        r#"ColumnValues "load_date" > (now() - 3 days)"#,
        r#"ColumnValues "colA" matches "[a-zA-Z]*" with threshold between 0.2 and 0.9"#,
        r#"ColumnDataType "colA" = "Timestamp" with threshold > 0.9"#,
        r#"ColumnValues "colB" in ["A", "B"] where "colC is not null" with threshold > 0.9"#,
        r#"ColumnLength "colC" > 10 where "colD != Concat(colE, colF)""#,
        r#"IsPrimaryKey colA "colB" "colC""#,
        r#"ReferentialIntegrity "city,state" "reference.{ref_city,ref_state}" = 1.0"#,
        r#"DatasetMatch "reference" "ID_1->ID_ref1,ID_2->ID_ref2" "Amount1->Amount2" >= 0.9"#,
        r#"AggregateMatch "avg(ratings)" "avg(reference.ratings)" >= 0.9"#,
        r#"SchemaMatch "reference" = 1.0"#,
        r#"DataFreshness "Order_Date" between 2 days and 5 days"#,
        r#"CustomSql "select count(*) from primary" between 10 and 20"#,
        r#"CustomSql "select Name from primary where Age > 18""#,
        r#"ColumnNamesMatchPattern "aws_.*_[a-zA-Z0-9]+""#,
        r#"ColumnCorrelation "price" "num_items" > 0"#,
        r#"ColumnValues "x" != null"#,
        r#"ColumnValues "x" >= -1.5"#,
        r#"((IsComplete "col") AND (RowCount > 0)) labels=["foo"="bar"]"#,
    ] {
        let once = rule(text);
        assert_eq!(rule(&once.to_string()), once, "{text}");
    }
}

#[test]
fn sections_constants_and_comments() {
    let read = parse(
        r#"
        # Checked every night
        Metadata = { "Version": "1.0" }
        DataSources = { "Primary": "orders", "AdditionalDataSources": ["customers", "zips"] }
        DefaultLabels = ["frequency"="monthly"]
        query = "select count(*) from primary"
        least = -2
        Rules = [
            CustomSql $query > $least, # of all rows
            RowCount > 0 labels=["foo"="bar", "frequency"="daily"]
        ]
        Analyzers = [ RowCount, ColumnLength "Name", AllStatistics "Name" ]"#,
    );
    assert_eq!(
        read.rules[0].to_string(),
        r#"CustomSql "select count(*) from primary" > -2 labels=["frequency"="monthly"]"#
    );
    assert_eq!(read.rules[1].labels["frequency"], "daily");
    assert_eq!(read.rules[1].labels["foo"], "bar");
    assert_eq!(read.analyzers.len(), 3);
    assert_eq!(parse(&read.to_string()), read);
}

#[test]
fn errors_say_where() {
    let error = Ruleset::parse("Rules = [\n    IsComplete \"a\",\n    IsUniqe \"b\"\n]").unwrap_err();
    assert_eq!((error.line, error.column), (3, 5));
    assert_eq!(error.message, "IsUniqe is no type of rule");
    let error = Ruleset::parse("Rules = [ IsComplete \"a ]").unwrap_err();
    assert_eq!((error.line, error.column), (1, 22));
    assert!(error.message.contains("no closing quote"), "{error}");
    assert!(refused("isComplete \"a\"").ends_with("isComplete is no type of rule; IsComplete is"));
    assert!(refused("DetectAnomalies \"RowCount\"").contains("DetectAnomalies is not supported"));
    assert!(refused("FileFreshness \"s3://b/k\" > 1").contains("FileFreshness is not supported"));
    assert!(refused("RowCount > avg(last(5))").contains("earlier runs"));
}

#[test]
fn what_cannot_be_evaluated_is_refused() {
    for (text, why) in [
        ("RowCount", "needs a condition"),
        ("RowCount \"id\" > 1", "takes no parameters"),
        ("IsComplete \"a\" > 1", "takes no condition"),
        ("IsComplete", "takes one parameter"),
        ("RowCount > \"many\"", "cannot be compared with"),
        ("Mean \"a\" matches \"1\"", "no pattern"),
        ("Mean \"a\" > 1 with threshold > 0.5", "takes no threshold"),
        ("RowCountMatch \"r\" = 1.0 where \"a = 1\"", "takes no where"),
        ("ColumnValues \"a\" > \"b\"", "only dates"),
        ("ColumnValues \"a\" > NULL", "neither more nor less"),
        ("ColumnValues \"a\" in [1, \"b\"]", "numbers stand beside"),
        ("ColumnValues \"a\" in []", "at least one"),
        ("ColumnValues \"a\" = 1 with threshold > 3", "from 0 to 1"),
        ("ColumnDataType \"a\" = \"Text\"", "is no type"),
        ("DataFreshness \"a\" < 3", "lengths of time"),
        ("CustomSql \"select 1\" > 0 with threshold > 0.5", "not both"),
        ("ReferentialIntegrity \"a,b\" \"r.c\" = 1", "not as many"),
        ("AggregateMatch \"max(a)\" \"sum(b)\" = 1", "no aggregate"),
        ("(RowCount > 1) and (RowCount < 9) or (IsUnique \"a\")", "belongs together"),
        ("IsUnique \"a\" and RowCount > 1", "in parentheses"),
        ("(IsUnique \"a\") and (RowCount > 1) labels=[\"a\"=\"b\"]", "around all of it"),
        ("AllStatistics \"a\"", "only be an analyzer"),
        ("RowCount > 1 + 2", "not computed"),
        ("CustomSql $query > 1", "no constant query"),
        ("RowCount > 1 RowCount > 2", "expected , or ]"),
    ] {
        let message = refused(text);
        assert!(message.contains(why), "{text}: {message}");
    }
    assert!(Ruleset::parse("Rules = []").is_err());
    assert!(Ruleset::parse("Rules = [RowCount > 1] Rules = [RowCount > 1]").is_err());
}

#[test]
fn nesting_and_length_are_bounded() {
    let deep = |depth: usize| format!("Rules = [ {}RowCount > 1{} ]", "(".repeat(depth), ")".repeat(depth));
    assert!(Ruleset::parse(&deep(crate::MAX_DEPTH)).is_ok());
    assert!(Ruleset::parse(&deep(crate::MAX_DEPTH + 1)).is_err());
    assert!(Ruleset::parse(&deep(30_000)).is_err());
    assert!(Ruleset::parse(&" ".repeat(crate::MAX_TEXT + 1)).is_err());
}

#[test]
fn conditions_on_numbers() {
    let holds = |condition: &str, answer: f64| {
        let condition = check(&format!("RowCount {condition}")).condition.unwrap();
        condition.holds(answer)
    };
    // The ends of between are outside, and of not between inside.
    for (answer, inside) in [(1.0, false), (1.5, true), (2.0, false), (3.0, false)] {
        assert_eq!(holds("between 1 and 2", answer), inside, "{answer}");
        assert_eq!(holds("not between 1 and 2", answer), !inside, "{answer}");
    }
    assert!(holds("= 1.0", 1.0) && !holds("!= \"1\"", 1.0) && holds("in [1, 2]", 2.0));
    assert!(holds(">= 2", 2.0) && !holds("> 2", 2.0) && holds("<= 2", 2.0) && !holds("< 2", 2.0));
    assert!(holds("not in [1, 2]", 3.0) && !holds("not in [1, 2]", 1.0));
    assert!(!holds("> 0", f64::NAN) && holds("!= 0", f64::NAN) && !holds("between 0 and 1", f64::NAN));
}

#[test]
fn moments_and_patterns() {
    let Some(Condition::Compare(Comparison::Greater, Operand::Moment(moment))) =
        check(r#"ColumnValues "d" > (now() - 3 days)"#).condition
    else {
        panic!("no moment")
    };
    assert_eq!(moment.at(300_000_000), 300_000_000 - 3 * 86_400_000);
    assert_eq!(Moment { offset: None }.at(7), 7);
    let pattern = |text: &str| match check(text).condition {
        Some(Condition::Matches { pattern, .. }) => pattern,
        other => panic!("{other:?}"),
    };
    assert_eq!(pattern(r#"ColumnValues "a" matches "\d+\.\w""#), r"\d+\.\w");
    assert_eq!(pattern(r#"ColumnValues "a" matches "a\"b\\c""#), r#"a"b\c"#);
}

fn number() -> impl Strategy<Value = Number> {
    (any::<i32>(), proptest::option::of(0_u32..1_000)).prop_map(|(whole, fraction)| {
        let text = fraction.map_or_else(|| whole.to_string(), |fraction| format!("{whole}.{fraction}"));
        Number::parse(&text).unwrap()
    })
}

fn condition() -> impl Strategy<Value = Condition> {
    let operand = || number().prop_map(Operand::Number);
    let comparison = proptest::sample::select(Comparison::ALL.to_vec());
    prop_oneof![
        (comparison, operand()).prop_map(|(comparison, operand)| Condition::Compare(comparison, operand)),
        (any::<bool>(), operand(), operand()).prop_map(|(negated, low, high)| Condition::Between {
            negated,
            low,
            high
        }),
        (any::<bool>(), proptest::collection::vec(operand(), 1..4))
            .prop_map(|(negated, values)| Condition::In { negated, values }),
        (any::<bool>(), ".{0,12}").prop_map(|(negated, pattern)| Condition::Matches { negated, pattern }),
        (any::<bool>(), 0_u32..100).prop_map(|(before, count)| {
            let span = Span { count, unit: Unit::Hours };
            Condition::Compare(Comparison::Less, Operand::Moment(Moment { offset: Some((before, span)) }))
        }),
    ]
}

fn some_check() -> impl Strategy<Value = Check> {
    let filter = proptest::option::of("[ -~é]{0,10}x");
    (condition(), filter, "[ -~é]{0,10}x").prop_map(|(condition, filter, column)| Check {
        kind: Kind::ColumnValues,
        parameters: vec![column],
        condition: Some(condition),
        filter,
        threshold: None,
    })
}

fn test() -> impl Strategy<Value = Test> {
    some_check().prop_map(Test::One).prop_recursive(3, 12, 3, |inner| {
        (any::<bool>(), proptest::collection::vec(inner, 2..4))
            .prop_map(|(all, tests)| if all { Test::All(tests) } else { Test::Any(tests) })
    })
}

proptest! {
    #[test]
    fn printing_and_reading_again_changes_nothing(
        tests in proptest::collection::vec((test(), proptest::collection::btree_map("[a-z\"\\\\]{1,5}", ".{0,5}", 0..3)), 1..4)
    ) {
        let rules = tests.into_iter().map(|(test, labels)| Rule { test, labels }).collect();
        let ruleset = Ruleset { rules, ..Ruleset::default() };
        let text = ruleset.to_string();
        let read = Ruleset::parse(&text);
        prop_assert_eq!(read.as_ref(), Ok(&ruleset), "{}", text);
    }

    #[test]
    fn no_text_is_too_strange(text in ".{0,200}") {
        let _ = Ruleset::parse(&text);
        let _ = Ruleset::parse(&format!("Rules = [{text}]"));
    }
}

#[test]
fn every_type_has_a_rule_that_is_read() {
    let samples = [
        r#"AggregateMatch "sum(a)" "sum(b)" = 1.0"#,
        r#"ColumnCorrelation "a" "b" > 0.5"#,
        "ColumnCount = 3",
        r#"ColumnDataType "a" = "INTEGER""#,
        r#"ColumnExists "a""#,
        r#"ColumnLength "a" <= 5"#,
        r#"ColumnNamesMatchPattern "a.*""#,
        r#"ColumnValues "a" in [1, 2]"#,
        r#"Completeness "a" > 0.9"#,
        r#"CustomSql "select 1" = 1"#,
        r#"DataFreshness "a" <= 24 hours"#,
        r#"DatasetMatch "r" "id" = 1.0"#,
        r#"DistinctValuesCount "a" > 3"#,
        r#"Entropy "a" > 1"#,
        r#"IsComplete "a""#,
        r#"IsPrimaryKey "a" "b""#,
        r#"IsUnique "a""#,
        r#"Mean "a" > 3"#,
        r#"ReferentialIntegrity "a" "r.b" = 1.0"#,
        "RowCount > 3",
        r#"RowCountMatch "r" = 1.0"#,
        r#"SchemaMatch "r" = 1.0"#,
        r#"StandardDeviation "a" < 2"#,
        r#"Sum "a" > 3"#,
        r#"UniqueValueRatio "a" > 0.5"#,
        r#"Uniqueness "a" > 0.5"#,
    ];
    for facts in kinds().iter().filter(|facts| facts.rule) {
        let sample = samples.iter().find(|sample| sample.split(' ').next() == Some(facts.name));
        let sample = sample.unwrap_or_else(|| panic!("no sample of {}", facts.name));
        assert_eq!(check(sample).kind, facts.kind);
    }
}
