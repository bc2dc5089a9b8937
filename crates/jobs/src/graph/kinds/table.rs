//! The tables of all kinds as a page of the documentation.

use std::fmt::Write as _;

use super::super::studio;
use super::fields::FieldUse;
use super::{REFUSED, Role, kinds};

const HEAD: &str = "\
# Nodes of visual jobs

Which kinds of nodes (`CodeGenConfigurationNodes`) run, and what happens to each of their fields. *acts* changes what a run
does; *stored* is kept, returned and cannot change a result; *refused* makes CreateJob and UpdateJob fail with the node's name.
What the nodes mean: [jobs](jobs.md#nodes). Written from the code: `tenon job nodes --markdown`.
";

/// docs/job-nodes.md.
pub fn markdown() -> String {
    let mut page = HEAD.to_owned();
    for (role, title) in
        [(Role::Source, "Sources"), (Role::Transform, "Transforms"), (Role::Target, "Targets")]
    {
        // Writing to a String cannot fail.
        let _ = write!(page, "\n## {title}\n");
        for kind in kinds().filter(|kind| kind.role == role) {
            let _ = write!(page, "\n### {}\n\n| field | |\n|---|---|\n", kind.name);
            for (field, used) in kind.fields {
                let _ = writeln!(page, "| `{field}` | {} |", meaning(*used));
            }
        }
    }
    page.push_str("\n## Refused\n\n| kind | why |\n|---|---|\n");
    for (kind, why) in REFUSED {
        let _ = writeln!(page, "| {kind} | {why} |");
    }
    page.push_str("\n## Functions\n\nOf DynamicTransform, without a module of yours.\n\n");
    page.push_str(&studio::markdown());
    page
}

fn meaning(used: FieldUse) -> String {
    match used {
        FieldUse::Acts => "acts".to_owned(),
        FieldUse::ActsAlone(beside) => format!("acts; refused beside {beside}"),
        FieldUse::Stored(why) => format!("stored: {why}"),
        FieldUse::Refused(why) => format!("refused: {why}"),
        FieldUse::Only(values, why) => {
            let values: Vec<String> = values
                .iter()
                .map(|value| if value.is_empty() { "empty".to_owned() } else { format!("`{value}`") })
                .collect();
            format!("only {}: {why}", values.join(" or "))
        }
    }
}
