//! What to do instead of operations that are not built, where it does not go without saying.

const TYPES: &str = "Connection types of your own, for REST APIs, are not kept. To read an HTTP API, make a connection of type \
                     CUSTOM with its address as CONNECTION_URL, and a crawler whose Configuration has an ApiTarget with that \
                     connection, the path, and how pages follow each other. ListConnectionTypes lists what is served.";
const INTEGRATIONS: &str = "Zero-ETL integrations, their properties and those of their tables, describe how AWS copies a source \
                            to a target by itself, and nothing does so here. Read the source by a crawler or a job \
                            through a connection, on a schedule, and let the job write the target.";

/// By model and operation, for [`wire::Options::instead`].
pub const INSTEAD: &[(&str, &str, &str)] = &[
    ("glue", "CreateIntegration", INTEGRATIONS),
    ("glue", "CreateIntegrationResourceProperty", INTEGRATIONS),
    ("glue", "CreateIntegrationTableProperties", INTEGRATIONS),
    ("glue", "DeleteIntegration", INTEGRATIONS),
    ("glue", "DeleteIntegrationResourceProperty", INTEGRATIONS),
    ("glue", "DeleteIntegrationTableProperties", INTEGRATIONS),
    ("glue", "DescribeInboundIntegrations", INTEGRATIONS),
    ("glue", "DescribeIntegrations", INTEGRATIONS),
    ("glue", "GetIntegrationResourceProperty", INTEGRATIONS),
    ("glue", "GetIntegrationTableProperties", INTEGRATIONS),
    ("glue", "ListIntegrationResourceProperties", INTEGRATIONS),
    ("glue", "ListIntegrationTableProperties", INTEGRATIONS),
    ("glue", "ModifyIntegration", INTEGRATIONS),
    ("glue", "UpdateIntegrationResourceProperty", INTEGRATIONS),
    ("glue", "UpdateIntegrationTableProperties", INTEGRATIONS),
    ("glue", "RegisterConnectionType", TYPES),
    ("glue", "DeleteConnectionType", TYPES),
];
