//! Log groups.

use store::{Row, Scope, Tx, params, tags};

use crate::ObserveError;
use crate::paging::after_prefix;

/// Days that a retention may have.
///
/// Source: CloudWatch Logs API Reference, PutRetentionPolicy.
pub const RETENTION_DAYS: [i64; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// Characters of a group's name besides letters and digits, and its longest length.
const NAME_PUNCTUATION: &[u8] = b"._-/#";
const MAX_NAME_BYTES: usize = 512;
/// Rows looked at per statement while searching names by substring.
const SCAN_ROWS: i64 = 500;

/// A log group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The incarnation.
    pub(crate) number: i64,
    /// Unique in account and region; 1..=512 of `A-Za-z0-9._-/#`.
    pub name: String,
    /// When it was made, in milliseconds since the epoch.
    pub created_ms: i64,
    /// Days that events are kept; `None` for ever.
    pub retention_days: Option<i64>,
    /// `STANDARD`, `INFREQUENT_ACCESS` or `DELIVERY`; stored without further effect.
    pub class: String,
    /// Bytes of the events that were put (message and 26 bytes each, as AWS counts them).
    pub stored_bytes: i64,
}

impl Group {
    /// The oldest timestamp that is still kept at `now_ms`.
    pub(crate) fn oldest_kept_ms(&self, now_ms: i64) -> i64 {
        self.retention_days.map_or(0, |days| now_ms - days * 86_400_000)
    }
}

/// Returns the ARN of a group, without the `:*` that stands for its streams.
pub fn arn(scope: &Scope, name: &str) -> String {
    format!("arn:aws:logs:{}:{}:log-group:{name}", scope.region, scope.account)
}

const COLUMNS: &str = "g.group_no, g.name, g.created_ms, g.retention_days, g.class, COALESCE((SELECT
  sum(s.stored_bytes) FROM observe_streams s WHERE s.group_no = g.group_no), 0)";

fn from_row(row: &Row) -> Result<Group, ObserveError> {
    Ok(Group {
        number: row.get(0)?,
        name: row.get(1)?,
        created_ms: row.get(2)?,
        retention_days: row.get(3)?,
        class: row.get(4)?,
        stored_bytes: row.get(5)?,
    })
}

/// Makes a group of class `STANDARD` unless another is given. Tags are the caller's (see [`arn`]).
///
/// # Errors
/// [`ObserveError::GroupExists`]; [`ObserveError::InvalidParameter`] for a name that is not well formed.
pub async fn create(tx: &mut Tx, scope: &Scope, name: &str, class: Option<&str>) -> Result<(), ObserveError> {
    if insert(tx, scope, name, class).await? {
        return Ok(());
    }
    Err(ObserveError::GroupExists { group: name.to_owned() })
}

/// Returns the group, making it when there is none.
pub(crate) async fn ensure(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Group, ObserveError> {
    insert(tx, scope, name, None).await?;
    get(tx, scope, name).await
}

async fn insert(tx: &mut Tx, scope: &Scope, name: &str, class: Option<&str>) -> Result<bool, ObserveError> {
    let well_formed = name.bytes().all(|b| b.is_ascii_alphanumeric() || NAME_PUNCTUATION.contains(&b));
    if name.is_empty() || name.len() > MAX_NAME_BYTES || !well_formed {
        return Err(ObserveError::invalid(format!("The log group name {name:?} is not valid.")));
    }
    let now_ms = tx.now_ms();
    let inserted = tx
        .execute(
            "INSERT INTO observe_groups (account, region, name, created_ms, class) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (account, region, name) DO NOTHING",
            &params![&scope.account, &scope.region, name, now_ms, class.unwrap_or("STANDARD")],
        )
        .await?;
    Ok(inserted == 1)
}

/// Returns a group.
///
/// # Errors
/// [`ObserveError::GroupNotFound`].
pub async fn get(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Group, ObserveError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM observe_groups g WHERE g.account = $1 AND g.region = $2 AND g.name = $3"
    );
    let row = tx.query_opt(&sql, &params![&scope.account, &scope.region, name]).await?;
    from_row(&row.ok_or_else(|| ObserveError::GroupNotFound { group: name.to_owned() })?)
}

