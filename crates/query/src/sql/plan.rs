//! What only the types can tell: brings a bound query in line with Trino, or refuses it.
//!
//! Our engine converts generously where Trino reports a mismatch (`'10' > 9`), truncates where Trino rounds, and
//! lets integers wrap. So before the engine's own analysis every expression is looked at with the types of its
//! operands: mismatches are refused, integer arithmetic is replaced by arithmetic that reports an overflow, and so on.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::expr::{
    AggregateFunction, Between, BinaryExpr, Case, Cast, InList, InSubquery, Like, ScalarFunction,
    WindowFunction,
};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    AggregateUDF, Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, Operator, ScalarUDF,
};

use super::rewrite::UNNAMED;
use super::{Position, SqlError, SqlErrorKind};
use crate::arithmetic::{Arithmetic, CheckedArithmetic};
use crate::casts::{Target, TextCast};
use crate::sum::CheckedSum;
use crate::types::{Class, comparable, name};

/// Returns the plan that gives Trino's answer.
/// Errors: `DataFusionError::External` around a [`SqlError`] for what Trino refuses or Tenon does not run.
pub(crate) fn conform(plan: LogicalPlan) -> Result<LogicalPlan> {
    let conformed = plan.transform_up_with_subqueries(|node| {
        check_union(&node)?;
        check_join(&node)?;
        let inputs = node.inputs();
        let schema = if inputs.is_empty() { node.schema().as_ref().clone() } else { merge_schema(&inputs) };
        let names = NamePreserver::new(&node);
        node.map_expressions(|expr| {
            let saved = names.save(&expr);
            let changed = expr.transform_up(|inner| expression(inner, &schema))?;
            Ok(changed.update_data(|expr| saved.restore(expr)))
        })?
        .map_data(LogicalPlan::recompute_schema)
    })?;
    name_columns(conformed.data)
}

fn mismatch<T>(message: String) -> Result<T> {
    let kind = SqlErrorKind::TypeMismatch(message);
    Err(DataFusionError::External(Box::new(SqlError { position: Position::default(), kind })))
}

fn unsupported<T>(what: impl Into<String>) -> Result<T> {
    Err(DataFusionError::External(Box::new(SqlError::unsupported(Position::default(), what))))
}

fn check_union(node: &LogicalPlan) -> Result<()> {
    let LogicalPlan::Union(union) = node else { return Ok(()) };
    let Some((first, rest)) = union.inputs.split_first() else { return Ok(()) };
    for other in rest {
        for (left, right) in first.schema().fields().iter().zip(other.schema().fields()) {
            require_comparable(left.data_type(), right.data_type(), "UNION")?;
        }
    }
    Ok(())
}

fn check_join(node: &LogicalPlan) -> Result<()> {
    let LogicalPlan::Join(join) = node else { return Ok(()) };
    for (left, right) in &join.on {
        let (left, right) = (left.get_type(join.left.schema())?, right.get_type(join.right.schema())?);
        require_comparable(&left, &right, "=")?;
    }
    Ok(())
}

fn require_comparable(left: &DataType, right: &DataType, operator: &str) -> Result<()> {
    if comparable(left, right) {
        return Ok(());
    }
    mismatch(format!("Cannot apply operator: {} {operator} {}", name(left), name(right)))
}

