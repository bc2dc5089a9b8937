use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;

use super::*;

/// An interpreter, and a folder of wheels that holds none.
struct World {
    folder: tempfile::TempDir,
    setup: Setup,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let wheels = folder.path().join("wheels");
        fs::create_dir(&wheels).unwrap();
        let variables = BTreeMap::from([
            ("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ("HOME".to_owned(), folder.path().display().to_string()),
        ]);
        Self {
            folder,
            setup: Setup {
                python: "python3".into(),
                installer: Installer::Pip,
                wheels: Some(wheels),
                variables,
            },
        }
    }

    fn environment(&self) -> Environment {
        Environment::new(self.folder.path().join("environment"))
    }
}

#[tokio::test]
async fn without_an_environment_the_command_is_named() {
    let environment = Environment::new("/nowhere".into());
    assert!(environment.python().unwrap_err().to_string().contains("`tenon python setup`"));
}

#[tokio::test]
async fn a_folder_with_something_else_is_left_alone() {
    let world = World::new();
    let environment = world.environment();
    fs::create_dir(environment.folder()).unwrap();
    fs::write(environment.folder().join("thesis.txt"), "x").unwrap();
    assert!(matches!(environment.setup(&world.setup).await, Err(EnvironmentError::NotOurs { .. })));
    assert!(environment.folder().join("thesis.txt").exists());
}

#[tokio::test]
async fn what_cannot_be_installed_leaves_an_unfinished_environment() {
    let world = World::new();
    let environment = world.environment();
    let error = environment.setup(&world.setup).await.unwrap_err().to_string();
    assert!(error.contains("boto3"), "{error}");
    assert!(matches!(environment.python(), Err(EnvironmentError::Unfinished { .. })));
}

#[tokio::test]
async fn an_interpreter_that_is_none_is_named() {
    let mut world = World::new();
    world.setup.python = "/nowhere/python3".into();
    let error = world.environment().setup(&world.setup).await.unwrap_err().to_string();
    assert!(error.contains("/nowhere/python3 cannot be started"), "{error}");
}

#[tokio::test]
async fn an_environment_of_somebody_else_is_not_cleared() {
    let world = World::new();
    let environment = world.environment();
    let made = ["-m", "venv", "--without-pip"].map(OsString::from).into_iter();
    let made = made.chain([environment.folder().into()]);
    python::call(Path::new("python3"), made, &world.setup.variables).await.unwrap();
    fs::write(environment.folder().join("mine.txt"), "x").unwrap();
    let error = environment.setup(&world.setup).await.unwrap_err().to_string();
    assert!(error.contains("boto3"), "{error}");
    assert!(environment.folder().join("mine.txt").exists());
    assert!(environment.python().is_ok(), "it is as good as it was");
}

/// A program in the place of uv, which notes its arguments and makes what it is asked for.
const UV: &str = r#"#!/bin/sh
echo "$@" >> "$HOME/asked"
case "$1" in
venv) exec "$6" -m venv "$7" ;;
esac
echo "nothing here" >&2
exit 2
"#;

#[tokio::test]
async fn uv_makes_and_installs_where_it_is_the_installer() {
    let mut world = World::new();
    let uv = world.folder.path().join("uv");
    fs::write(&uv, UV).unwrap();
    fs::set_permissions(&uv, PermissionsExt::from_mode(0o755)).unwrap();
    world.setup.installer = Installer::Uv(uv);
    let environment = world.environment();
    let error = environment.setup(&world.setup).await.unwrap_err().to_string();
    assert!(error.ends_with("with uv: nothing here"), "{error}");
    let asked = fs::read_to_string(world.folder.path().join("asked")).unwrap();
    let (made, installed) = asked.trim().split_once('\n').unwrap();
    assert!(made.starts_with("venv ") && made.ends_with("/environment"), "{made}");
    assert!(
        installed.contains("--offline --no-cache --no-index --find-links") && installed.contains("boto3"),
        "{installed}"
    );
    assert!(matches!(environment.python(), Err(EnvironmentError::Unfinished { .. })));
}

#[tokio::test]
async fn what_an_earlier_setup_has_left_is_cleared() {
    let world = World::new();
    let environment = world.environment();
    fs::create_dir_all(environment.folder().join("lib/old")).unwrap();
    fs::write(environment.folder().join(UNFINISHED), "").unwrap();
    fs::write(environment.folder().join("pyvenv.cfg"), "half of it").unwrap();
    environment.setup(&world.setup).await.unwrap_err();
    assert!(!environment.folder().join("lib/old").exists());
    assert!(matches!(environment.python(), Err(EnvironmentError::Unfinished { .. })));
}

#[tokio::test]
async fn one_that_was_ready_and_no_longer_works_is_made_anew() {
    let world = World::new();
    let environment = world.environment();
    let made = ["-m", "venv", "--without-pip"].map(OsString::from).into_iter();
    let made = made.chain([environment.folder().into()]);
    python::call(Path::new("python3"), made, &world.setup.variables).await.unwrap();
    let stamp = format!("{}\n{}", package::fingerprint(), package::requirements().join("\n"));
    environment.end(&stamp).unwrap();
    assert!(environment.python().is_ok());
    // Nothing is there to make it of; that it was begun is what counts.
    let error = environment.setup(&world.setup).await.unwrap_err().to_string();
    assert!(error.contains("boto3"), "{error}");
    assert!(matches!(environment.python(), Err(EnvironmentError::Unfinished { .. })));
}
