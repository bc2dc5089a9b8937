//! The settings of a queue, as the attributes that clients name.
//!
//! Source: Amazon SQS API Reference, CreateQueue and SetQueueAttributes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::QueueError;

/// What a queue was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// How long a received message stays hidden, in seconds, 0..=43200.
    pub visibility_s: i64,
    /// How long a new message stays hidden, in seconds, 0..=900.
    pub delay_s: i64,
    /// Largest message in bytes, 1024..=1048576.
    pub max_bytes: i64,
    /// How long messages are kept, in seconds, 60..=1209600.
    pub retention_s: i64,
    /// How long a receive waits for a message unless it says so itself, in seconds, 0..=20.
    pub wait_s: i64,
    /// Stored and returned.
    pub policy: Option<String>,
    /// Where messages go that are received too often.
    pub redrive: Option<Redrive>,
    /// Which queues may have this one as their dead-letter queue, as it was given.
    pub redrive_allow: Option<String>,
}

/// `RedrivePolicy`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redrive {
    /// ARN of the dead-letter queue.
    pub dead_letter: String,
    /// A message that was received so many times goes there instead of being received again, 1..=1000.
    pub max_receives: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            visibility_s: 30,
            delay_s: 0,
            max_bytes: 1_048_576,
            retention_s: 345_600,
            wait_s: 0,
            policy: None,
            redrive: None,
            redrive_allow: None,
        }
    }
}

/// Longest visibility in seconds.
pub(crate) const MAX_VISIBILITY_S: i64 = 43_200;
/// Longest delay in seconds.
pub(crate) const MAX_DELAY_S: i64 = 900;
/// Longest wait in seconds.
pub(crate) const MAX_WAIT_S: i64 = 20;

const NO_FIFO: &str = "FIFO queues are not built on this server: leave FifoQueue out and choose a name that does not end in .fifo";
const NO_KEYS: &str = "Messages are not encrypted on this server: leave the attribute out";

impl Settings {
    /// Changes what `given` names. Errors: `InvalidAttributeName`, `InvalidAttributeValue`, `InvalidParameter`,
    /// `NotBuilt`.
    pub fn apply(&mut self, given: &BTreeMap<String, String>) -> Result<(), QueueError> {
        for (name, value) in given {
            self.set(name, value)?;
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), QueueError> {
        let number = |low: i64, high: i64| {
            let parsed = value.trim().parse::<i64>().ok().filter(|n| (low..=high).contains(n));
            parsed.ok_or_else(|| QueueError::InvalidAttributeValue { name: name.to_owned() })
        };
        let text = || Some(value.to_owned()).filter(|text| !text.is_empty());
        match name {
            "VisibilityTimeout" => self.visibility_s = number(0, MAX_VISIBILITY_S)?,
            "DelaySeconds" => self.delay_s = number(0, MAX_DELAY_S)?,
            "MaximumMessageSize" => self.max_bytes = number(1024, 1_048_576)?,
            "MessageRetentionPeriod" => self.retention_s = number(60, 1_209_600)?,
            "ReceiveMessageWaitTimeSeconds" => self.wait_s = number(0, MAX_WAIT_S)?,
            "Policy" => {
                let is_object = serde_json::from_str::<Value>(value).is_ok_and(|policy| policy.is_object());
                if !value.is_empty() && !is_object {
                    return Err(QueueError::InvalidAttributeValue { name: name.to_owned() });
                }
                self.policy = text();
            }
            "RedrivePolicy" => self.redrive = text().as_deref().map(Redrive::parse).transpose()?,
            "RedriveAllowPolicy" => {
                if let Some(text) = text() {
                    Allowed::parse(&text)?;
                }
                self.redrive_allow = text();
            }
            "SqsManagedSseEnabled" if value == "false" => {}
            "SqsManagedSseEnabled" | "KmsMasterKeyId" | "KmsDataKeyReusePeriodSeconds" => {
                return Err(QueueError::not_built(format!("{name}: {NO_KEYS}")));
            }
            "FifoQueue" if value == "true" => return Err(QueueError::not_built(NO_FIFO)),
            "ContentBasedDeduplication" | "DeduplicationScope" | "FifoThroughputLimit" => {
                return Err(QueueError::not_built(format!("{name}: {NO_FIFO}")));
            }
            // AWS knows no `false` here either.
            _ => return Err(QueueError::InvalidAttributeName { name: name.to_owned() }),
        }
        Ok(())
    }

    /// The attributes with their values, those only that have one.
    pub fn attributes(&self) -> BTreeMap<&'static str, String> {
        let mut all = BTreeMap::from([
            ("VisibilityTimeout", self.visibility_s.to_string()),
            ("DelaySeconds", self.delay_s.to_string()),
            ("MaximumMessageSize", self.max_bytes.to_string()),
            ("MessageRetentionPeriod", self.retention_s.to_string()),
            ("ReceiveMessageWaitTimeSeconds", self.wait_s.to_string()),
            ("SqsManagedSseEnabled", "false".to_owned()),
        ]);
        all.extend(self.policy.clone().map(|policy| ("Policy", policy)));
        all.extend(self.redrive.as_ref().map(|redrive| ("RedrivePolicy", redrive.text())));
        all.extend(self.redrive_allow.clone().map(|allow| ("RedriveAllowPolicy", allow)));
        all
    }

