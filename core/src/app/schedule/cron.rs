//! Due times of jobs: cron expressions of five fields in a time zone, and plain time spans.
//!
//! This module has its own cron code. The maintained crates add another date library and macros, and Threadless needs
//! only one result: the last due time before a given time.

use std::ops::RangeInclusive;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

/// The rule for the due times of a job.
#[derive(Clone, Debug)]
pub(crate) enum When {
    /// A job that is due at each whole multiple of this span since 1970, in UTC.
    Every(SignedDuration),
    /// A job that is due at each minute that matches the expression.
    Cron(Box<Cron>),
}

/// A cron expression.
#[derive(Clone, Debug)]
pub(crate) struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether both the days of the month and the days of the week are restricted. Then a day matches if one of the two
    /// matches.
    either: bool,
    zone: TimeZone,
}

/// How many days the search for a due time goes back. A 29 February that is a Monday comes every 28 years, or after 40
/// years around the end of a century.
const DAYS: i32 = 366 * 41;

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl When {
    /// Reads a span of whole minutes, at least one: `15m`, `1h30m`, `1d`.
    pub(super) fn every(text: &str) -> Result<Self, String> {
        let (days, rest) = match text.split_once('d') {
            Some((days, rest)) => (days.trim().parse::<i64>().ok(), rest.trim()),
            None => (Some(0), text),
        };
        let rest = if rest.is_empty() { Some(SignedDuration::ZERO) } else { rest.parse().ok() };
        let hours = days.and_then(|days| days.checked_mul(24)).and_then(SignedDuration::try_from_hours);
        let span = hours.zip(rest).and_then(|(days, rest)| days.checked_add(rest));
        match span {
            Some(span) if span.as_secs() >= 60 && span.as_secs() % 60 == 0 && span.subsec_nanos() == 0 => {
                Ok(Self::Every(span))
            }
            _ => Err(format!(
                "{text:?} is not a time span in whole minutes: write for example 15m, 1h30m or 1d"
            )),
        }
    }

    /// Reads a cron expression (minute, hour, day of the month, month, day of the week), in a time zone of the IANA
    /// database.
    pub(super) fn cron(expression: &str, zone: &str) -> Result<Self, String> {
        let zone = TimeZone::get(zone)
            .map_err(|_| format!("the time zone {zone:?} is unknown: write for example Africa/Nairobi"))?;
        let fields: Vec<&str> = expression.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(format!(
                "{expression:?} has {} fields, but a cron expression has five",
                fields.len()
            ));
        };
        let weekdays = field("day of the week", weekday, 0..=7, &WEEKDAYS, 0)?;
        let cron = Cron {
            minutes: field("minute", minute, 0..=59, &[], 0)?,
            hours: field("hour", hour, 0..=23, &[], 0)?,
            days: field("day of the month", day, 1..=31, &[], 0)?,
            months: field("month", month, 1..=12, &MONTHS, 1)?,
            // Both 7 and 0 are Sunday.
            weekdays: (weekdays | weekdays >> 7) & 0x7f,
            either: !day.starts_with('*') && !weekday.starts_with('*'),
            zone,
        };
        if cron.before(Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 366 * 60)).is_none() {
            return Err(format!("no date matches {expression:?}"));
        }
        Ok(Self::Cron(Box::new(cron)))
    }

    /// Returns the last due time that is not after `now`.
    pub(crate) fn last(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every(span) => {
                Timestamp::from_second(now.as_second().div_euclid(span.as_secs()) * span.as_secs()).ok()
            }
            Self::Cron(cron) => cron.before(now),
        }
    }

    /// Returns the first due time after `now`, if it is not after `until`.
    pub(crate) fn next(&self, now: Timestamp, until: Timestamp) -> Option<Timestamp> {
        let due_by = |second: i64| self.last(Timestamp::from_second(second).ok()?).filter(|due| *due > now);
        let (mut before, mut by) = (now.as_second(), until.as_second());
        let mut next = due_by(by)?;
        while by - before > 1 {
            let middle = before + (by - before) / 2;
            match due_by(middle) {
                Some(due) => (by, next) = (middle, due),
                None => before = middle,
            }
        }
        Some(next)
    }
}

