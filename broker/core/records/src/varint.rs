//! Kafka's variable-length integers: seven bits a byte, least first, signed numbers zigzagged so that −1 is short.
//!
//! A reader takes at most five bytes for 32 bits and ten for 64; a longer one is refused, as Java's is.

/// Most bytes of a 32-bit number.
pub const VARINT_BYTES_MAX: usize = 5;
/// Most bytes of a 64-bit number.
pub const VARLONG_BYTES_MAX: usize = 10;

/// Appends a signed 32-bit number.
pub fn write_varint(out: &mut Vec<u8>, value: i32) {
    write_unsigned(out, u64::from(zigzag32(value)));
}

/// Appends a signed 64-bit number.
pub fn write_varlong(out: &mut Vec<u8>, value: i64) {
    write_unsigned(out, zigzag64(value));
}

/// How many bytes [`write_varint`] takes.
pub const fn varint_bytes(value: i32) -> usize {
    unsigned_bytes(zigzag32(value) as u64)
}

/// How many bytes [`write_varlong`] takes.
pub const fn varlong_bytes(value: i64) -> usize {
    unsigned_bytes(zigzag64(value))
}

/// Reads a signed 32-bit number from the front: the value and how many bytes it took. `None` when the bytes end
/// within it or it is longer than five bytes.
#[inline]
pub fn read_varint(bytes: &[u8]) -> Option<(i32, usize)> {
    // Lengths and deltas of one byte are by far the most.
    let first = *bytes.first()?;
    if first < 0x80 {
        return Some((unzigzag32(u32::from(first)), 1));
    }
    let (raw, taken) = read_unsigned(bytes, VARINT_BYTES_MAX)?;
    Some((unzigzag32(raw as u32), taken))
}

/// Reads a signed 64-bit number from the front: the value and how many bytes it took. `None` when the bytes end
/// within it or it is longer than ten bytes.
#[inline]
pub fn read_varlong(bytes: &[u8]) -> Option<(i64, usize)> {
    let first = *bytes.first()?;
    if first < 0x80 {
        return Some((unzigzag64(u64::from(first)), 1));
    }
    let (raw, taken) = read_unsigned(bytes, VARLONG_BYTES_MAX)?;
    Some((unzigzag64(raw), taken))
}

fn read_unsigned(bytes: &[u8], bytes_max: usize) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().take(bytes_max).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

fn write_unsigned(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

const fn unsigned_bytes(value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

const fn zigzag32(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)) as u32
}

const fn zigzag64(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

const fn unzigzag32(raw: u32) -> i32 {
    (raw >> 1) as i32 ^ -((raw & 1) as i32)
}

const fn unzigzag64(raw: u64) -> i64 {
    (raw >> 1) as i64 ^ -((raw & 1) as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(value: i64, expected: &[u8]) {
        let mut out = Vec::new();
        write_varlong(&mut out, value);
        assert_eq!(out, expected, "{value}");
        assert_eq!(read_varlong(expected), Some((value, expected.len())));
        if let Ok(small) = i32::try_from(value) {
            assert_eq!(read_varint(expected), Some((small, expected.len())));
        }
    }

    #[test]
    fn numbers_are_zigzagged() {
        check(0, &[0]);
        check(-1, &[1]);
        check(1, &[2]);
        check(63, &[0x7e]);
        check(-64, &[0x7f]);
        check(64, &[0x80, 1]);
        check(i64::from(i32::MAX), &[0xfe, 0xff, 0xff, 0xff, 0x0f]);
        check(i64::from(i32::MIN), &[0xff, 0xff, 0xff, 0xff, 0x0f]);
        check(i64::MIN, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]);
    }

    #[test]
    fn a_cut_or_endless_number_is_refused() {
        assert_eq!(read_varint(&[]), None);
        assert_eq!(read_varint(&[0x80]), None);
        assert_eq!(read_varint(&[0x80, 0x80, 0x80, 0x80, 0x80, 0]), None);
        assert_eq!(read_varlong(&[0xff; 11]), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value: i64, small: i32) {
            let mut out = Vec::new();
            write_varlong(&mut out, value);
            write_varint(&mut out, small);
            prop_assert_eq!(out.len(), varlong_bytes(value) + varint_bytes(small));
            let (read, taken) = read_varlong(&out).unwrap();
            prop_assert_eq!(read, value);
            prop_assert_eq!(read_varint(&out[taken..]), Some((small, out.len() - taken)));
        }
    }
}
