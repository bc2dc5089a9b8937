//! Text that is only used as numbers: read as numbers, with the same answer.

use arrow::datatypes::DataType;
use datafusion::{
    dataframe::DataFrame,
    logical_expr::{col, lit},
};

use super::{World, lazy_csv, rows};
use crate::{Session, TableOptions, number_of_text};

async fn world() -> World {
    let world = World::new().await;
    world.table("lines", lazy_csv(), "id string;price string;note string", "", "lines/").await;
    world.put("lines/a.csv", "1,1.5,a\n 2 ,x,b\n3.9,,c\nx,4,d\n,5e1,e\n300,6,f\n").await;
    world
}

async fn lines(session: &Session) -> DataFrame {
    session.table("shop", "lines", TableOptions::default()).await.expect("frame")
}

/// Every column as a number, then those whose id is above one.
fn typed(frame: DataFrame, narrow: &DataType) -> DataFrame {
    let columns = vec![
        number_of_text(col("id"), narrow).alias("id"),
        number_of_text(col("price"), &DataType::Float64).alias("price"),
        col("note"),
    ];
    frame.select(columns).expect("select").filter(col("id").gt(lit(1))).expect("filter")
}

#[tokio::test]
async fn numbers_are_read_at_once_and_filtered() {
    let world = world().await;
    let session = world.session();
    let frame = typed(lines(&session).await, &DataType::Int64);
    let plan = session.explain(frame.clone().into_unoptimized_plan()).await.expect("plan").physical;
    assert!(plan.contains("file_type=text") && plan.contains("projection=[number_of_text(id"), "{plan}");
    assert_eq!(plan.matches("number_of_text").count(), 2, "{plan}");
    let (batches, _) = session.collect(frame).await.expect("rows");
    assert_eq!(rows(&batches), "2||b\n3||c\n300|6.0|f");
}

#[tokio::test]
async fn a_column_that_is_text_too_stays_text() {
    let world = world().await;
    let session = world.session();
    let frame = lines(&session).await;
    let columns = vec![number_of_text(col("id"), &DataType::Int8).alias("small"), col("id")];
    let frame = frame.select(columns).expect("select").filter(col("small").gt(lit(0))).expect("filter");
    let (batches, _) = session.collect(frame).await.expect("rows");
    assert_eq!(rows(&batches), "1|1\n2|2\n3|3.9");
    let wide = number_of_text(col("id"), &DataType::Int64).alias("wide");
    let small = number_of_text(col("id"), &DataType::Int8).alias("small");
    let frame = lines(&session).await.select(vec![wide, small]).expect("select");
    let (batches, _) = session.collect(frame).await.expect("rows");
    assert_eq!(rows(&batches), "1|1\n2|2\n3|3\n|\n|\n300|");
}