impl Cron {
    fn before(&self, now: Timestamp) -> Option<Timestamp> {
        let here = self.zone.to_datetime(now);
        // The search begins one day later, because an hour repeats when clocks are set back.
        let mut date = here.date().tomorrow().ok()?;
        for _ in 0..DAYS {
            if self.is_day(date)
                && let Some(found) = self.last_of_day(date, now)
            {
                return Some(found);
            }
            date = date.checked_sub(1.day()).ok()?;
        }
        None
    }

    fn is_day(&self, date: Date) -> bool {
        let day = has(self.days, date.day());
        let weekday = has(self.weekdays, date.weekday().to_sunday_zero_offset());
        has(self.months, date.month()) && if self.either { day || weekday } else { day && weekday }
    }

    /// Returns the last due time of a day that is not after `now`. Some local times do not exist, because clocks are
    /// set forward; then the due time moves forward by the length of the gap. Some local times come twice; then the
    /// first one counts.
    fn last_of_day(&self, date: Date, now: Timestamp) -> Option<Timestamp> {
        let mut last = None;
        for hour in (0..24).filter(|hour| has(self.hours, *hour)) {
            for minute in (0..60).filter(|minute| has(self.minutes, *minute)) {
                let time = Time::new(hour, minute, 0, 0).ok()?;
                let at = self
                    .zone
                    .to_ambiguous_zoned_datetime(date.to_datetime(time))
                    .compatible()
                    .ok()?
                    .timestamp();
                if at <= now {
                    last = last.max(Some(at));
                }
            }
        }
        last
    }
}

fn has(set: u64, member: i8) -> bool {
    u32::try_from(member).is_ok_and(|member| set & (1 << member) != 0)
}

