//! PIIDetection: what is looked for, and what is done with what is found.

/// A PIIDetection node.
#[derive(Debug, Clone, PartialEq)]
pub struct Pii {
    /// What is looked for; at least one.
    pub entities: Vec<EntityType>,
    /// Where it is looked for.
    pub scope: PiiScope,
    /// What is done with it.
    pub action: PiiAction,
}

/// Whether each cell counts or whole columns.
#[derive(Debug, Clone, PartialEq)]
pub enum PiiScope {
    /// Each cell by itself.
    Rows {
        /// A column for what was found in the row.
        output: Option<String>,
    },
    /// Columns of which enough cells hold it.
    Columns {
        /// The share of rows that is looked at.
        sample: f64,
        /// The share of these that must hold an entity type for the column to count.
        threshold: f64,
    },
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PiiAction {
    /// It is told.
    Audit,
    /// It is replaced by this text.
    Mask(String),
    /// It is replaced by its SHA-256, in hexadecimal.
    Hash,
    /// Its characters are replaced one by one.
    Partial {
        /// By this one.
        with: char,
        /// All but so many at the left …
        left: usize,
        /// … and so many at the right,
        right: usize,
        /// or only where this pattern matches.
        pattern: Option<String>,
    },
}

/// What can be recognised by a rule that is public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names of AWS")]
pub enum EntityType {
    Email,
    CreditCard,
    IpAddress,
    MacAddress,
    PhoneNumber,
    UsaDeaNumber,
    UsaItin,
    UsaMedicareBeneficiaryIdentifier,
    UsaNationalProviderIdentifier,
    UsaSsn,
}

impl EntityType {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Email,
        Self::CreditCard,
        Self::IpAddress,
        Self::MacAddress,
        Self::PhoneNumber,
        Self::UsaDeaNumber,
        Self::UsaItin,
        Self::UsaMedicareBeneficiaryIdentifier,
        Self::UsaNationalProviderIdentifier,
        Self::UsaSsn,
    ];

    /// AWS's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "EMAIL",
            Self::CreditCard => "CREDIT_CARD",
            Self::IpAddress => "IP_ADDRESS",
            Self::MacAddress => "MAC_ADDRESS",
            Self::PhoneNumber => "PHONE_NUMBER",
            Self::UsaDeaNumber => "USA_DEA_NUMBER",
            Self::UsaItin => "USA_ITIN",
            Self::UsaMedicareBeneficiaryIdentifier => "USA_MEDICARE_BENEFICIARY_IDENTIFIER",
            Self::UsaNationalProviderIdentifier => "USA_NATIONAL_PROVIDER_IDENTIFIER",
            Self::UsaSsn => "USA_SSN",
        }
    }

    /// Reads AWS's name; its reference misspells one.
    pub fn parse(name: &str) -> Option<Self> {
        let name = if name == "USA_SNN" { "USA_SSN" } else { name };
        Self::ALL.into_iter().find(|entity| entity.name() == name)
    }
}
