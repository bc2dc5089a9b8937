//! What each operation does with each member of its request.

use wire::{Fields, Operation};

use super::{
    Catalog, catalogs, databases, functions, indexes, partitions, search, statistics, tables, unfiltered,
    versions,
};
use crate::glue::tags;

const NESTED: &str = "catalogs in catalogs are not built";
const ONE: &str = "there is at most one catalog to list";
const GOVERNED: &str = "governed tables are not built";
pub(super) const AUDIT: &str = "there is no audit log to write it to";
const STATUS: &str = "asynchronous changes of views are not built";
const WHOLE: &str = "choosing what is returned is not built: the whole definition is";
const SHARES: &str = "choosing federated tables is not built";
const VIEWS: &str = "changes of multi-dialect views are not built";
const SESSION: &str = "query sessions of Lake Formation are not built";

/// The whole definition is stored; these members also act.
macro_rules! operation {
    ($name:literal, $run:path, [$($acts:literal),*], [$($refused:expr),*]) => {
        Operation {
            name: $name,
            fields: Fields { acts: &[$($acts),*], refused: &[$($refused),*], ignored: &[] },
            run: |state, call| Box::pin($run(state, call)),
        }
    };
}

pub(super) const OPERATIONS: &[Operation<Catalog>] = &[
    operation!("GetCatalog", catalogs::get, ["CatalogId"], []),
    Operation {
        name: "GetCatalogs",
        fields: Fields {
            acts: &["ParentCatalogId", "NextToken", "IncludeRoot"],
            refused: &[("HasDatabases", NESTED)],
            ignored: &[("MaxResults", ONE), ("Recursive", ONE)],
        },
        run: |state, call| Box::pin(catalogs::list(state, call)),
    },
    operation!(
        "CreateDatabase",
        databases::create,
        ["CatalogId", "DatabaseInput.Name", "DatabaseInput.TargetDatabase", "Tags"],
        []
    ),
    operation!("GetDatabase", databases::get, ["CatalogId", "Name"], []),
    operation!(
        "GetDatabases",
        databases::list,
        ["CatalogId", "NextToken", "MaxResults", "ResourceShareType", "AttributesToGet"],
        []
    ),
    operation!(
        "UpdateDatabase",
        databases::update,
        ["CatalogId", "Name", "DatabaseInput.Name", "DatabaseInput.TargetDatabase"],
        []
    ),
    operation!("DeleteDatabase", databases::delete, ["CatalogId", "Name"], []),
    operation!(
        "CreateTable",
        tables::create,
        [
            "CatalogId",
            "DatabaseName",
            "TableInput.Name",
            "TableInput.PartitionKeys",
            "TableInput.StorageDescriptor.SchemaReference",
            "TableInput.TargetTable",
            "PartitionIndexes",
            "Name",
            "OpenTableFormatInput"
        ],
        [("TransactionId", GOVERNED)]
    ),
    operation!(
        "GetTable",
        tables::get,
        ["CatalogId", "DatabaseName", "Name"],
        [
            ("TransactionId", GOVERNED),
            ("QueryAsOfTime", GOVERNED),
            ("AuditContext", AUDIT),
            ("IncludeStatusDetails", STATUS),
            ("AttributesToGet", WHOLE)
        ]
    ),
    operation!(
        "GetTables",
        tables::list,
        ["CatalogId", "DatabaseName", "Expression", "NextToken", "MaxResults", "AttributesToGet"],
        [
            ("TransactionId", GOVERNED),
            ("QueryAsOfTime", GOVERNED),
            ("AuditContext", AUDIT),
            ("IncludeStatusDetails", STATUS),
            ("ResourceShareType", SHARES)
        ]
    ),
    operation!(
        "UpdateTable",
        tables::update,
        [
            "CatalogId",
            "DatabaseName",
            "TableInput.Name",
            "TableInput.PartitionKeys",
            "TableInput.StorageDescriptor.SchemaReference",
            "TableInput.TargetTable",
            "SkipArchive",
            "VersionId",
            "Name",
            "UpdateOpenTableFormatInput"
        ],
        [("TransactionId", GOVERNED), ("ViewUpdateAction", VIEWS), ("Force", VIEWS)]
    ),
    operation!(
        "DeleteTable",
        tables::delete,
        ["CatalogId", "DatabaseName", "Name"],
        [("TransactionId", GOVERNED)]
    ),
    operation!(
        "BatchDeleteTable",
        tables::batch_delete,
        ["CatalogId", "DatabaseName", "TablesToDelete"],
        [("TransactionId", GOVERNED)]
    ),
    operation!(
        "GetTableVersion",
        versions::get,
        ["CatalogId", "DatabaseName", "TableName", "VersionId"],
        [("AuditContext", AUDIT)]
    ),
    operation!(
        "GetTableVersions",
        versions::list,
        ["CatalogId", "DatabaseName", "TableName", "NextToken", "MaxResults"],
        [("AuditContext", AUDIT)]
    ),
    operation!(
        "DeleteTableVersion",
        versions::delete,
        ["CatalogId", "DatabaseName", "TableName", "VersionId"],
        []
    ),
    operation!(
        "BatchDeleteTableVersion",
        versions::batch_delete,
        ["CatalogId", "DatabaseName", "TableName", "VersionIds"],
        []
    ),
    operation!(
        "CreatePartition",
        partitions::create,
        ["CatalogId", "DatabaseName", "TableName", "PartitionInput.Values"],
        []
    ),
    operation!(
        "BatchCreatePartition",
        partitions::batch_create,
        ["CatalogId", "DatabaseName", "TableName", "PartitionInputList.Values"],
        []
    ),
    operation!(
        "GetPartition",
        partitions::get,
        ["CatalogId", "DatabaseName", "TableName", "PartitionValues"],
        [("AuditContext", AUDIT)]
    ),
    operation!(
        "BatchGetPartition",
        partitions::batch_get,
        ["CatalogId", "DatabaseName", "TableName", "PartitionsToGet.Values"],
        [("AuditContext", AUDIT), ("QuerySessionContext", SESSION)]
    ),
    operation!(
        "GetPartitions",
        partitions::list,
        [
            "CatalogId",
            "DatabaseName",
            "TableName",
            "Expression",
            "NextToken",
            "Segment.SegmentNumber",
            "Segment.TotalSegments",
            "MaxResults",
            "ExcludeColumnSchema"
        ],
        [("TransactionId", GOVERNED), ("QueryAsOfTime", GOVERNED), ("AuditContext", AUDIT)]
    ),
    Operation {
        name: "GetUnfilteredTableMetadata",
        fields: unfiltered::TABLE,
        run: |state, call| Box::pin(unfiltered::table(state, call)),
    },
    Operation {
        name: "GetUnfilteredPartitionMetadata",
        fields: unfiltered::PARTITION,
        run: |state, call| Box::pin(unfiltered::partition(state, call)),
    },
    Operation {
        name: "GetUnfilteredPartitionsMetadata",
        fields: unfiltered::PARTITIONS,
        run: |state, call| Box::pin(unfiltered::partitions(state, call)),
    },
    operation!(
        "UpdatePartition",
        partitions::update,
        ["CatalogId", "DatabaseName", "TableName", "PartitionValueList", "PartitionInput.Values"],
        []
    ),
    operation!(
        "BatchUpdatePartition",
        partitions::batch_update,
        [
            "CatalogId",
            "DatabaseName",
            "TableName",
            "Entries.PartitionValueList",
            "Entries.PartitionInput.Values"
        ],
        []
    ),
    operation!(
        "DeletePartition",
        partitions::delete,
        ["CatalogId", "DatabaseName", "TableName", "PartitionValues"],
        []
    ),
    operation!(
        "BatchDeletePartition",
        partitions::batch_delete,
        ["CatalogId", "DatabaseName", "TableName", "PartitionsToDelete.Values"],
        []
    ),
    operation!(
        "CreatePartitionIndex",
        indexes::create,
        ["CatalogId", "DatabaseName", "TableName", "PartitionIndex"],
        []
    ),
    operation!(
        "DeletePartitionIndex",
        indexes::delete,
        ["CatalogId", "DatabaseName", "TableName", "IndexName"],
        []
    ),
    operation!(
        "GetPartitionIndexes",
        indexes::list,
        ["CatalogId", "DatabaseName", "TableName", "NextToken"],
        []
    ),
    operation!(
        "UpdateColumnStatisticsForTable",
        statistics::update_table,
        [
            "CatalogId",
            "DatabaseName",
            "TableName",
            "ColumnStatisticsList.ColumnName",
            "ColumnStatisticsList.StatisticsData.Type"
        ],
        []
    ),
    operation!(
        "GetColumnStatisticsForTable",
        statistics::get_table,
        ["CatalogId", "DatabaseName", "TableName", "ColumnNames"],
        []
    ),
    operation!(
        "DeleteColumnStatisticsForTable",
        statistics::delete_table,
        ["CatalogId", "DatabaseName", "TableName", "ColumnName"],
        []
    ),
    operation!(
        "UpdateColumnStatisticsForPartition",
        statistics::update_partition,
        [
            "CatalogId",
            "DatabaseName",
            "TableName",
            "PartitionValues",
            "ColumnStatisticsList.ColumnName",
            "ColumnStatisticsList.StatisticsData.Type"
        ],
        []
    ),
    operation!(
        "GetColumnStatisticsForPartition",
        statistics::get_partition,
        ["CatalogId", "DatabaseName", "TableName", "PartitionValues", "ColumnNames"],
        []
    ),
    operation!(
        "DeleteColumnStatisticsForPartition",
        statistics::delete_partition,
        ["CatalogId", "DatabaseName", "TableName", "PartitionValues", "ColumnName"],
        []
    ),
    operation!(
        "CreateUserDefinedFunction",
        functions::create,
        ["CatalogId", "DatabaseName", "FunctionInput.FunctionName", "FunctionInput.FunctionType"],
        []
    ),
    operation!("GetUserDefinedFunction", functions::get, ["CatalogId", "DatabaseName", "FunctionName"], []),
    operation!(
        "GetUserDefinedFunctions",
        functions::list,
        ["CatalogId", "DatabaseName", "Pattern", "FunctionType", "NextToken", "MaxResults"],
        []
    ),
    operation!(
        "UpdateUserDefinedFunction",
        functions::update,
        [
            "CatalogId",
            "DatabaseName",
            "FunctionName",
            "FunctionInput.FunctionName",
            "FunctionInput.FunctionType"
        ],
        []
    ),
    operation!(
        "DeleteUserDefinedFunction",
        functions::delete,
        ["CatalogId", "DatabaseName", "FunctionName"],
        []
    ),
    operation!(
        "SearchTables",
        search::tables,
        [
            "CatalogId",
            "NextToken",
            "Filters.Key",
            "Filters.Value",
            "Filters.Comparator",
            "SearchText",
            "SortCriteria.FieldName",
            "SortCriteria.Sort",
            "MaxResults",
            "ResourceShareType"
        ],
        [("IncludeStatusDetails", STATUS)]
    ),
    operation!("TagResource", tags::tag, ["ResourceArn", "TagsToAdd"], []),
    operation!("UntagResource", tags::untag, ["ResourceArn", "TagsToRemove"], []),
    operation!("GetTags", tags::get, ["ResourceArn"], []),
];
