//! The check sum of a batch: CRC-32C (Castagnoli), over everything from the attributes to the end.
//!
//! The base offset and the leader epoch lie before the attributes, so a broker may set them without a new sum.

use crc_fast::{CrcAlgorithm, Digest};

/// The sum of one slice.
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

/// The sum of two slices as if they were one: a header just written and the records that lie elsewhere.
pub fn crc32c_of_two(first: &[u8], second: &[u8]) -> u32 {
    let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
    digest.update(first);
    digest.update(second);
    digest.finalize() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_castagnolis() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c_of_two(b"1234", b"56789"), 0xe306_9283);
        assert_eq!(crc32c_of_two(b"", b""), 0);
    }
}
