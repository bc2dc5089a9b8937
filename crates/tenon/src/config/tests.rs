//! Precedence, complete problem reports, masking.

use std::io::Write as _;

use super::*;

fn layers(file: Option<&str>, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Layers {
    let written = file.map(|text| {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(text.as_bytes()).expect("written");
        file
    });
    let mut variables: std::collections::BTreeMap<String, String> =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    variables.entry("HOME".to_owned()).or_insert_with(|| "/home/u".to_owned());
    Layers::read(Sources {
        file: written.as_ref().map(|file| file.path().to_owned()),
        environment: variables,
        flags: flags
            .iter()
            .map(|(path, value)| ((*path).to_owned(), (*value).to_owned(), format!("--{path}")))
            .collect(),
    })
}

fn problems(layers: &Layers) -> Vec<String> {
    resolve(layers).expect_err("problems").0.iter().map(ToString::to_string).collect()
}

#[test]
fn defaults() {
    let config = resolve(&layers(None, &[], &[])).expect("defaults are fine");
    assert_eq!(config.listen.to_string(), "127.0.0.1:4566");
    assert_eq!(config.place, Place::Dir("/home/u/.local/share/tenon".into()));
    assert!(matches!(config.auth, AuthChoice::Open));
    assert_eq!(config.server.header_timeout, Duration::from_secs(30));
    let xdg = resolve(&layers(None, &[("XDG_DATA_HOME", "/x")], &[])).expect("fine");
    assert_eq!(xdg.place, Place::Dir("/x/tenon".into()));
}

#[test]
fn later_sources_win() {
    let file = "listen = '127.0.0.1:1'\ndata_dir = '/file'\n[engine]\nmemory = '1GiB'\nthreads = 3\n\
                [server]\nbody_timeout = '2m'\n";
    let environment = [("TENON_LISTEN", "127.0.0.1:2"), ("TENON_ENGINE_MEMORY", "2GiB")];
    let read = layers(Some(file), &environment, &[("listen", "localhost:3")]);
    let config = resolve(&read).expect("fine");
    assert_eq!(config.listen.to_string(), "127.0.0.1:3");
    assert_eq!(config.engine.memory_bytes, 2 << 30);
    assert_eq!(config.engine.threads, 3);
    assert_eq!(config.place, Place::Dir("/file".into()));
    assert_eq!(config.server.body_timeout, Duration::from_secs(120));
    let shown = as_text(&config, &read);
    assert!(shown.contains("Source: --listen (TENON_LISTEN)\nlisten = \"127.0.0.1:3\""), "{shown}");
    assert!(shown.contains("Source: environment TENON_ENGINE_MEMORY"), "{shown}");
    let again = resolve(&layers(Some(&shown), &[], &[])).expect("what is shown can be read");
    assert_eq!(as_json(&again, &read), as_json(&config, &read));
}

#[test]
fn every_problem_is_reported_at_once() {
    let file = "listne = 'x'\nlisten = 'nowhere'\nstore = 'mysql://u:hunter2@h'\nephemeral = 'maybe'\n\
                [engine]\nmemory = '12 parsecs'\nthreads = 0\nspeed = 9\n[server]\nheader_timeout = '0s'\n[nope]\na = 1\n";
    let environment = [("TENON_LIMITS", "some"), ("TENON_COLOUR", "red"), ("TENON_VENV", "/fine")];
    let found = problems(&layers(Some(file), &environment, &[("log.level", "=,=")]));
    let starts = |prefix: &str| found.iter().any(|line| line.starts_with(prefix));
    for prefix in [
        "listne (",
        "listen (",
        "store (",
        "ephemeral (",
        "engine.memory (",
        "engine.threads (",
        "engine.speed (",
        "server.header_timeout (",
        "nope (",
        "limits (environment TENON_LIMITS)",
        "TENON_COLOUR (environment)",
        "log.level (--log.level)",
    ] {
        assert!(starts(prefix), "{prefix} in {found:#?}");
    }
    assert_eq!(found.len(), 12, "{found:#?}");
    assert!(found.iter().any(|line| line.contains("did you mean listen?")));
    assert!(!found.iter().any(|line| line.contains("hunter2")));
}

#[test]
fn a_broken_or_missing_file_is_a_problem() {
    assert!(problems(&layers(Some("listen = "), &[], &[]))[0].contains("is not TOML"));
    let secret = problems(&layers(Some("auth = 'sigv4'\n[[keys]]\nsecret = 'hunter2\n"), &[], &[]));
    assert!(secret[0].contains("line 3, column "), "{secret:?}");
    assert!(!secret[0].contains("hunter2"), "{secret:?}");
    let missing = Layers::read(Sources { file: Some("/does/not/exist".into()), ..Sources::default() });
    let found = problems(&missing);
    assert!(found[0].starts_with("/does/not/exist: cannot be read"), "{found:?}");
    assert!(found[1].starts_with("data_dir: is needed"), "{found:?}");
}

#[test]
fn off_loopback_needs_keys() {
    let open = problems(&layers(None, &[("TENON_LISTEN", "0.0.0.0:4566")], &[]));
    assert_eq!(open.len(), 1);
    assert!(open[0].contains("is not loopback"), "{open:?}");
    let no_key = problems(&layers(None, &[("TENON_LISTEN", "[::]:1"), ("TENON_AUTH", "sigv4")], &[]));
    assert_eq!(no_key.len(), 1);
    assert!(no_key[0].starts_with("keys: auth = \"sigv4\" needs at least one"), "{no_key:?}");
    let file = "listen = '0.0.0.0:4566'\nauth = 'sigv4'\n[[keys]]\naccess_key_id = 'A'\nsecret = 'hunter2'\n\
                [[keys]]\naccess_key_id = 'B'\nsecret = 'hunter3'\naccount = '123456789012'\n";
    let read = layers(Some(file), &[], &[]);
    let config = resolve(&read).expect("fine");
    assert!(matches!(&config.auth, AuthChoice::SigV4(keys) if keys.len() == 2));
    let shown = format!("{config:?}{}{}", as_text(&config, &read), as_json(&config, &read));
    assert!(!shown.contains("hunter"), "{shown}");
    resolve(&layers(None, &[("TENON_LISTEN", "[::1]:0")], &[])).expect("loopback of IPv6");
    resolve(&layers(None, &[("TENON_KEYS", "A:b, C:d"), ("TENON_AUTH", "sigv4")], &[]))
        .expect("keys as a list");
}

#[test]
fn keys_are_checked() {
    let key = |text: &str| problems(&layers(Some(&format!("auth = 'sigv4'\n{text}")), &[], &[]));
    for (text, part) in [
        ("keys = 3", "[[keys]] tables"),
        ("[[keys]]\nsecret = 'hunter2'", "[0] access_key_id is missing"),
        ("[[keys]]\naccess_key_id = 'A'", "[0] secret is missing"),
        ("[[keys]]\naccess_key_id = 'A'\nsecret = 'x'\nregion = 'y'", "region is no setting of a key"),
        ("[[keys]]\naccess_key_id = 'A'\nsecret = 'x'\naccount = '12'", "account is not twelve digits"),
        ("keys = 'A:x,A:y'", "comes twice"),
        ("keys = 'A'", "access_key_id:secret"),
    ] {
        let found = key(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].contains(part), "{text}: {found:?}");
        assert!(!found[0].contains("hunter2"));
    }
}

