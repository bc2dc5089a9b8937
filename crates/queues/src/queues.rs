//! Queues: making, finding, changing and removing them.

use std::collections::BTreeMap;

use store::{Row, Scope, Tx, params, tags};

use crate::attributes::{Redrive, Settings};
use crate::error::QueueError;

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// The incarnation.
    pub(crate) number: i64,
    /// Whose it is.
    pub scope: Scope,
    /// 1..=80 letters, digits, hyphens and underscores.
    pub name: String,
    /// When it was made, epoch milliseconds.
    pub created_ms: i64,
    /// When its settings last changed, epoch milliseconds.
    pub modified_ms: i64,
    /// Its settings.
    pub settings: Settings,
}

impl Queue {
    /// The queue's ARN.
    pub fn arn(&self) -> String {
        arn(&self.scope, &self.name)
    }
}

/// The ARN of a queue.
pub fn arn(scope: &Scope, name: &str) -> String {
    format!("arn:aws:sqs:{}:{}:{name}", scope.region, scope.account)
}

/// The queue that an ARN names; `None` when it is not the ARN of a queue.
pub fn name_and_scope(arn: &str) -> Option<(Scope, &str)> {
    let mut parts = arn.strip_prefix("arn:aws:sqs:")?.splitn(3, ':');
    let (region, account, name) = (parts.next()?, parts.next()?, parts.next()?);
    is_name(name).then_some(())?;
    Some((Scope::new(account, region).ok()?, name))
}

/// How many messages a queue holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Can be received.
    pub visible: i64,
    /// Received and neither deleted nor visible again.
    pub in_flight: i64,
    /// Not yet visible.
    pub delayed: i64,
}

/// A page of names, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Names of queues.
    pub names: Vec<String>,
    /// Behind which name the next page begins, when there is one.
    pub next: Option<String>,
}

const COLUMNS: &str = "queue_no, name, created_ms, modified_ms, doc";

fn from_row(scope: &Scope, row: &Row) -> Result<Queue, QueueError> {
    let doc: String = row.get(4)?;
    let settings =
        serde_json::from_str(&doc).map_err(|source| QueueError::Corrupt { what: "settings", source })?;
    Ok(Queue {
        number: row.get(0)?,
        scope: scope.clone(),
        name: row.get(1)?,
        created_ms: row.get(2)?,
        modified_ms: row.get(3)?,
        settings,
    })
}

fn encode(settings: &Settings) -> Result<String, QueueError> {
    serde_json::to_string(settings).map_err(|source| QueueError::Corrupt { what: "settings", source })
}

fn is_name(name: &str) -> bool {
    let bare = name.strip_suffix(".fifo").unwrap_or(name);
    !bare.is_empty()
        && name.len() <= 80
        && bare.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn check_name(name: &str) -> Result<(), QueueError> {
    if !is_name(name) {
        return Err(QueueError::invalid(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        ));
    }
    if name.ends_with(".fifo") {
        return Err(QueueError::not_built("FIFO queues are not built on this server"));
    }
    Ok(())
}

/// Makes a queue with these attributes and returns it with whether it is new; one that is there already is returned when
/// none of them differs. Errors: `Exists`, those of [`Settings::apply`], `InvalidParameter` for a name or a dead-letter
/// queue that cannot be.
pub async fn create(
    tx: &mut Tx,
    scope: &Scope,
    name: &str,
    attributes: &BTreeMap<String, String>,
) -> Result<(Queue, bool), QueueError> {
    check_name(name)?;
    let mut settings = Settings::default();
    settings.apply(attributes)?;
    match get(tx, scope, name).await {
        Ok(known) => {
            return match known.settings.differs(attributes)? {
                Some(attribute) => Err(QueueError::Exists { attribute }),
                None => Ok((known, false)),
            };
        }
        Err(QueueError::NotFound) => {}
        Err(error) => return Err(error),
    }
    check_redrive(tx, scope, name, settings.redrive.as_ref()).await?;
    insert(tx, scope, name, tx.now_ms(), tx.now_ms(), &settings).await?;
    Ok((get(tx, scope, name).await?, true))
}

async fn insert(
    tx: &mut Tx,
    scope: &Scope,
    name: &str,
    created_ms: i64,
    modified_ms: i64,
    settings: &Settings,
) -> Result<(), QueueError> {
    tx.execute(
        "INSERT INTO queues_queues (account, region, name, created_ms, modified_ms, dead_letter, doc)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &params![
            &scope.account,
            &scope.region,
            name,
            created_ms,
            modified_ms,
            settings.redrive.as_ref().map(|redrive| redrive.dead_letter.as_str()),
            encode(settings)?
        ],
    )
    .await?;
    Ok(())
}

