//! A point in time, always carried as a value: nothing but the engine asks a clock.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A point in time to the millisecond, written as RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Moment(Timestamp);

impl Moment {
    /// The moment that many milliseconds after 1970-01-01T00:00:00Z; times out of range are clamped.
    pub fn from_unix_millis(millis: i64) -> Self {
        let end = if millis < 0 { Timestamp::MIN } else { Timestamp::MAX };
        Self(Timestamp::from_millisecond(millis).unwrap_or(end))
    }

    /// The moment that many seconds after 1970-01-01T00:00:00Z; times out of range are clamped.
    pub fn from_unix_seconds(seconds: i64) -> Self {
        Self::from_unix_millis(seconds.saturating_mul(1000))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn unix_millis(self) -> i64 {
        self.0.as_millisecond()
    }

    /// Seconds since 1970-01-01T00:00:00Z, rounded towards the past.
    pub fn unix_seconds(self) -> i64 {
        self.unix_millis().div_euclid(1000)
    }

    /// The moment that much later.
    #[must_use]
    pub fn plus(self, much: Duration) -> Self {
        let millis = i64::try_from(much.as_millis()).unwrap_or(i64::MAX);
        Self::from_unix_millis(self.unix_millis().saturating_add(millis))
    }

    /// The moment that many days later (earlier, when negative); a day is 24 hours.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        Self::from_unix_millis(self.unix_millis().saturating_add(days.saturating_mul(86_400_000)))
    }

    /// Whole days from here to `later`; negative when `later` lies before, rounded towards the past.
    pub fn days_until(self, later: Self) -> i64 {
        later.unix_millis().saturating_sub(self.unix_millis()).div_euclid(86_400_000)
    }

    /// How long from `earlier` to here; zero when `earlier` is in fact later.
    pub fn since(self, earlier: Self) -> Duration {
        let span =
            SignedDuration::from_millis(self.unix_millis().saturating_sub(earlier.unix_millis()));
        Duration::try_from(span).unwrap_or(Duration::ZERO)
    }

    /// The calendar day in UTC, as `2026-11-23`. What people read and decide by is [`Calendar::date`].
    pub fn date(self) -> String {
        self.0.strftime("%Y-%m-%d").to_string()
    }

    /// In UTC as `Mon Nov 23 14:05:09 2026`, which is how `asctime` of C writes it.
    pub fn as_in_c(self) -> String {
        self.0.strftime("%a %b %e %H:%M:%S %Y").to_string()
    }

    /// Day and minute in UTC, as `2026-11-23 14:05 UTC`.
    pub fn minute(self) -> String {
        self.0.strftime("%Y-%m-%d %H:%M UTC").to_string()
    }
}

/// By which clock days are counted: the one place that says so, for what a report prints and for what ends with a day.
///
/// A day in a file (`expires: 2026-11-23`) is the calendar day of that name here, and ends when it ends here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar(Offset);

impl Calendar {
    /// Hong Kong, all year round: it has had no summer time since 1979. Reports are read there, and print its time.
    pub const HONG_KONG: Self = Self(Offset::constant(8));

    /// Calendar day and time of day there.
    pub fn there(self, moment: Moment) -> DateTime {
        self.0.to_datetime(moment.0)
    }

    /// The calendar day there, as `2026-11-23`.
    pub fn date(self, moment: Moment) -> String {
        self.there(moment).date().to_string()
    }

    /// Whether the day of a moment has ended there by now: what is due on a day is overdue from the next one on.
    pub fn is_past(self, day: Moment, now: Moment) -> bool {
        self.days_between(day, now) > 0
    }

    /// How many midnights lie between two moments there; negative when `later` lies before.
    pub fn days_between(self, earlier: Moment, later: Moment) -> i64 {
        let day = |moment| {
            Offset::UTC
                .to_timestamp(self.there(moment).date().to_datetime(jiff::civil::Time::midnight()))
        };
        let (Ok(earlier), Ok(later)) = (day(earlier), day(later)) else { return 0 };
        Moment(earlier).days_until(Moment(later))
    }
}

impl schemars::JsonSchema for Moment {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Moment".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ].+)?$",
            "description": "A day (2026-11-23) or a time with its offset (2026-11-23T22:00:00+08:00)."
        })
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.to_string()
    }
}

impl TryFrom<String> for Moment {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl FromStr for Moment {
    type Err = String;

    /// Reads RFC 3339 with an offset (`2026-11-23T22:00:00+08:00`), or a day (`2026-11-23`, its start in UTC).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let day = || {
            // A time without its offset is no day either.
            let day: jiff::civil::Date = (text.len() == 10).then(|| text.parse().ok())??;
            jiff::tz::TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()
        };
        text.parse::<Timestamp>().ok().or_else(day).map(Self).ok_or_else(|| {
            format!("`{text}` is not a time; write it as 2026-11-23T22:00:00+08:00 or 2026-11-23")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_round_towards_the_past() {
        let noon: Moment = "2026-11-23T12:00:00Z".parse().expect("a time");
        let day: Moment = "2026-11-24".parse().expect("a day");
        assert_eq!(noon.days_until(day), 0);
        assert_eq!(day.days_until(noon), -1);
        assert_eq!(noon.plus_days(2).date(), "2026-11-25");
        assert!("tomorrow".parse::<Moment>().is_err());
        assert!("2026-11-23T22:00:00".parse::<Moment>().is_err());
    }

    #[test]
    fn a_day_begins_and_ends_where_the_readers_are() {
        let zone = Calendar::HONG_KONG;
        let at = |text: &str| text.parse::<Moment>().expect("a time");
        // 16:00 in UTC is midnight in Hong Kong; a day in a file is the day of that name.
        for (moment, date) in [
            ("2026-11-23T15:59:59Z", "2026-11-23"),
            ("2026-11-23T16:00:00Z", "2026-11-24"),
            ("2026-11-24", "2026-11-24"),
            ("2026-11-24T00:30:00+08:00", "2026-11-24"),
        ] {
            assert_eq!(zone.date(at(moment)), date, "{moment}");
        }
        for (earlier, later, days) in [
            ("2026-11-23T15:59:59Z", "2026-11-23T16:00:00Z", 1),
            ("2026-11-23T16:00:00Z", "2026-11-24T15:59:59Z", 0),
            ("2026-11-24", "2026-11-23T15:59:59Z", -1),
        ] {
            assert_eq!(zone.days_between(at(earlier), at(later)), days, "{earlier} {later}");
        }
    }
}
