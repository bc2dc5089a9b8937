//! What scripts say. That they do what the engine does is tested where they run, with the Python package.

use serde_json::{Value, json};

use super::*;

fn script(nodes: Value) -> Result<String, String> {
    let Value::Object(nodes) = nodes else { panic!("a graph is an object") };
    pyspark(&Graph::parse(&nodes).expect("a graph")).map_err(|error| error.to_string())
}

fn csv(name: &str) -> Value {
    json!({"S3CsvSource": {"Name": name, "Paths": ["s3://in/or\"ders/"], "Separator": "tab", "QuoteChar": "disabled",
        "WithHeader": true, "Recurse": true, "Exclusions": ["[\"**.tmp\"]"], "AdditionalOptions": {"BoundedFiles": 3}}})
}

fn target(input: &str, more: Value) -> Value {
    let mut target = json!({"Name": "Out", "Inputs": [input], "Path": "s3://out/orders/",
        "PartitionKeys": [["day"]], "Compression": "snappy"});
    if let (Some(target), Value::Object(more)) = (target.as_object_mut(), more) {
        target.extend(more);
    }
    json!({ "S3GlueParquetTarget": target })
}

fn with(transform: Value) -> String {
    script(json!({"src": csv("in"), "tr": transform, "out": target("tr", json!({}))})).expect("a script")
}