fn expression(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match &expr {
        Expr::BinaryExpr(binary) => return binary_expression(binary.clone(), schema),
        Expr::Between(Between { expr: inner, low, high, .. }) => {
            let of = inner.get_type(schema)?;
            require_comparable(&of, &low.get_type(schema)?, "BETWEEN")?;
            require_comparable(&of, &high.get_type(schema)?, "BETWEEN")?;
        }
        Expr::InList(InList { expr: inner, list, .. }) => {
            let of = inner.get_type(schema)?;
            list.iter().try_for_each(|item| require_comparable(&of, &item.get_type(schema)?, "IN"))?;
        }
        Expr::InSubquery(InSubquery { expr: inner, subquery, .. }) => {
            let found = subquery.subquery.schema().field(0).data_type().clone();
            require_comparable(&inner.get_type(schema)?, &found, "IN")?;
        }
        Expr::Like(Like { expr: inner, pattern, .. }) => {
            require_class(inner, schema, "LIKE", |class| class == Class::Text)?;
            require_class(pattern, schema, "LIKE", |class| class == Class::Text)?;
        }
        Expr::Case(case) => check_case(case, schema)?,
        Expr::Cast(cast) => return cast_expression(cast.clone(), schema),
        Expr::TryCast(cast) => {
            let from = cast.expr.get_type(schema)?;
            if let Some(read) = from_text(&cast.expr, &from, cast.field.data_type(), true) {
                return Ok(Transformed::yes(read));
            }
            cast_expression(Cast { expr: cast.expr.clone(), field: Arc::clone(&cast.field) }, schema)?;
            if rounds(&from, cast.field.data_type()) {
                return unsupported("TRY_CAST of a double to an integer");
            }
        }
        Expr::ScalarFunction(call) => return scalar(call.clone(), schema),
        Expr::AggregateFunction(aggregate) => return aggregate_expression(aggregate.clone(), schema),
        Expr::WindowFunction(window) => {
            let WindowFunction { fun, params } = &**window;
            check_aggregate(fun.name(), &params.args, schema)?;
            if fun.name() == "sum" && is_integer(&params.args, schema)? {
                return unsupported("sum of integers OVER a window (CAST them to double or decimal)");
            }
        }
        _ => {}
    }
    Ok(Transformed::no(expr))
}

fn require_class(expr: &Expr, schema: &DFSchema, what: &str, fits: impl Fn(Class) -> bool) -> Result<()> {
    let found = expr.get_type(schema)?;
    let class = Class::of(&found);
    if class == Class::Null || fits(class) {
        return Ok(());
    }
    mismatch(format!("Unexpected parameter of type {} for {what}", name(&found)))
}

fn binary_expression(binary: BinaryExpr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let (left, right) = (binary.left.get_type(schema)?, binary.right.get_type(schema)?);
    let (a, b) = (Class::of(&left), Class::of(&right));
    let refused =
        || mismatch(format!("Cannot apply operator: {} {} {}", name(&left), binary.op, name(&right)));
    let nullable = a == Class::Null || b == Class::Null;
    match binary.op {
        Operator::Plus | Operator::Minus | Operator::Multiply
            if a == Class::Integer && b == Class::Integer =>
        {
            let operation = match binary.op {
                Operator::Plus => Arithmetic::Add,
                Operator::Minus => Arithmetic::Subtract,
                _ => Arithmetic::Multiply,
            };
            let checked = Arc::new(ScalarUDF::from(CheckedArithmetic::new(operation)));
            let call = ScalarFunction::new_udf(checked, vec![*binary.left, *binary.right]);
            return Ok(Transformed::yes(Expr::ScalarFunction(call)));
        }
        Operator::Plus | Operator::Minus if a == Class::Time && b == Class::Interval => {
            whole_days(&left, &binary.right)?;
        }
        Operator::Plus if a == Class::Interval && b == Class::Time => whole_days(&right, &binary.left)?,
        Operator::Divide | Operator::Modulo if a == Class::Decimal || b == Class::Decimal => {
            if a != Class::Float && b != Class::Float {
                return unsupported("division of decimals (CAST them to double)");
            }
        }
        Operator::Plus | Operator::Minus | Operator::Multiply
            if (a == Class::Decimal || b == Class::Decimal) && a != Class::Float && b != Class::Float =>
        {
            if !nullable && !(a.is_number() && b.is_number()) {
                return refused();
            }
            decimal_fits(binary.op, &left, &right)?;
        }
        Operator::Plus | Operator::Minus | Operator::Multiply | Operator::Divide | Operator::Modulo => {
            if !nullable && !(a.is_number() && b.is_number()) {
                return refused();
            }
        }
        Operator::StringConcat if !nullable && (a != Class::Text || b != Class::Text) => return refused(),
        Operator::And | Operator::Or if !nullable && (a != Class::Boolean || b != Class::Boolean) => {
            return refused();
        }
        _ if !comparable(&left, &right) => return refused(),
        _ => {}
    }
    Ok(Transformed::no(Expr::BinaryExpr(binary)))
}

