use std::collections::BTreeSet;

use formats::hive::HiveType;
use proptest::prelude::*;

use formats::InferredField;

use super::super::Kind;
use super::*;

fn shape(columns: &[&str]) -> Shape {
    let field = |n: &&str| InferredField {
        name: (*n).to_owned(),
        ty: HiveType::Int,
        nullable: false,
        seen: formats::Seen::Values,
    };
    Shape {
        kind: Kind::Json,
        fields: Arc::new(columns.iter().map(field).collect()),
        titled: None,
        quoted: false,
        escape: None,
        avro_schema: None,
        files: 1,
        bytes: 10,
        records: 1,
        unseen: 0,
        certainty: 1.0,
        sampled: (10, 1),
        compressions: BTreeMap::from([("none".to_owned(), 1)]),
        contradicting: BTreeSet::new(),
        passed_over: 0,
        examples: super::super::Examples::default(),
    }
}

fn plan(files: &[(&str, &[&str])]) -> Vec<String> {
    let plans = tree(files).planned().tables;
    plans.iter().map(|p| format!("{} [{}] {}", p.path, p.keys.join(","), p.parts.len())).collect()
}

fn combined(files: &[(&str, &[&str])]) -> Vec<String> {
    let grouping = Grouping { table_level: None, combine: true };
    let mut folders: BTreeMap<String, Folder> = BTreeMap::new();
    for (key, columns) in files {
        let place = key.rsplit_once('/').map_or("", |(p, _)| p).to_owned();
        folders.entry(place).or_default().add(format!("t/{key}"), shape(columns), grouping.likeness());
    }
    let plans = Tree::new("t/", folders, grouping).planned().tables;
    plans.iter().map(|p| format!("{} [{}] {}", p.path, p.keys.join(","), p.parts.len())).collect()
}

fn tree(files: &[(&str, &[&str])]) -> Tree {
    let mut folders: BTreeMap<String, Folder> = BTreeMap::new();
    for (key, columns) in files {
        let place = key.rsplit_once('/').map_or("", |(p, _)| p).to_owned();
        folders.entry(place).or_default().add(format!("t/{key}"), shape(columns), Likeness::Similar);
    }
    Tree::new("t/", folders, Grouping::default())
}

#[test]
fn contradictions_of_files_come_with_their_table() {
    let typed = |ty: &str| {
        let mut shape = Shape { kind: Kind::Parquet, ..shape(&["id", "who"]) };
        Arc::make_mut(&mut shape.fields)[1].ty = ty.parse().unwrap();
        shape
    };
    let mut folders: BTreeMap<String, Folder> = BTreeMap::new();
    for (place, ty) in [("y=1", "struct<a:int>"), ("y=2", "struct<a:bigint>"), ("y=3", "struct<a:boolean>")] {
        folders.entry(place.to_owned()).or_default().add(
            format!("t/{place}/f"),
            typed(ty),
            Likeness::Similar,
        );
    }
    let tables = Tree::new("t/", folders, Grouping::default()).planned().tables;
    assert_eq!(tables.len(), 1);
    assert_eq!(tables[0].shape.contradicting, BTreeSet::from(["who".to_owned()]));
}

#[test]
fn the_guides_examples() {
    let same: &[&str] = &["a", "b"];
    assert_eq!(plan(&[("y=1/m=1/f", same), ("y=1/m=2/f", same), ("y=2/m=1/f", same)]), ["t/ [y,m] 3"]);
    assert_eq!(
        plan(&[("table1/p1/f", same), ("table1/p2/f", same), ("table2/p4/f", same)]),
        ["t/ [partition_0,partition_1] 3"]
    );
    let other: &[&str] = &["x", "y"];
    assert_eq!(
        plan(&[("table1/p1/f", same), ("table1/p2/f", same), ("table2/p4/f", other)]),
        ["t/table1/ [partition_0] 2", "t/table2/p4/ [] 0"]
    );
}

