//! The CloudWatch Logs face: groups, streams and events.
//!
//! Source: Amazon CloudWatch Logs API Reference.

mod errors;
mod events;
mod groups;
mod streams;
mod tags;

use store::{Scope, Store};
use wire::{Call, Fault, Fields, Operation, Service};

/// What the handlers work on.
pub struct Logs {
    store: Store,
}

/// Makes the face. The store must have been opened with `observe::MIGRATIONS`.
pub fn face(store: Store) -> Service<Logs> {
    Service { model: "logs", state: Logs { store }, operations: OPERATIONS }
}

const NO_KMS: &str = "log groups are not encrypted with keys of KMS; leave the key out";
const NO_LINKED: &str = "cross-account observability is not built";

const OLDEST_FIRST: &str = "events come oldest first, which is also what leaving it out asks for";
const NOTHING_MASKED: &str = "there are no data protection policies, so nothing is ever masked";

const OPERATIONS: &[Operation<Logs>] = &[
    Operation {
        name: "CreateLogGroup",
        fields: Fields {
            // Deletion protection is refused when it is wanted: some clients say `false`.
            acts: &["logGroupName", "tags", "deletionProtectionEnabled"],
            refused: &[("kmsKeyId", NO_KMS)],
            ignored: &[],
        },
        run: |state, call| Box::pin(groups::create(state, call)),
    },
    Operation {
        name: "DeleteLogGroup",
        fields: Fields { acts: &["logGroupName"], refused: &[], ignored: &[] },
        run: |state, call| Box::pin(groups::delete(state, call)),
    },
    Operation {
        name: "DescribeLogGroups",
        fields: Fields {
            acts: &[
                "logGroupNamePrefix",
                "logGroupNamePattern",
                "logGroupClass",
                "nextToken",
                "limit",
                "includeLinkedAccounts",
                "logGroupIdentifiers",
            ],
            refused: &[("accountIdentifiers", NO_LINKED)],
            ignored: &[],
        },
        run: |state, call| Box::pin(groups::describe(state, call)),
    },
    Operation {
        name: "PutRetentionPolicy",
        fields: Fields { acts: &["logGroupName", "retentionInDays"], refused: &[], ignored: &[] },
        run: |state, call| Box::pin(groups::put_retention(state, call)),
    },
    Operation {
        name: "DeleteRetentionPolicy",
        fields: Fields { acts: &["logGroupName"], refused: &[], ignored: &[] },
        run: |state, call| Box::pin(groups::delete_retention(state, call)),
    },
    Operation {
        name: "CreateLogStream",
        fields: Fields { acts: &["logGroupName", "logStreamName"], refused: &[], ignored: &[] },
        run: |state, call| Box::pin(streams::create(state, call)),
    },
    Operation {
        name: "DeleteLogStream",
        fields: Fields { acts: &["logGroupName", "logStreamName"], refused: &[], ignored: &[] },
        run: |state, call| Box::pin(streams::delete(state, call)),
    },
    Operation {
        name: "DescribeLogStreams",
        fields: Fields {
            acts: &[
                "logGroupName",
                "logGroupIdentifier",
                "logStreamNamePrefix",
                "orderBy",
                "descending",
                "nextToken",
                "limit",
            ],
            refused: &[],
            ignored: &[],
        },
        run: |state, call| Box::pin(streams::describe(state, call)),
    },
    Operation {
        name: "PutLogEvents",
        fields: Fields {
            acts: &["logGroupName", "logStreamName", "logEvents", "entity"],
            refused: &[],
            ignored: &[("sequenceToken", "AWS has ignored sequence tokens since 2023")],
        },
        run: |state, call| Box::pin(events::put(state, call)),
    },
    Operation {
        name: "GetLogEvents",
        fields: Fields {
            acts: &[
                "logGroupName",
                "logGroupIdentifier",
                "logStreamName",
                "startTime",
                "endTime",
                "nextToken",
                "limit",
                "startFromHead",
            ],
            refused: &[],
            ignored: &[("unmask", NOTHING_MASKED)],
        },
        run: |state, call| Box::pin(events::get(state, call)),
    },
    Operation {
        name: "FilterLogEvents",
        fields: Fields {
            acts: &[
                "logGroupName",
                "logGroupIdentifier",
                "logStreamNames",
                "logStreamNamePrefix",
                "startTime",
                "endTime",
                "filterPattern",
                "nextToken",
                "limit",
            ],
            refused: &[("startFromHead", OLDEST_FIRST)],
            ignored: &[
                (
                    "interleaved",
                    "AWS has ignored it since 2019: events of all streams are always sorted together",
                ),
                ("unmask", NOTHING_MASKED),
            ],
        },
        run: |state, call| Box::pin(events::filter(state, call)),
    },
    Operation {
        name: "TagResource",
        fields: Fields { acts: &["resourceArn", "tags"], refused: &[], ignored: &[] },
        run: |state, call| Box::pin(tags::set(state, call)),
    },
    Operation {
        name: "UntagResource",
        fields: Fields { acts: &["resourceArn", "tagKeys"], refused: &[], ignored: &[] },
        run: |state, call| Box::pin(tags::remove(state, call)),
    },
    Operation {
        name: "ListTagsForResource",
        fields: Fields { acts: &["resourceArn"], refused: &[], ignored: &[] },
        run: |state, call| Box::pin(tags::list(state, call)),
    },
    Operation {
        name: "TagLogGroup",
        fields: Fields { acts: &["logGroupName", "tags"], refused: &[], ignored: &[] },
        run: |state, call| Box::pin(tags::set(state, call)),
    },
    Operation {
        name: "UntagLogGroup",
        fields: Fields { acts: &["logGroupName", "tags"], refused: &[], ignored: &[] },
        run: |state, call| Box::pin(tags::remove(state, call)),
    },
    Operation {
        name: "ListTagsLogGroup",
        fields: Fields { acts: &["logGroupName"], refused: &[], ignored: &[] },
        run: |state, call| Box::pin(tags::list(state, call)),
    },
];

fn scope(call: &Call) -> Result<Scope, Fault> {
    Scope::new(call.scope_account.as_str(), call.region.as_str())
        .map_err(|error| errors::invalid(error.to_string()))
}

/// The group that a request names: `logGroupName`, or `logGroupIdentifier` with a name or an ARN.
fn group_name<'a>(call: &'a Call, scope: &Scope) -> Result<&'a str, Fault> {
    match (call.text("logGroupName"), call.text("logGroupIdentifier")) {
        (Some(name), None) => Ok(name),
        (None, Some(identifier)) => group_of(identifier, scope),
        (None, None) => Err(errors::invalid("Either logGroupName or logGroupIdentifier must be given.")),
        (Some(_), Some(_)) => {
            Err(errors::invalid("logGroupName and logGroupIdentifier are mutually exclusive parameters."))
        }
    }
}

/// The name in a group's name or ARN (with or without `:*`); ARNs of other accounts and regions are not here.
fn group_of<'a>(identifier: &'a str, scope: &Scope) -> Result<&'a str, Fault> {
    if !identifier.starts_with("arn:") {
        return Ok(identifier);
    }
    let name =
        identifier.strip_prefix(&observe::groups::arn(scope, "")).ok_or_else(errors::group_not_found)?;
    Ok(name.strip_suffix(":*").unwrap_or(name))
}

/// A number of at least 1 that the model has bounded, or its default.
fn limit(call: &Call, default: usize) -> usize {
    call.integer("limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(default).max(1)
}
