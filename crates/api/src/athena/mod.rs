//! The Athena face: query executions, results, work groups and the catalog's metadata.
//!
//! Source: Amazon Athena API Reference.

mod errors;
mod executions;
mod metadata;
mod tags;
mod workgroups;

use query::Queries;
use store::{Scope, Store};
use wire::{Call, Document, Fault, Fields, Operation, Service};

/// What the handlers work on.
pub struct Athena {
    store: Store,
    queries: Queries,
}

/// Makes the face.
pub fn face(store: Store, queries: Queries) -> Service<Athena> {
    Service { model: "athena", state: Athena { store, queries }, operations: OPERATIONS }
}

fn scope(call: &Call) -> Result<Scope, Fault> {
    Scope::new(call.scope_account.as_str(), call.region.as_str())
        .map_err(|error| errors::invalid(error.to_string()))
}

/// The one version of the engine that there is.
const ENGINE_VERSION: &str = "Athena engine version 3";
/// The choice of whatever version is newest.
const NEWEST: &str = "AUTO";

/// Refuses a `ResultConfiguration` whose `ExpectedBucketOwner` is somebody else: results go to the caller's buckets only.
fn check_owner(call: &Call, results: Option<&Document>) -> Result<(), Fault> {
    let owner = results.and_then(|results| results.get("ExpectedBucketOwner")).and_then(Document::as_str);
    let account = call.scope_account.as_str();
    match owner.filter(|owner| *owner != account) {
        Some(owner) => Err(errors::invalid(format!(
            "The buckets that results can go to belong to {account}, not to the ExpectedBucketOwner {owner}"
        ))),
        None => Ok(()),
    }
}

const ENCRYPTION: &str = "results are not encrypted by Tenon; leave the encryption out";
const NO_ACL: &str = "object ACLs are not built";
const NO_SPARK: &str = "Apache Spark work groups are not built";
const NOT_MANAGED: &str = "Athena's own storage of results is not built: name an OutputLocation";
const NO_GRANTS: &str = "S3 Access Grants are not built";
const NO_IDENTITY_CENTER: &str = "IAM Identity Center is not built";

