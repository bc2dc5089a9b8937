//! Aggregates and windows.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, Result};
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::expr::{AggregateFunction, Cast, WindowFunction};
use datafusion::logical_expr::{AggregateUDF, Expr, ExprSchemable, WindowFunctionDefinition};

use super::{floats, require_arguments, types_of, unsupported};
use crate::types::{Class, has_inexact, name};
use crate::values::{CheckedSum, Extreme};

/// Digits of decimals that ten thousand million of can be summed within the largest.
const MAX_SUMMED_DIGITS: u8 = 28;

fn class_of(args: &[Expr], schema: &DFSchema) -> Result<Option<Class>> {
    args.first().map(|arg| Ok(Class::of(&arg.get_type(schema)?))).transpose()
}

/// A sum of decimals is a decimal(38, s) in Trino; one that could outgrow it unnoticed is refused.
fn decimal_sum(mut aggregate: AggregateFunction, schema: &DFSchema) -> Result<Expr> {
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
    Ok(Expr::AggregateFunction(aggregate))
}

/// The function that stands for `max` or `min` of floating-point numbers.
fn extreme(function: &str) -> Option<Arc<AggregateUDF>> {
    let found = match function {
        "max" => Extreme::max(),
        "min" => Extreme::min(),
        _ => return None,
    };
    Some(Arc::new(AggregateUDF::from(found)))
}

/// `max` and `min` of a `real` would be a double here.
fn require_double(function: &str, args: &[Expr], schema: &DFSchema) -> Result<()> {
    match args.first() {
        Some(arg) if arg.get_type(schema)? == DataType::Float32 => {
            unsupported(format!("{function} of real (CAST it to double)"))
        }
        _ => Ok(()),
    }
}

pub(super) fn aggregate(mut aggregate: AggregateFunction, schema: &DFSchema) -> Result<Expr> {
    let function = aggregate.func.name().to_owned();
    check(&function, &aggregate.params.args, schema)?;
    let class = class_of(&aggregate.params.args, schema)?;
    if aggregate.params.distinct && class == Some(Class::Float) {
        for arg in &mut aggregate.params.args {
            *arg = floats::key(std::mem::take(arg), schema)?;
        }
    }
    match (function.as_str(), class) {
        ("max" | "min", Some(Class::Float)) => {
            require_double(&function, &aggregate.params.args, schema)?;
            // The largest of all is the largest of the different ones.
            aggregate.params.distinct = false;
            if let Some(own) = extreme(&function) {
                aggregate.func = own;
            }
            Ok(Expr::AggregateFunction(aggregate))
        }
        ("sum", Some(Class::Decimal)) => {
            aggregate.func = sum_udaf();
            decimal_sum(aggregate, schema)
        }
        ("sum", Some(Class::Integer)) => {
            if aggregate.params.distinct {
                return unsupported("sum(DISTINCT …) of integers");
            }
            aggregate.func = Arc::new(AggregateUDF::from(CheckedSum::new()));
            for arg in &mut aggregate.params.args {
                let wide = Cast::new(Box::new(std::mem::take(arg)), DataType::Int64);
                *arg = Expr::Cast(wide);
            }
            Ok(Expr::AggregateFunction(aggregate))
        }
        ("sum", _) => {
            aggregate.func = sum_udaf();
            Ok(Expr::AggregateFunction(aggregate))
        }
        _ => Ok(Expr::AggregateFunction(aggregate)),
    }
}

pub(super) fn window(mut window: WindowFunction, schema: &DFSchema) -> Result<Expr> {
    let function = window.fun.name().to_owned();
    check(&function, &window.params.args, schema)?;
    let class = class_of(&window.params.args, schema)?;
    if function == "sum" && class == Some(Class::Integer) {
        window.fun = WindowFunctionDefinition::AggregateUDF(Arc::new(AggregateUDF::from(CheckedSum::new())));
        for arg in &mut window.params.args {
            *arg = Expr::Cast(Cast::new(Box::new(std::mem::take(arg)), DataType::Int64));
        }
    } else if function == "sum" {
        window.fun = WindowFunctionDefinition::AggregateUDF(sum_udaf());
    }
    if class == Some(Class::Float)
        && let Some(own) = extreme(&function)
    {
        require_double(&function, &window.params.args, schema)?;
        window.fun = WindowFunctionDefinition::AggregateUDF(own);
    }
    for key in &mut window.params.partition_by {
        *key = floats::key(std::mem::take(key), schema)?;
    }
    for key in &mut window.params.order_by {
        key.expr = floats::key(std::mem::take(&mut key.expr), schema)?;
    }
    Ok(Expr::WindowFunction(Box::new(window)))
}

/// Functions that take values of any type.
fn is_window(function: &str) -> bool {
    matches!(function, "first_value" | "last_value" | "lag" | "lead" | "ntile" | "approx_distinct")
}

fn check(function: &str, args: &[Expr], schema: &DFSchema) -> Result<()> {
    let types = types_of(args, schema)?;
    let numeric =
        !matches!(function, "count" | "max" | "min" | "bool_and" | "bool_or") && !is_window(function);
    if numeric && class_of(args, schema)? == Some(Class::Null) {
        return unsupported(format!("{function} of a NULL without a type (CAST it)"));
    }
    match function {
        "sum" | "avg" => args.iter().try_for_each(|arg| {
            let of = arg.get_type(schema)?;
            if of == DataType::Float32 || (function == "avg" && Class::of(&of) == Class::Decimal) {
                return unsupported(format!("{function} of {} (CAST it to double)", name(&of)));
            }
            require_arguments(function, &types, Class::is_number)
        }),
        "stddev" | "stddev_pop" | "stddev_samp" | "var" | "var_pop" | "var_samp" | "corr" | "covar_pop"
        | "covar_samp" => require_arguments(function, &types, Class::is_number),
        "bool_and" | "bool_or" => require_arguments(function, &types, |class| class == Class::Boolean),
        "max" | "min" | "count" => args.iter().try_for_each(|arg| {
            let of = arg.get_type(schema)?;
            if function != "count" && Class::of(&of) == Class::Other && has_inexact(&of) {
                return unsupported(format!(
                    "{function} of rows, arrays or maps that hold doubles or timestamps"
                ));
            }
            Ok(())
        }),
        _ => Ok(()),
    }
}
