//! An expression as alternatives, each of which may be sought in an index of its own.
//!
//! `a = 1 OR b = 2` limits no key: whichever index is walked, the other half asks for all rows. Its alternatives limit one key
//! each. Conjunctions are distributed over disjunctions, and negations go down to the predicates: both hold in logic of
//! three values, too.

use crate::expression::{Expr, Node};

/// More alternatives than this are not told apart.
const MAX_ALTERNATIVES: usize = 16;

impl Expr {
    /// Expressions of which one is true exactly where this one is; only itself when there would be too many.
    pub(crate) fn alternatives(&self) -> Vec<Expr> {
        match of_node(&self.0, false) {
            Some(found) => found.into_iter().map(joined).collect(),
            None => vec![self.clone()],
        }
    }
}

fn joined(mut conjunction: Vec<Node>) -> Expr {
    match (conjunction.pop(), conjunction.is_empty()) {
        (Some(only), true) => Expr(only),
        (last, _) => {
            conjunction.extend(last);
            Expr(Node::And(conjunction))
        }
    }
}

/// Conjunctions of predicates of which one must hold; `None` when there are too many.
fn of_node(node: &Node, negate: bool) -> Option<Vec<Vec<Node>>> {
    match (node, negate) {
        (Node::Not(inner), _) => of_node(inner, !negate),
        (Node::Or(parts), false) | (Node::And(parts), true) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(of_node(part, negate)?);
            }
            (all.len() <= MAX_ALTERNATIVES).then_some(all)
        }
        (Node::And(parts), false) | (Node::Or(parts), true) => {
            let mut all = vec![Vec::new()];
            for part in parts {
                let choices = of_node(part, negate)?;
                if all.len() * choices.len() > MAX_ALTERNATIVES {
                    return None;
                }
                let with = |before: &Vec<Node>| {
                    let before = before.clone();
                    choices.iter().map(move |choice| [before.as_slice(), choice].concat()).collect::<Vec<_>>()
                };
                all = all.iter().flat_map(with).collect();
            }
            Some(all)
        }
        (predicate, false) => Some(vec![vec![predicate.clone()]]),
        (predicate, true) => Some(vec![vec![Node::Not(Box::new(predicate.clone()))]]),
    }
}
