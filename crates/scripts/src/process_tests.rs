use std::sync::Mutex;

use super::*;

/// Keeps what it is given.
#[derive(Default)]
struct Kept(Mutex<Vec<(Output, String)>>);

#[async_trait]
impl Sink for Kept {
    async fn lines(&self, output: Output, lines: Vec<String>) {
        self.0.lock().unwrap().extend(lines.into_iter().map(|line| (output, line)));
    }
}

impl Kept {
    fn of(&self, output: Output) -> Vec<String> {
        let lines = self.0.lock().unwrap();
        lines.iter().filter(|(of, _)| *of == output).map(|(_, line)| line.clone()).collect()
    }
}

const MEMORY: Limits = Limits { memory_bytes: 1 << 30 };

fn shell(text: &str, folder: &std::path::Path) -> Program {
    Program {
        path: "/bin/sh".into(),
        arguments: vec!["-c".into(), text.into()],
        variables: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
        folder: folder.to_owned(),
    }
}

async fn ran(text: &str) -> (Ended, Kept) {
    let folder = tempfile::tempdir().unwrap();
    let kept = Kept::default();
    let ended = run(&shell(text, folder.path()), MEMORY, &kept, &CancellationToken::new()).await.unwrap();
    (ended, kept)
}

fn is_alive(pid: &str) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !state.is_empty() && !state.contains(") Z ")
}

/// Waits until a process is gone.
async fn gone(pid: &str) {
    let waiting = async {
        while is_alive(pid) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("the process is gone");
}

#[tokio::test]
async fn output_and_exit_code_are_told() {
    let (ended, kept) = ran("echo one; printf 'two\\r\\n'; echo bad >&2; printf unfinished; exit 3").await;
    assert_eq!((ended.exit, ended.cancelled, ended.tail.as_str()), (Exit::Code(3), false, "bad\n"));
    assert_eq!(kept.of(Output::Standard), ["one", "two", "unfinished"]);
    assert_eq!(kept.of(Output::Error), ["bad"]);
    assert_eq!(ran("kill -TERM $$").await.0.exit, Exit::Signal(15));
}

#[tokio::test]
async fn nothing_is_inherited() {
    let (_, kept) = ran("env | sort; pwd >&2; read -r line || echo no input").await;
    let names: Vec<String> = kept
        .of(Output::Standard)
        .iter()
        .filter_map(|line| line.split('=').next().map(str::to_owned))
        .collect();
    assert!(
        names.iter().all(|name| ["PATH", "PWD", "OLDPWD", "SHLVL", "_", "no input"].contains(&name.as_str())),
        "{names:?}"
    );
    assert!(names.contains(&"no input".to_owned()));
}

#[tokio::test]
async fn children_that_a_program_leaves_behind_end_with_it() {
    let (ended, kept) = ran("sleep 600 & echo $!; exit 0").await;
    assert_eq!(ended.exit, Exit::Code(0));
    gone(&kept.of(Output::Standard)[0]).await;
}

#[tokio::test]
async fn the_whole_group_ends_when_told_to_and_when_nobody_waits_any_more() {
    for told in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let (kept, cancel) = (Kept::default(), CancellationToken::new());
        let program = shell("trap '' TERM INT HUP; sleep 600 & echo $! $$; wait; sleep 600", folder.path());
        {
            let running = run(&program, MEMORY, &kept, &cancel);
            tokio::pin!(running);
            let begun = async {
                while kept.of(Output::Standard).is_empty() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            tokio::select! {
                ended = &mut running => panic!("{ended:?}"),
                () = begun => {}
            }
            if told {
                cancel.cancel();
                assert!(running.await.unwrap().cancelled);
            }
        }
        for pid in kept.of(Output::Standard)[0].split(' ') {
            gone(pid).await;
        }
    }
}

#[tokio::test]
async fn memory_is_limited() {
    let folder = tempfile::tempdir().unwrap();
    let kept = Kept::default();
    let program = shell("ulimit -d", folder.path());
    let limits = Limits { memory_bytes: 100 << 20 };
    run(&program, limits, &kept, &CancellationToken::new()).await.unwrap();
    assert_eq!(kept.of(Output::Standard), [(100 << 10).to_string()]);
}

#[tokio::test]
async fn a_program_that_does_not_exist_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program { path: "/nowhere/python".into(), ..shell("", folder.path()) };
    let ended = run(&program, MEMORY, &Kept::default(), &CancellationToken::new()).await.unwrap();
    assert_eq!(ended.exit, Exit::Code(127));
    assert!(ended.tail.contains("/nowhere/python"), "{}", ended.tail);
    let gone = folder.path().join("gone");
    let failed = run(&shell("true", &gone), MEMORY, &Kept::default(), &CancellationToken::new()).await;
    assert!(matches!(failed, Err(ProcessError::Start(_))));
}

/// Holds every batch back until it has been asked a few times, and notes the largest.
#[derive(Default)]
struct Slow(Mutex<(usize, usize)>);

#[async_trait]
impl Sink for Slow {
    async fn lines(&self, _: Output, lines: Vec<String>) {
        tokio::task::yield_now().await;
        let bytes: usize = lines.iter().map(|line| line.len() + 1).sum();
        let mut seen = self.0.lock().unwrap();
        *seen = (seen.0 + bytes, seen.1.max(bytes));
    }
}

#[tokio::test]
async fn much_output_is_read_in_small_pieces() {
    let folder = tempfile::tempdir().unwrap();
    let slow = Slow::default();
    let program = shell("yes 0123456789012345678901234567890123456789 | head -c 20000000", folder.path());
    run(&program, MEMORY, &slow, &CancellationToken::new()).await.unwrap();
    let (all, largest) = *slow.0.lock().unwrap();
    assert!((20_000_000..20_000_002).contains(&all), "{all}");
    assert!(largest <= 2 * READ_BYTES, "{largest}");
}

#[test]
fn long_lines_are_cut_between_characters() {
    let mut lines = Lines::default();
    let long = "é".repeat(MAX_LINE_BYTES);
    let mut pieces = Vec::new();
    for chunk in long.as_bytes().chunks(READ_BYTES + 1) {
        pieces.extend(lines.push(chunk));
    }
    pieces.extend(lines.push(b"\n\nx\0y\xff"));
    pieces.extend(lines.rest());
    let last = pieces.split_off(pieces.len() - 2);
    assert_eq!(last, ["", "x\u{fffd}y\u{fffd}"]);
    assert_eq!(pieces.concat(), long);
    assert!(pieces.iter().all(|piece| piece.len() <= MAX_LINE_BYTES));
}

#[test]
fn the_tail_is_the_end() {
    let mut tail = Tail::default();
    for at in 0..20_000 {
        tail.push(format!("{at:08}\n").as_bytes());
    }
    let text = tail.text();
    assert!(text.ends_with("00019999\n") && text.len() == TAIL_BYTES);
}
