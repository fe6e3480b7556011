//! Batches as text, word for word as `RecordsOracle.java` describes them.

use std::fmt::Write as _;

use ottla_records::{BatchHeader, Decompressor, Record, TimestampType, batches};

/// All batches of `bytes` with their records. `with_sizes` tells how long each batch is, which depends on how well a
/// codec's library does.
pub(crate) fn describe(bytes: &[u8], with_sizes: bool) -> String {
    let mut text = String::new();
    let mut decompressor = Decompressor::new();
    for batch in batches(bytes) {
        let batch = batch.expect("a batch");
        batch.check_crc().expect("the sum");
        describe_header(batch.header(), with_sizes, &mut text);
        for record in batch.records(&mut decompressor, 1 << 30).expect("records") {
            describe_record(&record.expect("a record"), &mut text);
        }
    }
    text
}

fn describe_header(header: &BatchHeader, with_sizes: bool, text: &mut String) {
    let timestamp_type = match header.attributes.timestamp_type() {
        TimestampType::CreateTime => "CreateTime",
        TimestampType::LogAppendTime => "LogAppendTime",
    };
    let size = if with_sizes { format!(" bytes {}", header.batch_bytes()) } else { String::new() };
    let horizon = header.delete_horizon().map(|time| format!(" horizon {}", time.0)).unwrap_or_default();
    writeln!(
        text,
        "batch {}..{}{size} epoch {} codec {} {timestamp_type} max {} producer {}/{} sequences {}..{} count {}{}{}{horizon}",
        header.base_offset,
        header.last_offset(),
        header.partition_leader_epoch,
        header.attributes.codec().expect("a codec").id(),
        header.max_timestamp.0,
        header.producer_id.0,
        header.producer_epoch.0,
        header.base_sequence.0,
        header.last_sequence().0,
        header.records_count,
        if header.attributes.is_transactional() { " transactional" } else { "" },
        if header.attributes.is_control() { " control" } else { "" },
    )
    .expect("text");
}

fn describe_record(record: &Record<'_>, text: &mut String) {
    write!(text, "{} @{} {}={}", record.offset, record.timestamp.0, hex(record.key), hex(record.value)).expect("text");
    for header in record.headers.iter() {
        write!(text, " {}:{}", hex(Some(header.key)), hex(header.value)).expect("text");
    }
    text.push('\n');
}

fn hex(bytes: Option<&[u8]>) -> String {
    match bytes {
        None => "null".to_owned(),
        Some(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}
