//! Filters of plans as conditions for the database.
//!
//! Only what every engine decides as we do, or lets more rows pass: whole numbers compared, texts that are one of some,
//! and null.

use arrow::datatypes::{DataType, Schema};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use sources::jdbc::{Column, Comparison, Condition};

/// The conditions that must all hold where the filter does; `None` when the filter says nothing to a database.
pub(super) fn condition(filter: &Expr, schema: &Schema, columns: &[Column]) -> Option<Vec<Condition>> {
    let name = |expr: &Expr| name_of(expr, schema, columns);
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            let both = [condition(left, schema, columns), condition(right, schema, columns)];
            let known: Vec<Condition> = both.into_iter().flatten().flatten().collect();
            (!known.is_empty()).then_some(known)
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let one = match (left.as_ref(), right.as_ref()) {
                (column, Expr::Literal(value, _)) => compared(name(column)?, *op, value),
                (Expr::Literal(value, _), column) => compared(name(column)?, op.swap()?, value),
                _ => None,
            };
            one.map(|one| vec![one])
        }
        Expr::IsNull(inner) => Some(vec![Condition::Null(name(inner)?.0, true)]),
        Expr::IsNotNull(inner) => Some(vec![Condition::Null(name(inner)?.0, false)]),
        Expr::InList(list) if !list.negated => {
            let (name, data_type) = name(&list.expr)?;
            let texts: Option<Vec<String>> = list.list.iter().map(|value| text(value, &data_type)).collect();
            Some(vec![Condition::OneOf(name, texts?)])
        }
        // True only where it is true.
        Expr::IsTrue(inner) => condition(inner, schema, columns),
        _ => None,
    }
}

/// The database's name and our type of a column that both sides understand alike.
fn name_of(expr: &Expr, schema: &Schema, columns: &[Column]) -> Option<(String, DataType)> {
    let Expr::Column(column) = expr else { return None };
    let at = schema.index_of(&column.name).ok()?;
    let (field, own) = (schema.fields().get(at)?, columns.get(at)?);
    // A column that the catalog has otherwise than the database is compared here only.
    let same = own.hive_type.parse::<formats::hive::HiveType>().ok()?.to_arrow().ok()? == *field.data_type();
    // Of what we call text the database may think otherwise (uuid, json), and refuse to compare it with one.
    let same = same && (*field.data_type() != DataType::Utf8 || is_text(&own.native_type));
    same.then(|| (own.name.clone(), field.data_type().clone()))
}

pub(super) fn is_text(native: &str) -> bool {
    let native = native.to_ascii_lowercase();
    ["text", "char", "tinytext", "mediumtext", "longtext", "varchar"]
        .iter()
        .any(|name| native.starts_with(name))
}

fn compared((name, data_type): (String, DataType), op: Operator, value: &ScalarValue) -> Option<Condition> {
    let comparison = match op {
        Operator::Eq => Comparison::Equal,
        Operator::Lt => Comparison::Less,
        Operator::LtEq => Comparison::LessOrEqual,
        Operator::Gt => Comparison::Greater,
        Operator::GtEq => Comparison::GreaterOrEqual,
        _ => return None,
    };
    let is_text = data_type == DataType::Utf8;
    match value {
        ScalarValue::Utf8(Some(text)) if is_text && op == Operator::Eq => {
            // A text with a null character is none of PostgreSQL's.
            (!text.contains('\0')).then(|| Condition::OneOf(name, vec![text.clone()]))
        }
        _ if data_type.is_integer() => match value.cast_to(&DataType::Int64).ok()? {
            ScalarValue::Int64(Some(number)) if value.data_type().is_integer() => {
                Some(Condition::Number(name, comparison, number))
            }
            _ => None,
        },
        _ => None,
    }
}

fn text(value: &Expr, data_type: &DataType) -> Option<String> {
    match value {
        Expr::Literal(ScalarValue::Utf8(Some(text)), _) if *data_type == DataType::Utf8 => {
            (!text.contains('\0')).then(|| text.clone())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Field;
    use datafusion::logical_expr::{col, lit};

    use super::*;

    #[test]
    fn only_what_both_sides_decide_alike_goes_to_the_database() {
        let schema = Schema::new(vec![
            Field::new("n", DataType::Int32, true),
            Field::new("t", DataType::Utf8, true),
            Field::new("f", DataType::Float64, true),
            Field::new("other", DataType::Utf8, true),
        ]);
        let column = |name: &str, hive: &str| Column {
            name: name.to_uppercase(),
            native_type: "text".to_owned(),
            hive_type: hive.to_owned(),
            nullable: true,
            comment: None,
        };
        let columns =
            [column("n", "int"), column("t", "string"), column("f", "double"), column("other", "int")];
        let of = |filter: Expr| condition(&filter, &schema, &columns);
        let number = |comparison| Some(vec![Condition::Number("N".to_owned(), comparison, 5)]);
        assert_eq!(of(col("n").gt(lit(5_i64))), number(Comparison::Greater));
        assert_eq!(of(lit(5_i32).gt(col("n"))), number(Comparison::Less));
        assert_eq!(
            of(col("t").eq(lit("x")).and(col("f").gt(lit(1.0)))),
            Some(vec![Condition::OneOf("T".to_owned(), vec!["x".to_owned()])])
        );
        assert_eq!(of(col("n").is_null()), Some(vec![Condition::Null("N".to_owned(), true)]));
        for none in [
            col("t").gt(lit("x")),
            col("t").not_eq(lit("x")),
            col("f").eq(lit(1.0)),
            col("n").eq(lit(1.5)),
            col("n").eq(lit(1_i64)).or(col("t").eq(lit("x"))),
            col("other").eq(lit("1")),
            col("t").eq(lit("a\0b")),
        ] {
            assert_eq!(of(none.clone()), None, "{none}");
        }
    }
}
