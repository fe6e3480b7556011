//! What names an idempotent producer and its batches.

/// The id that InitProducerId gave. Kafka writes "none" as −1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProducerId(pub i64);

impl ProducerId {
    /// Not an idempotent producer.
    pub const NONE: ProducerId = ProducerId(-1);
}

/// Which life of a producer id this is; a higher one fences the lower. Kafka writes "none" as −1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProducerEpoch(pub i16);

impl ProducerEpoch {
    /// Not an idempotent producer.
    pub const NONE: ProducerEpoch = ProducerEpoch(-1);
}

/// The number of a record among those of one producer and partition; after 2^31−1 comes 0. Kafka writes "none" as −1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sequence(pub i32);

impl Sequence {
    /// No sequence.
    pub const NONE: Sequence = Sequence(-1);

    /// The number `count` records later, with Kafka's turn from 2^31−1 to 0.
    pub const fn plus(self, count: i32) -> Sequence {
        if self.0 > i32::MAX - count { Sequence(count - (i32::MAX - self.0) - 1) } else { Sequence(self.0 + count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_turn_over_to_zero() {
        assert_eq!(Sequence(5).plus(3), Sequence(8));
        assert_eq!(Sequence(i32::MAX).plus(1), Sequence(0));
        assert_eq!(Sequence(i32::MAX - 1).plus(4), Sequence(2));
        assert_eq!(Sequence(i32::MAX).plus(0), Sequence(i32::MAX));
    }
}
