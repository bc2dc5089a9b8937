//! Scripts run by the machine's own Python, without engine and network: what becomes of a run, its logs and its processes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use store::{Scope, lease};

use super::{BUCKET, World, scope};
use crate::run::{self, Event, Run, RunState};
use crate::{ERROR_GROUP, OUTPUT_GROUP, RunKey, RunKeys, ScriptOptions, Scripts, Traffic};

struct Keys;

impl RunKeys for Keys {
    fn issue(&self, scope: &Scope, _: Option<&lake::Overlay>, _: Option<&Arc<Traffic>>) -> RunKey {
        RunKey { access_key_id: scope.account.clone(), secret: "s".to_owned(), session_token: None }
    }

    fn revoke(&self, _: &str) {}
}

/// An environment that is the machine's Python.
pub(super) fn host(folder: &Path) -> Scripts {
    let environment = folder.join("environment");
    std::fs::create_dir_all(environment.join("bin")).unwrap();
    let python =
        ["/usr/local/bin/python3", "/usr/bin/python3"].iter().find(|path| Path::new(path).exists()).unwrap();
    std::os::unix::fs::symlink(python, environment.join("bin/python")).unwrap();
    let layers = scripts::Layers::new(folder.join("modules"), Default::default());
    Scripts::new(ScriptOptions {
        enabled: true,
        environment: scripts::Environment::new(environment),
        layers,
        folder: folder.join("runs"),
        engine: scripts::Engine::Sail,
        spark: Default::default(),
        memory_bytes: 1 << 30,
        pool: 0,
        endpoint: "http://127.0.0.1:9".to_owned(),
        keys: Arc::new(Keys),
    })
}

impl World {
    /// Creates a job of a script.
    pub(super) async fn script(&self, name: &str, text: &str, extra: Value) {
        self.put(&format!("scripts/{name}.py"), text).await;
        let location = format!("s3://{BUCKET}/scripts/{name}.py");
        let mut all = json!({"Command": {"Name": "glueetl", "ScriptLocation": location}});
        all.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        self.create(name, json!({}), all).await.unwrap();
    }

    /// Runs a script to its end.
    async fn runs(&self, name: &str, text: &str, arguments: &[(&str, &str)]) -> Run {
        self.script(name, text, json!({})).await;
        let id = self.start(name, arguments).await;
        self.ended(name, &id).await
    }

    /// Whether nothing of a run lies on disk any more.
    fn is_tidy(&self, id: &str) -> bool {
        !self.scripts.options().folder.join(id).exists()
    }
}

#[tokio::test]
async fn a_script_runs_with_its_arguments_and_prints_to_its_logs() {
    let world = World::new().await;
    let text = "import os, sys\nprint(' '.join(sys.argv[1:]))\nprint('oh', file=sys.stderr)\n\
                print(os.environ['AWS_ACCESS_KEY_ID'], os.environ['AWS_REGION'], sorted(os.listdir('.')))\n\
                print(os.environ['TENON_RUN_FENCE'], 'CARGO' in os.environ, os.path.basename(__file__))\n";
    world.put("lib/helper.py", "").await;
    let extra = format!("s3://{BUCKET}/lib/helper.py");
    let run =
        world.runs("j", text, &[("--day", "mon day"), ("--extra-files", &extra), ("--conf", "a=b")]).await;
    assert_eq!(run.details.state, RunState::Succeeded, "{:?}", run.details.error_message);
    let incarnation = run.incarnation.replace('-', "");
    let expected = [
        format!("--JOB_ID j_{incarnation} --JOB_RUN_ID {} --JOB_NAME j --day mon day", run.id),
        "000000000000 us-east-1 ['helper.py', 'j.py']".to_owned(),
        "1 False j.py".to_owned(),
    ];
    assert_eq!(world.log(OUTPUT_GROUP, &run.id), expected);
    assert_eq!(world.log(ERROR_GROUP, &run.id), ["oh"]);
    assert!(world.is_tidy(&run.id));
    let shown = run::to_document(&run, i64::MAX);
    assert_eq!(
        (shown["LogGroupName"].as_str(), shown["JobRunState"].as_str()),
        (Some("/aws-glue/jobs"), Some("SUCCEEDED"))
    );
}

