//! Pieces of SparkSQL.

use crate::graph::FieldPath;

/// A text literal.
pub(super) fn text(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A column, or the field of a structure: null where a structure around it is, of which Sail makes something else (0, "").
pub(super) fn column(path: &FieldPath) -> String {
    let names: Vec<String> = path.iter().map(|name| format!("`{}`", name.replace('`', "``"))).collect();
    let around = (1..names.len()).filter_map(|depth| names.get(..depth));
    let there: Vec<String> = around.map(|names| format!("{} IS NOT NULL", names.join("."))).collect();
    match there.is_empty() {
        true => names.join("."),
        false => format!("(CASE WHEN {} THEN {} END)", there.join(" AND "), names.join(".")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_stand_as_they_are() {
        let path = |names: &[&str]| column(&names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(path(&["a.`b"]), "`a.``b`");
        assert_eq!(
            path(&["a", "b", "c"]),
            "(CASE WHEN `a` IS NOT NULL AND `a`.`b` IS NOT NULL THEN `a`.`b`.`c` END)"
        );
        assert_eq!(text("it's \\d"), "'it\\'s \\\\d'");
    }
}
