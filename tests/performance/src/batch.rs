//! The batches that are produced: records that look like lines of JSON, as long as asked for, not compressed.

use std::time::SystemTime;

use anyhow::{Context, Result};
use ottla_records::builder::{BatchBuilder, BatchOptions};
use ottla_vocabulary::Timestamp;

/// A batch of about `kibibytes`, of records of `record_bytes` each.
///
/// # Errors
/// When the clock stands before 1970.
pub fn of(kibibytes: usize, record_bytes: usize) -> Result<Vec<u8>> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).context("read the clock")?;
    let now = Timestamp(i64::try_from(now.as_millis()).context("the clock fits")?);
    let mut builder = BatchBuilder::new(BatchOptions::default());
    let mut number: u64 = 0;
    while builder.is_empty() || builder.bytes() + record_bytes < kibibytes * 1024 {
        let mut value = String::with_capacity(record_bytes + 64);
        while value.len() < record_bytes {
            number += 1;
            let delay = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54;
            value.push_str(&format!("{{\"flight\":{number},\"origin\":\"SFO\",\"delay\":{delay}}}"));
        }
        let key = format!("key-{number}");
        builder.push(now, Some(key.as_bytes()), Some(&value.as_bytes()[..record_bytes]), &[]);
    }
    builder.finish().context("finish the batch")
}
