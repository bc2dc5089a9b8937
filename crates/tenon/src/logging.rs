//! Log lines, to standard error: results and the banner have standard output to themselves.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// For the server: format and level as configured; colours only on a terminal.
pub(crate) fn server(config: &Config) {
    let builder = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(EnvFilter::new(&config.log_level));
    let set = match config.log_format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    // Only a second subscriber in one process is refused; the first one stays.
    debug_assert!(set.is_ok(), "logging is set up once");
}

/// For verbs: errors alone, without times.
pub(crate) fn client() {
    let set = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(EnvFilter::new("error"))
        .without_time()
        .with_target(false)
        .try_init();
    debug_assert!(set.is_ok(), "logging is set up once");
}
