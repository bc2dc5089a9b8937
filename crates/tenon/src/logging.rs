//! Log lines, to standard error: results and the banner have standard output to themselves.
//!
//! A message may repeat what a client has sent, and that has any length and any characters. So lines are bounded here, whoever
//! writes them, and one event is one line: a line break that a client sends begins no line. (In JSON they are escaped anyway.)

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write};

use serde_json::Value;
use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Lines longer than this are cut.
const MAX_LINE_BYTES: usize = 16 << 10;
/// What is left of each long text of a line in JSON, which must stay JSON.
const MAX_TEXT_BYTES: usize = 2 << 10;

/// Writes lines, each in one call, and cuts those that are too long.
struct Bounded<W> {
    inner: W,
    format: LogFormat,
}

impl<W: Write> Write for Bounded<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let single = match self.format {
            LogFormat::Text => one_line(line),
            LogFormat::Json => Cow::Borrowed(line),
        };
        self.inner.write_all(&bounded(&single, self.format))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Whether a character could end a line for somebody who reads it. ESC begins the colours of a terminal; where it comes from a
/// client, whoever formats the line has escaped it.
fn breaks(c: char) -> bool {
    (c.is_control() && c != '\t' && c != '\u{1b}') || matches!(c, '\u{2028}' | '\u{2029}')
}

/// A text line with all that could break it escaped but its own end.
fn one_line(line: &[u8]) -> Cow<'_, [u8]> {
    let text = String::from_utf8_lossy(line);
    let (content, end) = match text.strip_suffix('\n') {
        Some(content) => (content, "\n"),
        None => (text.as_ref(), ""),
    };
    if !content.contains(breaks) {
        return Cow::Borrowed(line);
    }
    let mut escaped = String::with_capacity(line.len() + 16);
    for c in content.chars() {
        if breaks(c) { escaped.extend(c.escape_default()) } else { escaped.push(c) }
    }
    escaped.push_str(end);
    Cow::Owned(escaped.into_bytes())
}

fn bounded(line: &[u8], format: LogFormat) -> Cow<'_, [u8]> {
    if line.len() <= MAX_LINE_BYTES {
        return Cow::Borrowed(line);
    }
    let mut text = String::from_utf8_lossy(line).into_owned();
    match (format, serde_json::from_str::<Value>(&text)) {
        (LogFormat::Json, Ok(mut value)) => {
            shorten(&mut value);
            text = value.to_string();
        }
        _ => cut(&mut text, MAX_LINE_BYTES),
    }
    text.push('\n');
    Cow::Owned(text.into_bytes())
}

/// Cuts the texts of a line's fields.
fn shorten(value: &mut Value) {
    match value {
        Value::String(text) => cut(text, MAX_TEXT_BYTES),
        Value::Array(values) => values.iter_mut().for_each(shorten),
        Value::Object(members) => members.values_mut().for_each(shorten),
        _ => {}
    }
}

fn cut(text: &mut String, most: usize) {
    if text.len() > most {
        let whole = text.len();
        text.truncate(text.floor_char_boundary(most));
        text.push_str(&format!("… ({whole} bytes)"));
    }
}

/// For the server: format and level as configured; colours only on a terminal.
pub(crate) fn server(config: &Config) {
    let format = config.log_format;
    let builder = tracing_subscriber::fmt()
        .with_writer(move || Bounded { inner: io::stderr(), format })
        // Where standard error cannot be written to, a line is lost: to say so there would panic.
        .log_internal_errors(false)
        .with_ansi(io::stderr().is_terminal())
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
        .with_writer(io::stderr)
        .log_internal_errors(false)
        .with_ansi(io::stderr().is_terminal())
        .with_env_filter(EnvFilter::new("error"))
        .without_time()
        .with_target(false)
        .try_init();
    debug_assert!(set.is_ok(), "logging is set up once");
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::json;

    use super::*;

    fn written(line: &str, format: LogFormat) -> String {
        let mut out = Bounded { inner: Vec::new(), format };
        out.write_all(line.as_bytes()).unwrap();
        String::from_utf8(out.inner).unwrap()
    }

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What an event writes.
    fn logged(format: LogFormat, owner: &str) -> String {
        let sink = Sink::default();
        let inner = sink.clone();
        let builder = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || Bounded { inner: inner.clone(), format });
        let event = || tracing::info!(owner, message = %format!("no owner {owner}"));
        match format {
            LogFormat::Text => tracing::subscriber::with_default(builder.finish(), event),
            LogFormat::Json => {
                tracing::subscriber::with_default(builder.json().flatten_event(true).finish(), event);
            }
        }
        let bytes = sink.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn an_event_is_one_line_whatever_a_client_sends() {
        for end in ["\n", "\r", "\r\n", "\u{b}", "\u{85}", "\u{2028}"] {
            let forged = format!("a{end}2026-11-21T00:00:00Z ERROR tenon: forged");
            for format in [LogFormat::Text, LogFormat::Json] {
                let line = logged(format, &forged);
                let lines = line.strip_suffix('\n').unwrap();
                let raw = if format == LogFormat::Text {
                    &['\n', '\r', '\u{b}', '\u{85}', '\u{2028}'][..]
                } else {
                    &['\n', '\r']
                };
                assert!(!lines.contains(raw), "{end:?}: {line:?}");
                assert!(line.contains("ERROR tenon: forged"), "{line:?}");
            }
        }
        let line = logged(LogFormat::Json, "a\nb");
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["owner"], "a\nb");
        let line = logged(LogFormat::Text, "a\tä");
        assert!(line.contains("no owner a\tä"), "{line}");
    }

    #[test]
    fn long_lines_are_cut_and_short_ones_left_alone() {
        let long = "ä".repeat(300_000);
        let text = written(&format!("INFO refused message={long}\n"), LogFormat::Text);
        assert!(text.starts_with("INFO refused message=ää") && text.ends_with("… (600022 bytes)\n"));
        assert!(text.len() < MAX_LINE_BYTES + 40, "{}", text.len());
        let line = json!({ "level": "INFO", "status": 400, "message": long, "code": "X" }).to_string() + "\n";
        let json = written(&line, LogFormat::Json);
        let value: Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&value["status"], &value["code"]), (&json!(400), &json!("X")));
        assert!(json.len() < 3 << 10 && json.contains("… (600000 bytes)") && json.ends_with('\n'));
        for short in ["INFO answered\n", "{\"level\":\"INFO\"}\n"] {
            assert_eq!(written(short, LogFormat::Json), short);
        }
    }
}
