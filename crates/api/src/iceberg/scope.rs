//! Whose catalog a request is about, and where its tables go.
//!
//! `v1/config` turns the client's `warehouse` into a prefix, `<account>.<region>` or `<account>.<region>.<location>`
//! (the location in URL-safe base64), which the client puts into every later path.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use store::Scope;
use wire::Caller;

use super::errors::Problem;

/// Whose catalog, where, by whom.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) scope: Scope,
    /// Where tables go whose namespace has no location.
    pub(super) warehouse: Option<String>,
    /// ARN of the caller.
    pub(super) caller: String,
}

impl Context {
    /// Errors: `NoSuchPrefix` for a prefix that [`Context::prefix`] has not made, or of another account.
    pub(super) fn new(caller: &Caller, prefix: Option<&str>) -> Result<Context, Problem> {
        let arn = |account: &str| format!("arn:aws:iam::{account}:root");
        let bad = |prefix: &str| Problem::NoSuchPrefix(prefix.to_owned());
        let Some(prefix) = prefix else {
            let scope = Scope::new(&caller.account, &caller.region);
            let scope = scope.map_err(|error| Problem::BadRequest(error.to_string()))?;
            return Ok(Context { caller: arn(&scope.account), scope, warehouse: None });
        };
        let mut parts = prefix.splitn(3, '.');
        let (account, region) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let scope = Scope::new(account, region).map_err(|_| bad(prefix))?;
        // A caller with a key has an account; anybody else (only where anybody is let in) may name one.
        if caller.access_key.is_some() && scope.account != caller.account {
            return Err(bad(prefix));
        }
        let warehouse = match parts.next() {
            None => None,
            Some(encoded) => {
                let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| bad(prefix))?;
                Some(String::from_utf8(bytes).map_err(|_| bad(prefix))?)
            }
        };
        Ok(Context { caller: arn(&scope.account), scope, warehouse })
    }

    /// The context that a client's `warehouse` names: nothing, an account (Glue's catalog id), `account/region`, or the
    /// location in which tables go.
    /// Errors: `NoSuchWarehouse`.
    pub(super) fn of_warehouse(&self, warehouse: Option<&str>) -> Result<Context, Problem> {
        let mut scope = self.scope.clone();
        let mut location = None;
        let bad = || Problem::NoSuchWarehouse(warehouse.unwrap_or_default().to_owned());
        match warehouse {
            None => {}
            Some(given) if given.contains("://") => {
                ::tables::files::Place::parse(given)?;
                location = Some(given.trim_end_matches('/').to_owned());
            }
            Some(given) => {
                let (account, region) = given.split_once('/').unwrap_or((given, &scope.region));
                scope = Scope::new(account, region).map_err(|_| bad())?;
            }
        }
        Ok(Context { caller: self.caller.clone(), scope, warehouse: location })
    }

    /// What comes before the rest of every path.
    pub(super) fn prefix(&self) -> String {
        let Scope { account, region } = &self.scope;
        match &self.warehouse {
            None => format!("{account}.{region}"),
            Some(location) => format!("{account}.{region}.{}", URL_SAFE_NO_PAD.encode(location)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(access_key: Option<&str>) -> Caller {
        Caller {
            access_key: access_key.map(str::to_owned),
            account: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            presigned: false,
        }
    }

    #[test]
    fn a_prefix_says_what_the_warehouse_said() {
        let context = Context::new(&caller(None), None).unwrap();
        let cases = [
            (None, "000000000000.us-east-1"),
            (Some("123456789012"), "123456789012.us-east-1"),
            (Some("123456789012/eu-west-1"), "123456789012.eu-west-1"),
            (Some("s3://lake/wh/"), "000000000000.us-east-1.czM6Ly9sYWtlL3do"),
        ];
        for (warehouse, prefix) in cases {
            let named = context.of_warehouse(warehouse).unwrap();
            assert_eq!(named.prefix(), prefix);
            let again = Context::new(&caller(None), Some(prefix)).unwrap();
            assert_eq!((again.scope, again.warehouse), (named.scope, named.warehouse));
        }
        for bad in ["nonsense", "12", "/", "file:///tmp", "123456789012/Here"] {
            assert!(context.of_warehouse(Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_sees_its_own_account_only() {
        assert!(Context::new(&caller(Some("AKIA")), Some("000000000000.eu-west-1")).is_ok());
        for prefix in ["123456789012.us-east-1", "000000000000", "x.y", "000000000000.us-east-1.!!"] {
            let refused = Context::new(&caller(Some("AKIA")), Some(prefix));
            assert!(matches!(refused, Err(Problem::NoSuchPrefix(_))), "{prefix}");
        }
    }

    #[test]
    fn an_unknown_prefix_says_where_prefixes_come_from() {
        let refused = Context::new(&caller(None), Some("foo")).unwrap_err();
        let (status, kind, message) = super::super::errors::explain(&refused);
        // Not 404: to a client that asks whether something exists that would be an answer.
        assert_eq!((status.as_u16(), kind), (400, "BadRequestException"));
        assert!(message.contains("\"foo\"") && message.contains("v1/config"), "{message}");
        assert!(!message.contains("Warehouse"), "{message}");
    }
}
