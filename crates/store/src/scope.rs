//! The account and region that every row but a bucket's name belongs to.

use serde::{Deserialize, Serialize};

/// An AWS account in a region: the name space of everything but bucket names.
///
/// Build it with [`Scope::new`], which checks both parts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Scope {
    /// Twelve decimal digits.
    pub account: String,
    /// A region code such as `us-east-1`: 1..=32 lower-case letters, digits and hyphens, starting with a letter.
    pub region: String,
}

/// Why a [`Scope`] was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// The account is not twelve decimal digits.
    #[error("account {account:?} is not twelve digits")]
    Account {
        /// What was given.
        account: String,
    },
    /// The region is not a region code.
    #[error("region {region:?} is not a region code")]
    Region {
        /// What was given.
        region: String,
    },
}

const MAX_REGION_BYTES: usize = 32;

impl Scope {
    /// Returns the scope of `account` (twelve digits) in `region` (see [`Scope::region`]).
    ///
    /// # Errors
    /// [`ScopeError`] names the part that is not well formed.
    pub fn new(account: impl Into<String>, region: impl Into<String>) -> Result<Self, ScopeError> {
        let account = account.into();
        let region = region.into();
        if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ScopeError::Account { account });
        }
        let starts_well = region.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
        let all_well = region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !starts_well || !all_well || region.len() > MAX_REGION_BYTES {
            return Err(ScopeError::Region { region });
        }
        Ok(Self { account, region })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_accounts_and_regions_only() {
        assert!(Scope::new("000000000000", "us-east-1").is_ok());
        assert!(Scope::new("123456789012", "us-gov-west-1").is_ok());
        for account in ["", "12345678901", "1234567890123", "12345678901a", "١٢٣٤٥٦٧٨٩٠١٢"] {
            assert!(matches!(Scope::new(account, "us-east-1"), Err(ScopeError::Account { .. })), "{account}");
        }
        let long = "a".repeat(33);
        for region in ["", "US-EAST-1", "us_east", "1us", "us/east", "-us", &long] {
            assert!(matches!(Scope::new("000000000000", region), Err(ScopeError::Region { .. })), "{region}");
        }
    }
}