#[tokio::test]
async fn python_shell_jobs_get_their_own_arguments_and_groups() {
    let world = World::new().await;
    let command = json!({"Name": "pythonshell", "PythonVersion": "3.9", "ScriptLocation": format!("s3://{BUCKET}/s.py")});
    world
        .put(
            "s.py",
            "import sys, resource\nprint(sys.argv[1:], resource.getrlimit(resource.RLIMIT_DATA)[0])\n",
        )
        .await;
    world.create("j", json!({}), json!({"Command": command, "MaxCapacity": 0.0625})).await.unwrap();
    let id = world.start("j", &[("--a", "1")]).await;
    assert_eq!(world.ended("j", &id).await.details.state, RunState::Succeeded);
    assert_eq!(world.log("/aws-glue/python-jobs/output", &id), ["['--a', '1'] 1073741824"]);
    assert!(world.log(OUTPUT_GROUP, &id).is_empty());
}

#[tokio::test]
async fn why_a_script_failed_is_told() {
    let world = World::new().await;
    let cases = [
        ("raise", "def f():\n    return 1 / 0\nf()\n", "ZeroDivisionError: division by zero"),
        ("syntax", "def f(:\n", "SyntaxError: invalid syntax"),
        (
            "module",
            "import nothing_of_that_name\n",
            "ModuleNotFoundError: No module named 'nothing_of_that_name'",
        ),
        ("exit", "import sys\nsys.exit(3)\n", "SystemExit: 3"),
        ("text", "import sys\nsys.exit('so it goes')\n", "SystemExit: 1 (so it goes)"),
        ("memory", "x = bytearray(4 << 30)\n", "MemoryError (the run may use 1.0 GiB of memory)"),
        (
            "killed",
            "import os\nos.kill(os.getpid(), 9)\n",
            "The script was ended by signal 9 (SIGKILL); perhaps the machine had no memory left",
        ),
    ];
    for (name, text, expected) in cases {
        let run = world.runs(name, text, &[]).await;
        assert_eq!(run.details.state, RunState::Failed, "{name}");
        assert_eq!(run.details.error_message.as_deref(), Some(expected), "{name}");
        assert!(world.is_tidy(&run.id));
    }
    assert_eq!(world.runs("fine", "import sys\nsys.exit(0)\n", &[]).await.details.state, RunState::Succeeded);
}

#[tokio::test]
async fn what_a_run_needs_and_has_not_is_named() {
    let world = World::new().await;
    let command = |location: &str| json!({"Command": {"Name": "glueetl", "ScriptLocation": location}});
    world.create("gone", json!({}), command(&format!("s3://{BUCKET}/gone.py"))).await.unwrap();
    world.create("bucket", json!({}), command("s3://no-such-bucket/x.py")).await.unwrap();
    for (job, expected) in [
        ("gone", "script s3://test-bucket/gone.py: the object does not exist"),
        ("bucket", "script s3://no-such-bucket/x.py: bucket no-such-bucket does not exist"),
    ] {
        let id = world.start(job, &[]).await;
        assert_eq!(world.ended(job, &id).await.details.error_message.as_deref(), Some(expected));
    }
    let run = world.runs("extra", "", &[("--extra-py-files", "s3://test-bucket/none.zip")]).await;
    let message = run.details.error_message.unwrap();
    assert_eq!(message, "--extra-py-files s3://test-bucket/none.zip: the object does not exist");
    std::fs::remove_file(world.scripts.options().environment.folder().join("bin/python")).unwrap();
    let message = world.runs("none", "", &[]).await.details.error_message.unwrap();
    assert!(message.contains("run `tenon python setup` once"), "{message}");
}

