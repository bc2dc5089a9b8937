//! `resolveChoice`: what becomes of fields that hold several types.
//!
//! A choice is a structure with a field per type, of which one is set ([`formats::hive::is_choice`]). `cast` takes whichever
//! is set, in the wanted type, and null where that has no such value; it casts fields of one type, too. The other actions
//! leave these as they are. Paths lead through structures and the items of arrays.
//! A field that the input lacks is an error, where Glue goes on without it.

use std::collections::{BTreeMap, BTreeSet};

use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::ScalarValue;
use datafusion::dataframe::DataFrame;
use datafusion::functions::core::expr_fn::get_field;
use datafusion::logical_expr::conditional_expressions::CaseBuilder;
use datafusion::logical_expr::{Expr, lit, when};
use engine::{Session, TableOptions};
use formats::hive::{HiveType, is_choice, shown};

use super::super::cast::{check, convert, glue_type};
use super::super::fields::{Branch, Shape, project};
use super::super::paths::{names, position};
use super::super::{PlanError, column};
use super::items;
use crate::graph::{Action, FieldPath, Resolution, ResolveChoice, Spec};

/// What becomes of which field; what stands for the items of arrays is not in paths.
type Rules = BTreeMap<FieldPath, Action>;

/// The frame with its choices resolved.
pub(super) async fn resolve(
    session: &Session,
    own: &ResolveChoice,
    frame: DataFrame,
) -> Result<DataFrame, PlanError> {
    let fields = frame.schema().fields().clone();
    let rules = match &own.how {
        Resolution::Specs(specs) => of_specs(&fields, specs)?,
        Resolution::All(action) => of_all(&fields, action),
        Resolution::MatchCatalog { database, table } => of_table(session, &fields, (database, table)).await?,
    };
    apply(session, frame, &rules)
}

/// The frame with structures like others for its choices.
pub(in super::super) fn settled(session: &Session, frame: DataFrame) -> Result<DataFrame, PlanError> {
    let rules = of_all(frame.schema().fields(), &Action::MakeStruct);
    apply(session, frame, &rules)
}

fn of_all(fields: &Fields, action: &Action) -> Rules {
    choices(fields).into_iter().map(|(path, _)| (path, action.clone())).collect()
}

fn apply(session: &Session, frame: DataFrame, rules: &Rules) -> Result<DataFrame, PlanError> {
    if rules.is_empty() {
        return Ok(frame);
    }
    let fields = frame.schema().fields().clone();
    let mut branches = Vec::new();
    for field in &fields {
        let path = vec![field.name().clone()];
        branches.extend(Resolving { session, rules }.field(column(field.name()), field, &path)?);
    }
    refuse_twins(&branches)?;
    project(frame, branches)
}

fn of_specs(fields: &Fields, specs: &[Spec]) -> Result<Rules, PlanError> {
    let mut rules = Rules::new();
    for spec in specs {
        let whole = std::slice::from_ref(&spec.path);
        let found = find(fields, whole).or_else(|| find(fields, &spec.steps));
        let Some((path, data_type)) = found else {
            return Err(PlanError::NoField { field: spec.path.clone(), known: names(fields) });
        };
        // Of what has one type already, only a cast makes anything else.
        let is_choice = choice(&data_type).is_some();
        if (is_choice || matches!(spec.action, Action::Cast(_)))
            && rules.insert(path, spec.action.clone()).is_some()
        {
            return Err(PlanError::Refused(format!("its specs say twice what becomes of {}", spec.path)));
        }
    }
    Ok(rules)
}

async fn of_table(
    session: &Session,
    fields: &Fields,
    (database, table): (&str, &str),
) -> Result<Rules, PlanError> {
    let options = TableOptions { objects: Some(Vec::new()), ..TableOptions::default() };
    let columns = session.table(database, table, options).await?;
    let mut rules = Rules::new();
    for (path, _) in choices(fields) {
        let found = find(columns.schema().fields(), &path);
        let simple = found.map(|(_, data_type)| data_type).filter(|data_type| !data_type.is_nested());
        let hive = simple.and_then(|data_type| HiveType::from_arrow(&data_type).ok());
        let Some(hive) = hive else {
            let path = path.join(".");
            return Err(PlanError::Refused(format!("{database}.{table} has no simple type for {path}")));
        };
        rules.insert(path, Action::Cast(hive.to_string()));
    }
    Ok(rules)
}

