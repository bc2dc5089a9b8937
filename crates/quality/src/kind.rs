//! The types of rules: what each takes, what it answers, and what its number is called.

use std::ops::RangeInclusive;

/// A type of rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names of DQDL")]
pub enum Kind {
    AggregateMatch,
    AllStatistics,
    ColumnCorrelation,
    ColumnCount,
    ColumnDataType,
    ColumnExists,
    ColumnLength,
    ColumnNamesMatchPattern,
    ColumnValues,
    Completeness,
    CustomSql,
    DataFreshness,
    DatasetMatch,
    DistinctValuesCount,
    Entropy,
    IsComplete,
    IsPrimaryKey,
    IsUnique,
    Mean,
    ReferentialIntegrity,
    RowCount,
    RowCountMatch,
    SchemaMatch,
    StandardDeviation,
    Sum,
    UniqueValueRatio,
    Uniqueness,
}

/// What a type answers, and so which conditions it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Response {
    /// Yes or no: no condition.
    Boolean,
    /// A number.
    Number,
    /// The lengths of a column's values, each of which has to hold.
    Lengths,
    /// A column's values, each of which has to hold.
    Values,
    /// The name of a type.
    TypeName,
    /// The ages of a column's values, each of which has to hold.
    Ages,
    /// A number, or rows when there is no condition.
    NumberOrRows,
}

/// Whether a rule can be said to hold for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowLevel {
    /// It is about the whole data.
    No,
    /// It is.
    Yes,
    /// For a row alone it is, but not within a composite rule that is evaluated row by row, because it is a ratio.
    Alone,
}

/// What is known of a type.
#[derive(Debug)]
pub struct Facts {
    /// The type.
    pub kind: Kind,
    /// As it is written.
    pub name: &'static str,
    /// How many parameters it takes.
    pub parameters: RangeInclusive<usize>,
    /// What it answers.
    pub response: Response,
    /// The name of its number: `{}` stands for its parameters, or for what they refer to.
    pub metric: &'static str,
    /// Whether it can be said to hold for a row.
    pub row_level: RowLevel,
    /// Whether it takes `where`.
    pub filter: bool,
    /// Whether it takes `with threshold`.
    pub threshold: bool,
    /// Whether it can be a rule.
    pub rule: bool,
    /// Whether it can be an analyzer.
    pub analyzer: bool,
}

impl Facts {
    const fn new(
        kind: Kind,
        name: &'static str,
        parameters: RangeInclusive<usize>,
        response: Response,
    ) -> Self {
        Self {
            kind,
            name,
            parameters,
            response,
            metric: "",
            row_level: RowLevel::No,
            filter: false,
            threshold: false,
            rule: true,
            analyzer: false,
        }
    }

    const fn metric(self, metric: &'static str) -> Self {
        Self { metric, ..self }
    }

    const fn rows(self, row_level: RowLevel) -> Self {
        Self { row_level, ..self }
    }

    const fn filter(self) -> Self {
        Self { filter: true, ..self }
    }

    const fn threshold(self) -> Self {
        Self { threshold: true, ..self }
    }

    const fn analyzer(self) -> Self {
        Self { analyzer: true, ..self }
    }
}

use Kind::{
    AggregateMatch, AllStatistics, ColumnCorrelation, ColumnCount, ColumnDataType, ColumnExists,
    ColumnLength, ColumnNamesMatchPattern, ColumnValues, Completeness, CustomSql, DataFreshness,
    DatasetMatch, DistinctValuesCount, Entropy, IsComplete, IsPrimaryKey, IsUnique, Mean,
    ReferentialIntegrity, RowCount, RowCountMatch, SchemaMatch, StandardDeviation, Sum, UniqueValueRatio,
    Uniqueness,
};
use Response::{Ages, Boolean, Lengths, Number, NumberOrRows, TypeName, Values};
use RowLevel::{Alone, Yes};

/// The most columns of a key.
const MANY: usize = 64;