#[test]
fn all_that_is_wrong_with_keys() {
    let found = problems(&layers(
        Some("auth = 'sigv4'\n[[keys]]\nregion = 'x'\n[[keys]]\naccess_key_id = 'A'\nsecret = 1\n"),
        &[],
        &[],
    ));
    assert_eq!(found.len(), 4, "{found:#?}");
    let unused = problems(&layers(None, &[("TENON_KEYS", "A:b")], &[]));
    assert!(unused[0].contains("nobody checks them"), "{unused:?}");
}

#[test]
fn levels_are_words_that_exist() {
    for wrong in ["inf", "info,", "loud"] {
        assert_eq!(problems(&layers(None, &[], &[("log.level", wrong)])).len(), 1, "{wrong}");
    }
    for right in ["WARN", "info,lake=debug", "off"] {
        resolve(&layers(None, &[], &[("log.level", right)])).expect(right);
    }
}

#[test]
fn ephemeral_excludes_a_database() {
    let found = problems(&layers(None, &[("TENON_STORE", "postgres://u@h/db")], &[("ephemeral", "true")]));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("store (environment TENON_STORE)"), "{found:?}");
}

#[test]
fn a_later_source_chooses_the_place() {
    let file = Some("data_dir = '/file'\n");
    let config = resolve(&layers(file, &[], &[("ephemeral", "true")])).expect("the flag wins");
    assert_eq!(config.place, Place::Ephemeral);
    let read = layers(None, &[("TENON_EPHEMERAL", "true")], &[("data_dir", "/x")]);
    assert_eq!(resolve(&read).expect("the flag wins").place, Place::Dir("/x".into()));
}

#[test]
fn ephemeral_excludes_a_data_dir() {
    let found = problems(&layers(None, &[], &[("data_dir", "/x"), ("ephemeral", "true")]));
    assert_eq!(found, ["data_dir (--data_dir): cannot be combined with ephemeral = true"]);
    let config = resolve(&layers(None, &[], &[("ephemeral", "true")])).expect("fine");
    assert_eq!(config.place, Place::Ephemeral);
}

