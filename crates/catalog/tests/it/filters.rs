//! The listing that seeks and the filter in Rust agree, for any expression over any partitions.

use crate::common::with_table;
use crate::model::{KEYS, agree, expression, row};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn seeking_finds_what_filtering_finds(
        rows in prop::collection::btree_set(row(), 1..60),
        expressions in prop::collection::vec(expression(), 12),
        limit in 1usize..20
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let (store, _folder) = with_table(&KEYS).await;
            agree(store, rows, expressions, limit).await;
        });
    }
}