const KINDS: &[Facts] = &[
    Facts::new(AggregateMatch, "AggregateMatch", 2..=2, Number).metric("Column.{}.AggregateMatch"),
    Facts { rule: false, ..Facts::new(AllStatistics, "AllStatistics", 1..=1, Boolean) }.analyzer(),
    Facts::new(ColumnCorrelation, "ColumnCorrelation", 2..=2, Number)
        .metric("Multicolumn.{}.ColumnCorrelation")
        .filter()
        .analyzer(),
    Facts::new(ColumnCount, "ColumnCount", 0..=0, Number).metric("Dataset.*.ColumnCount").analyzer(),
    Facts::new(ColumnDataType, "ColumnDataType", 1..=1, TypeName)
        .metric("Column.{}.ColumnDataType.Compliance")
        .rows(Yes)
        .filter()
        .threshold(),
    Facts::new(ColumnExists, "ColumnExists", 1..=1, Boolean),
    Facts::new(ColumnLength, "ColumnLength", 1..=1, Lengths)
        .metric("Column.{}.MinimumLength, Column.{}.MaximumLength")
        .rows(Yes)
        .filter()
        .analyzer(),
    Facts::new(ColumnNamesMatchPattern, "ColumnNamesMatchPattern", 1..=1, Boolean)
        .metric("Dataset.*.ColumnNamesPatternMatchRatio"),
    Facts::new(ColumnValues, "ColumnValues", 1..=1, Values)
        .metric("Column.{}.ColumnValues.Compliance, Column.{}.PatternMatch, or Column.{}.Minimum and Column.{}.Maximum")
        .rows(Yes)
        .filter()
        .threshold()
        .analyzer(),
    Facts::new(Completeness, "Completeness", 1..=1, Number)
        .metric("Column.{}.Completeness")
        .rows(Alone)
        .filter()
        .analyzer(),
    Facts::new(CustomSql, "CustomSql", 1..=1, NumberOrRows)
        .metric("Dataset.*.CustomSQL, or Dataset.*.CustomSQL.Compliance")
        .rows(Yes)
        .threshold()
        .analyzer(),
    Facts::new(DataFreshness, "DataFreshness", 1..=1, Ages)
        .metric("Column.{}.DataFreshness.Compliance")
        .rows(Yes)
        .filter(),
    Facts::new(DatasetMatch, "DatasetMatch", 2..=3, Number).metric("Dataset.{}.DatasetMatch"),
    Facts::new(DistinctValuesCount, "DistinctValuesCount", 1..=1, Number)
        .metric("Column.{}.DistinctValuesCount")
        .filter()
        .analyzer(),
    Facts::new(Entropy, "Entropy", 1..=1, Number).metric("Column.{}.Entropy").filter().analyzer(),
    Facts::new(IsComplete, "IsComplete", 1..=1, Boolean).metric("Column.{}.Completeness").rows(Yes).filter(),
    Facts::new(IsPrimaryKey, "IsPrimaryKey", 1..=MANY, Boolean)
        .metric("Column.{}.Uniqueness (Multicolumn.{}.Uniqueness) and Column.{}.Completeness")
        .rows(Yes)
        .filter(),
    Facts::new(IsUnique, "IsUnique", 1..=1, Boolean).metric("Column.{}.Uniqueness").rows(Yes).filter(),
    Facts::new(Mean, "Mean", 1..=1, Number).metric("Column.{}.Mean").filter().analyzer(),
    Facts::new(ReferentialIntegrity, "ReferentialIntegrity", 2..=2, Number)
        .metric("Column.{}.ReferentialIntegrity")
        .rows(Alone),
    Facts::new(RowCount, "RowCount", 0..=0, Number).metric("Dataset.*.RowCount").filter().analyzer(),
    Facts::new(RowCountMatch, "RowCountMatch", 1..=1, Number).metric("Dataset.{}.RowCountMatch"),
    Facts::new(SchemaMatch, "SchemaMatch", 1..=1, Number).metric("Dataset.{}.SchemaMatch"),
    Facts::new(StandardDeviation, "StandardDeviation", 1..=1, Number)
        .metric("Column.{}.StandardDeviation")
        .filter()
        .analyzer(),
    Facts::new(Sum, "Sum", 1..=1, Number).metric("Column.{}.Sum").filter().analyzer(),
    Facts::new(UniqueValueRatio, "UniqueValueRatio", 1..=1, Number)
        .metric("Column.{}.UniqueValueRatio")
        .rows(Alone)
        .filter()
        .analyzer(),
    Facts::new(Uniqueness, "Uniqueness", 1..=1, Number)
        .metric("Column.{}.Uniqueness")
        .rows(Alone)
        .filter()
        .analyzer(),
];

/// Types of AWS that are not built, and why a ruleset with one of them is refused.
const NOT_BUILT: &[(&str, &str)] = &[
    ("DetectAnomalies", "it compares with what earlier runs have measured, which is not kept"),
    ("Distribution", "distributions are not computed"),
    ("FileFreshness", "rules about files are not built; use DataFreshness on a column"),
    ("FileMatch", "rules about files are not built"),
    ("FileSize", "rules about files are not built"),
    ("FileUniqueness", "rules about files are not built"),
];

/// The types that can be evaluated, in the order of their names.
pub fn kinds() -> &'static [Facts] {
    KINDS
}

impl Kind {
    /// Reads a name; case matters. The error says why there is no such type.
    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        if let Some(facts) = KINDS.iter().find(|facts| facts.name == name) {
            return Ok(facts.kind);
        }
        if let Some((_, why)) = NOT_BUILT.iter().find(|(known, _)| *known == name) {
            return Err(format!("{name} is not supported: {why}"));
        }
        let same = |facts: &&Facts| facts.name.eq_ignore_ascii_case(name);
        Err(match KINDS.iter().find(same) {
            Some(facts) => format!("{name} is no type of rule; {} is", facts.name),
            None => format!("{name} is no type of rule"),
        })
    }

    /// What is known of it.
    pub fn facts(self) -> &'static Facts {
        // The table has every type, in the order of the names (a test sees to that).
        &KINDS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_stands_at_its_place() {
        for (at, facts) in KINDS.iter().enumerate() {
            assert_eq!(facts.kind as usize, at, "{}", facts.name);
            assert_eq!(facts.name, format!("{:?}", facts.kind));
        }
        assert!(KINDS.is_sorted_by_key(|facts| facts.name));
        assert_eq!(KINDS.len(), Uniqueness as usize + 1);
    }
}