#[test]
fn folders_alone_and_mixed() {
    let same: &[&str] = &["a", "b"];
    let other: &[&str] = &["x", "y"];
    assert_eq!(plan(&[("orders/raw/f", same)]), ["t/orders/raw/ [] 0"]);
    assert_eq!(plan(&[("2024/01/f", same)]), ["t/ [partition_0,partition_1] 1"]);
    assert_eq!(plan(&[("f", same), ("g", same)]), ["t/ [] 0"]);
    assert_eq!(plan(&[("f", same), ("g", other)]), ["t/f [] 0", "t/g [] 0"]);
    assert_eq!(plan(&[("f", same), ("sub/g", same)]), ["t/ [] 0"]);
    assert_eq!(plan(&[("f", same), ("sub/g", other)]), ["t/f [] 0", "t/sub/ [] 0"]);
    assert_eq!(plan(&[("f", same), ("k=1/g", same)]), ["t/ [k] 1", "t/f [] 0"]);
    // A key of k=v folders takes in schemas that grew.
    assert_eq!(plan(&[("k=1/g", same), ("k=2/g", &["a", "b", "c", "d", "e"])]), ["t/ [k] 2"]);
    // Schemas with nothing in common are no table, as in Glue's guide, unless told so.
    let years: &[(&str, &[&str])] = &[("year=2017/f", same), ("year=2018/f", other)];
    assert_eq!(plan(years), ["t/year=2017/ [] 0", "t/year=2018/ [] 0"]);
    assert_eq!(combined(years), ["t/ [year] 2"]);
    assert_eq!(combined(&[("f", same), ("g", other)]), ["t/ [] 0"]);
    assert_eq!(combined(&[("x/f", same), ("y/f", other)]), ["t/ [partition_0] 2"]);
    // Unequal depths are no partitions.
    assert_eq!(
        plan(&[("a/f", same), ("b/x/f", same), ("b/y/f", same)]),
        ["t/a/ [] 0", "t/b/ [partition_0] 2"]
    );
}

#[test]
fn odd_files_do_not_cost_the_others_their_table() {
    let same: &[&str] = &["a", "b"];
    let other: &[&str] = &["x", "y"];
    let files = [("f", same), ("g", same), ("odd", other)];
    assert_eq!(plan(&files), ["t/ [] 0"]);
    let notes = tree(&files).planned().notes;
    assert!(notes[0].starts_with("t/odd: columns differ from those of most files in t/"), "{notes:?}");
    assert_eq!(plan(&[("k=1/f", same), ("k=1/g", same), ("k=1/odd", other), ("k=2/f", same)]), ["t/ [k] 2"]);
}

#[test]
fn named_partitions_stay_whatever_lies_beside_them() {
    type Files<'a> = &'a [(&'static str, &'static [&'static str])];
    let (same, other): (&'static [&'static str], &'static [&'static str]) = (&["a", "b"], &["x", "y"]);
    let days = [("o/day=1/f", same), ("o/day=2/f", same), ("o/day=3/f", same)];
    let with = |more: Files<'_>| {
        let files: Vec<(&str, &[&str])> = days.iter().chain(more).copied().collect();
        let planned = tree(&files).planned();
        let tables = planned.tables.iter();
        let tables = tables.map(|p| format!("{} [{}] {}", p.path, p.keys.join(","), p.parts.len())).collect();
        (tables, planned.notes.join("\n"), planned.left_out)
    };
    let plain = |more: Files<'_>| -> Vec<String> { with(more).0 };
    assert_eq!(plain(&[]), ["t/o/ [day] 3"]);
    assert_eq!(plain(&[("o/x/y/stray", other)]), ["t/o/ [day] 3", "t/o/x/y/ [] 0"]);
    assert_eq!(plain(&[("o/backup/z", same)]), ["t/o/ [day] 3", "t/o/backup/ [] 0"]);
    assert_eq!(plain(&[("o/day=4/f", other)]), ["t/o/ [day] 3", "t/o/day=4/ [] 0"]);
    assert_eq!(plain(&[("o/day=4/h=1/f", same)]), ["t/o/ [day] 3", "t/o/day=4/ [h] 1"]);
    assert_eq!(plain(&[("o/dy=4/f", same)]), ["t/o/ [day] 3", "t/o/dy=4/ [] 0"]);
    assert_eq!(plain(&[("o/loose", other)]), ["t/o/ [day] 3", "t/o/loose [] 0"]);
    let (tables, notes, left_out): (Vec<String>, _, _) =
        with(&[("o/day=4/f", same), ("o/day=4/junk", other)]);
    assert_eq!(tables, ["t/o/ [day] 3"]);
    assert_eq!(left_out, [("t/o/day=4/".to_owned(), 2)]);
    assert!(
        notes.contains("t/o/day=4/ mixes files that no one table can read (t/o/day=4/f, t/o/day=4/junk)")
    );
    assert!(!notes.contains("beside"), "{notes}");
    let (_, notes, _) = with(&[("o/x/f", other)]);
    assert!(notes.contains("t/o/ holds, beside the partitions of a table, x: they are no partitions of it"));
    // Without a majority nothing is a partition of the others.
    let three: &[(&str, &[&str])] = &[("k=1/f", same), ("k=2/f", other), ("k=3/f", &["p", "q"])];
    assert_eq!(plan(three), ["t/k=1/ [] 0", "t/k=2/ [] 0", "t/k=3/ [] 0"]);
    // A level above them is one all the same.
    let deep: &[(&str, &[&str])] = &[("y=1/m=1/f", same), ("y=1/old/f", other), ("y=2/m=1/f", same)];
    assert_eq!(plan(deep), ["t/ [y,m] 2", "t/y=1/old/ [] 0"]);
    // Tables below folders of one key are no partitions because one of the folders holds a single one.
    let tables: &[(&str, &[&str])] = &[("e=1/o/f", same), ("e=1/u/f", other), ("e=2/o/f", same)];
    assert_eq!(plan(tables), ["t/e=1/o/ [] 0", "t/e=1/u/ [] 0", "t/e=2/o/ [] 0"]);
}

