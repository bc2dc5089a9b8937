//! Gives the names of a statement the spelling that they were declared with.
//!
//! Spark compares names ignoring case, also those in backticks; DataFusion's planner compares bytes. Every column, qualifier and alias
//! that differs from exactly one declared name in case only is rewritten to it; where several declared names
//! differ only in case, the statement has to spell the one it means.

use std::{
    collections::{HashMap, HashSet},
    ops::ControlFlow,
};

use sqlparser::ast::{
    ExcludeSelectItem, Expr, Ident, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart, Query, Select,
    SelectItem, SelectItemQualifiedWildcardKind, Statement, TableAlias, TableFactor, TableWithJoins, Visit,
    VisitMut, Visitor, VisitorMut, WildcardAdditionalOptions,
};

/// Rewrites the statement's names; `columns` are those of its tables and views.
pub(super) fn unify(statement: &mut Statement, columns: HashSet<String>) {
    let mut declared = Declared { names: columns, queries: HashMap::new() };
    // The visitor never breaks off.
    let _ = Visit::visit(statement, &mut declared);
    let mut unify = Unify { spellings: spellings(declared.names), queries: declared.queries };
    let _ = VisitMut::visit(statement, &mut unify);
}

/// Lower-case name → its spelling, where there is only one.
fn spellings(names: HashSet<String>) -> HashMap<String, Option<String>> {
    let mut out: HashMap<String, Option<String>> = HashMap::new();
    for name in names {
        out.entry(name.to_lowercase()).and_modify(|spelling| *spelling = None).or_insert(Some(name));
    }
    out
}

/// Collects what the statement itself declares: aliases of columns, tables and CTEs, and the tables' own names.
struct Declared {
    names: HashSet<String>,
    /// Lower-case name of a CTE → its spelling.
    queries: HashMap<String, String>,
}

impl Declared {
    fn add(&mut self, ident: &Ident) {
        self.names.insert(ident.value.clone());
    }

    fn add_alias(&mut self, alias: Option<&TableAlias>) {
        if let Some(alias) = alias {
            self.add(&alias.name);
            for column in &alias.columns {
                self.add(&column.name);
            }
        }
    }
}

impl Visitor for Declared {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.add_alias(Some(&cte.alias));
            let name = &cte.alias.name.value;
            self.queries.insert(name.to_lowercase(), name.clone());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        for item in &select.projection {
            if let SelectItem::ExprWithAlias { alias, .. } = item {
                self.add(alias);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table { name, alias, .. } => {
                let own = name.0.last().and_then(ObjectNamePart::as_ident);
                if let (None, Some(ident)) = (alias, own)
                    && !self.queries.contains_key(&ident.value.to_lowercase())
                {
                    self.add(ident);
                }
                self.add_alias(alias.as_ref());
            }
            TableFactor::Derived { alias, .. } => self.add_alias(alias.as_ref()),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

struct Unify {
    spellings: HashMap<String, Option<String>>,
    queries: HashMap<String, String>,
}

impl Unify {
    fn respell(&self, ident: &mut Ident) {
        if let Some(Some(spelling)) = self.spellings.get(&ident.value.to_lowercase()) {
            ident.value.clone_from(spelling);
        }
    }

    fn respell_parts(&self, name: &mut ObjectName) {
        for part in &mut name.0 {
            if let ObjectNamePart::Identifier(ident) = part {
                self.respell(ident);
            }
        }
    }

    /// The keys of USING.
    fn respell_keys(&self, tables: &mut TableWithJoins) {
        for join in &mut tables.joins {
            if let Some(JoinConstraint::Using(keys)) = constraint(&mut join.join_operator) {
                keys.iter_mut().for_each(|key| self.respell_parts(key));
            }
        }
    }

    fn respell_left_out(&self, options: &mut WildcardAdditionalOptions) {
        match &mut options.opt_exclude {
            Some(ExcludeSelectItem::Single(name)) => self.respell_parts(name),
            Some(ExcludeSelectItem::Multiple(names)) => {
                names.iter_mut().for_each(|name| self.respell_parts(name));
            }
            None => {}
        }
        if let Some(except) = &mut options.opt_except {
            self.respell(&mut except.first_element);
            except.additional_elements.iter_mut().for_each(|name| self.respell(name));
        }
    }
}

fn constraint(join: &mut JoinOperator) -> Option<&mut JoinConstraint> {
    match join {
        JoinOperator::Join(by)
        | JoinOperator::Inner(by)
        | JoinOperator::Left(by)
        | JoinOperator::LeftOuter(by)
        | JoinOperator::Right(by)
        | JoinOperator::RightOuter(by)
        | JoinOperator::FullOuter(by)
        | JoinOperator::Semi(by)
        | JoinOperator::LeftSemi(by)
        | JoinOperator::Anti(by)
        | JoinOperator::LeftAnti(by) => Some(by),
        _ => None,
    }
}

impl VisitorMut for Unify {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        select.from.iter_mut().for_each(|tables| self.respell_keys(tables));
        for item in &mut select.projection {
            match item {
                SelectItem::Wildcard(options) => self.respell_left_out(options),
                SelectItem::QualifiedWildcard(kind, options) => {
                    if let SelectItemQualifiedWildcardKind::ObjectName(table) = kind {
                        self.respell_parts(table);
                    }
                    self.respell_left_out(options);
                }
                _ => {}
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table { name, args: None, .. } => {
                if let [ObjectNamePart::Identifier(ident)] = name.0.as_mut_slice()
                    && let Some(spelling) = self.queries.get(&ident.value.to_lowercase())
                {
                    ident.value.clone_from(spelling);
                }
            }
            TableFactor::NestedJoin { table_with_joins, .. } => self.respell_keys(table_with_joins),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(ident) => self.respell(ident),
            Expr::CompoundIdentifier(parts) => parts.iter_mut().for_each(|part| self.respell(part)),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlparser::{dialect::SparkSqlDialect, parser::Parser};

    fn unified(text: &str, columns: &[&str]) -> String {
        let mut statement = Parser::parse_sql(&SparkSqlDialect {}, text).expect("parses").remove(0);
        unify(&mut statement, columns.iter().map(|name| (*name).to_owned()).collect());
        statement.to_string()
    }

    #[test]
    fn respells_names_that_differ_in_case() {
        assert_eq!(
            unified(
                "SELECT O.CUSTID AS Total FROM orders o WHERE Day = 'X' ORDER BY total",
                &["custId", "day"]
            ),
            "SELECT o.custId AS Total FROM orders o WHERE day = 'X' ORDER BY Total"
        );
        assert_eq!(
            unified("SELECT `CUSTID`, id FROM t", &["custId", "ID", "Id"]),
            "SELECT `custId`, id FROM t"
        );
        assert_eq!(
            unified(
                "WITH Seen AS (SELECT 1 AS one) SELECT A.*, * EXCEPT (DAY) FROM SEEN s JOIN t a USING (CUSTID) JOIN seen USING (ONE)",
                &["custId", "day"]
            ),
            "WITH Seen AS (SELECT 1 AS one) SELECT a.*, * EXCEPT (day) FROM Seen s JOIN t a USING(custId) JOIN Seen USING(one)"
        );
    }
}