/// Digits and scale of a number as a decimal.
fn digits(of: &DataType) -> (i32, i32) {
    match of {
        DataType::Int8 => (3, 0),
        DataType::Int16 => (5, 0),
        DataType::Int32 => (10, 0),
        DataType::Int64 => (20, 0),
        DataType::Decimal128(precision, scale) => (i32::from(*precision), i32::from(*scale)),
        _ => (0, 0),
    }
}

/// Our engine does not report a decimal that outgrows 38 digits: only what cannot is let through.
fn decimal_fits(operator: Operator, left: &DataType, right: &DataType) -> Result<()> {
    let ((p1, s1), (p2, s2)) = (digits(left), digits(right));
    let needed = match operator {
        Operator::Multiply => p1 + p2,
        _ => s1.max(s2) + (p1 - s1).max(p2 - s2) + 1,
    };
    if needed <= i32::from(MAX_DIGITS) {
        return Ok(());
    }
    unsupported(format!("decimal arithmetic whose result may need {needed} digits (CAST to fewer)"))
}

/// To a date Trino adds whole days only.
fn whole_days(to: &DataType, interval: &Expr) -> Result<()> {
    match interval {
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(value)), _)
            if *to == DataType::Date32 && value.nanoseconds != 0 =>
        {
            mismatch("Cannot add hour, minutes or seconds to a date".to_owned())
        }
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(_)), _) => Ok(()),
        _ => unsupported("an interval that is not a literal"),
    }
}

fn check_case(case: &Case, schema: &DFSchema) -> Result<()> {
    let operand = case.expr.as_ref().map(|expr| expr.get_type(schema)).transpose()?;
    let mut result: Option<DataType> = None;
    let results = case.when_then_expr.iter().map(|(_, then)| then).chain(&case.else_expr);
    for then in results {
        let found = then.get_type(schema)?;
        match &result {
            Some(first) if !comparable(first, &found) => {
                return mismatch(format!("All CASE results must be the same type: {}", name(first)));
            }
            Some(first) if Class::of(first) != Class::Null => {}
            _ => result = Some(found),
        }
    }
    for (when, _) in &case.when_then_expr {
        match &operand {
            Some(of) => require_comparable(of, &when.get_type(schema)?, "=")?,
            None => require_class(when, schema, "CASE WHEN", |class| class == Class::Boolean)?,
        }
    }
    Ok(())
}

/// Whether Trino rounds where our engine truncates.
fn rounds(from: &DataType, to: &DataType) -> bool {
    Class::of(from) == Class::Float && Class::of(to) == Class::Integer
}

/// A cast from text where our engine's own takes more than Trino does.
fn from_text(expr: &Expr, from: &DataType, to: &DataType, lenient: bool) -> Option<Expr> {
    if Class::of(from) != Class::Text {
        return None;
    }
    let function = Arc::new(ScalarUDF::from(TextCast::new(Target::of(to)?, lenient)));
    Some(Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![expr.clone()])))
}

fn cast_expression(cast: Cast, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let (from, to) = (cast.expr.get_type(schema)?, cast.field.data_type().clone());
    if let Some(read) = from_text(&cast.expr, &from, &to, false) {
        return Ok(Transformed::yes(read));
    }
    if rounds(&from, &to) {
        let rounded = datafusion::functions::math::round().call(vec![*cast.expr]);
        return Ok(Transformed::yes(Expr::Cast(Cast { expr: Box::new(rounded), field: cast.field })));
    }
    use Class::{Binary, Boolean, Decimal, Float, Integer, Interval, Null, Other, Text, Time};
    let same = match (Class::of(&from), Class::of(&to)) {
        (Null, _) => true,
        (Integer | Boolean | Text, Integer | Boolean) => true,
        (Integer | Float | Decimal | Text | Boolean, Float) => true,
        (Integer | Decimal | Text, Decimal) => true,
        (Integer | Boolean | Text | Decimal, Text) => true,
        (Time, Text) => matches!(from, DataType::Date32),
        (Text | Time, Time) => true,
        (Interval, Interval) | (Binary, Binary) => true,
        (Other, Other) => from == to,
        _ => false,
    };
    if !same {
        return unsupported(format!("CAST from {} to {}", name(&from), name(&to)));
    }
    Ok(Transformed::no(Expr::Cast(cast)))
}

