//! Glue's crawlers.
//!
//! Source: AWS Glue API Reference, Crawlers.

mod handlers;
mod render;

use std::sync::Arc;

use ::catalog::CatalogError;
use ::crawler::{CrawlerError, Crawlers};
use store::Scope;
use wire::{Call, Fault, Fields, Operation, Service};

use super::errors;
use super::tags::Taggable;

/// What the handlers work on.
pub struct CrawlerFace {
    crawlers: Crawlers,
}

/// Makes the face.
pub fn face(crawlers: Crawlers) -> Service<CrawlerFace> {
    Service { model: "glue", state: CrawlerFace { crawlers }, operations: OPERATIONS }
}

/// Lets the tag operations know which crawlers exist.
pub fn taggable() -> Taggable {
    Arc::new(|tx, scope, name| {
        Box::pin(async move {
            let exists = ::crawler::exists(tx, scope, name).await.map_err(fault)?;
            Ok(exists.then(|| Crawlers::arn(scope, name)))
        })
    })
}

fn scope(call: &Call) -> Result<Scope, Fault> {
    Scope::new(call.scope_account.as_str(), call.region.as_str())
        .map_err(|error| errors::invalid(error.to_string()))
}

/// Glue's fault for an error of the crawlers.
pub(super) fn fault(error: CrawlerError) -> Fault {
    match &error {
        CrawlerError::NotFound { .. }
        | CrawlerError::ClassifierNotFound { .. }
        | CrawlerError::ConnectionNotFound { .. } => errors::not_found(error.to_string()),
        CrawlerError::Exists { .. } | CrawlerError::ClassifierExists { .. } => {
            Fault::new("AlreadyExistsException", error.to_string())
        }
        CrawlerError::Running { .. } => Fault::new("CrawlerRunningException", error.to_string()),
        CrawlerError::NotRunning { .. } => Fault::new("CrawlerNotRunningException", error.to_string()),
        CrawlerError::Stopping { .. } => Fault::new("CrawlerStoppingException", error.to_string()),
        CrawlerError::Invalid { .. } => errors::invalid(error.to_string()),
        CrawlerError::NoSchedule { .. } | CrawlerError::SchedulePast { .. } => {
            Fault::new("NoScheduleException", error.to_string())
        }
        CrawlerError::SchedulerRunning { .. } => Fault::new("SchedulerRunningException", error.to_string()),
        CrawlerError::SchedulerNotRunning { .. } => {
            Fault::new("SchedulerNotRunningException", error.to_string())
        }
        // Only operators undo, by an endpoint of their own.
        CrawlerError::NothingToUndo { .. } | CrawlerError::ChangedSince { .. } => {
            errors::invalid(error.to_string())
        }
        CrawlerError::Store(inner) | CrawlerError::Catalog(CatalogError::Store(inner)) => {
            errors::store(inner)
        }
        CrawlerError::Catalog(_) | CrawlerError::Lake(_) | CrawlerError::Corrupt { .. } => {
            Fault::internal(error)
        }
    }
}

const NO_MONGODB: &str = "MongoDB is not built: export the collection as JSON lines (mongoexport) into a bucket and crawl \
     that, or crawl an HTTP API in front of it (ApiTargets in Configuration)";
const NO_CONNECTION: &str =
    "there is no network to enter: only S3 targets may name one, as a connection of type NETWORK";
const OWN_CATALOG: &str = "a crawler writes to the catalog of its own account";