/// Which groups to list.
#[derive(Debug, Clone, Default)]
pub struct GroupQuery<'a> {
    /// Names that start with this.
    pub prefix: Option<&'a str>,
    /// Names that contain this.
    pub infix: Option<&'a str>,
    /// Groups of this class.
    pub class: Option<&'a str>,
    /// The `next` of the page before.
    pub after: Option<&'a str>,
    /// Largest number of groups, at least 1.
    pub limit: usize,
}

/// Returns groups in the order of their names, and the token of the next page when there are more.
///
/// # Errors
/// The store's.
pub async fn list(
    tx: &mut Tx,
    scope: &Scope,
    query: &GroupQuery<'_>,
) -> Result<(Vec<Group>, Option<String>), ObserveError> {
    let prefix = query.prefix.unwrap_or("");
    let end = after_prefix(prefix);
    let sql = format!(
        "SELECT {COLUMNS} FROM observe_groups g WHERE g.account = $1 AND g.region = $2 AND g.name >= $3
           AND g.name > $4 AND (g.name < $5 OR $6 = 1) ORDER BY g.name LIMIT $7"
    );
    let mut after = query.after.unwrap_or("").to_owned();
    let mut found: Vec<Group> = Vec::new();
    loop {
        let params = params![
            &scope.account,
            &scope.region,
            prefix,
            &after,
            end.as_deref().unwrap_or(""),
            end.is_none(),
            SCAN_ROWS
        ];
        let rows = tx.query(&sql, &params).await?;
        let Some(last) = rows.last() else { return Ok((found, None)) };
        after = last.get(1)?;
        for row in &rows {
            let group = from_row(row)?;
            let matches = query.infix.is_none_or(|infix| group.name.contains(infix))
                && query.class.is_none_or(|class| group.class == class);
            if !matches {
                continue;
            }
            if found.len() == query.limit {
                let next = found.last().map(|group| group.name.clone());
                return Ok((found, next));
            }
            found.push(group);
        }
    }
}

/// Deletes a group with its streams, events and tags. The events' rows go later, with
/// [`purge`](crate::retention::purge), but are never seen again.
///
/// # Errors
/// [`ObserveError::GroupNotFound`].
pub async fn delete(tx: &mut Tx, scope: &Scope, name: &str) -> Result<(), ObserveError> {
    let group = get(tx, scope, name).await?;
    let number = params![group.number];
    tx.execute(
        "INSERT INTO observe_garbage (stream_no) SELECT stream_no FROM observe_streams WHERE group_no = $1",
        &number,
    )
    .await?;
    tx.execute("DELETE FROM observe_streams WHERE group_no = $1", &number).await?;
    tx.execute("DELETE FROM observe_groups WHERE group_no = $1", &number).await?;
    tags::clear(tx, &arn(scope, name)).await?;
    Ok(())
}

/// Sets how many days events are kept; `None` keeps them for ever.
///
/// # Errors
/// [`ObserveError::GroupNotFound`]; [`ObserveError::InvalidParameter`] for a number that is not one of
/// [`RETENTION_DAYS`].
pub async fn set_retention(
    tx: &mut Tx,
    scope: &Scope,
    name: &str,
    days: Option<i64>,
) -> Result<(), ObserveError> {
    let allowed = days.is_none_or(|days| RETENTION_DAYS.contains(&days));
    if !allowed {
        return Err(ObserveError::invalid("The specified retention period is invalid."));
    }
    let changed = tx
        .execute(
            "UPDATE observe_groups SET retention_days = $1 WHERE account = $2 AND region = $3 AND name = $4",
            &params![days, &scope.account, &scope.region, name],
        )
        .await?;
    if changed == 0 {
        return Err(ObserveError::GroupNotFound { group: name.to_owned() });
    }
    Ok(())
}