/// The path of a field as the data spells it, and its type: of arrays, that of their items. None within choices.
fn find(fields: &Fields, path: &[String]) -> Option<(FieldPath, DataType)> {
    let (first, rest) = path.split_first()?;
    let field = fields.get(position(fields, first)?)?;
    let own = vec![field.name().clone()];
    let data_type = item_type(field.data_type());
    match (rest, data_type) {
        ([], found) => Some((own, found.clone())),
        (rest, DataType::Struct(inner)) if !is_choice(inner) => {
            find(inner, rest).map(|(below, found)| ([own, below].concat(), found))
        }
        _ => None,
    }
}

fn item_type(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::List(item) => item_type(item.data_type()),
        other => other,
    }
}

/// Whether values of the type are of several types.
pub(in super::super) fn is_a_choice(data_type: &DataType) -> bool {
    choice(data_type).is_some()
}

/// The types of a choice.
fn choice(data_type: &DataType) -> Option<&Fields> {
    match data_type {
        DataType::Struct(fields) if is_choice(fields) => Some(fields),
        _ => None,
    }
}

/// The paths of all choices, of those within others the outermost, and their types.
fn choices(fields: &Fields) -> Vec<(FieldPath, Fields)> {
    let mut found = Vec::new();
    for field in fields {
        let own = vec![field.name().clone()];
        match item_type(field.data_type()) {
            DataType::Struct(inner) if is_choice(inner) => found.push((own, inner.clone())),
            DataType::Struct(inner) => {
                let below = choices(inner).into_iter();
                found.extend(below.map(|(path, types)| ([own.clone(), path].concat(), types)));
            }
            _ => {}
        }
    }
    found
}

/// Two fields of one name cannot stand beside each other.
fn refuse_twins(branches: &[Branch]) -> Result<(), PlanError> {
    let mut names = BTreeSet::new();
    match branches.iter().find(|branch| !names.insert(&branch.name)) {
        None => Ok(()),
        Some(twin) => Err(PlanError::Refused(format!(
            "there would be two fields called {}: rename one before (RenameField)",
            twin.name
        ))),
    }
}

struct Resolving<'a> {
    session: &'a Session,
    rules: &'a Rules,
}

impl Resolving<'_> {
    /// The fields that a field becomes: several by `make_cols`.
    fn field(&self, expr: Expr, field: &Field, path: &[String]) -> Result<Vec<Branch>, PlanError> {
        let data_type = field.data_type();
        if let (Some(Action::MakeCols), Some(types)) = (self.rules.get(path), choice(data_type)) {
            let each = types.iter().map(|ty| Branch {
                name: format!("{}_{}", field.name(), ty.name()),
                shape: Shape::Whole(get_field(expr.clone(), ty.name().clone()), ty.data_type().clone()),
            });
            return Ok(each.collect());
        }
        let shape = self.shape(expr, data_type, path)?;
        Ok(vec![Branch { name: field.name().clone(), shape }])
    }

    fn shape(&self, expr: Expr, data_type: &DataType, path: &[String]) -> Result<Shape, PlanError> {
        let is_below = self.rules.keys().any(|rule| rule.starts_with(path));
        match (self.rules.get(path), data_type) {
            _ if !is_below => Ok(Shape::Whole(expr, data_type.clone())),
            (Some(Action::MakeCols), DataType::List(_)) => Err(PlanError::Refused(format!(
                "items of the array {} cannot become columns",
                path.join(".")
            ))),
            (_, DataType::List(item)) => {
                let made = self.shape(items::item(), item.data_type(), path)?;
                let made = Branch { name: String::new(), shape: made }.into_expr()?;
                let (list, data_type) = items::each(self.session, expr, item.data_type(), made)?;
                Ok(Shape::Whole(list, data_type))
            }
            (Some(action), _) => resolved(expr, data_type, action, path),
            (None, DataType::Struct(fields)) => {
                let mut parts = Vec::new();
                for field in fields {
                    let inner = [path, std::slice::from_ref(field.name())].concat();
                    parts.extend(self.field(get_field(expr.clone(), field.name().clone()), field, &inner)?);
                }
                refuse_twins(&parts)?;
                Ok(Shape::Parts(parts, Some(expr)))
            }
            _ => Ok(Shape::Whole(expr, data_type.clone())),
        }
    }
}