#[test]
fn a_table_level_below_all_folders_is_said() {
    let same: &[&str] = &["a", "b"];
    let mut folders: BTreeMap<String, Folder> = BTreeMap::new();
    folders.entry("x".to_owned()).or_default().add("t/x/f".to_owned(), shape(same), Likeness::Similar);
    let at = |level| Grouping { table_level: Some(level), combine: false };
    let notes = Tree::new("t/", folders.clone(), at(6)).planned().notes;
    assert!(notes[0].starts_with("TableLevelConfiguration 6 lies deeper than the folders"), "{notes:?}");
    assert!(Tree::new("t/", folders, at(3)).planned().notes.is_empty());
}

#[test]
fn partition_values_and_keys_are_never_doubled() {
    let same: &[&str] = &["a", "b"];
    assert_eq!(plan(&[("Day=1/f", same), ("day=2/f", same)]), ["t/ [day] 2"]);
    let twice = [("Day=1/f", same), ("day=1/g", same), ("day=2/f", same)];
    assert_eq!(plan(&twice), ["t/Day=1/ [] 0", "t/day=1/ [] 0", "t/day=2/ [] 0"]);
    let notes = tree(&twice).planned().notes;
    assert!(notes[0].contains("t/Day=1/ and t/day=1/ stand for the same partition values"), "{notes:?}");
    assert_eq!(plan(&[("k=1/k=2/f", same), ("k=1/k=3/f", same)]), ["t/ [k,k_1] 2"]);
}

proptest! {
    #[test]
    fn every_file_is_in_exactly_one_table(
        files in prop::collection::btree_map("(([ab]|k=[12]|[12])/){0,3}[fg]", 0usize..3, 1..12),
    ) {
        let kinds: [&[&str]; 3] = [&["a", "b"], &["x", "y"], &["a", "b", "c"]];
        let mut folders: BTreeMap<String, Folder> = BTreeMap::new();
        for (key, kind) in &files {
            let place = key.rsplit_once('/').map_or("", |(p, _)| p).to_owned();
            folders.entry(place).or_default().add(format!("t/{key}"), shape(kinds[*kind]), Likeness::Similar);
        }
        let planned = Tree::new("t/", folders, Grouping::default()).planned();
        let plans = planned.tables;
        for key in files.keys() {
            let key = format!("t/{key}");
            let covers = |plan: &&TablePlan| {
                if plan.keys.is_empty() {
                    plan.path == key || (plan.path.ends_with('/') && key.starts_with(&plan.path))
                } else {
                    plan.parts.iter().any(|p| key.starts_with(&p.folder))
                }
            };
            let left_out = planned.left_out.iter().any(|(folder, _)| key.starts_with(folder));
            let wanted = usize::from(!left_out);
            prop_assert_eq!(plans.iter().filter(covers).count(), wanted, "{} in {:?}", key, plans);
        }
        for plan in &plans {
            let values: BTreeSet<_> = plan.parts.iter().map(|p| &p.values).collect();
            prop_assert_eq!(values.len(), plan.parts.len());
            prop_assert!(plan.parts.iter().all(|p| p.values.len() == plan.keys.len()));
        }
    }
}

fn csv(text: &str) -> Shape {
    let source = Arc::new(formats::MemorySource::new("f.csv", text.as_bytes().to_vec()));
    let inferred = futures::executor::block_on(formats::infer(source, &formats::InferOptions::default()));
    Shape::of(inferred.unwrap(), text.len() as u64)
}

