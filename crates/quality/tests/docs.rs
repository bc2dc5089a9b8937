//! The documentation and the code say the same.

use quality::{Response, RowLevel, kinds};

/// The table of docs/quality.md.
fn table() -> String {
    let mut out = String::from(
        "| type | parameters | condition | rows | `where` | threshold | analyzer | metrics |\n|---|---|---|---|---|---|---|---|\n",
    );
    let yes = |is: bool| if is { "yes" } else { "" };
    for facts in kinds() {
        let parameters = match (*facts.parameters.start(), *facts.parameters.end()) {
            (least, most) if least == most => least.to_string(),
            (least, 64) => format!("{least} or more"),
            (least, most) => format!("{least} to {most}"),
        };
        let condition = match facts.response {
            Response::Boolean => "",
            Response::Number => "number",
            Response::Lengths => "number",
            Response::Values => "values",
            Response::TypeName => "`=` type",
            Response::Ages => "time",
            Response::NumberOrRows => "number, or none",
        };
        let rows = match facts.row_level {
            RowLevel::No => "",
            RowLevel::Yes => "yes",
            RowLevel::Alone => "alone",
        };
        let metrics: Vec<String> = facts
            .metric
            .split_inclusive([' ', ',', '(', ')'])
            .map(|word| match word.trim_end_matches([' ', ',', '(', ')']) {
                name if name.contains('.') => word.replace(name, &format!("`{name}`")),
                _ => word.to_owned(),
            })
            .collect();
        out += &format!(
            "| `{}`{} | {parameters} | {condition} | {rows} | {} | {} | {} | {} |\n",
            facts.name,
            if facts.rule { "" } else { " (analyzer only)" },
            yes(facts.filter),
            yes(facts.threshold),
            yes(facts.analyzer),
            metrics.concat(),
        );
    }
    out
}

#[test]
fn the_documentation_has_every_type() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/quality.md");
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(&table()), "docs/quality.md needs this table:\n{}", table());
}