#[test]
fn a_source_keeps_its_options_and_its_bookmark() {
    let text = script(json!({"src": csv("1 in\nput"), "out": target("src", json!({}))})).expect("a script");
    assert!(
        text.contains(
            "# S3CsvSource 1 in put\n_1_in_put_src = glueContext.create_dynamic_frame.from_options("
        )
    );
    assert!(text.contains(r#"{"paths": ["s3://in/or\"ders/"], "recurse": True, "exclusions": "[\"**.tmp\"]", "boundedFiles": "3"}"#), "{text}");
    assert!(text.contains(
        r#"format="csv", format_options={"withHeader": True, "separator": "\t", "quoteChar": -1}"#
    ));
    assert!(text.contains(r#"transformation_ctx="src")"#));
    assert!(text.starts_with("import sys\n") && text.ends_with("\njob.commit()\n"));
}

#[test]
fn targets_say_format_and_codec() {
    let of = |format: &str, compression: &str| {
        let out = json!({"S3DirectTarget": {"Name": "Out", "Inputs": ["src"], "Path": "s3://out/", "Format": format,
            "Compression": compression}});
        script(json!({"src": csv("in"), "out": out})).expect("a script")
    };
    for (format, compression, written) in [
        ("csv", "bzip2", r#"format="csv", format_options={"compression": "bzip2"}"#),
        ("json", "", r#"format="json", format_options={}"#),
        ("json", "xz", r#"format="json", format_options={"compression": "xz"}"#),
        ("xml", "zlib", r#"format="xml", format_options={"compression": "deflate"}"#),
        ("avro", "", r#"format="avro", format_options={"compression": "snappy"}"#),
        ("avro", "deflate", r#"format="avro", format_options={"compression": "deflate"}"#),
        ("orc", "zlib", r#"format="orc", format_options={"compression": "zlib"}"#),
    ] {
        let text = of(format, compression);
        assert!(text.contains(written), "{written} in {text}");
    }
}

#[test]
fn variables_are_never_alike() {
    let text = script(json!({
        "a-b": csv("x"), "a_b": csv("x"),
        "u": {"Union": {"Name": "u", "Inputs": ["a-b", "a_b"], "UnionType": "DISTINCT"}},
        "out": target("u", json!({})),
    }))
    .expect("a script");
    assert!(
        text.contains(
            "DynamicFrame.fromDF(_united(x_a_b.toDF(), x_a_b_2.toDF()).distinct(), glueContext, \"u\")"
        ),
        "{text}"
    );
    let text = script(json!({"sql": csv("_spark"), "out": target("sql", json!({}))})).expect("a script");
    assert!(text.contains("\n_spark_sql_2 = glueContext."), "{text}");
}

#[test]
fn conditions_have_two_values() {
    let value = |kind: &str, value: &str| json!({"Type": kind, "Value": [value]});
    let condition = |operation: &str, negated: bool, values: Value| json!({"Operation": operation, "Negated": negated, "Values": values});
    let text = with(json!({"Filter": {"Name": "f", "Inputs": ["src"], "LogicalOperator": "OR", "Filters": [
        condition("GT", true, json!([value("COLUMNEXTRACTED", "a`b"), value("CONSTANT", "it's")])),
        condition("EQ", false, json!([value("COLUMNEXTRACTED", "a"), value("COLUMNEXTRACTED", "b")])),
        condition("REGEX", false, json!([value("COLUMNEXTRACTED", "a"), value("CONSTANT", "\\d+")])),
        condition("ISNULL", true, json!([value("COLUMNEXTRACTED", "a")])),
    ]}}));
    let wanted = r#".where(~_holds(in_src, "`a``b`", ">", "it's") | F.col("`a`").eqNullSafe(F.col("`b`")) | F.coalesce(F.col("`a`").cast("string").rlike("^(?:\\d+)"), F.lit(False)) | ~F.col("`a`").isNull())"#;
    assert!(text.contains(wanted), "{text}");
}

#[test]
fn what_is_missing_is_filled_in_by_its_name() {
    let text = with(json!({"FillMissingValues": {"Name": "f", "Inputs": ["src"], "ImputedPath": "$.a\"b"}}));
    let wanted = r#"FillMissingValues.apply(frame=in_src, missing_values_column="a\"b", output_column="a\"b_filled", transformation_ctx="tr")"#;
    assert!(text.contains(wanted), "{text}");
}

#[test]
fn mappings_of_structures_are_paths() {
    let text = with(json!({"ApplyMapping": {"Name": "m", "Inputs": ["src"], "Mapping": [
        {"FromPath": ["a.b"], "FromType": "string", "ToKey": "c", "ToType": "int"},
        {"FromPath": ["s"], "ToKey": "t", "FromType": "struct", "ToType": "struct", "Children": [
            {"FromPath": ["x"], "FromType": "int", "ToKey": "y", "ToType": "bigint"}]},
    ]}}));
    assert!(
        text.contains(r#"mappings=[("`a.b`", "string", "c", "int"), ("s.x", "int", "t.y", "bigint")], case_sensitive=False, "#),
        "{text}"
    );
}

#[test]
fn joins_and_aggregates() {
    let join = |left: Value, right: Value, kind: &str| {
        script(json!({
            "a": csv("a"), "b": csv("b"),
            "j": {"Join": {"Name": "j", "Inputs": ["a", "b"], "JoinType": kind, "Columns": [
                {"From": "a", "Keys": left}, {"From": "b", "Keys": right}]}},
            "g": {"Aggregate": {"Name": "g", "Inputs": ["j"], "Groups": [["day"]],
                "Aggs": [{"Column": ["n"], "AggFunc": "countDistinct"}]}},
            "out": target("g", json!({})),
        }))
        .expect("a script")
    };
    assert!(
        join(json!([["k"]]), json!([["k"]]), "left")
            .contains(r#"a_a.toDF().join(b_b.toDF(), ["k"], "left")"#)
    );
    let other = join(json!([["k"]]), json!([["l"]]), "right");
    assert!(other.contains(r#"[F.col("`k`") == F.col("`l`")], "right")"#), "{other}");
    assert!(!other.contains("def _joined("), "{other}");
    let anti = join(json!([["k"]]), json!([["l"]]), "leftanti");
    assert!(anti.contains(r#"_joined(a_a.toDF(), b_b.toDF(), [(["k"], ["l"])], "left_anti")"#), "{anti}");
    let mixed = join(json!([["k"], ["s", "x"]]), json!([["k"], ["l"]]), "outer");
    let wanted = r#"_joined(a_a.toDF(), b_b.toDF(), [(["k"], ["k"]), (["s", "x"], ["l"])], "outer")"#;
    assert!(mixed.contains(wanted) && mixed.contains("def _joined("), "{mixed}");
    // One of them may be a path.
    let dotted = join(json!([["s.x"]]), json!([["s.x"]]), "equijoin");
    assert!(dotted.contains(r#"_joined(a_a.toDF(), b_b.toDF(), [(["s.x"], ["s.x"])], "inner")"#), "{dotted}");
    assert!(other.contains(
        r#".groupBy(F.col("`day`")).agg(F.count_distinct(F.col("`n`")).alias("count(DISTINCT n)"))"#
    ));
}

#[test]
fn a_query_sees_its_inputs() {
    let text = with(json!({"SparkSQL": {"Name": "q", "Inputs": ["src"], "SqlQuery": "select *\nfrom t",
        "SqlAliases": [{"From": "src", "Alias": "t"}]}}));
    assert!(text.contains(r#"q_tr = _spark_sql("select *\nfrom t", {"t": in_src}, "tr")"#), "{text}");
    assert!(text.contains("def _spark_sql("));
}

#[test]
fn rules_are_evaluated_before_anything_is_written() {
    let rules = |input: &str, more: Value| {
        let mut node = json!({"Name": "q", "Inputs": [input], "Ruleset": "Rules = [ RowCount > 0 ]"});
        if let (Some(node), Value::Object(more)) = (node.as_object_mut(), more) {
            node.extend(more);
        }
        json!({ "EvaluateDataQuality": node })
    };
    let text = script(json!({
        "src": csv("in"), "a-out": target("src", json!({})),
        "now": rules("src", json!({"StopJobOnFailureOptions": {"StopJobOnFailureTiming": "Immediate"},
            "PublishingOptions": {"EvaluationContext": "c", "ResultsS3Prefix": "s3://results/x/", "ResultsPublishingEnabled": false}})),
        "later": rules("src", json!({"Output": "EvaluationResults",
            "StopJobOnFailureOptions": {"StopJobOnFailureTiming": "AfterDataLoad"}})),
        "b-out": target("later", json!({})),
    }))
    .expect("a script");
    let wanted = "q_now = EvaluateDataQuality.apply(frame=in_src, ruleset=\"Rules = [ RowCount > 0 ]\", \
        publishing_options={\"dataQualityEvaluationContext\": \"c\", \"enableDataQualityResultsPublishing\": False, \
        \"resultsS3Prefix\": \"s3://results/x/\"}, transformation_ctx=\"now\")\n_require(_not_passed(q_now))\nq_now = in_src\n";
    assert!(text.contains(wanted), "{text}");
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part} in {text}"));
    assert!(at("_rules_not_passed += _not_passed(q_later)\n") < at("write_dynamic_frame"));
    assert!(text.contains("from_options(frame=q_later, connection_type=\"s3\""), "{text}");
    assert!(text.ends_with("\njob.commit()\n_require(_rules_not_passed)\n"), "{text}");
}

#[test]
fn tables_of_databases_are_read_by_the_same_keys() {
    let connector = |more: Value| {
        json!({"JDBCConnectorSource": {"Name": "s", "ConnectionName": "c", "ConnectionTable": "a.t", "ConnectorName": "x",
            "ConnectionType": "postgresql", "AdditionalOptions": more}})
    };
    let keyed = json!({"JobBookmarkKeys": ["day", "id"], "JobBookmarkKeysSortOrder": "desc"});
    let direct = json!({"DirectJDBCSource": {"Name": "s", "ConnectionName": "c", "Database": "d.x", "Table": "t",
        "ConnectionType": "mysql"}});
    let head = "from_options(connection_type=\"postgresql\", connection_options={\"useConnectionProperties\": \"true\", \
        \"connectionName\": \"c\", \"dbtable\": \"a.t\"";
    for (source, call) in [
        (connector(json!({})), format!("{head}}}, transformation_ctx=\"src\")")),
        (
            connector(keyed),
            format!(
                "{head}, \"jobBookmarkKeys\": [\"day\", \"id\"], \"jobBookmarkKeysSortOrder\": \"desc\"}}, \
                 transformation_ctx=\"src\")"
            ),
        ),
        (direct, "\"dbtable\": \"\\\"d.x\\\".t\"}, transformation_ctx=\"src\")".to_owned()),
    ] {
        let text = script(json!({"src": source, "out": target("src", json!({}))})).expect("a script");
        assert!(text.contains(&call), "{call} in {text}");
    }
}

#[test]
fn rows_are_added_to_tables_of_databases() {
    let connector = json!({"JDBCConnectorTarget": {"Name": "o", "Inputs": ["src"], "ConnectionName": "c", "ConnectionTable": "a.t",
        "ConnectorName": "x", "ConnectionType": "postgresql"}});
    let catalog =
        json!({"MySQLCatalogTarget": {"Name": "o", "Inputs": ["src"], "Database": "d", "Table": "t"}});
    for (target, call) in [
        (
            connector,
            "from_jdbc_conf(frame=in_src, catalog_connection=\"c\", connection_options={\"dbtable\": \"a.t\"}, transformation_ctx=\"out\")",
        ),
        (catalog, "from_catalog(frame=in_src, database=\"d\", table_name=\"t\", transformation_ctx=\"out\")"),
    ] {
        let text = script(json!({"src": csv("in"), "out": target})).expect("a script");
        assert!(text.contains(call), "{call} in {text}");
    }
}

#[test]
fn a_target_with_a_table_is_a_sink() {
    let policy = json!({"SchemaChangePolicy": {"EnableUpdateCatalog": true, "UpdateBehavior": "LOG", "Database": "d", "Table": "t"}});
    let text = script(json!({"src": csv("in"), "out": target("src", policy)})).expect("a script");
    assert!(text.contains(r#"Out_out = glueContext.getSink(path="s3://out/orders/", connection_type="s3", updateBehavior="LOG", partitionKeys=["day"], enableUpdateCatalog=True"#), "{text}");
    assert!(
        text.contains("Out_out.setFormat(\"glueparquet\"")
            || text.contains(r#"Out_out.setFormat("parquet", compression="snappy")"#)
    );
    assert!(text.contains("Out_out.writeFrame(_as_table(in_src, \"d\", \"t\", False, \"out\"))\n"));
}

#[test]
fn duplicates_by_fields_that_are_no_columns() {
    let by = |columns: Value| {
        with(json!({"DropDuplicates": {"Name": "d", "Inputs": ["src"], "Columns": columns}}))
    };
    let text = by(json!([["a"], ["b c"]]));
    assert!(text.contains(r#"in_src.toDF().dropDuplicates(["a", "b c"])"#), "{text}");
    assert!(!text.contains("def _"), "{text}");
    for (columns, paths) in [
        (json!([["s", "x"]]), r#"[["s", "x"]]"#),
        (json!([["a"], ["s", "x.`y`"]]), r#"[["a"], ["s", "x.`y`"]]"#),
        // A column or a path, as the data says.
        (json!([["s.x"]]), r#"[["s.x"]]"#),
    ] {
        let text = by(columns);
        assert!(text.contains(&format!("DynamicFrame.fromDF(_distinct(in_src.toDF(), {paths}), ")), "{text}");
        for helper in ["def _distinct(", "def _aside(", "def _field(", "def _steps("] {
            assert!(text.contains(helper), "{helper} in {text}");
        }
    }
}

#[test]
fn merges_by_fields_of_all_kinds() {
    let text = script(json!({
        "a": csv("a"), "b": csv("b"),
        "m": {"Merge": {"Name": "m", "Inputs": ["a", "b"], "Source": "b", "PrimaryKeys": [["id"], ["s", "x"]]}},
        "out": target("m", json!({})),
    }))
    .expect("a script");
    assert!(text.contains(r#"_merged(b_b.toDF(), a_a.toDF(), [["id"], ["s", "x"]])"#), "{text}");
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part} in {text}"));
    assert!(at("def _joined(") < at("def _merged("));
}

#[test]
fn a_field_keeps_its_type_without_another() {
    let mapped =
        |mapping: Value| with(json!({"ApplyMapping": {"Name": "m", "Inputs": ["src"], "Mapping": mapping}}));
    let text = mapped(json!([
        {"FromPath": ["a"], "FromType": "string", "ToKey": "b"},
        {"FromPath": ["c"], "FromType": "choice", "ToKey": "c", "ToType": "choice"},
        {"FromPath": ["s"], "ToKey": "t", "Children": [{"FromPath": ["x"], "ToKey": "y"}]},
        {"FromPath": ["d"], "ToKey": "d", "ToType": "date"},
    ]));
    let wanted = r#"mappings=[_as_it_is(in_src, ["a"], "b"), _as_it_is(in_src, ["c"], "c"), _as_it_is(in_src, ["s", "x"], "t.y"), ("d", "date", "d", "date")], "#;
    assert!(text.contains(wanted) && text.contains("def _as_it_is("), "{text}");
    assert!(!mapped(json!([{"FromPath": ["a"], "ToKey": "b", "ToType": "int"}])).contains("_as_it_is"));
}

#[test]
fn names_with_dots_are_columns_or_paths() {
    let filters = json!([
        {"Operation": "GT", "Values": [{"Type": "COLUMNEXTRACTED", "Value": ["s.x"]}, {"Type": "CONSTANT", "Value": ["1"]}]},
        {"Operation": "ISNULL", "Values": [{"Type": "COLUMNEXTRACTED", "Value": ["s", "x"]}]},
    ]);
    let text = with(
        json!({"Filter": {"Name": "f", "Inputs": ["src"], "LogicalOperator": "OR", "Filters": filters}}),
    );
    let wanted =
        r#"where(_holds(in_src, _path(in_src.toDF(), ["s.x"]), ">", "1") | F.col("`s`.`x`").isNull())"#;
    assert!(text.contains(wanted) && text.contains("def _path("), "{text}");
    let text = with(json!({"Aggregate": {"Name": "g", "Inputs": ["src"], "Groups": [["s.x"]],
        "Aggs": [{"Column": ["n"], "AggFunc": "max"}]}}));
    let wanted = r#".groupBy(F.col(_path(in_src.toDF(), ["s.x"]))).agg(F.max(F.col("`n`")).alias("max(n)"))"#;
    assert!(text.contains(wanted) && text.contains("def _path("), "{text}");
}

#[test]
fn tables_of_open_formats_are_written_by_the_calls_that_name_them() {
    let policy = json!({"EnableUpdateCatalog": true, "Database": "d", "Table": "t"});
    let ice = json!({"S3IcebergDirectTarget": {"Name": "ice", "Inputs": ["src"], "Path": "s3://out/t/", "Format": "iceberg",
        "Compression": "gzip", "PartitionKeys": [["day"]], "SchemaChangePolicy": policy.clone(),
        "AdditionalOptions": {"mode": "upsert", "keys": "a, b", "target-file-size-bytes": "1048576"}}});
    let text = script(json!({"src": csv("in"), "out": ice})).expect("a script");
    for part in [
        r#"ice_out = glueContext.getSink(path="s3://out/t/", connection_type="s3", updateBehavior="UPDATE_IN_DATABASE", partitionKeys=["day"]"#,
        r#", **{"mode": "upsert", "keys": "a,b", "target-file-size-bytes": "1048576"})"#,
        r#"ice_out.setFormat("iceberg", compression="gzip")"#,
        "ice_out.writeFrame(in_src)\n",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let delta = json!({"S3DeltaDirectTarget": {"Name": "d", "Inputs": ["src"], "Path": "s3://out/t/", "Format": "delta",
        "Compression": "snappy", "NumberTargetPartitions": "1",
        "AdditionalOptions": {"mode": "overwrite", "partitionOverwriteMode": "dynamic"}}});
    let text = script(json!({"src": csv("in"), "out": delta})).expect("a script");
    let wanted = r#"from_options(frame=in_src.coalesce(1), connection_type="s3", connection_options={"path": "s3://out/t/", "partitionKeys": [], "mode": "overwrite", "partitionOverwriteMode": "dynamic"}, format="delta", format_options={"compression": "snappy"}"#;
    assert!(text.contains(wanted), "{text}");
    let table = json!({"S3DeltaCatalogTarget": {"Name": "t", "Inputs": ["src"], "Database": "d", "Table": "t",
        "SchemaChangePolicy": {"EnableUpdateCatalog": true, "UpdateBehavior": "LOG"}}});
    let text = script(json!({"src": csv("in"), "out": table})).expect("a script");
    let wanted = r#"glueContext.write_data_frame.from_catalog(frame=in_src.toDF(), database="d", table_name="t", additional_options={"enableUpdateCatalog": True, "updateBehavior": "LOG"}"#;
    assert!(text.contains(wanted), "{text}");
}

#[test]
fn a_delta_table_is_read_by_its_path() {
    let source = json!({"S3DeltaSource": {"Name": "in", "Paths": ["s3://raw/t/"]}});
    let text = script(json!({"src": source, "out": target("src", json!({}))})).expect("a script");
    let wanted =
        r#"In_src = DynamicFrame.fromDF(spark.read.format("delta").load("s3://raw/t/"), glueContext, "src")"#;
    assert!(text.to_lowercase().contains(&wanted.to_lowercase()), "{text}");
}

#[test]
fn workbooks_keep_their_bounds() {
    let sheet = json!({"S3ExcelSource": {"Name": "book", "Paths": ["s3://in/a.xlsx"], "NumberRows": 5, "SkipFooter": 1}});
    let text = script(json!({"src": sheet, "out": target("src", json!({}))})).expect("a script");
    let wanted = r#"format="excel", format_options={"numberRows": "5", "skipFooter": "1"}"#;
    assert!(text.contains(wanted), "{text}");
}

#[test]
fn a_number_of_files_is_a_number_of_partitions() {
    for number in ["3", "0", ""] {
        let out = json!({"S3DirectTarget": {"Name": "Out", "Inputs": ["src"], "Path": "s3://out/o/", "Format": "json",
            "NumberTargetPartitions": number}});
        let text = script(json!({"src": csv("in"), "out": out})).expect("a script");
        assert!(
            text.contains("write_dynamic_frame.from_options(")
                && text.contains(".coalesce(3)") == (number == "3"),
            "{text}"
        );
    }
}

#[test]
fn collections_are_made_and_chosen_from() {
    let chosen = |kind: &str, mut node: Value| {
        node["Name"] = json!("n");
        node["Inputs"] = json!(["src"]);
        script(json!({"src": csv("in"), "n": {kind: node},
            "c": {"SelectFromCollection": {"Name": "c", "Inputs": ["n"], "Index": 1}}, "out": target("c", json!({}))}))
        .expect("a script")
    };
    let text = chosen("SplitFields", json!({"Paths": [["a"]]}));
    assert!(
        text.contains(r#"SplitFields.apply(frame=in_src, paths=["a"], name1="n_n1", name2="n_n2", "#),
        "{text}"
    );
    assert!(
        text.contains(r#"c_c = SelectFromCollection.apply(dfc=n_n, key=list(n_n.keys())[1], "#),
        "{text}"
    );
    let filters = json!([{"Operation": "ISNULL", "Values": [{"Type": "COLUMNEXTRACTED", "Value": ["a"]}]}]);
    let text = chosen(
        "Route",
        json!({"GroupFiltersList": [
        {"GroupName": "empty", "LogicalOperator": "AND", "Filters": filters}]}),
    );
    assert!(
        text.contains(
            r#"DynamicFrameCollection({"empty": DynamicFrame.fromDF(in_src.toDF().where(F.col("`a`").isNull())"#
        ),
        "{text}"
    );
    assert!(
        text.contains(
            r#""default_group": DynamicFrame.fromDF(in_src.toDF().where(~((F.col("`a`").isNull())))"#
        ),
        "{text}"
    );
    let text = chosen("CustomCode", json!({"ClassName": "Mine", "Code": "return dfc"}));
    assert!(
        text.contains(
            "def Mine(glueContext, dfc) -> DynamicFrameCollection:\n    return dfc\n\nn_n = _collection(Mine("
        ),
        "{text}"
    );
}

#[test]
fn samples_are_written_behind_everything() {
    let text = with(
        json!({"Spigot": {"Name": "s", "Inputs": ["src"], "Path": "s3://out/sample", "Topk": 3, "Prob": 0.5}}),
    );
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part} in {text}"));
    let write = r#"Spigot.apply(frame=in_src, path="s3://out/sample", options={"topk": 3, "prob": 0.5}, transformation_ctx="tr")"#;
    assert!(at("s_tr = in_src\n") < at(write) && at(write) < at("job.commit()"));
}

#[test]
fn modules_come_before_every_other_name() {
    let text = with(
        json!({"DynamicTransform": {"Name": "d", "Inputs": ["src"], "TransformName": "t", "FunctionName": "tidy",
        "Path": "s3://code/t/job.py", "Parameters": [{"Name": "n", "Type": "int", "Value": ["1"]}]}}),
    );
    assert!(text.starts_with("# Modules of --extra-py-files, which give frames methods.\nimport job  # s3://code/t/job.py\n\nimport sys\n"), "{text}");
    assert!(text.contains(r#"d_tr = _frame(in_src.tidy(n=1), "DynamicTransform tr (d)")"#), "{text}");
}

#[test]
fn code_that_cannot_stand_in_a_script_is_refused() {
    let made = |name: &str, code: &str| {
        let own = json!({"CustomCode": {"Name": "n", "Inputs": ["src"], "ClassName": name, "Code": code}});
        let chosen = json!({"SelectFromCollection": {"Name": "c", "Inputs": ["n"], "Index": 0}});
        script(json!({"src": csv("in"), "n": own, "c": chosen, "out": target("c", json!({}))}))
    };
    for name in ["list", "isinstance", "job", "ApplyMapping", "_holds", "_one_type", "_VIEWS"] {
        let error = made(name, "return dfc").expect_err("refused");
        assert!(
            error.contains(&format!("ClassName {name} is a name that the script uses itself")),
            "{error}"
        );
    }
    // Ordinary names are the user's, whatever the script does.
    for name in ["holds", "look", "members", "parsed", "shape", "united", "frame", "require", "VIEWS"] {
        assert!(made(name, "return dfc").is_ok(), "{name}");
    }
    let text = made("in_src", "return dfc").expect("a script");
    assert!(
        text.contains("\nin_src_2 = glueContext.") && text.contains("_collection(in_src(glueContext, "),
        "{text}"
    );
    let error =
        made("Mine", "import re\nfrom __future__ import annotations\nreturn dfc").expect_err("refused");
    assert!(error.contains("Code has \"from __future__ import annotations\""), "{error}");
    assert!(made("Mine", "x = \"\"\"\nfrom __future__ import annotations\n\"\"\"\nreturn dfc").is_ok());
}

#[test]
fn documents_are_read_by_their_schema_or_looked_at() {
    let with = |more: Value| {
        let mut parameters =
            vec![json!({"Name": "colName", "Type": "str", "IsOptional": false, "Value": ["`a.b`"]})];
        parameters.extend(more.as_array().cloned().unwrap_or_default());
        with(json!({"DynamicTransform": {"Name": "j", "Inputs": ["src"], "TransformName": "gs_parse_json",
            "FunctionName": "gs_parse_json", "Parameters": parameters,
            "Path": "s3://aws-glue-studio-transforms-510798373988-prod-us-east-1/gs_parse_json.py"}}))
    };
    let text = with(json!([]));
    assert!(
        text.contains(
            r#"DynamicFrame.fromDF(_with_documents(in_src.toDF(), "`a.b`", "a.b"), glueContext, "tr")"#
        ),
        "{text}"
    );
    assert!(text.contains("def _with_documents(") && text.contains("def _type_of_documents("), "{text}");
    let parameter =
        |name: &str, value: &str| json!({"Name": name, "Type": "str", "IsOptional": true, "Value": [value]});
    let text = with(json!([
        parameter("schema", "x-y ARRAY<INT>, `b``c` MAP<STRING,DOUBLE>"),
        parameter("newColName", "o")
    ]));
    let wanted = r#"_with_documents(in_src.toDF(), "`a.b`", "o", "struct<`x-y`: array<int>, `b``c`: map<string, double>>")"#;
    assert!(text.contains(wanted), "{text}");
    assert!(!text.contains("def _type_of_documents("), "{text}");
}

#[test]
fn what_scripts_define_is_taken_and_begins_like_no_name_of_users() {
    for head in [
        keys::PATH_HEAD,
        keys::ASIDE_HEAD,
        keys::DISTINCT_HEAD,
        keys::JOIN_HEAD,
        mapping::HEAD,
        condition::HEAD,
        sets::UNION_HEAD,
        sets::MERGE_HEAD,
        sources::TYPES_HEAD,
        targets::TABLE_HEAD,
        rows::NULLS_HEAD,
        sensitive::HEAD,
        quality::HEAD,
        custom::CODE_HEAD,
        custom::DYNAMIC_HEAD,
        studio::FLATTEN_HEAD,
        studio::NULL_ROWS_HEAD,
        studio::PIVOT_HEAD,
        studio::UNPIVOT_HEAD,
        studio::LOOKUP_HEAD,
        documents::HEAD,
        documents::TYPE_HEAD,
        QUERY,
    ] {
        let defined = |line: &'static str| line.strip_prefix("def ").or_else(|| line.strip_prefix("class "));
        let names = head.lines().filter_map(|line| defined(line)?.split('(').next());
        for name in names {
            assert!(custom::is_taken(name) && name.starts_with('_'), "{name}");
        }
    }
}
