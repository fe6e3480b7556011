//! What each codec takes from writers that are not ours, and what it refuses.

use std::io::Write as _;

use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
use ottla_records::validate::Problem;
use ottla_records::{
    BatchBuilder, BatchHeader, BatchOptions, BatchView, Codec, Compression, DecompressError, Decompressor,
    HEADER_BYTES, ProduceRules, validate_produce,
};
use ottla_vocabulary::Timestamp;

/// Text whose repetitions lie farther apart than a block.
fn text() -> Vec<u8> {
    (0..60_000_u32).flat_map(|line| format!("{},flight,{}\n", line % 9000, line % 7).into_bytes()).collect()
}

fn decompressed(codec: Codec, bytes: &[u8]) -> Result<Vec<u8>, DecompressError> {
    Decompressor::new().decompress(codec, bytes, 1 << 24).map(<[u8]>::to_vec)
}

fn ours(codec: Codec, plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Compression::new(codec).compress(plain, &mut out).expect("compress");
    out
}

#[track_caller]
fn check(codec: Codec, case: &str, bytes: &[u8], plain: &[u8]) {
    assert!(decompressed(codec, bytes).expect(case) == plain, "{case}");
}

#[track_caller]
fn check_corrupt(codec: Codec, case: &str, bytes: &[u8]) {
    match decompressed(codec, bytes) {
        Err(DecompressError::Corrupt { codec: named, .. }) => assert_eq!(named, codec, "{case}"),
        other => panic!("{case}: {other:?}"),
    }
}

#[test]
fn every_codec_gives_back_what_it_took() {
    for codec in Codec::ALL {
        for plain in [&b""[..], b"x", &[7; 65_536], &[7; 65_537], &text()] {
            check(codec, &format!("{codec:?} of {} bytes", plain.len()), &ours(codec, plain), plain);
        }
    }
}

#[test]
fn a_decompressor_starts_every_batch_afresh() {
    let mut decompressor = Decompressor::new();
    let plain = text();
    for _ in 0..3 {
        for codec in Codec::ALL {
            let whole = ours(codec, &plain);
            assert!(decompressor.decompress(codec, &whole, plain.len()).unwrap() == plain, "{codec:?}");
            // Cut off, dropped half way, over the limit: nothing of it is seen by the next batch.
            let _ = decompressor.decompress(codec, &whole[..whole.len() / 2], plain.len());
            let mut pieces = decompressor.pieces(codec, &whole, u64::MAX);
            assert!(pieces.advance().unwrap());
            drop(pieces);
            let over = decompressor.decompress(codec, &whole, plain.len() - 1);
            assert!(matches!(over, Err(DecompressError::TooLarge { .. })), "{codec:?}");
        }
    }
}

#[test]
fn every_cut_is_noticed() {
    for codec in [Codec::Gzip, Codec::Lz4, Codec::Zstd] {
        let bytes = ours(codec, b"some text, some text, some text");
        for end in 1..bytes.len() {
            check_corrupt(codec, &format!("{codec:?} cut at {end}"), &bytes[..end]);
        }
    }
    // Snappy's framing has no end of its own: a cut between two blocks is found by the record that is missing.
    let bytes = ours(Codec::Snappy, b"some text, some text, some text");
    for end in (9..bytes.len()).filter(|end| *end != 16) {
        check_corrupt(Codec::Snappy, &format!("snappy cut at {end}"), &bytes[..end]);
    }
}

#[test]
fn what_follows_the_end_is_noticed() {
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let bytes = [&ours(codec, b"text")[..], b"and more"].concat();
        check_corrupt(codec, &format!("{codec:?}"), &bytes);
    }
}

#[test]
fn joined_streams_are_read_to_their_end() {
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Zstd] {
        let bytes = [ours(codec, b"one, "), ours(codec, b""), ours(codec, b"two")].concat();
        check(codec, &format!("{codec:?}"), &bytes, b"one, two");
    }
}