#[test]
fn backslashes_mean_one_thing_in_a_table() {
    let escapes = csv("id,name\n1,\"a \\\"b\\\"\"\n2,\"c\"\n");
    let plain = csv("id,name\n1,C:\\new\n2,d\n");
    let doubled = csv("id,name\n1,\"C:\\x \"\"y\"\"\"\n2,\"e\"\n");
    let without = csv("id,name\n1,\"f\"\n2,g\n");
    assert!(!escapes.fits(&plain, Likeness::Compatible) && !plain.fits(&escapes, Likeness::Compatible));
    assert!(!escapes.fits(&doubled, Likeness::Compatible));
    let names = ["id".to_owned(), "name".to_owned()];
    for (first, second) in [(&plain, &without), (&without, &plain), (&plain, &doubled)] {
        let mut table = first.clone();
        assert!(table.merge(second, Likeness::Similar));
        let formats::Format::Csv(read) = table.format(&names) else { panic!("no CSV") };
        assert!(read.quote == Some(b'"') && !read.escapes(), "{read:?}");
        assert!(!table.fits(&escapes, Likeness::Compatible));
    }
    let mut table = escapes.clone();
    assert!(table.merge(&without, Likeness::Similar));
    let mut table = plain.clone();
    assert!(table.merge(&plain, Likeness::Similar));
    let formats::Format::Csv(read) = table.format(&names) else { panic!("no CSV") };
    assert_eq!((read.quote, read.escape), (None, None));
}

/// A file of CSV as it is found.
fn found(folders: &mut BTreeMap<String, Folder>, place: &str, key: &str, text: &str) {
    folders.entry(place.to_owned()).or_default().add(key.to_owned(), csv(text), Likeness::Similar);
}

#[test]
fn files_that_make_several_tables_are_named_with_the_reason() {
    let (plain, reordered) = ("id,n\n1,x\n2,y\n", "n,id\nz,3\nw,4\n");
    let position = "column 1 is id in one and n in the other, and CSV is read by position";
    let piped = "other format or dialect (CSV, fields separated by commas, with a header and CSV, fields separated by pipes, \
                 with a header)";
    for (text, why) in [(reordered, position), ("id|n\n3|z\n4|w\n", piped)] {
        let mut folders = BTreeMap::new();
        found(&mut folders, "dt=1", "t/dt=1/a.csv", plain);
        found(&mut folders, "dt=2", "t/dt=2/b.csv", text);
        let planned = Tree::new("t/", folders, Grouping::default()).planned();
        assert_eq!(planned.tables.len(), 2);
        let words =
            "no more than half of its folders dt=… fit together, so that they become tables of their own";
        let files = "t/dt=1/a.csv and t/dt=2/b.csv differ";
        assert_eq!(planned.notes, [format!("folder t/: {words}; {files}: {why}")]);
        let mut folders = BTreeMap::new();
        found(&mut folders, "", "t/a.csv", plain);
        found(&mut folders, "", "t/b.csv", text);
        let planned = Tree::new("t/", folders, Grouping::default()).planned();
        assert_eq!(planned.tables.len(), 2);
        let words = "its files are of 2 kinds, and each becomes a table; t/a.csv and t/b.csv differ";
        assert_eq!(planned.notes, [format!("folder t/: {words}: {why}")]);
    }
    // Without a header it is the types that differ.
    let mut folders = BTreeMap::new();
    found(&mut folders, "", "t/a.csv", "1,x,7,8\n2,y,7,8\n");
    found(&mut folders, "", "t/b.csv", "x,1,a,b\ny,2,a,b\n");
    let notes = Tree::new("t/", folders, Grouping::default()).planned().notes;
    assert!(
        notes[0].ends_with("column 1 is bigint in one and string in the other, and CSV is read by position"),
        "{notes:?}"
    );
}

#[test]
fn files_and_folders_that_stay_apart_say_why() {
    for (files, wanted) in [
        (["a", "x/b", "y/z/c"], "of the same columns at another depth"),
        (["a", "x/b", "y/other"], "folders that differ from them"),
    ] {
        let mut folders: BTreeMap<String, Folder> = BTreeMap::new();
        for key in files {
            let place = key.rsplit_once('/').map_or("", |(place, _)| place).to_owned();
            let shape = if key == "y/other" { shape(&["p", "q"]) } else { shape(&["id", "v"]) };
            folders.entry(place).or_default().add(format!("t/{key}"), shape, Likeness::Similar);
        }
        let notes = Tree::new("t/", folders, Grouping::default()).planned().notes;
        assert!(notes.iter().any(|note| note.contains(wanted)), "{files:?}: {notes:?}");
    }
}
