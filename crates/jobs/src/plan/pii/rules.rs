//! The rules by which entity types are told.
//!
//! Each is public: the shape of addresses in the HTML standard, the ranges and the check digit of payment cards (ISO/IEC
//! 7812), RFC 4291 and 5952 for IP addresses, IEEE 802 for hardware addresses, E.164 and the North American Numbering Plan
//! for telephones, the Social Security Administration's and the IRS's ranges, and the check digits of the DEA and CMS.

use std::hash::{Hash, Hasher};
use std::net::{Ipv4Addr, Ipv6Addr};

use regex::Regex;

use crate::graph::EntityType;

/// Something that was found, in bytes of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) entity: EntityType,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The rules of some entity types.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    all: Vec<(EntityType, Regex)>,
}

impl PartialEq for Rules {
    fn eq(&self, other: &Self) -> bool {
        self.entities().eq(other.entities())
    }
}

impl Eq for Rules {}

impl Hash for Rules {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.entities().for_each(|entity| entity.hash(state));
    }
}

impl Rules {
    /// Rules for these entity types.
    pub(super) fn new(entities: &[EntityType]) -> Result<Self, regex::Error> {
        let compiled = entities.iter().map(|entity| Ok((*entity, Regex::new(candidates(*entity))?)));
        Ok(Self { all: compiled.collect::<Result<_, regex::Error>>()? })
    }

    fn entities(&self) -> impl Iterator<Item = EntityType> {
        self.all.iter().map(|(entity, _)| *entity)
    }

    /// What the text holds, by place, without overlaps.
    pub(super) fn find(&self, text: &str) -> Vec<Found> {
        let mut found = Vec::new();
        for (entity, regex) in &self.all {
            match entity {
                EntityType::CreditCard => cards(text, &mut found),
                _ => {
                    let matches = regex.find_iter(text).filter(|one| fits(*entity, one.as_str(), text));
                    found.extend(matches.map(|one| Found {
                        entity: *entity,
                        start: one.start(),
                        end: one.end(),
                    }));
                }
            }
        }
        found.sort_by_key(|one| (one.start, std::cmp::Reverse(one.end), one.entity));
        let mut end = 0;
        found.retain(|one| {
            let free = one.start >= end;
            if free {
                end = one.end;
            }
            free
        });
        found
    }
}

/// What may be an entity of the type; [`fits`] decides.
fn candidates(entity: EntityType) -> &'static str {
    match entity {
        EntityType::Email => {
            r"(?i)\b[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+\b"
        }
        // Found digit by digit.
        EntityType::CreditCard => r"\d",
        EntityType::IpAddress => r"[0-9A-Fa-f:]*[0-9A-Fa-f:][0-9A-Fa-f:.]*[0-9A-Fa-f:]",
        EntityType::MacAddress => {
            r"\b[0-9A-Fa-f]{2}(?:(?::[0-9A-Fa-f]{2}){5}|(?:-[0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{2}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4})\b"
        }
        EntityType::PhoneNumber => {
            r"(?:\+?\b1[ .-]?)?(?:\([2-9]\d{2}\) ?|\b[2-9]\d{2}[ .-]?)[2-9]\d{2}[ .-]?\d{4}\b|\+[1-9]\d{0,2}(?:[ .-]?\(?\d{1,4}\)?){2,5}\b"
        }
        EntityType::UsaDeaNumber => r"\b[A-HJ-MPR-UX][A-Z9][0-9]{7}\b",
        EntityType::UsaItin => r"\b9\d{2}[- ]\d{2}[- ]\d{4}\b",
        EntityType::UsaMedicareBeneficiaryIdentifier => {
            r"\b[1-9][AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y][0-9]-?[AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y][0-9]-?[AC-HJKMNP-RT-Y]{2}[0-9]{2}\b"
        }
        EntityType::UsaNationalProviderIdentifier => r"\b[12]\d{9}\b",
        EntityType::UsaSsn => r"\b\d{3}(?:-\d{2}-|\x20\d{2}\x20)\d{4}\b",
    }
}