    /// The first of `given` that says something else than these settings. Errors: as [`Settings::apply`].
    pub(crate) fn differs(&self, given: &BTreeMap<String, String>) -> Result<Option<String>, QueueError> {
        for (name, value) in given {
            let mut changed = self.clone();
            changed.set(name, value)?;
            if changed != *self {
                return Ok(Some(name.clone()));
            }
        }
        Ok(None)
    }

    /// Whether the queue of this ARN may have this one for its dead letters.
    pub(crate) fn takes_from(&self, source: &str) -> Result<bool, QueueError> {
        let Some(text) = &self.redrive_allow else { return Ok(true) };
        Ok(match Allowed::parse(text)? {
            Allowed::All => true,
            Allowed::Nobody => false,
            Allowed::These(arns) => arns.iter().any(|arn| arn == source),
        })
    }
}

/// A number, or its digits.
fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

impl Redrive {
    fn parse(text: &str) -> Result<Self, QueueError> {
        let refused = |reason: &str| QueueError::out_of(text, "RedrivePolicy", reason);
        let policy: Value =
            serde_json::from_str(text).map_err(|_| refused("Redrive policy is not a valid JSON map."))?;
        let dead_letter = policy.get("deadLetterTargetArn").and_then(Value::as_str);
        let dead_letter = dead_letter.ok_or_else(|| {
            refused("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
        })?;
        let count = policy.get("maxReceiveCount");
        let count = count.ok_or_else(|| {
            refused("Redrive policy does not contain mandatory attribute: maxReceiveCount.")
        })?;
        let max_receives = whole(count).filter(|n| (1..=1000).contains(n));
        let max_receives = max_receives.ok_or_else(|| {
            refused("Invalid value for maxReceiveCount: it must be an integer between 1 and 1000.")
        })?;
        Ok(Self { dead_letter: dead_letter.to_owned(), max_receives })
    }

    fn text(&self) -> String {
        json!({ "deadLetterTargetArn": self.dead_letter, "maxReceiveCount": self.max_receives }).to_string()
    }
}

/// `RedriveAllowPolicy`.
enum Allowed {
    All,
    Nobody,
    These(Vec<String>),
}

impl Allowed {
    fn parse(text: &str) -> Result<Self, QueueError> {
        let refused =
            || QueueError::out_of(text, "RedriveAllowPolicy", "Redrive allow policy is not well formed.");
        let policy: Value = serde_json::from_str(text).map_err(|_| refused())?;
        let arns = policy.get("sourceQueueArns").and_then(Value::as_array);
        match (policy.get("redrivePermission").and_then(Value::as_str), arns) {
            (Some("allowAll"), None) => Ok(Self::All),
            (Some("denyAll"), None) => Ok(Self::Nobody),
            (Some("byQueue"), Some(arns)) if (1..=10).contains(&arns.len()) => {
                let arns = arns.iter().map(|arn| arn.as_str().map(str::to_owned));
                arns.collect::<Option<_>>().map(Self::These).ok_or_else(refused)
            }
            _ => Err(refused()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(name: &str, value: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn values_are_checked() {
        let mut settings = Settings::default();
        settings.apply(&given("VisibilityTimeout", "0")).unwrap();
        assert_eq!(settings.attributes()["VisibilityTimeout"], "0");
        for (name, value) in [
            ("VisibilityTimeout", "43201"),
            ("VisibilityTimeout", "x"),
            ("DelaySeconds", "-1"),
            ("MessageRetentionPeriod", "59"),
            ("MaximumMessageSize", "1048577"),
            ("ReceiveMessageWaitTimeSeconds", "21"),
            ("Policy", "[]"),
        ] {
            let error = settings.apply(&given(name, value)).unwrap_err();
            assert!(matches!(error, QueueError::InvalidAttributeValue { .. }), "{name}={value}: {error}");
        }
        let unknown = settings.apply(&given("FifoQueue", "false")).unwrap_err();
        assert!(matches!(unknown, QueueError::InvalidAttributeName { .. }), "{unknown}");
        for (name, value) in
            [("FifoQueue", "true"), ("KmsMasterKeyId", "k"), ("SqsManagedSseEnabled", "true")]
        {
            let error = settings.apply(&given(name, value)).unwrap_err();
            assert!(matches!(error, QueueError::NotBuilt { .. }), "{name}: {error}");
        }
    }

    #[test]
    fn redrive_policies_are_read_and_can_be_taken_away() {
        let mut settings = Settings::default();
        let policy =
            r#"{"maxReceiveCount":"3","deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:d"}"#;
        settings.apply(&given("RedrivePolicy", policy)).unwrap();
        assert_eq!(settings.redrive.as_ref().unwrap().max_receives, 3);
        assert_eq!(settings.differs(&given("RedrivePolicy", policy)).unwrap(), None);
        let text = &settings.attributes()["RedrivePolicy"];
        assert_eq!(settings.differs(&given("RedrivePolicy", text)).unwrap(), None);
        for bad in [
            "x",
            "{}",
            r#"{"deadLetterTargetArn":"a"}"#,
            r#"{"deadLetterTargetArn":"a","maxReceiveCount":0}"#,
        ] {
            let error = settings.apply(&given("RedrivePolicy", bad)).unwrap_err();
            assert!(error.to_string().contains("RedrivePolicy is invalid"), "{bad}: {error}");
        }
        settings.apply(&given("RedrivePolicy", "")).unwrap();
        assert_eq!(settings.redrive, None);
    }

    #[test]
    fn a_queue_says_whose_dead_letters_it_takes() {
        let mut settings = Settings::default();
        assert!(settings.takes_from("a").unwrap());
        for (policy, takes) in [
            (r#"{"redrivePermission":"denyAll"}"#, false),
            (r#"{"redrivePermission":"allowAll"}"#, true),
            (r#"{"redrivePermission":"byQueue","sourceQueueArns":["a"]}"#, true),
            (r#"{"redrivePermission":"byQueue","sourceQueueArns":["b"]}"#, false),
        ] {
            settings.apply(&given("RedriveAllowPolicy", policy)).unwrap();
            assert_eq!(settings.takes_from("a").unwrap(), takes, "{policy}");
        }
        assert!(settings.apply(&given("RedriveAllowPolicy", r#"{"redrivePermission":"byQueue"}"#)).is_err());
    }
}