#[tokio::test]
async fn scripts_that_are_not_run_are_refused_before() {
    let world = World::idle().await;
    let at = format!("s3://{BUCKET}/x.py");
    let cases = [
        (
            json!({"Command": {"Name": "gluestreaming", "ScriptLocation": at}}),
            "gluestreaming jobs are not executed",
        ),
        (json!({"Command": {"Name": "glueray", "ScriptLocation": at}}), "glueray jobs are not executed"),
        (
            json!({"Command": {"Name": "glueetl", "ScriptLocation": at}, "DefaultArguments": {"--job-language": "scala"}}),
            "scripts in scala",
        ),
        (
            json!({"Command": {"Name": "glueetl", "ScriptLocation": at, "PythonVersion": "2"}}),
            "PythonVersion 2",
        ),
        (
            json!({"Command": {"Name": "glueetl", "ScriptLocation": at}, "DefaultArguments": {"--output-commit": "now"}}),
            "--output-commit now is not known",
        ),
        (
            json!({"Command": {"Name": "glueetl", "ScriptLocation": at}, "GlueVersion": "1.0"}),
            "Glue version 1.0",
        ),
        (json!({"Command": {"Name": "glueetl"}}), "Command.ScriptLocation \"\" is no s3://bucket/key"),
        (
            json!({"Command": {"Name": "glueetl", "ScriptLocation": "s3://b/folder/"}}),
            "is no s3://bucket/key",
        ),
    ];
    for (at, (extra, expected)) in cases.into_iter().enumerate() {
        let name = format!("j{at}");
        world.create(&name, json!({}), extra).await.unwrap();
        let mut tx = world.store.begin().await.unwrap();
        let refused = world.jobs.start_run(&mut tx, &scope(), &name, Default::default()).await.unwrap_err();
        assert!(refused.to_string().contains(expected), "{refused}");
    }
}

/// Prints its process id and that of a child, and does not end.
const ENDLESS: &str = "import os, subprocess, time\nchild = subprocess.Popen(['sleep', '600'])\nprint(os.getpid(), child.pid)\ntime.sleep(600)\n";

async fn begun(world: &World, id: &str) -> Vec<String> {
    let lines = world.log_until(id, " ").await;
    lines[0].split(' ').map(str::to_owned).collect()
}

async fn gone(pids: &[String]) {
    let is_alive = |pid: &String| {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        !state.is_empty() && !state.contains(") Z ")
    };
    let waiting = async {
        while pids.iter().any(is_alive) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("the processes are gone");
}

#[tokio::test]
async fn a_stopped_script_ends_with_its_children() {
    let world = World::new().await;
    world.script("j", ENDLESS, json!({"MaxRetries": 2})).await;
    let id = world.start("j", &[]).await;
    let pids = begun(&world, &id).await;
    let mut tx = world.store.begin().await.unwrap();
    world.jobs.stop_runs(&mut tx, &scope(), "j", std::slice::from_ref(&id)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.ended("j", &id).await.details.state, RunState::Stopped);
    gone(&pids).await;
    assert!(world.is_tidy(&id));
}

#[tokio::test]
async fn a_service_that_stops_ends_its_scripts_and_does_not_begin_them_again() {
    let world = World::idle().await;
    let stop = world.serve("one");
    world.script("j", ENDLESS, json!({})).await;
    world.script("again", ENDLESS, json!({"MaxRetries": 1})).await;
    let (id, retried) = (world.start("j", &[]).await, world.start("again", &[]).await);
    let mut pids = begun(&world, &id).await;
    pids.extend(begun(&world, &retried).await);
    stop.cancel();
    let run = world.ended("j", &id).await;
    assert_eq!(run.details.error_message.as_deref(), Some(crate::script::SHUT_DOWN));
    assert_eq!(run.details.state, RunState::Failed);
    gone(&pids).await;
    assert_eq!(world.ended("again", &retried).await.details.state, RunState::Failed);
    world.serve("two");
    let next = format!("{retried}_attempt_1");
    world.until("again", &next, |run| run.details.state == RunState::Running).await;
    let pids = begun(&world, &next).await;
    world.stop.cancel();
    gone(&pids).await;
}

#[tokio::test]
async fn a_lost_script_is_told_apart_from_a_lost_graph() {
    let world = World::idle().await;
    world.script("j", "print(1)\n", json!({})).await;
    let id = world.start("j", &[]).await;
    let mut tx = world.store.begin().await.unwrap();
    let mut run = run::load(&mut tx, &id).await.unwrap().unwrap();
    lease::acquire(&mut tx, &run.lease_name(), "dead", 300).await.unwrap().unwrap();
    run::apply(&mut tx, &mut run, Event::Begun).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    world.serve("local");
    let message = world.ended("j", &id).await.details.error_message.unwrap();
    assert!(message.contains("ended before the run did") && message.contains("is there"), "{message}");
    world.stop.cancel();
}