fn fits(entity: EntityType, found: &str, text: &str) -> bool {
    let digits: Vec<u32> = found.chars().filter_map(|c| c.to_digit(10)).collect();
    match entity {
        EntityType::Email
        | EntityType::CreditCard
        | EntityType::MacAddress
        | EntityType::UsaMedicareBeneficiaryIdentifier => true,
        EntityType::IpAddress => is_address(found),
        EntityType::PhoneNumber => is_telephone(found, &digits, text),
        EntityType::UsaDeaNumber => has_dea_check(&digits),
        EntityType::UsaItin => {
            matches!(number(&digits, 3, 5), 50..=65 | 70..=88 | 90..=92 | 94..=99)
        }
        EntityType::UsaNationalProviderIdentifier => luhn([8, 0, 8, 4, 0].iter().chain(&digits)),
        EntityType::UsaSsn => {
            !matches!(number(&digits, 0, 3), 0 | 666 | 900..)
                && number(&digits, 3, 5) != 0
                && number(&digits, 5, 9) != 0
        }
    }
}

/// The digits from one place to before another as a number.
fn number(digits: &[u32], from: usize, to: usize) -> u32 {
    digits.get(from..to).unwrap_or_default().iter().fold(0, |number, digit| number * 10 + digit)
}

fn is_address(found: &str) -> bool {
    if found.contains(':') {
        return found.bytes().any(|byte| byte != b':') && found.parse::<Ipv6Addr>().is_ok();
    }
    found.parse::<Ipv4Addr>().is_ok()
}

/// Ten digits in a row are a telephone's only where there is nothing else: they may be any number.
fn is_telephone(found: &str, digits: &[u32], text: &str) -> bool {
    let bare = found.bytes().all(|byte| byte.is_ascii_digit());
    (8..=15).contains(&digits.len()) && (!bare || found == text.trim())
}

fn has_dea_check(digits: &[u32]) -> bool {
    // A 9 in the second place of the number is none of its digits.
    let Some([a, b, c, d, e, f, check]) = digits.last_chunk::<7>() else { return false };
    (a + c + e + 2 * (b + d + f)) % 10 == *check
}