/// A dead-letter queue is another queue of the same account and region, and takes this one's messages.
async fn check_redrive(
    tx: &mut Tx,
    scope: &Scope,
    name: &str,
    redrive: Option<&Redrive>,
) -> Result<(), QueueError> {
    let Some(redrive) = redrive else { return Ok(()) };
    let refused = |reason: &str| {
        let arn = &redrive.dead_letter;
        Err(QueueError::out_of(arn, "RedrivePolicy", reason))
    };
    let Some((of, target)) = name_and_scope(&redrive.dead_letter) else {
        return refused("Invalid value for deadLetterTargetArn.");
    };
    if of != *scope {
        return refused("Dead-letter queue must be in the same region and account as the source.");
    }
    if target == name {
        return refused("Dead-letter queue must be another queue than the source.");
    }
    match get(tx, &of, target).await {
        Ok(queue) if queue.settings.takes_from(&arn(scope, name))? => Ok(()),
        Ok(_) => refused("Dead letter target does not permit this queue as its source."),
        Err(QueueError::NotFound) => refused("Dead letter target does not exist."),
        Err(error) => Err(error),
    }
}

/// Returns a queue. Errors: `NotFound`.
pub async fn get(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Queue, QueueError> {
    // Text in the store cannot hold it, and no name does.
    if name.contains('\0') {
        return Err(QueueError::NotFound);
    }
    let sql = format!("SELECT {COLUMNS} FROM queues_queues WHERE account = $1 AND region = $2 AND name = $3");
    let row = tx.query_opt(&sql, &params![&scope.account, &scope.region, name]).await?;
    from_row(scope, &row.ok_or(QueueError::NotFound)?)
}

/// The queue of an ARN; `None` when there is none.
pub(crate) async fn of_arn(tx: &mut Tx, arn: &str) -> Result<Option<Queue>, QueueError> {
    let Some((scope, name)) = name_and_scope(arn) else { return Ok(None) };
    match get(tx, &scope, name).await {
        Ok(queue) => Ok(Some(queue)),
        Err(QueueError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Names that begin with `prefix`, behind `after`, at most `limit` (at least 1).
pub async fn list(
    tx: &mut Tx,
    scope: &Scope,
    prefix: &str,
    after: &str,
    limit: usize,
) -> Result<Page, QueueError> {
    // Names are ASCII, so that everything with the prefix lies before the prefix and this.
    let end = format!("{prefix}\u{7f}");
    let rows = tx
        .query(
            "SELECT name FROM queues_queues WHERE account = $1 AND region = $2 AND name >= $3 AND name < $4
               AND name > $5 ORDER BY name LIMIT $6",
            &params![&scope.account, &scope.region, prefix, end, after, (limit + 1) as i64],
        )
        .await?;
    page(&rows, limit)
}

fn page(rows: &[Row], limit: usize) -> Result<Page, QueueError> {
    let mut names = rows.iter().map(|row| row.get(0)).collect::<Result<Vec<String>, _>>()?;
    let more = names.len() > limit;
    names.truncate(limit);
    let next = names.last().filter(|_| more).cloned();
    Ok(Page { names, next })
}

/// Names of the queues whose dead letters go to this one, behind `after`, at most `limit` (at least 1). Errors:
/// `NotFound`.
pub async fn sources(
    tx: &mut Tx,
    scope: &Scope,
    name: &str,
    after: &str,
    limit: usize,
) -> Result<Page, QueueError> {
    let queue = get(tx, scope, name).await?;
    let rows = tx
        .query(
            "SELECT name FROM queues_queues WHERE dead_letter = $1 AND account = $2 AND region = $3 AND name > $4
             ORDER BY name LIMIT $5",
            &params![queue.arn(), &scope.account, &scope.region, after, (limit + 1) as i64],
        )
        .await?;
    page(&rows, limit)
}

/// Changes attributes. Errors: `NotFound`, and as [`create`].
pub async fn set_attributes(
    tx: &mut Tx,
    scope: &Scope,
    name: &str,
    attributes: &BTreeMap<String, String>,
) -> Result<(), QueueError> {
    let mut queue = get(tx, scope, name).await?;
    queue.settings.apply(attributes)?;
    if attributes.contains_key("RedrivePolicy") {
        check_redrive(tx, scope, name, queue.settings.redrive.as_ref()).await?;
    }
    let now_ms = tx.now_ms();
    tx.execute(
        "UPDATE queues_queues SET doc = $1, dead_letter = $2, modified_ms = $3 WHERE queue_no = $4",
        &params![
            encode(&queue.settings)?,
            queue.settings.redrive.as_ref().map(|redrive| redrive.dead_letter.as_str()),
            now_ms,
            queue.number
        ],
    )
    .await?;
    Ok(())
}

/// Counts the messages of a queue.
pub async fn counts(tx: &mut Tx, queue: &Queue) -> Result<Counts, QueueError> {
    let now_ms = tx.now_ms();
    let rows = tx
        .query(
            "SELECT CASE WHEN visible_ms <= $2 THEN 0 WHEN receipt <> '' THEN 1 ELSE 2 END AS kind, count(*)
             FROM queues_messages WHERE queue_no = $1 AND sent_ms > $3 GROUP BY 1",
            &params![queue.number, now_ms, queue.oldest_kept_ms(now_ms)],
        )
        .await?;
    let mut counts = Counts::default();
    for row in rows {
        match row.get::<i64>(0)? {
            0 => counts.visible = row.get(1)?,
            1 => counts.in_flight = row.get(1)?,
            _ => counts.delayed = row.get(1)?,
        }
    }
    Ok(counts)
}

impl Queue {
    /// Messages that were sent at this time or before are past the retention at `now_ms`.
    pub(crate) fn oldest_kept_ms(&self, now_ms: i64) -> i64 {
        now_ms - self.settings.retention_s * 1000
    }
}

/// Removes a queue with its messages and tags. Errors: `NotFound`.
pub async fn delete(tx: &mut Tx, scope: &Scope, name: &str) -> Result<(), QueueError> {
    let queue = get(tx, scope, name).await?;
    set_aside(tx, &queue).await?;
    Ok(tags::clear(tx, &queue.arn()).await?)
}

/// Removes all messages of a queue. Errors: `NotFound`.
pub async fn purge(tx: &mut Tx, scope: &Scope, name: &str) -> Result<(), QueueError> {
    let queue = get(tx, scope, name).await?;
    set_aside(tx, &queue).await?;
    insert(tx, scope, name, queue.created_ms, queue.modified_ms, &queue.settings).await
}

/// Ends an incarnation; its messages go later ([`crate::upkeep`]).
async fn set_aside(tx: &mut Tx, queue: &Queue) -> Result<(), QueueError> {
    tx.execute("INSERT INTO queues_garbage (queue_no) VALUES ($1)", &params![queue.number]).await?;
    tx.execute("DELETE FROM queues_queues WHERE queue_no = $1", &params![queue.number]).await?;
    Ok(())
}
