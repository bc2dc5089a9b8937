//! What classic PySpark is told before its JVM starts: which Spark that is, where S3 is, and what the run asks for.
//!
//! Source: Apache Spark, "Submitting Applications" and "Configuration"; Apache Hadoop, "Integration with Amazon Web
//! Services" (the settings of S3A).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::arguments::Asked;
use super::files;
use super::launch::{Ground, no_folder};
use crate::execute::RunFailure;

const S3A: &str = "org.apache.hadoop.fs.s3a.S3AFileSystem";
const HOME: &str = "SPARK_HOME";

/// Downloads the jars that a run wants into a folder, and returns the variables that its process has besides.
pub(super) async fn prepare(
    ground: &Ground<'_>,
    asked: &Asked,
    python: &Path,
    folder: &Path,
) -> Result<BTreeMap<String, String>, RunFailure> {
    let scripts = ground.scripts.options();
    let mut jars = Vec::new();
    for (at, jar) in asked.jars.iter().enumerate() {
        let folder = folder.join(at.to_string());
        tokio::fs::create_dir_all(&folder).await.map_err(no_folder)?;
        jars.push(files::download(ground, "--extra-jars", jar, &folder).await?);
    }
    let region = &ground.scope.region;
    let submit = Submit { endpoint: &scripts.endpoint, region, conf: &asked.conf, jars: &jars, python };
    let own = submit.variables().into_iter().map(|(name, value)| (name.to_owned(), value));
    Ok(scripts.spark.clone().into_iter().chain(own).collect())
}

/// What a run on classic PySpark is started with.
struct Submit<'a> {
    /// Where S3 is, an `http://` or `https://` address.
    endpoint: &'a str,
    region: &'a str,
    /// `--conf`: what is said there counts more than what is set here.
    conf: &'a [(String, String)],
    /// `--extra-jars`, as files.
    jars: &'a [PathBuf],
    /// The interpreter of the script, for the processes of its functions, too.
    python: &'a Path,
}

impl Submit<'_> {
    /// The variables of the script's process. No key is among them: the JVM has those of the environment.
    fn variables(&self) -> [(&'static str, String); 2] {
        [("PYSPARK_SUBMIT_ARGS", self.arguments()), ("PYSPARK_PYTHON", self.python.display().to_string())]
    }

    /// As a shell would be given them: PySpark takes them apart by a shell's rules.
    fn arguments(&self) -> String {
        let is_plain = self.endpoint.starts_with("http://");
        let own = [
            ("fs.s3.impl", S3A),
            ("fs.s3n.impl", S3A),
            ("fs.AbstractFileSystem.s3.impl", "org.apache.hadoop.fs.s3a.S3A"),
            ("fs.s3a.endpoint", self.endpoint),
            ("fs.s3a.endpoint.region", self.region),
            ("fs.s3a.path.style.access", "true"),
            ("fs.s3a.connection.ssl.enabled", if is_plain { "false" } else { "true" }),
        ];
        let own = own.iter().map(|(name, value)| format!("spark.hadoop.{name}={value}"));
        // Servers of Spark's own, which others on the machine could open.
        let own = own.chain(["spark.ui.enabled=false".to_owned()]);
        let asked = self.conf.iter().map(|(name, value)| format!("{name}={value}"));
        let mut words: Vec<String> =
            own.chain(asked).flat_map(|pair| ["--conf".to_owned(), quoted(&pair)]).collect();
        if !self.jars.is_empty() {
            let jars: Vec<String> = self.jars.iter().map(|jar| jar.display().to_string()).collect();
            words.extend(["--jars".to_owned(), quoted(&jars.join(","))]);
        }
        words.push("pyspark-shell".to_owned());
        words.join(" ")
    }
}

/// What Python has to search for the PySpark of a distribution that the server was told of (`SPARK_HOME`): its own, before
/// that of the environment.
pub(super) fn search(variables: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let Some(home) = variables.get(HOME) else { return Vec::new() };
    let folder = Path::new(home).join("python/lib");
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "zip"))
        .collect();
    found.sort();
    found
}

/// A word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r#"'"'"'"#))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_jvm_is_told_where_s3_is_and_what_was_asked_for() {
        let conf = [
            ("spark.executor.memory".to_owned(), "1g".to_owned()),
            ("spark.x".to_owned(), "it's a b".to_owned()),
        ];
        let jars = [PathBuf::from("/r/a.jar"), PathBuf::from("/r/b c.jar")];
        let submit = Submit {
            endpoint: "http://127.0.0.1:9000",
            region: "us-east-1",
            conf: &conf,
            jars: &jars,
            python: Path::new("/e/bin/python"),
        };
        let [(_, arguments), (name, python)] = submit.variables();
        assert_eq!((name, python.as_str()), ("PYSPARK_PYTHON", "/e/bin/python"));
        for part in [
            "--conf 'spark.hadoop.fs.s3a.endpoint=http://127.0.0.1:9000' ",
            "--conf 'spark.hadoop.fs.s3a.connection.ssl.enabled=false' ",
            "--conf 'spark.executor.memory=1g' ",
            r#"--conf 'spark.x=it'"'"'s a b' "#,
            "--jars '/r/a.jar,/r/b c.jar' pyspark-shell",
        ] {
            assert!(arguments.contains(part), "{part} is not in {arguments}");
        }
        let secure = Submit { endpoint: "https://s3", ..submit }.arguments();
        assert!(secure.contains("ssl.enabled=true"), "{secure}");
    }

    #[test]
    fn a_distribution_has_its_own_pyspark() {
        let home = tempfile::tempdir().unwrap();
        let lib = home.path().join("python/lib");
        std::fs::create_dir_all(&lib).unwrap();
        for name in ["pyspark.zip", "py4j-0.10-src.zip", "PY4J_LICENSE.txt"] {
            std::fs::write(lib.join(name), "").unwrap();
        }
        let variables = BTreeMap::from([(HOME.to_owned(), home.path().display().to_string())]);
        assert_eq!(search(&variables), [lib.join("py4j-0.10-src.zip"), lib.join("pyspark.zip")]);
        assert_eq!(search(&BTreeMap::new()), [] as [PathBuf; 0]);
    }
}