/// ISO/IEC 7812's check digit.
fn luhn<'d>(digits: impl DoubleEndedIterator<Item = &'d u32>) -> bool {
    let sum: u32 = digits
        .rev()
        .enumerate()
        .map(|(at, digit)| match (at % 2, digit * 2) {
            (0, _) => *digit,
            (_, double) => double % 10 + double / 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Payment cards: 13 to 19 digits in groups with blanks or hyphens between them. What stands before and after may be
/// digits, too (an expiry date), so every run of groups is looked at, the longest first.
fn cards(text: &str, found: &mut Vec<Found>) {
    let groups = groups(text);
    let mut at = 0;
    while at < groups.len() {
        let mut digits: Vec<u32> = Vec::new();
        let mut longest = None;
        for (place, group) in groups.iter().enumerate().skip(at) {
            let joined =
                place == at || groups.get(place - 1).is_some_and(|before| joins(text, before.1, group.0));
            if !joined || digits.len() > 19 {
                break;
            }
            digits.extend(
                text.get(group.0..group.1).unwrap_or_default().chars().filter_map(|c| c.to_digit(10)),
            );
            if is_card(&digits) {
                longest = Some(place);
            }
        }
        let ends = longest.and_then(|place| Some((place, groups.get(at)?.0, groups.get(place)?.1)));
        match ends {
            Some((place, start, end)) => {
                found.push(Found { entity: EntityType::CreditCard, start, end });
                at = place + 1;
            }
            None => at += 1,
        }
    }
}

/// The runs of digits that are no part of a word.
fn groups(text: &str) -> Vec<(usize, usize)> {
    let mut groups = Vec::new();
    let mut start = None;
    let mut word = false;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (c.is_ascii_digit(), start) {
            (true, None) if !word => start = Some(at),
            (false, Some(from)) => {
                if !c.is_alphanumeric() {
                    groups.push((from, at));
                }
                start = None;
            }
            _ => {}
        }
        word = c.is_alphanumeric() && start.is_none();
    }
    groups
}

fn joins(text: &str, end: usize, start: usize) -> bool {
    matches!(text.get(end..start), Some(" " | "-"))
}

/// The issuers' ranges, their lengths, and the check digit.
fn is_card(digits: &[u32]) -> bool {
    let (two, three, four) = (number(digits, 0, 2), number(digits, 0, 3), number(digits, 0, 4));
    let lengths = match (two, three, four) {
        (40..=49, _, _) => &[13, 16, 19][..],
        (51..=55, _, _) | (_, _, 2221..=2720) => &[16],
        (34 | 37, _, _) => &[15],
        (36 | 38 | 39, _, _) | (_, 300..=305, _) => &[14, 15, 16, 17, 18, 19],
        (62 | 65, _, _) | (_, 644..=649, _) | (_, _, 6011 | 3528..=3589) => &[16, 17, 18, 19],
        _ => return false,
    };
    lengths.contains(&digits.len()) && luhn(digits.iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(entity: EntityType, text: &str) -> Vec<&str> {
        let rules = Rules::new(&[entity]).unwrap();
        rules.find(text).into_iter().map(|one| &text[one.start..one.end]).collect()
    }

    /// Numbers that issuers publish for tests, and what is nearly one.
    #[test]
    fn each_rule_takes_what_it_says_and_nothing_near() {
        use EntityType as E;
        let cases: [(E, &str, &[&str]); 24] = [
            (E::Email, "to ann.b+x@mail.example.com, or a@b", &["ann.b+x@mail.example.com"]),
            (E::CreditCard, "4111 1111 1111 1111 12/25", &["4111 1111 1111 1111"]),
            (E::CreditCard, "no 12 378282246310005", &["378282246310005"]),
            (E::CreditCard, "4111 1111 1111 1112", &[]),
            (E::CreditCard, "x4111111111111111", &[]),
            (E::CreditCard, "9999999999999995", &[]),
            (E::IpAddress, "from 192.168.0.1 and 2001:db8::1.", &["192.168.0.1", "2001:db8::1"]),
            (E::IpAddress, "at 12:30:45 on 256.1.1.1 v1.2.3", &[]),
            (
                E::MacAddress,
                "00:1B:44:11:3a:b7 00-1B-44-11-3A-B7",
                &["00:1B:44:11:3a:b7", "00-1B-44-11-3A-B7"],
            ),
            (E::MacAddress, "00:1B:44:11:3a", &[]),
            (
                E::PhoneNumber,
                "call (415) 555-2671 or +44 20 7946 0958",
                &["(415) 555-2671", "+44 20 7946 0958"],
            ),
            (E::PhoneNumber, "4155552671", &["4155552671"]),
            (E::PhoneNumber, "order 4155552671", &[]),
            (E::UsaDeaNumber, "AB1234563", &["AB1234563"]),
            (E::UsaDeaNumber, "AB1234564", &[]),
            (E::UsaItin, "912-70-1234 912-66-1234", &["912-70-1234"]),
            (E::UsaMedicareBeneficiaryIdentifier, "1EG4-TE5-MK73", &["1EG4-TE5-MK73"]),
            (E::UsaMedicareBeneficiaryIdentifier, "1SG4-TE5-MK73", &[]),
            (E::UsaNationalProviderIdentifier, "1234567893 1234567890", &["1234567893"]),
            (E::UsaSsn, "is 123-45-6789.", &["123-45-6789"]),
            (E::UsaSsn, "666-45-6789 000-45-6789 900-45-6789 123-00-6789 123-45-0000", &[]),
            (E::UsaSsn, "123-45 6789", &[]),
            (E::UsaSsn, "9123-45-6789", &[]),
            (E::Email, "", &[]),
        ];
        for (entity, text, expected) in cases {
            assert_eq!(found(entity, text), expected, "{entity:?} in {text:?}");
        }
    }

    #[test]
    fn of_overlapping_entities_the_first_counts() {
        let rules = Rules::new(&[EntityType::PhoneNumber, EntityType::CreditCard]).unwrap();
        let found = rules.find("4111111111111111");
        assert_eq!(found.iter().map(|one| one.entity).collect::<Vec<_>>(), [EntityType::CreditCard]);
    }

    proptest::proptest! {
        /// Any text is searched; what is found lies on its characters, in order.
        #[test]
        fn any_text_is_searched(text in "\\PC{0,60}|[0-9 .:@+()-]{0,60}") {
            let rules = Rules::new(&EntityType::ALL).unwrap();
            let mut end = 0;
            for one in rules.find(&text) {
                proptest::prop_assert!(one.start >= end && one.end > one.start);
                proptest::prop_assert!(text.get(one.start..one.end).is_some());
                end = one.end;
            }
        }
    }
}
