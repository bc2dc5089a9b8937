//! What runs the frames of scripts.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// An engine, by the names that settings, job arguments and the library (`TENON_SCRIPT_ENGINE`) use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Engine {
    /// `sail`: a Spark Connect server without a JVM, inside the script's process.
    #[default]
    Sail,
    /// `spark`: Apache Spark's own package with its JVM.
    Spark,
    /// `sc://host:port` or `spark-connect://host:port`: a Spark Connect server elsewhere; the text as it was given.
    Connect(String),
}

/// A text that names no engine.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is not one of sail, spark, sc://host:port, spark-connect://host:port")]
pub struct UnknownEngine(String);

impl FromStr for Engine {
    type Err = UnknownEngine;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "sail" => Ok(Self::Sail),
            "spark" => Ok(Self::Spark),
            _ if text.starts_with("sc://") || text.starts_with("spark-connect://") => {
                Ok(Self::Connect(text.to_owned()))
            }
            _ => Err(UnknownEngine(text.to_owned())),
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Sail => "sail",
            Self::Spark => "spark",
            Self::Connect(address) => address,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_as_they_were_given() {
        for name in ["sail", "spark", "sc://h:1", "spark-connect://h:1"] {
            assert_eq!(name.parse::<Engine>().unwrap().to_string(), name);
        }
        for name in ["", "flink", "Spark", "http://h:1"] {
            assert_eq!(name.parse::<Engine>(), Err(UnknownEngine(name.to_owned())));
        }
    }
}
