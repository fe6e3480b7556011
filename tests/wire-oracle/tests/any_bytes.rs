//! Bytes that nobody sent on purpose: random ones, and messages with flipped, lost, doubled and exchanged bytes. Each
//! is refused, or says the same when it is written and read again; nothing panics. The fuzz target looks for the same
//! with more patience; this one is quick and always the same.

use std::time::{Duration, Instant};

use ottla_wire_oracle::codec::CODECS;
use ottla_wire_oracle::draw::{Fill, draw};
use ottla_wire_oracle::encode::encode;
use ottla_wire_oracle::random::Random;
use ottla_wire_oracle::schema;

#[test]
fn random_bytes_are_refused_or_make_sense() {
    let mut accepted = 0;
    for (place, codec) in CODECS.iter().enumerate() {
        let mut random = Random::new(place as u64);
        for version in codec.versions() {
            for _ in 0..40 {
                let count = random.below(80) as usize;
                // Small bytes are small lengths: with any others hardly a reader comes beyond the first array.
                let limit = [2, 4, 256][random.below(3) as usize];
                let bytes: Vec<u8> = (0..count).map(|_| random.below(limit) as u8).collect();
                accepted += u32::from(codec.check_any_bytes(&bytes, version));
            }
        }
    }
    assert!(accepted > 100, "only {accepted} were messages: the bytes are too poor");
}

#[test]
fn broken_messages_are_refused_or_make_sense() {
    let (mut accepted, mut refused) = (0, 0);
    for (message, codec) in schema::messages().iter().zip(sorted()) {
        assert_eq!(message.name, codec.name);
        for version in codec.versions() {
            for seed in 0..25 {
                let mut random = Random::new(seed);
                let mut bytes = encode(message, version, &draw(message, version, Fill::Dense, &mut random));
                for _ in 0..1 + random.below(3) {
                    break_somewhere(&mut bytes, &mut random);
                }
                if codec.check_any_bytes(&bytes, version) { accepted += 1 } else { refused += 1 }
            }
        }
    }
    assert!(accepted > 1000 && refused > 1000, "{accepted} accepted and {refused} refused: one is too few");
}

/// Every frame costs time in proportion to its length, also where arrays lie in arrays and all is read again.
#[test]
fn no_frame_of_a_megabyte_takes_a_second() {
    for codec in CODECS {
        for version in [codec.version_min, codec.version_max] {
            for byte in [0, 1, 2, 3, 0x80] {
                let bytes = vec![byte; 1 << 20];
                let start = Instant::now();
                let _ = (codec.show)(&bytes, version);
                let took = start.elapsed();
                assert!(took < Duration::from_secs(1), "{} v{version} of bytes {byte} took {took:?}", codec.name);
            }
        }
    }
}

fn sorted() -> Vec<&'static ottla_wire_oracle::codec::Codec> {
    let mut codecs: Vec<_> = CODECS.iter().collect();
    codecs.sort_by_key(|codec| codec.name);
    codecs
}

fn break_somewhere(bytes: &mut Vec<u8>, random: &mut Random) {
    if bytes.is_empty() {
        return;
    }
    let place = random.below(bytes.len() as u64) as usize;
    match random.below(6) {
        0 => bytes[place] = random.bits() as u8,
        1 => bytes[place] ^= 1 << random.below(8),
        2 => bytes[place] = [0, 1, 0x7f, 0x80, 0xff][random.below(5) as usize],
        3 => bytes.truncate(place),
        4 => {
            bytes.remove(place);
        }
        _ => {
            let again = bytes[place..].to_vec();
            bytes.extend(again);
        }
    }
}