fn scalar(call: ScalarFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let function = call.func.name().to_owned();
    let types = call.args.iter().map(|arg| arg.get_type(schema)).collect::<Result<Vec<_>>>()?;
    let check = |fits: fn(Class) -> bool| {
        call.args.iter().try_for_each(|arg| require_class(arg, schema, &format!("function {function}"), fits))
    };
    match function.as_str() {
        "lower" | "upper" | "character_length" | "btrim" | "ltrim" | "rtrim" | "replace" | "reverse"
        | "starts_with" | "strpos" => check(|class| class == Class::Text)?,
        "substr" => check(|class| matches!(class, Class::Text | Class::Integer))?,
        "abs" | "acos" | "asin" | "atan" | "atan2" | "cbrt" | "cos" | "degrees" | "exp" | "ln"
        | "radians" | "sin" | "sqrt" | "tan" | "tanh" => check(Class::is_number)?,
        "coalesce" | "nullif" => {
            for pair in types.windows(2) {
                require_comparable(&pair[0], &pair[1], &function)?;
            }
        }
        "date_part" => {
            check(|class| matches!(class, Class::Text | Class::Time)).and_then(|()| match types.get(1) {
                Some(of) if Class::of(of) == Class::Text => {
                    mismatch("Unexpected parameter of type varchar".to_owned())
                }
                _ => Ok(()),
            })?
        }
        "date_trunc" => return date_trunc(call, &types),
        "round" => return round(call, &types),
        "floor" | "ceil" => return whole(call, &types),
        _ => {}
    }
    Ok(Transformed::no(Expr::ScalarFunction(call)))
}

/// Of a date Trino's `date_trunc` makes a date, our engine's a timestamp.
fn date_trunc(call: ScalarFunction, types: &[DataType]) -> Result<Transformed<Expr>> {
    match types {
        [unit, DataType::Date32] if Class::of(unit) == Class::Text => {
            let cast = Cast::new(Box::new(Expr::ScalarFunction(call)), DataType::Date32);
            Ok(Transformed::yes(Expr::Cast(cast)))
        }
        [unit, of] if Class::of(unit) == Class::Text && Class::of(of) == Class::Time => {
            Ok(Transformed::no(Expr::ScalarFunction(call)))
        }
        _ => mismatch("Unexpected parameters for function date_trunc".to_owned()),
    }
}

/// An integer rounded to whole numbers is itself; decimals would change their type.
fn round(mut call: ScalarFunction, types: &[DataType]) -> Result<Transformed<Expr>> {
    match types.first().map(Class::of) {
        Some(Class::Float) => Ok(Transformed::no(Expr::ScalarFunction(call))),
        Some(Class::Integer) if types.len() == 1 => Ok(Transformed::yes(call.args.swap_remove(0))),
        Some(Class::Decimal | Class::Integer) => {
            unsupported("round of a decimal, and of an integer to digits,")
        }
        _ => mismatch("Unexpected parameters for function round".to_owned()),
    }
}

/// `floor` and `ceil` keep the type in Trino: of an integer they are the integer.
fn whole(mut call: ScalarFunction, types: &[DataType]) -> Result<Transformed<Expr>> {
    match types.first().map(Class::of) {
        Some(Class::Float) => Ok(Transformed::no(Expr::ScalarFunction(call))),
        Some(Class::Integer) => Ok(Transformed::yes(call.args.swap_remove(0))),
        Some(Class::Decimal) => unsupported("floor and ceil of decimals"),
        _ => mismatch(format!("Unexpected parameters for function {}", call.func.name())),
    }
}

