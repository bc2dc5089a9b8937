//! What a rule's answer is compared with.

use std::cmp::Ordering;

/// A number as it is written: digits with a fraction perhaps, negative with a minus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number(String);

impl Number {
    /// Reads `-12.50`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let all = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        (all(whole) && all(fraction)).then(|| Self(text.to_owned()))
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The nearest double.
    pub fn value(&self) -> f64 {
        // Digits always are one.
        self.0.parse().unwrap_or(f64::NAN)
    }
}

/// `=`, `!=`, `>`, `>=`, `<`, `<=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it all")]
pub enum Comparison {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Comparison {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Equal, Self::NotEqual, Self::Greater, Self::GreaterOrEqual, Self::Less, Self::LessOrEqual];

    /// As it is written.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
        }
    }

    /// Whether it asks which of two comes first.
    pub fn is_order(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }

    /// Whether it holds for two values in this order; for values without one (NaN) only `!=` does.
    pub fn holds(self, order: Option<Ordering>) -> bool {
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::NotEqual => order != Some(Ordering::Equal),
            Self::Greater => order == Some(Ordering::Greater),
            Self::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            Self::Less => order == Some(Ordering::Less),
            Self::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        }
    }
}

/// Values without a spelling of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyword {
    /// `NULL`.
    Null,
    /// `EMPTY`: the text without characters.
    Empty,
    /// `WHITESPACES_ONLY`: text of blanks, at least one.
    WhitespacesOnly,
}

impl Keyword {
    /// Reads either of its two spellings.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "NULL" | "null" => Self::Null,
            "EMPTY" | "empty" => Self::Empty,
            "WHITESPACES_ONLY" | "whitespaces_only" => Self::WhitespacesOnly,
            _ => return None,
        })
    }

    /// As it is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Empty => "EMPTY",
            Self::WhitespacesOnly => "WHITESPACES_ONLY",
        }
    }
}

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it all")]
pub enum Unit {
    Minutes,
    Hours,
    Days,
}

impl Unit {
    /// Reads `minutes`, `hours`, `days`, and one of each.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "minute" | "minutes" => Self::Minutes,
            "hour" | "hours" => Self::Hours,
            "day" | "days" => Self::Days,
            _ => return None,
        })
    }

    /// As it is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minutes => "minutes",
            Self::Hours => "hours",
            Self::Days => "days",
        }
    }

    fn milliseconds(self) -> i64 {
        match self {
            Self::Minutes => 60_000,
            Self::Hours => 3_600_000,
            Self::Days => 86_400_000,
        }
    }
}

/// A length of time: `24 hours`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// How many units.
    pub count: u32,
    /// Of what.
    pub unit: Unit,
}

impl Span {
    /// In milliseconds.
    pub fn milliseconds(self) -> i64 {
        i64::from(self.count) * self.unit.milliseconds()
    }
}

/// A moment that depends on when the rule is evaluated: `now()`, `(now() - 3 days)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// How far from now, and whether before it.
    pub offset: Option<(bool, Span)>,
}

impl Moment {
    /// In milliseconds since 1970, when it is `now_ms`.
    pub fn at(self, now_ms: i64) -> i64 {
        match self.offset {
            None => now_ms,
            Some((true, span)) => now_ms.saturating_sub(span.milliseconds()),
            Some((false, span)) => now_ms.saturating_add(span.milliseconds()),
        }
    }
}

/// What an answer is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operand {
    /// A number.
    Number(Number),
    /// A quoted text; a date is written so, too.
    Text(String),
    /// A keyword.
    Keyword(Keyword),
    /// A moment.
    Moment(Moment),
    /// A length of time.
    Span(Span),
}

impl Operand {
    /// As a number, also where it is quoted (`Completeness "a" = "1.0"`).
    pub fn number(&self) -> Option<Number> {
        match self {
            Self::Number(number) => Some(number.clone()),
            Self::Text(text) => Number::parse(text.trim()),
            _ => None,
        }
    }
}

/// A condition on an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// `> 3`.
    Compare(Comparison, Operand),
    /// `between 1 and 5`: the ends themselves are outside.
    Between {
        /// `not between`: the ends themselves hold.
        negated: bool,
        /// The lower end.
        low: Operand,
        /// The upper end.
        high: Operand,
    },
    /// `in [1, 2]`.
    In {
        /// `not in`.
        negated: bool,
        /// At least one.
        values: Vec<Operand>,
    },
    /// `matches "[a-z]*"`.
    Matches {
        /// `not matches`.
        negated: bool,
        /// A regular expression for the whole text.
        pattern: String,
    },
}

impl Condition {
    /// Everything that it compares with, but for patterns.
    pub fn operands(&self) -> Vec<&Operand> {
        match self {
            Self::Compare(_, operand) => vec![operand],
            Self::Between { low, high, .. } => vec![low, high],
            Self::In { values, .. } => values.iter().collect(),
            Self::Matches { .. } => Vec::new(),
        }
    }

    /// Whether it holds for a number; no condition on anything but numbers does.
    pub fn holds(&self, answer: f64) -> bool {
        let order = |operand: &Operand| {
            let number = operand.number()?;
            answer.partial_cmp(&number.value())
        };
        match self {
            Self::Compare(comparison, operand) => comparison.holds(order(operand)),
            Self::Between { negated, low, high } => match (order(low), order(high)) {
                (Some(low), Some(high)) => (low == Ordering::Greater && high == Ordering::Less) != *negated,
                _ => false,
            },
            Self::In { negated, values } => {
                let found = values.iter().any(|value| order(value) == Some(Ordering::Equal));
                found != *negated
            }
            Self::Matches { .. } => false,
        }
    }
}

/// Whether a text is a day, or a moment of one: `2023-01-31`, `2023-01-31 12:00:00`.
pub fn is_date(text: &str) -> bool {
    let pattern = |text: &str, pattern: &str| {
        text.len() == pattern.len()
            && text.bytes().zip(pattern.bytes()).all(|(byte, wanted)| match wanted {
                b'0' => byte.is_ascii_digit(),
                other => byte == other,
            })
    };
    let Some((day, rest)) = text.split_at_checked(10) else { return false };
    let time = rest.strip_prefix(['T', ' ']).map(|time| time.split_once('.').map_or(time, |(time, _)| time));
    let time = time.is_none_or(|time| pattern(time, "00:00") || pattern(time, "00:00:00"));
    pattern(day, "0000-00-00") && time && (rest.is_empty() || rest.starts_with(['T', ' ']))
}