/// A value that is no array after its action.
fn resolved(expr: Expr, data_type: &DataType, action: &Action, path: &[String]) -> Result<Shape, PlanError> {
    match (action, choice(data_type)) {
        (Action::Cast(wanted), _) => {
            cast(expr, data_type, &glue_type(wanted)?.unwrap_or(DataType::Null), path)
        }
        (Action::Project(wanted), Some(types)) => projected(&expr, types, wanted, path),
        // Put together anew, it is a structure like others.
        (Action::MakeStruct, Some(types)) => {
            let parts = types.iter().map(|ty| Branch {
                name: ty.name().clone(),
                shape: Shape::Whole(get_field(expr.clone(), ty.name().clone()), ty.data_type().clone()),
            });
            Ok(Shape::Parts(parts.collect(), Some(expr)))
        }
        _ => Ok(Shape::Whole(expr, data_type.clone())),
    }
}

/// A value, of whatever types it is, as a simple type.
pub(in super::super) fn cast(
    expr: Expr,
    data_type: &DataType,
    to: &DataType,
    path: &[String],
) -> Result<Shape, PlanError> {
    if let Some(types) = choice(data_type) {
        if let Some(nested) = types.iter().find(|ty| ty.data_type().is_nested()) {
            let (path, wanted) = (path.join("."), shown(to));
            return Err(PlanError::Refused(format!(
                "{path} holds values of the type {}, which cannot be cast to {wanted}; use make_cols, make_struct or project",
                nested.name()
            )));
        }
        return Ok(Shape::Whole(cast_each(&expr, types, to, path)?, to.clone()));
    }
    if data_type.is_nested() || (*data_type == DataType::Boolean && *to == DataType::Date32) {
        let (path, own, wanted) = (path.join("."), shown(data_type), shown(to));
        return Err(PlanError::Refused(format!("{path} is {own}, which cannot be cast to {wanted}")));
    }
    check(path, data_type, to)?;
    Ok(Shape::Whole(convert(expr, data_type, to), to.clone()))
}

/// Whichever field of a choice is set, as a simple type.
fn cast_each(expr: &Expr, types: &Fields, to: &DataType, path: &[String]) -> Result<Expr, PlanError> {
    let mut value: Option<CaseBuilder> = None;
    for ty in types {
        let own = get_field(expr.clone(), ty.name().clone());
        let made = match ty.data_type() {
            // A boolean is no date.
            DataType::Boolean if *to == DataType::Date32 => lit(ScalarValue::Date32(None)),
            data_type => {
                check(path, data_type, to)?;
                convert(own.clone(), data_type, to)
            }
        };
        value = Some(match value {
            None => when(own.is_not_null(), made),
            Some(mut before) => before.when(own.is_not_null(), made),
        });
    }
    let value = value.map(|value| value.end()).transpose()?;
    Ok(value.unwrap_or_else(|| lit(ScalarValue::Null)))
}

fn projected(expr: &Expr, types: &Fields, wanted: &str, path: &[String]) -> Result<Shape, PlanError> {
    let to = glue_type(wanted)?;
    let hive = to.as_ref().and_then(|to| HiveType::from_arrow(to).ok());
    let name = hive.map_or_else(|| wanted.trim().to_ascii_lowercase(), |hive| hive.frame_name().to_owned());
    let Some(found) = types.iter().find(|ty| *ty.name() == name) else {
        return Err(PlanError::Refused(format!(
            "{} is {}, so that project:{wanted} leaves nothing; project to one of these, or cast:{wanted}",
            path.join("."),
            names(types).join(" or ")
        )));
    };
    let value = get_field(expr.clone(), name);
    match to {
        Some(to) if !to.is_nested() => Ok(Shape::Whole(convert(value, found.data_type(), &to), to)),
        _ => Ok(Shape::Whole(value, found.data_type().clone())),
    }
}