fn is_decimal(args: &[Expr], schema: &DFSchema) -> Result<bool> {
    match args.first() {
        Some(arg) => Ok(Class::of(&arg.get_type(schema)?) == Class::Decimal),
        None => Ok(false),
    }
}

fn is_integer(args: &[Expr], schema: &DFSchema) -> Result<bool> {
    match args.first() {
        Some(arg) => Ok(Class::of(&arg.get_type(schema)?) == Class::Integer),
        None => Ok(false),
    }
}

/// Digits of the largest decimal, and of those that ten thousand million of can be summed within it.
const MAX_DIGITS: u8 = 38;
const MAX_SUMMED_DIGITS: u8 = 28;

/// A sum of decimals is a decimal(38, s) in Trino; one that could outgrow it unnoticed is refused.
fn decimal_sum(mut aggregate: AggregateFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
    for arg in &mut aggregate.params.args {
        match arg.get_type(schema)? {
            DataType::Decimal128(precision, _) if precision > MAX_SUMMED_DIGITS => {
                return unsupported(format!(
                    "sum of a decimal of more than {MAX_SUMMED_DIGITS} digits (CAST it)"
                ));
            }
            DataType::Decimal128(precision, scale) if precision < MAX_SUMMED_DIGITS => {
                let wide = DataType::Decimal128(MAX_SUMMED_DIGITS, scale);
                *arg = Expr::Cast(Cast::new(Box::new(std::mem::take(arg)), wide));
            }
            _ => {}
        }
    }
    Ok(Transformed::yes(Expr::AggregateFunction(aggregate)))
}

/// Sums of integers report an overflow.
fn aggregate_expression(mut aggregate: AggregateFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
    check_aggregate(aggregate.func.name(), &aggregate.params.args, schema)?;
    if aggregate.func.name() == "sum" && is_decimal(&aggregate.params.args, schema)? {
        return decimal_sum(aggregate, schema);
    }
    if aggregate.func.name() != "sum" || !is_integer(&aggregate.params.args, schema)? {
        return Ok(Transformed::no(Expr::AggregateFunction(aggregate)));
    }
    if aggregate.params.distinct {
        return unsupported("sum(DISTINCT …) of integers");
    }
    aggregate.func = Arc::new(AggregateUDF::from(CheckedSum::new()));
    for arg in &mut aggregate.params.args {
        let wide = Cast::new(Box::new(std::mem::take(arg)), DataType::Int64);
        *arg = Expr::Cast(wide);
    }
    Ok(Transformed::yes(Expr::AggregateFunction(aggregate)))
}

fn check_aggregate(function: &str, args: &[Expr], schema: &DFSchema) -> Result<()> {
    let what = format!("function {function}");
    match function {
        "sum" | "avg" => args.iter().try_for_each(|arg| {
            let of = arg.get_type(schema)?;
            if of == DataType::Float32 || (function == "avg" && Class::of(&of) == Class::Decimal) {
                return unsupported(format!("{function} of {} (CAST it to double)", name(&of)));
            }
            require_class(arg, schema, &what, Class::is_number)
        }),
        "stddev" | "stddev_pop" | "stddev_samp" | "var" | "var_pop" | "var_samp" | "corr" | "covar_pop"
        | "covar_samp" => args.iter().try_for_each(|arg| require_class(arg, schema, &what, Class::is_number)),
        "bool_and" | "bool_or" => {
            args.iter().try_for_each(|arg| require_class(arg, schema, &what, |class| class == Class::Boolean))
        }
        _ => Ok(()),
    }
}

/// Columns without a name are `_col<position>` in the result.
fn name_columns(plan: LogicalPlan) -> Result<LogicalPlan> {
    let schema = Arc::clone(plan.schema());
    if !schema.fields().iter().any(|field| field.name().starts_with(UNNAMED)) {
        return Ok(plan);
    }
    let columns = schema.iter().enumerate().map(|(position, (qualifier, field))| {
        let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
        if field.name().starts_with(UNNAMED) { column.alias(format!("_col{position}")) } else { column }
    });
    LogicalPlanBuilder::from(plan).project(columns.collect::<Vec<_>>())?.build()
}