#[test]
fn gzip_headers_may_carry_more() {
    let plain = b"some text";
    let mut full = flate2::GzBuilder::new()
        .filename("name")
        .comment("comment")
        .extra(b"extra".to_vec())
        .mtime(12)
        .write(Vec::new(), flate2::Compression::best());
    full.write_all(plain).unwrap();
    let full = full.finish().unwrap();
    check(Codec::Gzip, "name, comment, extra", &full, plain);

    let simple = ours(Codec::Gzip, plain);
    let mut reserved = simple.clone();
    reserved[3] |= 0x80;
    check_corrupt(Codec::Gzip, "reserved flag", &reserved);
    for from_the_end in 1..=8 {
        let mut trailer = simple.clone();
        let at = trailer.len() - from_the_end;
        trailer[at] ^= 1;
        check_corrupt(Codec::Gzip, "sum or length", &trailer);
    }
}

#[test]
fn snappy_without_framing_is_read() {
    let plain = text();
    let bare = snap::raw::Encoder::new().compress_vec(&plain).unwrap();
    check(Codec::Snappy, "one bare block", &bare, &plain);
}

#[test]
fn a_snappy_block_cannot_claim_more_than_it_holds() {
    // Length 2^32 − 1 as a varint, then nothing that could become so much.
    let claim = [0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0];
    check_corrupt(Codec::Snappy, "bare", &claim);
    let framed = [&ours(Codec::Snappy, b"")[..], &8_i32.to_be_bytes(), &claim].concat();
    check_corrupt(Codec::Snappy, "framed", &framed);
    let negative = [&ours(Codec::Snappy, b"")[..], &(-1_i32).to_be_bytes()].concat();
    check_corrupt(Codec::Snappy, "negative length", &negative);
}

fn lz4_frame(plain: &[u8], info: FrameInfo) -> Vec<u8> {
    let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(plain).expect("compress");
    encoder.finish().expect("compress")
}

#[test]
fn lz4_frames_of_every_shape_are_read() {
    let plain = text();
    for mode in [BlockMode::Independent, BlockMode::Linked] {
        for size in [BlockSize::Max64KB, BlockSize::Max256KB, BlockSize::Max1MB, BlockSize::Max4MB] {
            for (sums, content) in [(false, None), (true, Some(plain.len() as u64))] {
                let info = FrameInfo::new()
                    .block_mode(mode)
                    .block_size(size)
                    .block_checksums(sums)
                    .content_checksum(sums)
                    .content_size(content);
                let case = format!("{mode:?} {size:?} sums {sums}");
                let frame = lz4_frame(&plain, info);
                check(Codec::Lz4, &case, &frame, &plain);
                if sums {
                    let mut wrong = frame.clone();
                    *wrong.last_mut().unwrap() ^= 1;
                    check_corrupt(Codec::Lz4, &case, &wrong);
                }
            }
        }
    }
}

#[test]
fn others_read_our_lz4_and_snappy() {
    let plain = text();
    let mut read = Vec::new();
    std::io::Read::read_to_end(&mut lz4_flex::frame::FrameDecoder::new(&ours(Codec::Lz4, &plain)[..]), &mut read)
        .unwrap();
    assert!(read == plain);
}

/// Java's consumers refuse linked blocks, so a batch with them must not get into a log.
#[test]
fn a_producer_may_not_send_linked_blocks() {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.push(Timestamp(5), None, Some(&text()), &[]);
    let plain = builder.finish().unwrap();
    for (mode, is_taken) in [(BlockMode::Independent, true), (BlockMode::Linked, false)] {
        let records = lz4_frame(&plain[HEADER_BYTES..], FrameInfo::new().block_mode(mode));
        let mut header = BatchHeader::parse(&plain).unwrap();
        header.attributes = header.attributes.with_codec(Codec::Lz4);
        header.batch_length += records.len() as i32 - (plain.len() - HEADER_BYTES) as i32;
        header.seal(&records);
        let bytes = [&header.to_bytes(), &records[..]].concat();

        let mut decompressor = Decompressor::new();
        let batch = BatchView::parse(&bytes).unwrap();
        assert_eq!(batch.records(&mut decompressor, 1 << 24).unwrap().flatten().count(), 1, "read all the same");
        let answer = validate_produce(&bytes, &ProduceRules::default(), Timestamp(5), &mut decompressor);
        match answer {
            Ok(_) => assert!(is_taken),
            Err(refusal) => assert!(!is_taken && refusal.problem == Problem::LinkedBlocks, "{refusal}"),
        }
    }
}
