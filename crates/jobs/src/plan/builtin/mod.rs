//! Functions that every frame has, as nodes.

mod items;
mod resolve;

pub(super) use resolve::{cast, is_a_choice as is_choice, settled};

use datafusion::dataframe::DataFrame;
use engine::Session;

use super::{PlanError, Planning, studio};
use crate::graph::{BuiltIn, Node, Studio};

/// The frames that a function makes of its input: one, unless it gives a collection.
pub(super) async fn call(
    session: &Session,
    node: &Node,
    own: &BuiltIn,
    frame: DataFrame,
    planning: &mut Planning<'_>,
) -> Result<Vec<DataFrame>, PlanError> {
    match own {
        BuiltIn::ResolveChoice(resolve) => Ok(vec![resolve::resolve(session, resolve, frame).await?]),
        BuiltIn::Studio(_, Studio::Pivot(own)) => {
            Ok(vec![studio::pivot(session, node, own, frame, planning).await?])
        }
        BuiltIn::Studio(_, Studio::FromJson(own)) => {
            Ok(vec![studio::from_json(session, node, own, frame, planning).await?])
        }
        BuiltIn::Studio(_, own) if studio::is_made_once(own) => {
            studio::made_once(session, node, own, frame, planning).await
        }
        BuiltIn::Studio(_, own) => Ok(vec![studio::apply(session, own, frame, &planning.accused).await?]),
    }
}
