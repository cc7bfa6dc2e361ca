//! Reads the times that gateways write. The code that accepts the message decides whether a time is plausible.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The range of numbers that count milliseconds, from 1973 to the year 3000. As seconds, these numbers would mean the
/// year 5138 or later.
const MILLISECONDS: RangeInclusive<i64> = 100_000_000_000..=32_503_680_000_000;

/// Reads seconds or milliseconds since 1970, ISO 8601, or Kannel's `%t` (`2026-11-24 11:25:33`). A time without a time
/// zone is in UTC. Anything else counts as absent: zero, negative numbers, and times after the largest [`Timestamp`].
pub(super) fn read(written: &str) -> Option<Timestamp> {
    let written = written.trim();
    let (whole, fraction) = written.split_once('.').unwrap_or((written, "0"));
    let at = match whole.parse::<i64>() {
        Ok(_) if !fraction.bytes().all(|byte| byte.is_ascii_digit()) => None,
        Ok(number) if MILLISECONDS.contains(&number) => Timestamp::from_millisecond(number).ok(),
        Ok(seconds) => Timestamp::from_second(seconds).ok(),
        Err(_) => written.parse().ok().or_else(|| TimeZone::UTC.to_timestamp(civil(written)?).ok()),
    };
    at.filter(|at| *at > Timestamp::UNIX_EPOCH)
}

fn civil(written: &str) -> Option<DateTime> {
    let with = |format| DateTime::strptime(format, written).ok();
    written.parse().ok().or_else(|| with("%Y-%m-%d %H:%M:%S")).or_else(|| with("%Y-%m-%d %H:%M"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_forms_that_gateways_write() {
        let same = [
            "1795519533",
            "1795519533.25",
            " 1795519533 ",
            "1795519533000",
            "2026-11-24T11:25:33Z",
            "2026-11-24T12:25:33+01:00",
            "2026-11-24T11:25:33",
            "2026-11-24 11:25:33",
        ];
        for written in same {
            assert_eq!(read(written), Timestamp::from_second(1_795_519_533).ok(), "{written}");
        }
        assert_eq!(read("2026-11-24 11:25"), Timestamp::from_second(1_795_519_500).ok());
        assert_eq!(read("9999-12-30T22:00:00Z"), Timestamp::from_second(253_402_207_200).ok());
    }

    #[test]
    fn what_is_no_time_is_none() {
        let table = [
            "",
            "0",
            "-1",
            "-9223372036854775808",
            "9223372036854775807",
            "9223372036854775808",
            "NaN",
            "inf",
            "1e9",
            "99999999999999",
            "0x6b",
            "1795519533.x",
            "%T",
            "1970-01-01T00:00:00Z",
            "1969-12-31 23:59:59",
            "-009999-01-02T01:59:59Z",
            "9999-12-31T23:59:59Z",
            "+262142-12-31T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "yesterday",
        ];
        for written in table {
            assert_eq!(read(written), None, "{written}");
        }
    }
}
