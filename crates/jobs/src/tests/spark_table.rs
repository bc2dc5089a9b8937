//! Expressions of Spark 3.5 (ANSI off, time zone UTC) with their types and values, as Spark's SQL reference and its
//! documented type rules give them.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use engine::{PathSource, SessionOptions};
use formats::hive::HiveType;

use super::spark::sql;
use super::{BUCKET, World, json_source, scope, through};

/// Expression, type, value (NULL is `~`).
const EXPRESSIONS: &[(&str, &str, &str)] = &[
    // Literals
    ("1", "int", "1"),
    ("2147483648", "bigint", "2147483648"),
    ("-2147483648", "int", "-2147483648"),
    ("9223372036854775808", "decimal(19,0)", "9223372036854775808"),
    ("1.5", "decimal(2,1)", "1.5"),
    ("0.05", "decimal(2,2)", "0.05"),
    ("-1.50", "decimal(3,2)", "-1.50"),
    ("1.5D", "double", "1.5"),
    ("1e0", "double", "1.0"),
    ("1.5F", "float", "1.5"),
    ("1L", "bigint", "1"),
    ("1S", "smallint", "1"),
    ("-128Y", "tinyint", "-128"),
    ("1.5BD", "decimal(2,1)", "1.5"),
    ("'it\\'s'", "string", "it's"),
    ("\"x\" 'y'", "string", "xy"),
    ("DATE '2026-09-01'", "date", "2026-09-01"),
    // Integers
    ("i + 1", "int", "8"),
    ("2147483647 + 1", "int", "-2147483648"),
    ("i + 1L", "bigint", "8"),
    ("9223372036854775807 + 1", "bigint", "-9223372036854775808"),
    ("127Y + 1Y", "tinyint", "-128"),
    ("1Y + 1S", "smallint", "2"),
    ("-(-2147483648)", "int", "-2147483648"),
    ("abs(-2147483648)", "int", "-2147483648"),
    ("i * 1000000000", "int", "-1589934592"),
    ("7 / 2", "double", "3.5"),
    ("i / 0", "double", "~"),
    ("i % 0", "int", "~"),
    ("-7 % 3", "int", "-1"),
    ("-2147483648 % -1", "int", "0"),
    ("7 div 2", "bigint", "3"),
    ("-7 div 2", "bigint", "-3"),
    ("10 div 3 + 1", "bigint", "4"),
    ("i div 0", "bigint", "~"),
    ("7 & 3 | 8", "int", "11"),
    ("7 ^ 2", "int", "5"),
    // Decimals
    ("1.5 + 1", "decimal(3,1)", "2.5"),
    ("1.5 + i", "decimal(12,1)", "8.5"),
    ("1.25 * 1.5", "decimal(6,3)", "1.875"),
    ("2.0 / 3", "decimal(7,6)", "0.666667"),
    ("-2.0 / 3", "decimal(7,6)", "-0.666667"),
    ("1.0 / 0", "decimal(7,6)", "~"),
    ("7.5 % 2", "decimal(2,1)", "1.5"),
    ("7.5 div 2", "bigint", "3"),
    ("1.5 + 1.5D", "double", "3.0"),
    ("cast(1 as decimal(38,10)) * cast(1 as decimal(38,10))", "decimal(38,6)", "1.000000"),
    ("cast(99999999999999999999999999999999999999 as decimal(38,0)) + 1", "decimal(38,0)", "~"),
    ("cast(1 as decimal(10,2)) / cast(3 as decimal(10,2))", "decimal(23,13)", "0.3333333333333"),
    ("cast(123456 as decimal(5,2))", "decimal(5,2)", "~"),
    ("cast(1.005 as decimal(3,2))", "decimal(3,2)", "1.01"),
    ("cast(1.5 as decimal)", "decimal(10,0)", "2"),
    // Text in arithmetic and comparisons
    ("s + 1", "double", "11.0"),
    ("'1' + '2'", "double", "3.0"),
    ("s > 9", "boolean", "true"),
    ("'12.7' = 12", "boolean", "true"),
    ("'10.0' = 10.0", "boolean", "true"),
    ("'x' = 1", "boolean", "~"),
    ("'2026-09-01' = DATE '2026-09-01'", "boolean", "true"),
    ("true = 1", "boolean", "true"),
    ("s in (9, 10)", "boolean", "true"),
    ("'10.0' in (9, 10)", "boolean", "false"),
    // Casts
    ("cast(300 as tinyint)", "tinyint", "44"),
    ("cast(3000000000 as int)", "int", "-1294967296"),
    ("cast(1e20 as int)", "int", "2147483647"),
    ("cast(-1e20 as bigint)", "bigint", "-9223372036854775808"),
    ("cast(-3.9D as int)", "int", "-3"),
    ("cast(cast('NaN' as double) as int)", "int", "0"),
    ("cast(' 12.7 ' as int)", "int", "12"),
    ("cast('300' as tinyint)", "tinyint", "~"),
    ("cast('x' as int)", "int", "~"),
    ("cast('1e3' as double)", "double", "1000.0"),
    ("cast('1e3' as int)", "int", "~"),
    ("cast('yes' as boolean)", "boolean", "true"),
    ("cast('maybe' as boolean)", "boolean", "~"),
    ("cast(0 as boolean)", "boolean", "false"),
    ("cast(true as int)", "int", "1"),
    ("cast(1e10 as string)", "string", "1.0E10"),
    ("cast(0.1D as string)", "string", "0.1"),
    ("cast(1e-5 as string)", "string", "1.0E-5"),
    ("cast(1.50 as string)", "string", "1.50"),
    ("cast(true as string)", "string", "true"),
    ("cast('2026-9-1' as date)", "date", "2026-09-01"),
    ("cast('2026' as date)", "date", "2026-01-01"),
    ("cast('2026-13-01' as date)", "date", "~"),
    ("cast(timestamp '2026-09-01 12:30:00.5' as string)", "string", "2026-09-01 12:30:00.5"),
    ("cast(timestamp '1970-01-01 00:00:01.5' as bigint)", "bigint", "1"),
    ("cast(timestamp '1970-01-01 00:00:01.5' as double)", "double", "1.5"),
    ("cast(cast(-1 as timestamp) as string)", "string", "1969-12-31 23:59:59"),
    ("cast('1970-01-01T02:00:00+02:00' as timestamp) = cast(0 as timestamp)", "boolean", "true"),
    ("cast(date '2026-09-01' as timestamp) = timestamp '2026-09-01 00:00:00'", "boolean", "true"),
    // NULL, NaN, zero
    ("null <=> null", "boolean", "true"),
    ("1 <=> null", "boolean", "false"),
    ("1 in (2, null)", "boolean", "~"),
    ("1 not in (1, null)", "boolean", "false"),
    ("i = 7 or n = 1", "boolean", "true"),
    ("cast('NaN' as double) = cast('NaN' as double)", "boolean", "true"),
    ("cast('NaN' as double) > cast('Infinity' as double)", "boolean", "true"),
    ("sqrt(-1) > 1e308", "boolean", "true"),
    ("0.0D = -0.0D", "boolean", "true"),
    ("-0.0D < 0.0D", "boolean", "false"),
    ("isnan(cast(null as double))", "boolean", "false"),
    ("greatest(1, cast('NaN' as double))", "double", "NaN"),
    // Choices
    ("coalesce(n, 1.5)", "decimal(11,1)", "1.5"),
    ("case when i = 7 then 1 else 2L end", "bigint", "1"),
    ("case i when '7' then 'seven' end", "string", "seven"),
    ("case when i > 7 then 1 end", "int", "~"),
    ("if(i > 5, 1, 'small')", "string", "1"),
    ("nullif(i, 7)", "int", "~"),
    ("nvl2(n, 1, 2)", "int", "2"),
    // Text
    ("concat('a', null)", "string", "~"),
    ("concat('a', 1, 1.5)", "string", "a11.5"),
    ("'a' || 1", "string", "a1"),
    ("concat_ws('-', 'a', null, 'b')", "string", "a-b"),
    ("upper(null)", "string", "~"),
    ("substr('Spark SQL', 5)", "string", "k SQL"),
    ("substr('Spark SQL', -3)", "string", "SQL"),
    ("substr('Spark SQL', 0, 2)", "string", "Sp"),
    ("substring('Spark SQL' from 5 for 1)", "string", "k"),
    ("left('Spark', -1)", "string", ""),
    ("right('Spark', 2)", "string", "rk"),
    ("length('Spark SQL ')", "int", "10"),
    ("locate('bar', 'foobarbar')", "int", "4"),
    ("replace('abc', '', '-')", "string", "abc"),
    ("repeat('ab', -1)", "string", ""),
    ("lpad('hi', 5, '??')", "string", "???hi"),
    ("lpad('hi', 1, '??')", "string", "h"),
    ("trim('  x ')", "string", "x"),
    ("trim(both 'S' from 'SparkS')", "string", "park"),
    ("ltrim('Sp', 'Spark')", "string", "ark"),
    ("chr(65)", "string", "A"),
    ("'abc' like 'a%'", "boolean", "true"),
    ("'50%' like '50\\%'", "boolean", "true"),
    ("'50x' like '50\\%'", "boolean", "false"),
    ("'abc' rlike 'b.$'", "boolean", "true"),
    ("'a1b22' not rlike r'^\\d'", "boolean", "true"),
    ("regexp_replace('100-200', '(\\\\d+)', 'num$1')", "string", "num100-num200"),
    // Numbers
    ("round(2.5, 0)", "decimal(2,0)", "3"),
    ("round(2.675D, 2)", "double", "2.68"),
    ("round(-2.5D)", "double", "-3.0"),
    ("round(25, -1)", "int", "30"),
    ("ceil(1.2D)", "bigint", "2"),
    ("ceil(-0.1)", "decimal(1,0)", "0"),
    ("floor(-1.5)", "decimal(2,0)", "-2"),
    ("power(2, 3)", "double", "8.0"),
    ("ln(0)", "double", "~"),
    ("factorial(5)", "bigint", "120"),
    ("factorial(21)", "bigint", "~"),
    // Dates
    ("date_add('2016-07-30', 1)", "date", "2016-07-31"),
    ("date '2016-07-30' + 1", "date", "2016-07-31"),
    ("date '2016-07-30' - interval 1 month", "date", "2016-06-30"),
    ("date_sub('2016-07-30', 30)", "date", "2016-06-30"),
    ("datediff('2009-07-31', '2009-07-30')", "int", "1"),
    ("to_date('2009-07-30 04:17:52')", "date", "2009-07-30"),
    ("to_date('bad')", "date", "~"),
    ("year('2016-07-30')", "int", "2016"),
    ("dayofweek('2009-07-30')", "int", "5"),
    ("weekofyear('2008-02-20')", "int", "8"),
    ("extract(month from date '2026-09-01')", "int", "9"),
    ("date_format('2016-04-08', 'y')", "string", "2016"),
    ("cast(date_trunc('MM', '2015-03-05T09:32:05.359') as string)", "string", "2015-03-01 00:00:00"),
    // Aggregates and windows over one row
    ("count(*) over ()", "bigint", "1"),
    ("sum(i) over ()", "bigint", "7"),
    ("row_number() over (order by i)", "int", "1"),
    ("rank() over (order by i)", "int", "1"),
    ("sum(1.5) over ()", "decimal(12,1)", "1.5"),
    ("avg(1.5) over ()", "decimal(6,5)", "1.50000"),
    ("lag(i, 1, 0) over (order by i)", "int", "0"),
    ("lead(n, 1) over (order by i)", "int", "~"),
    ("ntile(2) over (order by i)", "int", "1"),
    ("nth_value(i, 1) over (order by i)", "int", "7"),
    ("sum(i) over (order by i rows between 1 preceding and current row)", "bigint", "7"),
    ("avg(i) over ()", "double", "7.0"),
    ("sum(s) over ()", "double", "10.0"),
];

