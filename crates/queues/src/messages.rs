//! Sending messages.

use store::{Scope, Tx, Value, params};

use crate::content::{Content, NewMessage, md5_of_attributes, md5_of_body};
use crate::queues::{self, Queue};
use crate::{QueueError, Queues};

/// What a sender learns of its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Its id, a UUID.
    pub id: String,
    /// MD5 of its text.
    pub md5_of_body: String,
    /// MD5 of its attributes, when it has any.
    pub md5_of_attributes: Option<String>,
    /// MD5 of its system attributes, when it has any.
    pub md5_of_system: Option<String>,
}

const COLUMNS: [&str; 8] = ["queue_no", "id", "sent_ms", "visible_ms", "receives", "receipt", "doc", "body"];

impl Queues {
    /// Sends one message; it can be received once `tx` is committed. Errors: `NotFound`, `InvalidContents`,
    /// `InvalidParameter`.
    pub async fn send(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        name: &str,
        message: &NewMessage,
    ) -> Result<Sent, QueueError> {
        let queue = queues::get(tx, scope, name).await?;
        message.check(queue.settings.max_bytes)?;
        let (sent, row) = row(tx, &queue, message)?;
        tx.insert_many("queues_messages", &COLUMNS, &[row]).await?;
        self.wake_on_commit(tx, queue.arn());
        Ok(sent)
    }

    /// Sends many messages: each by itself is taken, or refused with its reason. Errors: `NotFound`.
    pub async fn send_batch(
        &self,
        tx: &mut Tx,
        scope: &Scope,
        name: &str,
        messages: &[NewMessage],
    ) -> Result<Vec<Result<Sent, QueueError>>, QueueError> {
        let queue = queues::get(tx, scope, name).await?;
        let (mut answers, mut rows) = (Vec::with_capacity(messages.len()), Vec::new());
        for message in messages {
            if let Err(error) = message.check(queue.settings.max_bytes) {
                answers.push(Err(error));
                continue;
            }
            let (sent, row) = row(tx, &queue, message)?;
            rows.push(row);
            answers.push(Ok(sent));
        }
        tx.insert_many("queues_messages", &COLUMNS, &rows).await?;
        self.wake_on_commit(tx, queue.arn());
        Ok(answers)
    }

    /// Sends texts of a service of ours to the queue of an ARN; false, and nothing sent, when there is none.
    pub async fn send_texts(
        &self,
        tx: &mut Tx,
        arn: &str,
        sender: &str,
        texts: Vec<String>,
    ) -> Result<bool, QueueError> {
        let Some(queue) = queues::of_arn(tx, arn).await? else { return Ok(false) };
        let content = Content { sender: sender.to_owned(), ..Content::default() };
        let mut rows = Vec::with_capacity(texts.len());
        for body in texts {
            let message = NewMessage { body, content: content.clone(), delay_s: None };
            rows.push(row(tx, &queue, &message)?.1);
        }
        tx.insert_many("queues_messages", &COLUMNS, &rows).await?;
        self.wake_on_commit(tx, queue.arn());
        Ok(true)
    }
}

fn row(tx: &Tx, queue: &Queue, message: &NewMessage) -> Result<(Sent, Vec<Value>), QueueError> {
    let sent = Sent {
        id: tx.new_id(),
        md5_of_body: md5_of_body(&message.body),
        md5_of_attributes: md5_of_attributes(&message.content.attributes),
        md5_of_system: md5_of_attributes(&message.content.system),
    };
    let doc = serde_json::to_string(&message.content)
        .map_err(|source| QueueError::Corrupt { what: "message", source })?;
    let visible_ms = tx.now_ms() + message.delay_s.unwrap_or(queue.settings.delay_s) * 1000;
    let row = params![
        queue.number,
        sent.id.as_str(),
        tx.now_ms(),
        visible_ms,
        0i64,
        "",
        doc,
        message.body.as_str()
    ];
    Ok((sent, row.to_vec()))
}
