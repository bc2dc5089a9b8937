use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::process::{Exit, Output, Sink};

const MEMORY: Limits = Limits { memory_bytes: 4 << 30 };

#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

#[async_trait]
impl Sink for Kept {
    async fn lines(&self, _: Output, lines: Vec<String>) {
        self.0.lock().unwrap().extend(lines);
    }
}

/// A shell in the place of Python, which is started with `-m tenon_pool`.
fn stand_in(folder: &Path, text: &str) -> Program {
    let path = folder.join("python");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&path, executable).unwrap();
    let variables = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
    Program { path, arguments: Vec::new(), variables, folder: folder.to_owned() }
}

const WAITS: &str = "mkfifo .tenon-run; exec 4<>.tenon-run; printf 'waiting\\n'; read -r line <&4;";

#[tokio::test]
async fn a_process_becomes_the_script_that_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        format!("{WAITS} printf 'begun  \\n'; echo \"$line\" | tr '{{,' '\\n\\n' | grep -c four; exit 4");
    let program = stand_in(folder.path(), &text);
    let mut waiting = Waiting::start(&program, MEMORY).await.unwrap();
    assert!(waiting.is_alive());
    let script = Program { arguments: vec!["x.py".into(), "four".into()], ..program };
    let Taken::Begun(started) = waiting.take(&script, MEMORY).await.unwrap() else { panic!("not begun") };
    let kept = Kept::default();
    let ended = process::attend(*started, &kept, &CancellationToken::new()).await.unwrap();
    assert_eq!(ended.exit, Exit::Code(4));
    assert_eq!(*kept.0.lock().unwrap(), ["1"]);
}

#[tokio::test]
async fn one_that_ends_before_it_begins_is_unused() {
    let folder = tempfile::tempdir().unwrap();
    let program = stand_in(folder.path(), &format!("{WAITS} exit 0"));
    let waiting = Waiting::start(&program, MEMORY).await.unwrap();
    let Taken::Unused(why) = waiting.take(&program, MEMORY).await.unwrap() else { panic!("begun") };
    assert!(why.contains("it ended"), "{why}");
    assert!(!folder.path().join(PIPE).exists());
    // Dead before it is asked.
    let program = stand_in(folder.path(), "printf 'waiting\\n'; exit 0");
    let waiting = Waiting::start(&program, MEMORY).await.unwrap();
    assert!(matches!(waiting.take(&program, MEMORY).await, Ok(Taken::Unused(_))));
}

#[tokio::test]
async fn one_that_does_not_say_that_it_waits_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let program = stand_in(folder.path(), "echo something else");
    let error = Waiting::start(&program, MEMORY).await.unwrap_err().to_string();
    assert!(error.contains("somethin"), "{error}");
    let error = Waiting::start(&stand_in(folder.path(), "exit 1"), MEMORY).await.unwrap_err().to_string();
    assert!(error.contains("it ended"), "{error}");
}
