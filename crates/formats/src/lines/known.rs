//! Logs that are recognised without being told: their patterns, with the columns' names of the AWS documentation.
//!
//! Source: Athena User Guide, Querying AWS service logs (load balancers, S3 access logs); AWS Glue Developer Guide,
//! Built-in classifiers (the names of the others).

/// A log that is known.
pub(crate) struct Known {
    /// The table's `classification`.
    pub(crate) classification: &'static str,
    /// A Grok expression.
    pub(crate) pattern: &'static str,
    /// Definitions that it needs.
    pub(crate) custom: &'static str,
    /// A cheap look at a first line, so that patterns are compiled for likely files only.
    looks: fn(&str) -> bool,
}

/// A quote within a request stands behind a backslash. Classic load balancers have `- - - ` for a request that is none,
/// of which Athena's expression takes the second dash for the URL: as little as will do is one.
const ALB_CUSTOM: &str = concat!(
    "AT [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z\nQUOTED [^\"]*\nMAYBE [^ ]*\n",
    r#"REQUEST (?:\\"|[^"])*"#,
    "\n",
    r#"LEAST (?:\\"|[^"])*?"#
);
const S3_CUSTOM: &str = "BRACKETED [^\\]]*\nQUOTED [^\"]*";

/// The more specific ones first.
pub(crate) const KNOWN: &[Known] = &[
    Known {
        classification: "alb",
        pattern: concat!(
            r"^%{WORD:type} %{AT:time} %{NOTSPACE:elb} %{NOTSPACE:client_ip}:%{INT:client_port:int} ",
            r"(?:%{NOTSPACE:target_ip}:%{INT:target_port:int}|-) %{NOTSPACE:request_processing_time:double} ",
            r"%{NOTSPACE:target_processing_time:double} %{NOTSPACE:response_processing_time:double} ",
            r"%{NOTSPACE:elb_status_code:int} %{NOTSPACE:target_status_code} %{INT:received_bytes:long} ",
            r#"%{INT:sent_bytes:long} "%{MAYBE:request_verb} %{REQUEST:request_url} (?<request_proto>[^ "]*|- ?)" "#,
            r#""%{QUOTED:user_agent}" %{NOTSPACE:ssl_cipher} %{NOTSPACE:ssl_protocol} %{NOTSPACE:target_group_arn} "#,
            r#""%{QUOTED:trace_id}" "%{QUOTED:domain_name}" "%{QUOTED:chosen_cert_arn}" "#,
            r#"%{NOTSPACE:matched_rule_priority} %{NOTSPACE:request_creation_time} "%{QUOTED:actions_executed}" "#,
            r#""%{QUOTED:redirect_url}" "%{QUOTED:lambda_error_reason}""#,
            r#"(?: "%{QUOTED:target_port_list}" "%{QUOTED:target_status_code_list}" "%{QUOTED:classification}" "#,
            r#""%{QUOTED:classification_reason}")?(?: %{NOTSPACE:conn_trace_id})?"#
        ),
        custom: ALB_CUSTOM,
        looks: |line| {
            ["http ", "https ", "h2 ", "grpcs ", "ws ", "wss "].iter().any(|kind| line.starts_with(kind))
        },
    },
    Known {
        classification: "elb",
        pattern: concat!(
            r"^%{AT:timestamp} %{NOTSPACE:elb_name} %{NOTSPACE:request_ip}:%{INT:request_port:int} ",
            r"(?:%{NOTSPACE:backend_ip}:%{INT:backend_port:int}|-) %{NOTSPACE:request_processing_time:double} ",
            r"%{NOTSPACE:backend_processing_time:double} %{NOTSPACE:client_response_time:double} ",
            r"%{NOTSPACE:elb_response_code} %{NOTSPACE:backend_response_code} %{INT:received_bytes:long} ",
            r#"%{INT:sent_bytes:long} "%{MAYBE:request_verb} %{LEAST:url} (?<protocol>[^ "]*|- ?)""#,
            r#"(?: "%{QUOTED:user_agent}" %{NOTSPACE:ssl_cipher} %{NOTSPACE:ssl_protocol})?"#
        ),
        custom: ALB_CUSTOM,
        looks: |line| line.starts_with("20") && line.contains("Z ") && line.contains('"'),
    },
    Known {
        classification: "s3_access",
        pattern: concat!(
            r"^(?<bucketowner>[0-9a-f]{64}|-) %{NOTSPACE:bucket_name} \[%{BRACKETED:requestdatetime}\] %{NOTSPACE:remoteip} ",
            r"%{NOTSPACE:requester} %{NOTSPACE:requestid} %{NOTSPACE:operation} %{NOTSPACE:key} ",
            r#"(?:"%{QUOTED:request_uri}"|-) %{NOTSPACE:httpstatus} %{NOTSPACE:errorcode} %{NOTSPACE:bytessent:long} "#,
            r#"%{NOTSPACE:objectsize:long} %{NOTSPACE:totaltime} %{NOTSPACE:turnaroundtime} (?:"%{QUOTED:referrer}"|-) "#,
            r#"(?:"%{QUOTED:useragent}"|-) %{NOTSPACE:versionid}(?: %{NOTSPACE:hostid} %{NOTSPACE:sigv} "#,
            r"%{NOTSPACE:ciphersuite} %{NOTSPACE:authtype} %{NOTSPACE:endpoint} %{NOTSPACE:tlsversion}",
            r"(?: %{NOTSPACE:accesspointarn}(?: %{NOTSPACE:aclrequired})?)?)?"
        ),
        custom: S3_CUSTOM,
        looks: |line| line.contains(" [") && line.len() > 120,
    },
    Known {
        classification: "combinedapache",
        pattern: "^%{COMBINEDAPACHELOG}",
        custom: "",
        looks: |line| line.contains(" [") && line.contains("] \""),
    },
    Known {
        classification: "apache",
        pattern: "^%{COMMONAPACHELOG}",
        custom: "",
        looks: |line| line.contains(" [") && line.contains("] \""),
    },
    Known {
        classification: "apache_error",
        pattern: "^%{HTTPD_ERRORLOG}",
        custom: "",
        looks: |line| line.starts_with('[') && line.contains("] ["),
    },
    Known {
        classification: "nginx_error",
        pattern: concat!(
            r"^(?<timestamp>%{DATE_X} %{TIME}) \[%{LOGLEVEL:loglevel}\] %{POSINT:pid}#%{NONNEGINT:tid}: ",
            r"(?:\*%{NONNEGINT:connection} )?%{GREEDYDATA:message}"
        ),
        custom: "",
        looks: |line| line.as_bytes().get(4) == Some(&b'/') && line.contains(" ["),
    },
    Known {
        classification: "syslog",
        pattern: "^%{SYSLOGBASE} %{GREEDYDATA:message}",
        custom: "",
        looks: begins_with_month,
    },
    Known {
        classification: "syslog",
        // Programs' own logs have moments, words and colons, too: here the program has its process, or is the kernel.
        pattern: concat!(
            r"^%{TIMESTAMP_ISO8601:timestamp} %{SYSLOGHOST:logsource} ",
            r"(?<program>kernel(?=:)|[!-Z\\^-~]+(?=\[[0-9]))(?:\[%{POSINT:pid}\])?:(?: %{GREEDYDATA:message})?"
        ),
        custom: "",
        looks: |line| line.as_bytes().get(4) == Some(&b'-') && line.contains(": "),
    },
    Known {
        classification: "syslog5424",
        pattern: concat!(
            r"^<%{NONNEGINT:priority:int}>%{NONNEGINT:version:int} (?:%{TIMESTAMP_ISO8601:timestamp}|-) ",
            r"%{NOTSPACE:hostname} %{NOTSPACE:app_name} %{NOTSPACE:procid} %{NOTSPACE:msgid} ",
            r"(?<structured_data>-|(?:\[(?:\\.|[^\]\\])*\])+)(?: %{GREEDYDATA:message})?"
        ),
        custom: "",
        looks: |line| line.starts_with('<') && line.as_bytes().get(1).is_some_and(u8::is_ascii_digit),
    },
    Known {
        classification: "linux_kernel",
        pattern: r"^\[ *%{SECONDS:timestamp:double}\] %{GREEDYDATA:message}",
        custom: r"SECONDS [0-9]+\.[0-9]{6}",
        looks: |line| line.starts_with('[') && line.contains("] "),
    },
    Known {
        classification: "redislog",
        pattern: concat!(
            r"^\[?(?<pid>[0-9]+)(?:\]|:(?<role>[XCSM])) (?<timestamp>%{MONTHDAY} %{MONTH}(?: %{YEAR})? %{TIME}) ",
            r"(?<level>[.*#-]) %{GREEDYDATA:message}"
        ),
        custom: "",
        looks: begins_with_process,
    },
    Known {
        classification: "ruby_logger",
        pattern: "^%{RUBY_LOGGER}",
        custom: "",
        looks: |line| line.get(1..4) == Some(", ["),
    },
    Known {
        classification: "redismonlog",
        pattern: "^%{REDISMONLOG}",
        custom: "",
        looks: |line| line.as_bytes().first().is_some_and(u8::is_ascii_digit) && line.contains("] \""),
    },
    Known {
        classification: "squid",
        pattern: "^%{SQUID3}",
        custom: "",
        looks: |line| line.as_bytes().first().is_some_and(u8::is_ascii_digit) && line.contains('/'),
    },
];

/// `[12] ` or `12:M ` in front.
fn begins_with_process(line: &str) -> bool {
    let Some((head, _)) = line.split_once(' ') else { return false };
    let bracketed = head.strip_prefix('[').and_then(|head| head.strip_suffix(']'));
    let number =
        bracketed.or_else(|| head.split_once(':').filter(|(_, role)| role.len() == 1).map(|(n, _)| n));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn begins_with_month(line: &str) -> bool {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    MONTHS.iter().any(|month| line.starts_with(month)) && line.contains(':')
}

impl Known {
    /// Whether a file with this line, one of its first, may be such a log.
    pub(crate) fn may_begin_with(&self, line: &str) -> bool {
        (self.looks)(line)
    }
}
