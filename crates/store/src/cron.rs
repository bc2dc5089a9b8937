//! AWS's cron expressions: `cron(Minutes Hours Day-of-month Month Day-of-week Year)`, in UTC.
//!
//! Source: Glue Developer Guide, Time-based schedules for jobs and crawlers. Ranges, lists and steps everywhere; `?` for the
//! one of the two day fields that does not count; `L`, `W` and `LW` for days of the month; `L`, `5L` and `5#3` for days of
//! the week (1 is Sunday).

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Days as Plus, NaiveDate, Weekday};

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const FIRST_YEAR: u32 = 1970;
const LAST_YEAR: u32 = 2199;

/// A schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    minutes: BTreeSet<u32>,
    hours: BTreeSet<u32>,
    months: BTreeSet<u32>,
    years: BTreeSet<u32>,
    days: Days,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Days {
    OfMonth(Vec<DayOfMonth>),
    OfWeek(Vec<DayOfWeek>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum DayOfMonth {
    Days(BTreeSet<u32>),
    Last,
    LastWeekday,
    /// The weekday nearest to this day, within the month.
    Nearest(u32),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum DayOfWeek {
    /// 1 is Sunday.
    Days(BTreeSet<u32>),
    /// The last one of the month.
    Last(u32),
    /// The nth one of the month.
    Nth(u32, u32),
}

/// A field: its name, its bounds, and words for values from the first bound on.
struct Field {
    name: &'static str,
    first: u32,
    last: u32,
    words: &'static [&'static str],
}

impl Cron {
    /// Reads an expression. Errors: what is wrong with it, for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        let inner = text.trim().strip_prefix("cron(").and_then(|rest| rest.strip_suffix(')'));
        let inner =
            inner.ok_or("it must have the form cron(Minutes Hours Day-of-month Month Day-of-week Year)")?;
        let fields: Vec<&str> = inner.split_whitespace().collect();
        let [minutes, hours, day, month, weekday, year] = fields[..] else {
            return Err(format!("it has {} fields, and must have six", fields.len()));
        };
        let days = match (day, weekday) {
            ("?", "?") => return Err("one of Day-of-month and Day-of-week must not be ?".to_owned()),
            (day, "?") => Days::OfMonth(day.split(',').map(day_of_month).collect::<Result<_, _>>()?),
            ("?", weekday) => Days::OfWeek(weekday.split(',').map(day_of_week).collect::<Result<_, _>>()?),
            _ => return Err("one of Day-of-month and Day-of-week must be ?".to_owned()),
        };
        let plain = |name, first, last, words, text| Field { name, first, last, words }.set(text);
        Ok(Self {
            minutes: plain("Minutes", 0, 59, &[], minutes)?,
            hours: plain("Hours", 0, 23, &[], hours)?,
            months: plain("Month", 1, 12, &MONTHS, month)?,
            years: plain("Year", FIRST_YEAR, LAST_YEAR, &[], year)?,
            days,
        })
    }

    /// Reads an expression that is new at `now_ms`, epoch milliseconds. Errors: as [`Cron::parse`], and for one that has no
    /// moment from then on.
    pub fn upcoming(text: &str, now_ms: i64) -> Result<Self, String> {
        let cron = Self::parse(text)?;
        match (cron.next(now_ms), cron.next(0)) {
            (Some(_), _) => Ok(cron),
            (None, None) => Err("it never fires: there is no such day".to_owned()),
            (None, Some(_)) => Err("it never fires again: its last moment is past".to_owned()),
        }
    }

    /// The first moment after `after_ms`, epoch milliseconds; `None` when there is none any more.
    pub fn next(&self, after_ms: i64) -> Option<i64> {
        // Seconds do not count: the next whole minute is the first candidate.
        let minute = after_ms.div_euclid(60_000) + 1;
        let start = DateTime::from_timestamp(minute.checked_mul(60)?, 0)?.naive_utc();
        let first_day = start.date();
        let from_year = u32::try_from(first_day.year()).unwrap_or(FIRST_YEAR);
        for year in self.years.range(from_year..) {
            for month in &self.months {
                let first = NaiveDate::from_ymd_opt(i32::try_from(*year).ok()?, *month, 1)?;
                let mut days = self.days.of(first);
                days.retain(|day| *day >= first_day);
                for day in days {
                    let from = if day == first_day { Some(start.time()) } else { None };
                    for time in self.times() {
                        if from.is_none_or(|from| time >= from) {
                            return Some(day.and_time(time).and_utc().timestamp_millis());
                        }
                    }
                }
            }
        }
        None
    }

    fn times(&self) -> impl Iterator<Item = chrono::NaiveTime> {
        let minutes = &self.minutes;
        self.hours.iter().flat_map(move |hour| {
            minutes.iter().filter_map(|m| chrono::NaiveTime::from_hms_opt(*hour, *m, 0))
        })
    }
}

impl Days {
    /// The days of the month that begins with `first`, in order.
    fn of(&self, first: NaiveDate) -> BTreeSet<NaiveDate> {
        let all: Vec<NaiveDate> = first.iter_days().take_while(|day| day.month() == first.month()).collect();
        let mut found = BTreeSet::new();
        match self {
            Self::OfMonth(days) => {
                for day in days {
                    day.add(&all, &mut found);
                }
            }
            Self::OfWeek(days) => {
                for day in days {
                    day.add(&all, &mut found);
                }
            }
        }
        found
    }
}

fn is_weekday(day: NaiveDate) -> bool {
    !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

impl DayOfMonth {
    fn add(&self, all: &[NaiveDate], found: &mut BTreeSet<NaiveDate>) {
        match self {
            Self::Days(days) => found.extend(all.iter().filter(|day| days.contains(&day.day()))),
            Self::Last => found.extend(all.last()),
            Self::LastWeekday => found.extend(all.iter().rev().find(|day| is_weekday(**day))),
            Self::Nearest(wanted) => {
                let Some(day) = all.iter().find(|day| day.day() == *wanted) else { return };
                let away = |candidate: &&NaiveDate| (**candidate - *day).num_days().abs();
                found.extend(all.iter().filter(|candidate| is_weekday(**candidate)).min_by_key(away));
            }
        }
    }
}

impl DayOfWeek {
    fn add(&self, all: &[NaiveDate], found: &mut BTreeSet<NaiveDate>) {
        let number = |day: &NaiveDate| day.weekday().number_from_sunday();
        match self {
            Self::Days(days) => found.extend(all.iter().filter(|day| days.contains(&number(day)))),
            Self::Last(wanted) => found.extend(all.iter().rev().find(|day| number(day) == *wanted)),
            Self::Nth(wanted, nth) => {
                let weeks = u64::from(nth.saturating_sub(1)) * 7;
                let first = all.iter().find(|day| number(day) == *wanted);
                let day = first.and_then(|day| day.checked_add_days(Plus::new(weeks)));
                found.extend(day.filter(|day| all.contains(day)));
            }
        }
    }
}

const DAY: Field = Field { name: "Day-of-month", first: 1, last: 31, words: &[] };
const WEEKDAY: Field = Field { name: "Day-of-week", first: 1, last: 7, words: &WEEKDAYS };

fn day_of_month(text: &str) -> Result<DayOfMonth, String> {
    match text {
        "L" => Ok(DayOfMonth::Last),
        "LW" | "WL" => Ok(DayOfMonth::LastWeekday),
        _ => match text.strip_suffix('W') {
            Some(day) => Ok(DayOfMonth::Nearest(DAY.value(day)?)),
            None => Ok(DayOfMonth::Days(DAY.set(text)?)),
        },
    }
}

fn day_of_week(text: &str) -> Result<DayOfWeek, String> {
    if text == "L" {
        return Ok(DayOfWeek::Days(BTreeSet::from([7])));
    }
    if let Some((day, nth)) = text.split_once('#') {
        let nth = nth.parse().ok().filter(|nth| (1..=5).contains(nth));
        let nth = nth.ok_or_else(|| WEEKDAY.wrong(text, "the number after # is 1 to 5"))?;
        return Ok(DayOfWeek::Nth(WEEKDAY.value(day)?, nth));
    }
    match text.strip_suffix('L') {
        Some(day) => Ok(DayOfWeek::Last(WEEKDAY.value(day)?)),
        None => Ok(DayOfWeek::Days(WEEKDAY.set(text)?)),
    }
}

impl Field {
    fn wrong(&self, text: &str, why: &str) -> String {
        format!("{} cannot be {text:?}: {why}", self.name)
    }

    fn value(&self, text: &str) -> Result<u32, String> {
        let word = self.words.iter().position(|word| text.eq_ignore_ascii_case(word));
        let value = match word {
            Some(at) => u32::try_from(at).ok().map(|at| at + self.first),
            None if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
            None => None,
        };
        value
            .filter(|value| (self.first..=self.last).contains(value))
            .ok_or_else(|| self.wrong(text, &format!("values are {} to {}", self.first, self.last)))
    }

    /// Values, ranges and steps, separated by commas.
    fn set(&self, text: &str) -> Result<BTreeSet<u32>, String> {
        let mut all = BTreeSet::new();
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => {
                    let step = step.parse().ok().filter(|step| *step > 0);
                    (range, Some(step.ok_or_else(|| self.wrong(part, "a step is a positive number"))?))
                }
                None => (part, None),
            };
            let (from, to) = match (range, range.split_once('-'), step) {
                ("*", _, _) => (self.first, self.last),
                (_, Some((from, to)), _) => (self.value(from)?, self.value(to)?),
                // A value with a step goes on to the end.
                (value, None, Some(_)) => (self.value(value)?, self.last),
                (value, None, None) => (self.value(value)?, self.value(value)?),
            };
            if from > to {
                return Err(self.wrong(part, "the range ends before it begins"));
            }
            all.extend((from..=to).step_by(step.unwrap_or(1)));
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(&format!("{text}:00Z")).unwrap().timestamp_millis()
    }

    #[test]
    fn the_next_moment() {
        for (cron, after, wanted) in [
            ("cron(15 12 * * ? *)", "2024-01-01T12:14", "2024-01-01T12:15"),
            ("cron(15 12 * * ? *)", "2024-01-01T12:15", "2024-01-02T12:15"),
            ("cron(0/10 * ? * MON-FRI *)", "2024-01-05T23:55", "2024-01-08T00:00"),
            ("cron(0 18 ? * 2-6 *)", "2024-01-06T00:00", "2024-01-08T18:00"),
            ("cron(0 8 1 * ? *)", "2024-12-01T08:00", "2025-01-01T08:00"),
            ("cron(0 8 L * ? *)", "2024-02-01T00:00", "2024-02-29T08:00"),
            ("cron(0 8 15W * ? *)", "2024-06-01T00:00", "2024-06-14T08:00"),
            ("cron(0 8 1W * ? *)", "2024-06-01T00:00", "2024-06-03T08:00"),
            ("cron(0 8 LW * ? *)", "2024-06-01T00:00", "2024-06-28T08:00"),
            ("cron(0 8 ? * 6L *)", "2024-06-01T00:00", "2024-06-28T08:00"),
            ("cron(0 8 ? * FRI#3 *)", "2024-06-01T00:00", "2024-06-21T08:00"),
            ("cron(0 8 ? * 2#5 *)", "2024-06-01T00:00", "2024-07-29T08:00"),
            ("cron(0 8 ? * L *)", "2024-06-02T00:00", "2024-06-08T08:00"),
            ("cron(0 0 29 FEB ? *)", "2024-03-01T00:00", "2028-02-29T00:00"),
            ("cron(5,10-12 0 1 JAN,jul ? 2026-2030/2)", "2024-06-01T00:00", "2026-01-01T00:05"),
            ("cron(5,10-12 0 1 JAN,jul ? 2026-2030/2)", "2026-01-01T00:05", "2026-01-01T00:10"),
        ] {
            let found = Cron::parse(cron).unwrap().next(ms(after)).unwrap();
            assert_eq!(found, ms(wanted), "{cron} after {after}");
        }
        assert_eq!(Cron::parse("cron(0 0 1 1 ? 2020)").unwrap().next(ms("2024-01-01T00:00")), None);
        assert_eq!(Cron::parse("cron(0 0 31 2 ? *)").unwrap().next(ms("2024-01-01T00:00")), None);
        // Seconds do not move it.
        let at = Cron::parse("cron(15 12 * * ? *)").unwrap().next(ms("2024-01-01T12:14") + 59_999).unwrap();
        assert_eq!(at, ms("2024-01-01T12:15"));
    }

    #[test]
    fn what_never_fires_is_refused() {
        let now = ms("2024-06-01T00:00");
        for (cron, word) in [
            ("cron(0 0 1 1 ? 2020)", "never fires again"),
            ("cron(0 0 1 6 ? 2024)", "never fires again"),
            ("cron(0 0 31 2 ? *)", "no such day"),
            ("cron(0 0 29 2 ? 2025-2027)", "no such day"),
            ("cron(0 24 1 1 ? 2020)", "Hours"),
        ] {
            let error = Cron::upcoming(cron, now).unwrap_err();
            assert!(error.contains(word), "{cron}: {error}");
        }
        for cron in ["cron(0 0 1 1 ? 2020,2025)", "cron(1 0 1 6 ? 2024)", "cron(0 0 29 2 ? *)"] {
            assert_eq!(Cron::upcoming(cron, now), Cron::parse(cron), "{cron}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (cron, word) in [
            ("0 12 * * ? *", "form"),
            ("rate(5 minutes)", "form"),
            ("cron(0 12 * * ?)", "5 fields"),
            ("cron(0 12 * * * *)", "must be ?"),
            ("cron(0 12 ? * ? *)", "must not be ?"),
            ("cron(60 12 * * ? *)", "Minutes"),
            ("cron(0 24 * * ? *)", "Hours"),
            ("cron(0 12 0 * ? *)", "Day-of-month"),
            ("cron(0 12 * 13 ? *)", "Month"),
            ("cron(0 12 ? * 8 *)", "Day-of-week"),
            ("cron(0 12 ? * 2#6 *)", "1 to 5"),
            ("cron(0 12 * * ? 1969)", "Year"),
            ("cron(0 12 5-2 * ? *)", "ends before"),
            ("cron(0/0 12 * * ? *)", "positive"),
            ("cron(x 12 * * ? *)", "Minutes"),
            ("cron(+5 12 * * ? *)", "Minutes"),
            ("cron(? 12 * * ? *)", "Minutes"),
        ] {
            let error = Cron::parse(cron).unwrap_err();
            assert!(error.contains(word), "{cron}: {error}");
        }
    }
}
