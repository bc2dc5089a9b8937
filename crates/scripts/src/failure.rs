//! What an exit code and the end of an error output say about why a Python script failed, in the words of Glue's
//! `ErrorMessage`: the last line of the traceback.

use crate::process::Exit;

/// Python's exit code for an exception that nobody caught, and for `sys.exit` with a text.
const UNCAUGHT: i32 = 1;
const TRACEBACK: &str = "Traceback (most recent call last):";
/// How a library in Rust begins to say that it got no memory.
const NO_MEMORY: &str = "memory allocation of ";
/// How Rust begins to say how more could be learnt.
const HINT: &str = "note: run with `RUST_BACKTRACE";
/// The exception of Python's bridge to a JVM.
const OF_JAVA: &str = "Py4JJavaError: ";
/// The longest message that is repeated.
const MAX_MESSAGE_CHARS: usize = 2_000;

/// Why a script failed; `None` when it did not.
pub fn explain(exit: Exit, tail: &str, memory_bytes: u64) -> Option<String> {
    match exit {
        Exit::Code(0) => None,
        Exit::Code(UNCAUGHT) => Some(match exception(tail) {
            Some(line) if line == "MemoryError" || line.starts_with("MemoryError:") => {
                format!("{line} (the run may use {} of memory)", gib(memory_bytes))
            }
            Some(line) => line,
            None => match last_line(tail) {
                Some(line) => format!("SystemExit: 1 ({line})"),
                None => "SystemExit: 1".to_owned(),
            },
        }),
        Exit::Code(code) => Some(format!("SystemExit: {code}")),
        Exit::Signal(signal) => Some(signalled(signal, tail, memory_bytes)),
    }
}

fn gib(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1u32 << 30))
}

/// Why a signal has ended a script.
fn signalled(signal: i32, tail: &str, memory_bytes: u64) -> String {
    let name = name(signal).map(|name| format!(" ({name})")).unwrap_or_default();
    // Threads that fail at one time write into each other's lines.
    let lack = tail.lines().find(|line| line.starts_with(NO_MEMORY));
    let cause = match signal {
        6 if lack.is_some() => format!("; its memory ran out: the run may use {}", gib(memory_bytes)),
        6 | 7 | 11 => {
            format!("; a library failed, perhaps for want of memory: the run may use {}", gib(memory_bytes))
        }
        9 => "; perhaps the machine had no memory left".to_owned(),
        _ => String::new(),
    };
    let said = lack.map(|line| cut(line.trim())).or_else(|| last_line(tail));
    let said = said.map(|line| format!(": {line}")).unwrap_or_default();
    format!("The script was ended by signal {signal}{name}{cause}{said}")
}

/// The line that names the last exception: what follows the indented lines of a traceback, or of the place of a syntax
/// error, which has no such heading.
fn exception(tail: &str) -> Option<String> {
    let lines: Vec<&str> = tail.lines().collect();
    let is_indented = |line: &str| line.starts_with(' ') || line.starts_with('\t');
    let starts = |line: &str| line == TRACEBACK || line.starts_with("  File \"");
    let mut found = None;
    let mut at = 0;
    while at < lines.len() {
        if starts(lines[at]) {
            let body = lines[at + 1..].iter().take_while(|line| is_indented(line) || line.is_empty()).count();
            at += 1 + body;
            match lines.get(at) {
                Some(line) if looks_like_exception(line) => found = Some(with_cause(line, lines.get(at + 1))),
                // The text was cut, or is no traceback.
                _ => continue,
            }
        }
        at += 1;
    }
    found.map(|line| cut(&line))
}

/// What Java raised in the JVM of classic PySpark stands on the line after the name of Python's exception.
fn with_cause(line: &str, next: Option<&&str>) -> String {
    match next.and_then(|next| next.strip_prefix(": ")) {
        Some(cause) if line.contains(OF_JAVA) => format!("{line} {cause}"),
        _ => line.to_owned(),
    }
}

/// `package.Name`, or that and `: text`.
fn looks_like_exception(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default();
    let is_word = |word: &str| {
        word.starts_with(|first: char| first.is_alphabetic() || first == '_')
            && word.chars().all(|char| char.is_alphanumeric() || char == '_')
    };
    !name.is_empty() && name.split('.').all(is_word)
}

/// The last line that the script, or a library of its process, has said.
fn last_line(tail: &str) -> Option<String> {
    let said = |line: &&str| !line.trim().is_empty() && !line.starts_with(HINT) && !is_of_engine(line);
    tail.lines().rev().find(said).map(|line| cut(line.trim()))
}