#[test]
fn the_database_address_is_masked() {
    let read = layers(None, &[("TENON_STORE", "postgres://u:hunter2@h/db")], &[]);
    let config = resolve(&read).expect("fine");
    let shown = format!("{config:?}{}", as_text(&config, &read));
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_dynamodb_server_is_named_or_there_is_none() {
    assert!(resolve(&layers(None, &[], &[])).expect("fine").dynamodb.is_none());
    let local = [("sources.dynamodb_endpoint", "http://127.0.0.1:8000")];
    let found = resolve(&layers(None, &[], &local)).expect("fine").dynamodb.expect("a server");
    assert_eq!((found.endpoint.as_str(), found.access_key_id.as_str()), ("http://127.0.0.1:8000/", "test"));
    let file = "[sources]\ndynamodb_endpoint = 'https://h/'\ndynamodb_access_key_id = 'AKIA'\ndynamodb_secret = 'hunter2'\n";
    let read = layers(Some(file), &[("TENON_SOURCES_DYNAMODB_ENDPOINT", "https://other/")], &[]);
    let config = resolve(&read).expect("fine");
    assert_eq!(config.dynamodb.as_ref().map(|found| found.endpoint.as_str()), Some("https://other/"));
    assert!(!as_text(&config, &read).contains("hunter2") && !format!("{config:?}").contains("hunter2"));
    for (given, word) in [
        (vec![("sources.dynamodb_endpoint", "localhost:8000")], "http://127.0.0.1:8000"),
        (vec![("sources.dynamodb_endpoint", "http://me:hunter2@h/")], "http://127.0.0.1:8000"),
        (vec![("sources.dynamodb_secret", "hunter2")], "sources.dynamodb_access_key_id"),
        (vec![("sources.dynamodb_access_key_id", "a b")], "visible ASCII"),
    ] {
        let text = problems(&layers(None, &[], &given)).join("\n");
        assert!(text.contains(word) && !text.contains("hunter2"), "{text}");
    }
}

#[test]
fn the_outside_store_is_whole_or_not_there() {
    let named = [("objects.store", "s3://bytes/a/b/"), ("objects.endpoint", "http://10.0.0.5:9000/")];
    let key = [("objects.access_key_id", "id"), ("objects.secret_access_key", "hush")];
    let read = layers(None, &[], &[&named[..], &key[..]].concat());
    let config = resolve(&read).expect("fine");
    let objects = config.objects.as_ref().expect("an outside store");
    assert_eq!((objects.bucket.as_str(), objects.prefix.as_str()), ("bytes", "a/b"));
    assert_eq!(objects.endpoint.as_deref(), Some("http://10.0.0.5:9000"));
    assert_eq!(objects.cache_bytes, 10 << 30);
    let shown = as_text(&config, &read);
    assert!(shown.contains("secret_access_key = \"***\"") && !shown.contains("hush"), "{shown}");
    assert!(!format!("{config:?}").contains("hush"));

    let alone = layers(None, &[], &[("objects.cache", "1GiB"), ("lease_time", "10ms")]);
    let found = problems(&alone);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().any(|problem| problem.starts_with("objects.cache (--objects.cache): says nothing")));
    assert!(found.iter().any(|problem| problem.starts_with("lease_time (--lease_time): is from 1s to 1h")));
    let half =
        [("objects.store", "bytes"), ("objects.access_key_id", "id"), ("objects.endpoint", "ftp://a:b@c")];
    let found = problems(&layers(None, &[], &half));
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(!found.iter().any(|problem| problem.contains("a:b@c")), "an address may hold a password");
    let lost = [("objects.store", "s3://bytes"), ("ephemeral", "true")];
    assert_eq!(problems(&layers(None, &[], &lost)).len(), 1);
}

#[test]
fn scripts_run_on_loopback_unless_said_otherwise() {
    let environment = [("XDG_CACHE_HOME", "/c"), ("PIP_INDEX_URL", "http://index"), ("OTHER_SECRET", "x")];
    let scripts = resolve(&layers(None, &environment, &[])).expect("fine").scripts;
    assert_eq!((scripts.environment.to_str(), scripts.enabled), (Some("/c/tenon/python"), true));
    assert_eq!(scripts.pool, 1);
    assert!(
        scripts.installing.contains_key("PIP_INDEX_URL") && !scripts.installing.contains_key("OTHER_SECRET")
    );
    let open = "listen = '0.0.0.0:1'\nauth = 'sigv4'\n[[keys]]\naccess_key_id = 'a'\nsecret = 'b'\n";
    assert!(!resolve(&layers(Some(open), &[], &[])).expect("fine").scripts.enabled);
    let allowed = resolve(&layers(Some(open), &[("TENON_SCRIPTS_ENABLED", "true")], &[]));
    assert!(allowed.expect("fine").scripts.enabled);
    let place = [("scripts.installer", "/opt/uv")];
    let placed = resolve(&layers(None, &[], &place)).expect("fine").scripts.installer;
    assert_eq!(placed, InstallerChoice::UvAt("/opt/uv".into()));
    let wrong = [
        ("scripts.installer", "conda"),
        ("scripts.engine", "flink"),
        ("scripts.memory", "1MiB"),
        ("scripts.pool", "65"),
    ];
    let found = problems(&layers(None, &[], &wrong)).join("\n");
    assert!(found.contains("scripts.engine") && found.contains("scripts.memory"), "{found}");
    assert!(found.contains("scripts.pool") && found.contains("scripts.installer"), "{found}");
}
