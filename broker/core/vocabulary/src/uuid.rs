//! Kafka's UUID: sixteen bytes, written as URL-safe base64 without padding (22 characters).

use core::fmt;
use core::str::FromStr;

/// A 128-bit id of a topic, a log directory, an incarnation or a cluster.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub [u8; 16]);

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl Uuid {
    /// All zeroes: "none", on the wire as in files.
    pub const ZERO: Uuid = Uuid([0; 16]);
    /// The id of the metadata topic, and of a directory that is unknown to older brokers (KIP-858 reserves it).
    pub const ONE: Uuid = Uuid([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    /// Ids below this many are reserved by Kafka for special meanings.
    const RESERVED: u128 = 100;

    /// A random (version 4) id out of sixteen random bytes; `None` where Kafka would draw again: the reserved ids, and
    /// those whose text begins with a dash, which command lines take for a flag.
    pub fn from_random(bytes: [u8; 16]) -> Option<Uuid> {
        let mut bytes = bytes;
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let dash_first = bytes[0] >> 2 == 62;
        (u128::from_be_bytes(bytes) >= Uuid::RESERVED && !dash_first).then_some(Uuid(bytes))
    }

    /// Whether this is the "none" of the protocol.
    pub fn is_zero(&self) -> bool {
        *self == Uuid::ZERO
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = u128::from_be_bytes(self.0);
        for place in 0..22u32 {
            // 128 bits are 21 whole sextets and two bits that stand high in the last one.
            let sextet = if place < 21 { (bits >> (122 - 6 * place)) & 63 } else { (bits << 4) & 63 };
            write!(f, "{}", char::from(ALPHABET[sextet as usize]))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not a Kafka UUID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a UUID: 22 characters of URL-safe base64 (A-Z, a-z, 0-9, - and _) are right")]
pub struct UuidError(String);

impl FromStr for Uuid {
    type Err = UuidError;

    fn from_str(text: &str) -> Result<Uuid, UuidError> {
        let refuse = || UuidError(text.to_owned());
        let text_bytes = text.as_bytes();
        if text_bytes.len() != 22 {
            return Err(refuse());
        }
        let mut bits: u128 = 0;
        for (place, byte) in text_bytes.iter().enumerate() {
            let sextet = ALPHABET.iter().position(|letter| letter == byte).ok_or_else(refuse)? as u128;
            bits = if place < 21 { (bits << 6) | sextet } else { (bits << 2) | (sextet >> 4) };
        }
        Ok(Uuid(bits.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_kafka() {
        // Printed by org.apache.kafka.common.Uuid for the same two longs.
        assert_eq!(Uuid::ZERO.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(Uuid::ONE.to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
        let id: Uuid = "vPeOCWypqUOSepEvx0cbog".parse().unwrap();
        assert_eq!(id.to_string(), "vPeOCWypqUOSepEvx0cbog");
    }

    #[test]
    fn every_id_survives_its_text() {
        for seed in 0..200u128 {
            let id = Uuid((seed.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834)).to_be_bytes());
            assert_eq!(id.to_string().parse(), Ok(id));
        }
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        assert!("".parse::<Uuid>().is_err());
        assert!("vPeOCWypqUOSepEvx0cbo!".parse::<Uuid>().is_err());
        assert_eq!(Uuid::from_random([0xf8; 16]), None, "its text would begin with a dash");
    }
}