/// A line of Sail's log, `[2026-01-02T03:04:05Z WARN sail_common::actor] …`: it says how its server ends, after the script.
fn is_of_engine(line: &str) -> bool {
    let words = line.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(head, _)| head);
    let mut words = words.unwrap_or_default().split_whitespace();
    let (time, level, module) = (words.next(), words.next(), words.next());
    time.is_some_and(|time| time.ends_with('Z') && time.starts_with(|first: char| first.is_ascii_digit()))
        && matches!(level, Some("TRACE" | "DEBUG" | "INFO" | "WARN" | "ERROR"))
        && module.is_some_and(|module| module.starts_with("sail_"))
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(MAX_MESSAGE_CHARS) {
        None => line.to_owned(),
        Some((end, _)) => format!("{}…", &line[..end]),
    }
}

fn name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(tail: &str) -> String {
        explain(Exit::Code(1), tail, 1 << 30).unwrap()
    }

    #[test]
    fn what_java_says_belongs_to_the_message() {
        let text = "Traceback (most recent call last):\n  File \"s.py\", line 3, in <module>\n    df.count()\n\
                    py4j.protocol.Py4JJavaError: An error occurred while calling o3.csv.\n: java.io.IOException: no file\n\tat a.b(C.java:1)\n";
        assert_eq!(
            failed(text),
            "py4j.protocol.Py4JJavaError: An error occurred while calling o3.csv. java.io.IOException: no file"
        );
    }

    #[test]
    fn the_last_line_of_the_traceback() {
        let divided = "noise\nTraceback (most recent call last):\n  File \"s.py\", line 3, in <module>\n    1 / 0\n    ~~^~~\n\
                       ZeroDivisionError: division by zero\n";
        assert_eq!(failed(divided), "ZeroDivisionError: division by zero");
        // What comes after it, as the engine ends, is not the reason.
        assert_eq!(
            failed(&format!("{divided}[WARN] server stopped\n")),
            "ZeroDivisionError: division by zero"
        );
        let chained = format!(
            "{divided}\nDuring handling of the above exception, another exception occurred:\n\n{TRACEBACK}\n  File \"s.py\", line \
             5, in <module>\n    raise a.B('x')\na.B: x\nmore text\n"
        );
        assert_eq!(failed(&chained), "a.B: x");
        let syntax = "  File \"s.py\", line 1\n    def (\n        ^\nSyntaxError: invalid syntax\n";
        assert_eq!(failed(syntax), "SyntaxError: invalid syntax");
        assert_eq!(
            failed("Traceback (most recent call last):\n  File \"s.py\", line 1\nKeyError\n"),
            "KeyError"
        );
    }

    #[test]
    fn exits_are_named() {
        assert_eq!(explain(Exit::Code(0), "x", 0), None);
        assert_eq!(explain(Exit::Code(3), "ValueError: x", 0).unwrap(), "SystemExit: 3");
        assert_eq!(failed("so it is\n\n"), "SystemExit: 1 (so it is)");
        assert_eq!(failed(""), "SystemExit: 1");
        let engine = "[2026-11-22T14:13:35Z INFO sail_python::spark::server] Shutting down the Spark Connect server...\n\
                      [2026-11-22T14:13:35Z WARN  sail_common::actor] aborting 270 task(s) for SessionManagerActor\n";
        assert_eq!(failed(&format!("no orders for today\n{engine}")), "SystemExit: 1 (no orders for today)");
        assert_eq!(failed(engine), "SystemExit: 1");
        assert_eq!(
            failed("[2026-11-22 WARN sail_x] mine\n"),
            "SystemExit: 1 ([2026-11-22 WARN sail_x] mine)"
        );
        assert_eq!(
            failed("Traceback (most recent call last):\n  File \"s.py\", line 1\n"),
            "SystemExit: 1 (File \"s.py\", line 1)"
        );
    }

    #[test]
    fn a_lack_of_memory_is_told() {
        let tail = "Traceback (most recent call last):\n  File \"s.py\", line 1, in <module>\nMemoryError\n";
        assert_eq!(failed(tail), "MemoryError (the run may use 1.0 GiB of memory)");
        let killed = explain(Exit::Signal(9), "", 1 << 30).unwrap();
        assert_eq!(
            killed,
            "The script was ended by signal 9 (SIGKILL); perhaps the machine had no memory left"
        );
        let aborted = explain(Exit::Signal(6), "memory allocation of 5 bytes failed\n", 3 << 29).unwrap();
        assert!(
            aborted.contains("SIGABRT") && aborted.ends_with("1.5 GiB: memory allocation of 5 bytes failed"),
            "{aborted}"
        );
        let together = "memory allocation of memory allocation of 9 bytes failed\n9 bytes failed\n\
                        note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n";
        let aborted = explain(Exit::Signal(6), together, 1 << 30).unwrap();
        assert!(
            aborted.contains("its memory ran out: the run may use 1.0 GiB: memory allocation of"),
            "{aborted}"
        );
    }
}
