//! Facts about services that their models do not hold: which code a bad request gets, and how large a body may be.
//!
//! Sources: the services' "Common Errors" pages and messages as the services return them. Glue, Kinesis, Firehose and
//! DataBrew answer `ValidationException`; Athena `InvalidRequestException`; CloudWatch Logs
//! `InvalidParameterException`; STS and CloudWatch `ValidationError`; SQS `InvalidParameterValue`. Limits are the services' largest documented request, with room
//! for its encoding (base64 adds a third).

use crate::model::Protocol;

/// How a service answers what its model does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Code for violated constraints.
    pub(crate) validation: &'static str,
    /// Code for tokens of other listings; [`Rules::validation`] for operations that do not have it.
    pub(crate) token: &'static str,
    /// Code for bodies that do not follow the protocol.
    pub(crate) malformed: &'static str,
    /// Longest body that is read into memory, in bytes. Streaming payloads are not read here.
    pub(crate) body_limit_bytes: u64,
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// The rules of a service; services without a row have their protocol's.
pub(crate) fn of(service: &str, protocol: Protocol) -> Rules {
    let (validation, body_limit_bytes) = match service {
        "s3" => ("InvalidArgument", 8 * MIB),
        "sts" => ("ValidationError", 256 * KIB),
        // A hundred partitions, each with its whole schema.
        "glue" => ("ValidationException", 8 * MIB),
        "athena" => ("InvalidRequestException", MIB),
        // 500 queries, each with 30 dimensions.
        "cloudwatch" => ("ValidationError", 4 * MIB),
        // 1 MiB of events, each with JSON around it.
        "logs" => ("InvalidParameterException", 4 * MIB),
        // 1 MiB of text, each character perhaps escaped.
        "sqs" => ("InvalidParameterValue", 8 * MIB),
        // 10 MiB of records.
        "kinesis" => ("ValidationException", 16 * MIB),
        // 4 MiB of records.
        "firehose" => ("ValidationException", 8 * MIB),
        _ => ("ValidationException", MIB),
    };
    let malformed = match protocol {
        Protocol::Json | Protocol::RestJson => "SerializationException",
        Protocol::RestXml => "MalformedXML",
        Protocol::Query => "MalformedInput",
    };
    let token = match service {
        "glue" => "InvalidInputException",
        "cloudwatch" => "InvalidNextToken",
        _ => validation,
    };
    Rules { validation, token, malformed, body_limit_bytes }
}