/// Reads one field into a set of numbers.
fn field(
    what: &str,
    text: &str,
    range: RangeInclusive<u8>,
    words: &[&str],
    first: u8,
) -> Result<u64, String> {
    let number = |text: &str| {
        let word = words.iter().position(|word| word.eq_ignore_ascii_case(text));
        let named = word.and_then(|at| u8::try_from(at).ok()).map(|at| at + first);
        named.or_else(|| text.parse().ok()).filter(|number| range.contains(number))
    };
    let mut set = 0;
    for part in text.split(',') {
        let (span, step) = match part.split_once('/') {
            Some((span, step)) => (span, step.parse::<usize>().ok().filter(|step| *step > 0)),
            None => (part, Some(1)),
        };
        let numbers = match span.split_once('-') {
            _ if span == "*" => Some(range.clone()),
            Some((from, to)) => number(from).zip(number(to)).map(|(from, to)| from..=to),
            // `5/10` means: every tenth number, beginning with 5.
            None if part.contains('/') => number(span).map(|from| from..=*range.end()),
            None => number(span).map(|one| one..=one),
        };
        let (Some(numbers), Some(step)) = (numbers.filter(|numbers| !numbers.is_empty()), step) else {
            return Err(format!(
                "{part:?} is not valid for the {what}, which goes from {} to {}",
                range.start(),
                range.end()
            ));
        };
        set = numbers.step_by(step).fold(set, |set, number| set | 1 << number);
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(expression: &str, zone: &str, now: &str) -> String {
        let when = When::cron(expression, zone).unwrap();
        when.last(now.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn the_last_due_time_is_the_one_that_cron_would_have_had() {
        // 2026-11-25 is a Wednesday. Addis Ababa is three hours ahead of UTC, all year.
        let now = "2026-11-25T07:00:30Z";
        let table = [
            ("* * * * *", "UTC", "2026-11-25T07:00:00Z"),
            ("*/15 * * * *", "UTC", "2026-11-25T07:00:00Z"),
            ("7-59/20 * * * *", "UTC", "2026-11-25T06:47:00Z"),
            ("5/20 * * * *", "UTC", "2026-11-25T06:45:00Z"),
            ("0 8 * * MON-FRI", "Africa/Addis_Ababa", "2026-11-25T05:00:00Z"),
            ("0 11 * * MON-FRI", "Africa/Addis_Ababa", "2026-11-24T08:00:00Z"),
            ("30 18 * * sat,sun", "UTC", "2026-11-22T18:30:00Z"),
            ("0 0 * * 7", "UTC", "2026-11-22T00:00:00Z"),
            ("0 0 1 * *", "UTC", "2026-11-01T00:00:00Z"),
            ("0 0 13 * FRI", "UTC", "2026-11-20T00:00:00Z"),
            ("0 0 29 2 *", "UTC", "2024-02-29T00:00:00Z"),
            ("0 0 31 JAN-JUN *", "UTC", "2026-05-31T00:00:00Z"),
        ];
        for (expression, zone, expected) in table {
            assert_eq!(last(expression, zone, now), expected, "{expression} {zone}");
        }
    }

    #[test]
    fn clocks_that_are_set_leave_nothing_out_and_repeat_nothing() {
        // Berlin: 2026-03-29 has no 02:30, 2026-10-25 has two.
        let berlin = |now| last("30 2 * * *", "Europe/Berlin", now);
        assert_eq!(berlin("2026-03-29T01:29:00Z"), "2026-03-28T01:30:00Z");
        assert_eq!(berlin("2026-03-29T01:30:00Z"), "2026-03-29T01:30:00Z");
        assert_eq!(berlin("2026-10-25T00:30:00Z"), "2026-10-25T00:30:00Z");
        assert_eq!(berlin("2026-10-25T23:30:00Z"), "2026-10-25T00:30:00Z");
    }

    #[test]
    fn spans_count_from_1970() {
        let every = |text: &str, now: &str| {
            When::every(text).unwrap().last(now.parse().unwrap()).unwrap().to_string()
        };
        assert_eq!(every("15m", "2026-11-25T07:14:59Z"), "2026-11-25T07:00:00Z");
        assert_eq!(every("1h30m", "2026-11-25T07:14:59Z"), "2026-11-25T06:00:00Z");
        assert_eq!(every("1d", "2026-11-25T07:14:59Z"), "2026-11-25T00:00:00Z");
    }

    #[test]
    fn the_next_due_time_is_the_first_after_a_moment() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let monday = When::cron("0 8 * * MON", "Africa/Nairobi").unwrap();
        let (wednesday, sunday) = (at("2026-11-25T07:00:00Z"), at("2026-11-29T23:00:00Z"));
        assert_eq!(monday.next(wednesday, sunday), None);
        for until in ["2026-11-30T05:00:00Z", "2026-11-30T05:00:30Z", "2027-11-30T00:00:00Z"] {
            assert_eq!(monday.next(wednesday, at(until)), Some(at("2026-11-30T05:00:00Z")), "{until}");
        }
        let after = monday.next(at("2026-11-30T05:00:00Z"), at("2027-01-01T00:00:00Z"));
        assert_eq!(after, Some(at("2026-12-07T05:00:00Z")));
        assert_eq!(monday.next(sunday, wednesday), None);
    }

    #[test]
    fn what_is_no_schedule_says_so() {
        for text in ["", "15", "0m", "30s", "90s", "-15m", "m", "1x"] {
            assert!(When::every(text).is_err(), "{text}");
        }
        let table = [
            ("0 8 * *", "UTC", "\"0 8 * *\" has 4 fields, but a cron expression has five"),
            ("60 * * * *", "UTC", "\"60\" is not valid for the minute, which goes from 0 to 59"),
            ("* 9-5 * * *", "UTC", "\"9-5\" is not valid for the hour, which goes from 0 to 23"),
            ("* * 0 * *", "UTC", "\"0\" is not valid for the day of the month, which goes from 1 to 31"),
            ("* * * XYZ *", "UTC", "\"XYZ\" is not valid for the month, which goes from 1 to 12"),
            ("*/0 * * * *", "UTC", "\"*/0\" is not valid for the minute, which goes from 0 to 59"),
            ("0 0 30 2 *", "UTC", "no date matches \"0 0 30 2 *\""),
            (
                "* * * * *",
                "Mars/Base",
                "the time zone \"Mars/Base\" is unknown: write for example Africa/Nairobi",
            ),
        ];
        for (expression, zone, problem) in table {
            assert_eq!(When::cron(expression, zone).unwrap_err(), problem);
        }
    }
}