fn hive(data_type: &DataType) -> String {
    HiveType::from_arrow(data_type).unwrap().to_string()
}

impl World {
    /// The rows below a prefix, and their columns.
    pub(super) async fn table(&self, prefix: &str) -> (SchemaRef, Vec<String>) {
        let sources = engine::Sources { store: self.store.clone(), lake: self.lake.clone(), scope: scope() };
        let session = self.engine.session(sources, SessionOptions::default());
        let source = PathSource::new(vec![format!("s3://{BUCKET}/{prefix}/")]);
        let frame = session.read_path(source).await.unwrap();
        let schema = Arc::clone(frame.schema().inner());
        let batches: Vec<RecordBatch> = session.collect(frame).await.unwrap().0;
        (schema, super::lines(&batches))
    }
}

const ROW: &str = "{\"i\":7,\"s\":\"10\",\"n\":null}\n";

#[tokio::test]
async fn expressions_have_sparks_types_and_values() {
    let world = World::new().await;
    world.put("raw/x.json", ROW).await;
    let typed = sql("select cast(i as int) as i, s, cast(n as int) as n from t");
    world.succeeds("typed", through(json_source("raw"), typed, "typed")).await;
    let source =
        serde_json::json!({"S3ParquetSource": {"Name": "p", "Paths": [format!("s3://{BUCKET}/typed/")]}});
    for (at, cases) in EXPRESSIONS.chunks(40).enumerate() {
        let name = format!("out{at}");
        let columns: Vec<String> = cases.iter().enumerate().map(column).collect();
        let query = format!("select {} from t", columns.join(",\n"));
        let run = world.run(&name, through(source.clone(), sql(&query), &name)).await;
        assert_eq!(run.details.error_message, None);
        let (schema, rows) = world.table(&name).await;
        let cells: Vec<&str> = rows[0].split('|').collect();
        let wrong: Vec<String> = cases
            .iter()
            .enumerate()
            .filter(|(at, (_, wanted, value))| {
                hive(schema.field(*at).data_type()) != *wanted || cells[*at] != *value
            })
            .map(|(at, (sql, wanted, value))| {
                format!("{sql}: {} {}, not {wanted} {value}", hive(schema.field(at).data_type()), cells[at])
            })
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

fn column((at, (sql, ..)): (usize, &(&str, &str, &str))) -> String {
    format!("{sql} as c{at}")
}
