//! The statistics of a period.

use observe::metrics::Point;
use wire::Fault;

/// A statistic that can be told of what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Statistic {
    SampleCount,
    Average,
    Sum,
    Minimum,
    Maximum,
}

impl Statistic {
    /// The statistic of that name. Errors: percentiles and the like, which are known to AWS; anything else.
    pub(super) fn of(name: &str) -> Result<Self, Fault> {
        Ok(match name {
            "SampleCount" => Self::SampleCount,
            "Average" => Self::Average,
            "Sum" => Self::Sum,
            "Minimum" => Self::Minimum,
            "Maximum" => Self::Maximum,
            other if is_extended(other) => {
                let message = format!(
                    "cloudwatch: the statistic {other} is not built on this server: {}",
                    super::NO_PERCENTILES
                );
                return Err(Fault::not_implemented(message));
            }
            other => {
                let message = format!(
                    "The value {other} for parameter Stat is not supported; SampleCount, Average, Sum, Minimum and \
                     Maximum are."
                );
                return Err(Fault::new("ValidationError", message));
            }
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SampleCount => "SampleCount",
            Self::Average => "Average",
            Self::Sum => "Sum",
            Self::Minimum => "Minimum",
            Self::Maximum => "Maximum",
        }
    }

    pub(super) fn value(self, point: &Point) -> f64 {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "nobody counts so far")]
            Self::SampleCount => point.samples as f64,
            Self::Average => point.average(),
            Self::Sum => point.sum,
            Self::Minimum => point.minimum,
            Self::Maximum => point.maximum,
        }
    }
}

/// `p99.9`, `tm90`, `PR(1:2)`, `IQM` and so on.
fn is_extended(name: &str) -> bool {
    let number =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let short = ["p", "tm", "wm", "tc", "ts"].iter().any(|kind| name.strip_prefix(kind).is_some_and(number));
    let long = ["TM(", "WM(", "TC(", "TS(", "PR("].iter().any(|kind| name.starts_with(kind));
    short || long || name == "IQM"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_of_a_period() {
        let point = Point { start_ms: 0, samples: 4, sum: 10.0, minimum: 1.0, maximum: 5.0 };
        for (name, value) in
            [("SampleCount", 4.0), ("Average", 2.5), ("Sum", 10.0), ("Minimum", 1.0), ("Maximum", 5.0)]
        {
            let statistic = Statistic::of(name).unwrap();
            assert_eq!((statistic.name(), statistic.value(&point)), (name, value));
        }
        for (name, code) in
            [("p99.9", "NotImplemented"), ("IQM", "NotImplemented"), ("PR(1:2)", "NotImplemented")]
        {
            assert_eq!(Statistic::of(name).unwrap_err().code(), code, "{name}");
        }
        for name in ["sum", "", "p", "median"] {
            assert_eq!(Statistic::of(name).unwrap_err().code(), "ValidationError", "{name}");
        }
    }
}