const OPERATIONS: &[Operation<Athena>] = &[
    Operation {
        name: "StartQueryExecution",
        fields: Fields {
            acts: &[
                "QueryString",
                "ClientRequestToken",
                "QueryExecutionContext.Database",
                "QueryExecutionContext.Catalog",
                "ResultConfiguration.OutputLocation",
                "ResultConfiguration.ExpectedBucketOwner",
                "WorkGroup",
            ],
            refused: &[
                ("ExecutionParameters", "query parameters are not built"),
                ("ResultConfiguration.EncryptionConfiguration", ENCRYPTION),
                ("ResultConfiguration.AclConfiguration", NO_ACL),
                ("EngineConfiguration", "capacity is that of the server; leave the engine configuration out"),
            ],
            ignored: &[(
                "ResultReuseConfiguration",
                "it allows an older result and demands none: the query is run, so its result is never older",
            )],
        },
        run: |state, call| Box::pin(executions::start(state, call)),
    },
    Operation {
        name: "GetQueryExecution",
        fields: Fields { acts: &["QueryExecutionId"], refused: &[], ignored: &[] },
        run: |state, call| Box::pin(executions::get(state, call)),
    },
    Operation {
        name: "BatchGetQueryExecution",
        fields: Fields { acts: &["QueryExecutionIds"], refused: &[], ignored: &[] },
        run: |state, call| Box::pin(executions::batch_get(state, call)),
    },
    Operation {
        name: "ListQueryExecutions",
        fields: Fields { acts: &["WorkGroup", "NextToken", "MaxResults"], refused: &[], ignored: &[] },
        run: |state, call| Box::pin(executions::list(state, call)),
    },
    Operation {
        name: "StopQueryExecution",
        fields: Fields { acts: &["QueryExecutionId"], refused: &[], ignored: &[] },
        run: |state, call| Box::pin(executions::stop(state, call)),
    },
    Operation {
        name: "GetQueryResults",
        fields: Fields {
            acts: &["QueryExecutionId", "NextToken", "MaxResults"],
            refused: &[("QueryResultType", "only the rows of a result are kept")],
            ignored: &[],
        },
        run: |state, call| Box::pin(executions::results(state, call)),
    },
    Operation {
        name: "CreateWorkGroup",
        fields: Fields {
            acts: &[
                "Name",
                "Tags",
                "Configuration.ResultConfiguration.OutputLocation",
                "Configuration.ResultConfiguration.ExpectedBucketOwner",
                "Configuration.EnforceWorkGroupConfiguration",
                "Configuration.EngineVersion.SelectedEngineVersion",
            ],
            refused: &[
                ("Configuration.EnableMinimumEncryptionConfiguration", ENCRYPTION),
                ("Configuration.CustomerContentEncryptionConfiguration", ENCRYPTION),
                ("Configuration.ManagedQueryResultsConfiguration.Enabled", NOT_MANAGED),
                ("Configuration.QueryResultsS3AccessGrantsConfiguration.EnableS3AccessGrants", NO_GRANTS),
                ("Configuration.IdentityCenterConfiguration.EnableIdentityCenter", NO_IDENTITY_CENTER),
                ("Configuration.ResultConfiguration.EncryptionConfiguration", ENCRYPTION),
                ("Configuration.ResultConfiguration.AclConfiguration", NO_ACL),
                ("Configuration.BytesScannedCutoffPerQuery", "a limit of scanned bytes is not built"),
                ("Configuration.ExecutionRole", NO_SPARK),
            ],
            ignored: &[],
        },
        run: |state, call| Box::pin(workgroups::create(state, call)),
    },
    Operation {
        name: "GetWorkGroup",
        fields: Fields { acts: &["WorkGroup"], refused: &[], ignored: &[] },
        run: |state, call| Box::pin(workgroups::get(state, call)),
    },
    Operation {
        name: "ListWorkGroups",
        fields: Fields { acts: &["NextToken", "MaxResults"], refused: &[], ignored: &[] },
        run: |state, call| Box::pin(workgroups::list(state, call)),
    },
    Operation {
        name: "UpdateWorkGroup",
        fields: Fields {
            acts: &[
                "WorkGroup",
                "Description",
                "State",
                "ConfigurationUpdates.EnforceWorkGroupConfiguration",
                "ConfigurationUpdates.ResultConfigurationUpdates.OutputLocation",
                "ConfigurationUpdates.ResultConfigurationUpdates.RemoveOutputLocation",
                "ConfigurationUpdates.ResultConfigurationUpdates.ExpectedBucketOwner",
                "ConfigurationUpdates.ResultConfigurationUpdates.RemoveExpectedBucketOwner",
                "ConfigurationUpdates.EngineVersion.SelectedEngineVersion",
            ],
            refused: &[
                ("ConfigurationUpdates.EnableMinimumEncryptionConfiguration", ENCRYPTION),
                ("ConfigurationUpdates.CustomerContentEncryptionConfiguration", ENCRYPTION),
                ("ConfigurationUpdates.ManagedQueryResultsConfigurationUpdates.Enabled", NOT_MANAGED),
                (
                    "ConfigurationUpdates.QueryResultsS3AccessGrantsConfiguration.EnableS3AccessGrants",
                    NO_GRANTS,
                ),
                ("ConfigurationUpdates.ResultConfigurationUpdates.EncryptionConfiguration", ENCRYPTION),
                ("ConfigurationUpdates.ResultConfigurationUpdates.AclConfiguration", NO_ACL),
                ("ConfigurationUpdates.BytesScannedCutoffPerQuery", "a limit of scanned bytes is not built"),
                ("ConfigurationUpdates.ExecutionRole", NO_SPARK),
            ],
            ignored: &[],
        },
        run: |state, call| Box::pin(workgroups::update(state, call)),
    },
    Operation {
        name: "DeleteWorkGroup",
        fields: Fields { acts: &["WorkGroup", "RecursiveDeleteOption"], refused: &[], ignored: &[] },
        run: |state, call| Box::pin(workgroups::delete(state, call)),
    },
    Operation {
        name: "ListDataCatalogs",
        fields: Fields {
            acts: &["MaxResults", "NextToken"],
            refused: &[("WorkGroup", NO_SPARK)],
            ignored: &[],
        },
        run: |_, call| Box::pin(metadata::list_catalogs(call)),
    },
    Operation {
        name: "GetDataCatalog",
        fields: Fields { acts: &["Name"], refused: &[("WorkGroup", NO_SPARK)], ignored: &[] },
        run: |_, call| Box::pin(metadata::get_catalog(call)),
    },
    Operation {
        name: "ListDatabases",
        fields: Fields {
            acts: &["CatalogName", "NextToken", "MaxResults"],
            refused: &[("WorkGroup", NO_SPARK)],
            ignored: &[],
        },
        run: |state, call| Box::pin(metadata::list_databases(state, call)),
    },
    Operation {
        name: "GetDatabase",
        fields: Fields {
            acts: &["CatalogName", "DatabaseName"],
            refused: &[("WorkGroup", NO_SPARK)],
            ignored: &[],
        },
        run: |state, call| Box::pin(metadata::get_database(state, call)),
    },
    Operation {
        name: "ListTableMetadata",
        fields: Fields {
            acts: &["CatalogName", "DatabaseName", "Expression", "NextToken", "MaxResults"],
            refused: &[("WorkGroup", NO_SPARK)],
            ignored: &[],
        },
        run: |state, call| Box::pin(metadata::list_tables(state, call)),
    },
    Operation {
        name: "GetTableMetadata",
        fields: Fields {
            acts: &["CatalogName", "DatabaseName", "TableName"],
            refused: &[("WorkGroup", NO_SPARK)],
            ignored: &[],
        },
        run: |state, call| Box::pin(metadata::get_table(state, call)),
    },
    Operation {
        name: "TagResource",
        fields: Fields { acts: &["ResourceARN", "Tags"], refused: &[], ignored: &[] },
        run: |state, call| Box::pin(tags::tag(state, call)),
    },
    Operation {
        name: "UntagResource",
        fields: Fields { acts: &["ResourceARN", "TagKeys"], refused: &[], ignored: &[] },
        run: |state, call| Box::pin(tags::untag(state, call)),
    },
    Operation {
        name: "ListTagsForResource",
        fields: Fields { acts: &["ResourceARN", "NextToken", "MaxResults"], refused: &[], ignored: &[] },
        run: |state, call| Box::pin(tags::list(state, call)),
    },
];
