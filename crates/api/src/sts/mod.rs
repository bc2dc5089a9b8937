//! AWS STS: who is asking.
//!
//! A caller is the root of the account that its access key names (a twelve-digit key id is the account, other keys have
//! the default account or the one that the keyring gives). Roles and sessions come with `access`.

use serde_json::json;
use wire::{Call, Fault, Fields, Operation, Reply, Service};

const OPERATIONS: &[Operation<()>] = &[Operation {
    name: "GetCallerIdentity",
    fields: Fields { acts: &[], refused: &[], ignored: &[] },
    run: |_, call| Box::pin(get_caller_identity(call)),
}];

/// The STS face.
pub fn face() -> Service<()> {
    Service { model: "sts", state: (), operations: OPERATIONS }
}

/// For the root of an account AWS gives the account id as the user id.
async fn get_caller_identity(call: Call) -> Result<Reply, Fault> {
    let account = call.scope_account;
    let arn = format!("arn:aws:iam::{account}:root");
    Ok(Reply::from(json!({"UserId": account, "Account": account, "Arn": arn})))
}
