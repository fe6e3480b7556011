//! Short texts that differ when two documents differ. They are compared with what an older operator wrote, so the function
//! must never change: a change would restart every broker everywhere.

use serde_json::Value;

/// The fingerprint of a document: FNV-1a over its JSON with sorted keys, 128 bits, in 32 hexadecimal digits.
///
/// It tells changes apart, not forgeries; whoever could forge one could as well write the object.
pub(crate) fn of_value(value: &Value) -> String {
    of_text(&value.to_string())
}

/// The fingerprint of a text.
pub(crate) fn of_text(text: &str) -> String {
    format!("{:032x}", number(text))
}

/// The fingerprint as a number.
pub(crate) fn number(text: &str) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    text.bytes().fold(OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_published_function() {
        // From the reference tables of FNV-1a, 128 bits.
        assert_eq!(of_text(""), "6c62272e07bb014262b821756295c58d");
        assert_eq!(of_text("a"), "d228cb696f1a8caf78912b704e4a8964");
    }
}
