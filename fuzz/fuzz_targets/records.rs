//! Any bytes, as batches and as what a producer sends: refused, or read without a panic and within bounds.
//!
//! The first byte chooses: the rest as it is, or as the records of a batch whose header and sum are right, in one of the
//! codecs, so that the fuzzer gets behind them. Run it with `RUSTC_BOOTSTRAP=1 cargo fuzz run records`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ottla_records::{
    BatchBuilder, BatchHeader, BatchOptions, Codec, Compression, Decompressor, HEADER_BYTES, PREFIX_BYTES, ProduceRules,
    batches, validate_produce,
};
use ottla_vocabulary::Timestamp;

const NOW: Timestamp = Timestamp(1_700_000_000_000);
const BYTES_MAX: usize = 1 << 24;

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else { return };
    match Codec::from_id(choice & 7) {
        Some(codec) => read_all(&sealed(codec, choice >> 3, bytes)),
        None => read_all(bytes),
    }
});

fn sealed(codec: Codec, records_count: u8, records: &[u8]) -> Vec<u8> {
    let empty = BatchBuilder::new(BatchOptions::default()).finish().expect("an empty batch");
    let mut header = BatchHeader::parse(&empty).expect("its header");
    header.attributes = header.attributes.with_codec(codec);
    header.batch_length = (HEADER_BYTES - PREFIX_BYTES + records.len()) as i32;
    header.records_count = i32::from(records_count);
    header.last_offset_delta = header.records_count - 1;
    header.seal(records);
    [&header.to_bytes(), records].concat()
}

fn read_all(bytes: &[u8]) {
    let mut decompressor = Decompressor::new();
    for batch in batches(bytes).flatten() {
        let _ = batch.check_crc();
        let _ = batch.find_record(&mut decompressor, i32::MAX, BYTES_MAX as u64, |_, _| false);
        let Ok(records) = batch.records(&mut decompressor, BYTES_MAX) else { continue };
        for record in records.flatten() {
            assert_eq!(record.headers.iter().count(), record.headers.len());
        }
    }
    let rules = ProduceRules { decompressed_batch_bytes_max: BYTES_MAX as u64, ..ProduceRules::default() };
    if let Ok(valid) = validate_produce(bytes, &rules, NOW, &mut decompressor) {
        // What is accepted can be written in any codec, and is accepted again.
        let accepted = [&valid.header.to_bytes(), &valid.records[..]].concat();
        for target in Codec::ALL {
            let rules =
                ProduceRules { compression: Some(Compression::new(target)), max_message_bytes: i32::MAX, ..rules };
            let again = validate_produce(&accepted, &rules, NOW, &mut decompressor).expect("accepted before");
            assert_eq!(again.max_timestamp, valid.max_timestamp);
        }
    }
}
