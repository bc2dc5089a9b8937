//! Receipt handles: which message of which queue, and the secret of its newest receive.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::QueueError;

/// A message as somebody received it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Handle {
    pub(crate) message: i64,
    pub(crate) receipt: String,
}

impl Handle {
    /// The text that clients hold.
    pub(crate) fn text(queue: &str, message: i64, receipt: &str) -> String {
        STANDARD.encode(format!("{queue} {message} {receipt}"))
    }

    /// Errors: `InvalidHandle` for what is none of this queue.
    pub(crate) fn parse(queue: &str, text: &str) -> Result<Self, QueueError> {
        let decoded = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let parsed = decoded.as_deref().and_then(|decoded| {
            let mut parts = decoded.split(' ');
            let (of, message, receipt) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
            let whole =
                parts.next().is_none() && of == queue && !receipt.is_empty() && !receipt.contains('\0');
            whole.then(|| Self { message, receipt: receipt.to_owned() })
        });
        parsed.ok_or_else(|| QueueError::InvalidHandle { handle: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_its_own_queues() {
        let text = Handle::text("q", 7, "r");
        assert_eq!(Handle::parse("q", &text).unwrap(), Handle { message: 7, receipt: "r".to_owned() });
        for (queue, text) in [("p", text.as_str()), ("q", ""), ("q", "x"), ("q", "cSA3")] {
            assert!(matches!(Handle::parse(queue, text), Err(QueueError::InvalidHandle { .. })), "{text}");
        }
    }
}
