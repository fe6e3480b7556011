//! The two clocks of a broker: the monotonic one that sessions and waits are measured by, and the wall clock that
//! records carry. A core is told both; it never asks.

pub use core::time::Duration;

/// A point of the monotonic clock, in nanoseconds since a start that only the shell knows.
///
/// Sessions, elections and waits use it, so a jump of the wall clock expires nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    /// Nanoseconds since the shell's start.
    pub nanos: u64,
}

impl Instant {
    /// The point this many milliseconds after the start.
    pub const fn from_millis(millis: u64) -> Instant {
        Instant { nanos: millis * 1_000_000 }
    }

    /// Whole milliseconds since the start.
    pub const fn as_millis(self) -> u64 {
        self.nanos / 1_000_000
    }

    /// How much later this is than `earlier`; zero when it is not later.
    pub const fn since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.nanos.saturating_sub(earlier.nanos))
    }
}

impl core::ops::Add<Duration> for Instant {
    type Output = Instant;

    /// Saturates at the end of the clock, 584 years after the start: a wait without end is such a point.
    fn add(self, wait: Duration) -> Instant {
        let wait = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        Instant { nanos: self.nanos.saturating_add(wait) }
    }
}

/// A wall-clock time in milliseconds since 1970-01-01 UTC, as records carry it. Kafka writes "none" as −1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Kafka's "no timestamp".
    pub const NONE: Timestamp = Timestamp(-1);
}

/// Both clocks, read at once by the shell for one event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// The monotonic clock.
    pub instant: Instant,
    /// The wall clock.
    pub wall: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_without_end_saturates() {
        let never = Instant::from_millis(5) + Duration::MAX;
        assert_eq!(never.nanos, u64::MAX);
        assert_eq!(Instant::from_millis(5).since(never), Duration::ZERO);
    }
}
