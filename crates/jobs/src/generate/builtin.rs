//! Functions that every frame has, as scripts call them.

use super::nodes::Names;
use super::python::{list, text};
use super::studio;
use crate::graph::{BuiltIn, Resolution, ResolveChoice};

/// The call of a function on the node's input.
pub(super) fn call(own: &BuiltIn, names: &Names<'_>) -> Result<String, String> {
    let arguments = match own {
        BuiltIn::ResolveChoice(resolve) => resolve_choice(resolve),
        BuiltIn::Studio(_, own) => return studio::apply(own, names),
    };
    Ok(format!("{}.{}({arguments}, transformation_ctx={})", names.input(0)?, own.function(), names.context()))
}

fn resolve_choice(own: &ResolveChoice) -> String {
    match &own.how {
        Resolution::Specs(specs) => {
            let specs =
                specs.iter().map(|spec| format!("({}, {})", text(&spec.path), text(&spec.action.text())));
            format!("specs={}", list(specs))
        }
        Resolution::All(action) => format!("choice={}", text(&action.text())),
        Resolution::MatchCatalog { database, table } => {
            format!("choice=\"match_catalog\", database={}, table_name={}", text(database), text(table))
        }
    }
}