/// What a crawler's definition may say, and `$more`. `Role`, `Description` and such are kept and returned.
macro_rules! definition {
    ($($more:literal),*) => {
        Fields {
            acts: &[
                "Name",
                "DatabaseName",
                "Targets.S3Targets.Path",
                "Targets.S3Targets.Exclusions",
                "Targets.S3Targets.SampleSize",
                "Targets.S3Targets.EventQueueArn",
                "Targets.S3Targets.DlqEventQueueArn",
                "Targets.S3Targets.ConnectionName",
                "Targets.JdbcTargets.ConnectionName",
                "Targets.JdbcTargets.Path",
                "Targets.JdbcTargets.Exclusions",
                "Targets.JdbcTargets.EnableAdditionalMetadata",
                "Targets.DynamoDBTargets.Path",
                "Targets.DynamoDBTargets.scanAll",
                "Targets.DynamoDBTargets.scanRate",
                "Targets.DeltaTargets.DeltaTables",
                "Targets.DeltaTargets.WriteManifest",
                "Targets.DeltaTargets.CreateNativeDeltaTable",
                "Targets.IcebergTargets.Paths",
                "Targets.IcebergTargets.Exclusions",
                "Targets.IcebergTargets.MaximumTraversalDepth",
                "Targets.HudiTargets.Paths",
                "Targets.HudiTargets.Exclusions",
                "Targets.HudiTargets.MaximumTraversalDepth",
                "Targets.CatalogTargets.DatabaseName",
                "Targets.CatalogTargets.Tables",
                "Targets.CatalogTargets.EventQueueArn",
                "Targets.CatalogTargets.DlqEventQueueArn",
                "TablePrefix",
                "SchemaChangePolicy.UpdateBehavior",
                "SchemaChangePolicy.DeleteBehavior",
                "RecrawlPolicy.RecrawlBehavior",
                "Configuration",
                "Classifiers",
                "Schedule",
                $($more,)*
            ],
            refused: REFUSED,
            ignored: &[],
        }
    };
}

const DEFINITION: Fields = definition!();
const CREATE: Fields = definition!("Tags");

const REFUSED: &[(&str, &str)] = &[
    ("Targets.MongoDBTargets", NO_MONGODB),
    ("Targets.CatalogTargets.ConnectionName", NO_CONNECTION),
    ("Targets.DeltaTargets.ConnectionName", NO_CONNECTION),
    ("Targets.IcebergTargets.ConnectionName", NO_CONNECTION),
    ("Targets.HudiTargets.ConnectionName", NO_CONNECTION),
    ("CatalogId", OWN_CATALOG),
];

const fn acts(acts: &'static [&'static str]) -> Fields {
    Fields { acts, refused: &[], ignored: &[] }
}

const OPERATIONS: &[Operation<CrawlerFace>] = &[
    Operation { name: "CreateCrawler", fields: CREATE, run: |s, c| Box::pin(handlers::create(s, c)) },
    Operation { name: "UpdateCrawler", fields: DEFINITION, run: |s, c| Box::pin(handlers::update(s, c)) },
    Operation {
        name: "DeleteCrawler",
        fields: acts(&["Name"]),
        run: |s, c| Box::pin(handlers::delete(s, c)),
    },
    Operation { name: "GetCrawler", fields: acts(&["Name"]), run: |s, c| Box::pin(handlers::get(s, c)) },
    Operation {
        name: "GetCrawlers",
        fields: acts(&["MaxResults", "NextToken"]),
        run: |s, c| Box::pin(handlers::get_many(s, c)),
    },
    Operation {
        name: "ListCrawlers",
        fields: acts(&["MaxResults", "NextToken", "Tags"]),
        run: |s, c| Box::pin(handlers::list(s, c)),
    },
    Operation {
        name: "BatchGetCrawlers",
        fields: acts(&["CrawlerNames"]),
        run: |s, c| Box::pin(handlers::batch_get(s, c)),
    },
    Operation { name: "StartCrawler", fields: acts(&["Name"]), run: |s, c| Box::pin(handlers::start(s, c)) },
    Operation { name: "StopCrawler", fields: acts(&["Name"]), run: |s, c| Box::pin(handlers::stop(s, c)) },
    Operation {
        name: "UpdateCrawlerSchedule",
        fields: acts(&["CrawlerName", "Schedule"]),
        run: |s, c| Box::pin(handlers::update_schedule(s, c)),
    },
    Operation {
        name: "StartCrawlerSchedule",
        fields: acts(&["CrawlerName"]),
        run: |s, c| Box::pin(handlers::start_schedule(s, c)),
    },
    Operation {
        name: "StopCrawlerSchedule",
        fields: acts(&["CrawlerName"]),
        run: |s, c| Box::pin(handlers::stop_schedule(s, c)),
    },
    Operation {
        name: "GetCrawlerMetrics",
        fields: acts(&["CrawlerNameList", "MaxResults", "NextToken"]),
        run: |s, c| Box::pin(handlers::metrics(s, c)),
    },
    Operation {
        name: "ListCrawls",
        fields: acts(&[
            "CrawlerName",
            "MaxResults",
            "NextToken",
            "Filters.FieldName",
            "Filters.FilterOperator",
            "Filters.FieldValue",
        ]),
        run: |s, c| Box::pin(handlers::crawls(s, c)),
    },
];
