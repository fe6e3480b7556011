//! Against the crate `kafka-protocol`: what we write it reads, and it writes the same bytes again, in every request and
//! response and every version that it knows. Needs no Java, so it is the quick second opinion.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, RequestKind, ResponseKind};
use ottla_wire_oracle::codec::Codec;
use ottla_wire_oracle::draw::{Fill, draw};
use ottla_wire_oracle::encode::encode;
use ottla_wire_oracle::random::Random;
use ottla_wire_oracle::{render, schema};
use ottla_wire_schema::{Kind, Message};

/// Versions that its list of APIs names and its messages refuse: they were not stable yet in the Kafka it was made
/// from. Java's classes read them (`java.rs`).
const DIFFERENT_THERE: [&str; 3] = ["InitProducerIdRequest v6", "OffsetCommitRequest v10", "OffsetFetchRequest v10"];

#[test]
fn what_we_write_is_read_there_and_written_the_same() {
    let (mut values, mut apis, mut different) = (0, 0, Vec::new());
    for message in schema::messages() {
        let Some((api, versions)) = known_there(&message) else { continue };
        apis += 1;
        let codec = Codec::named(&message.name).expect("every message has a codec");
        for version in codec.versions().filter(|version| versions.contains(version)) {
            let differs = |seed| {
                let fill = if seed < 4 { Fill::Sparse } else { Fill::Dense };
                let value = draw(&message, version, fill, &mut Random::new(seed));
                let ours = (codec.convert)(&encode(&message, version, &value), version, version)
                    .unwrap_or_else(|error| panic!("{} v{version}, seed {seed}: {error:?}", message.name));
                rewrite(api, message.kind, &ours, version).as_ref() != Ok(&ours)
            };
            if (0..12).any(differs) {
                different.push(format!("{} v{version}", message.name));
            }
            values += 12;
        }
    }
    println!("{values} values of {apis} messages");
    assert!(apis > 140, "only {apis} requests and responses were compared");
    assert_eq!(different, DIFFERENT_THERE);
}

#[test]
fn the_schema_alone_writes_what_the_generated_code_writes() {
    for message in schema::messages() {
        let codec = Codec::named(&message.name).expect("every message has a codec");
        for version in codec.versions() {
            for seed in 0..8 {
                let value = draw(&message, version, Fill::Dense, &mut Random::new(seed));
                let bytes = encode(&message, version, &value);
                let told = format!("{} v{version}, seed {seed}", message.name);
                assert_eq!((codec.show)(&bytes, version).as_ref(), Ok(&render::debug(&message, &value)), "{told}");
                assert_eq!((codec.convert)(&bytes, version, version).as_ref(), Ok(&bytes), "{told}");
            }
            let default = draw(&message, version, Fill::Default, &mut Random::new(0));
            assert_eq!(
                (codec.default)(version).ok().as_deref(),
                Some(&encode(&message, version, &default)[..]),
                "the default of {} v{version}",
                message.name
            );
        }
    }
}

fn known_there(message: &Message) -> Option<(ApiKey, std::ops::RangeInclusive<i16>)> {
    if !matches!(message.kind, Kind::Request | Kind::Response) {
        return None;
    }
    let api = ApiKey::try_from(message.key?).ok()?;
    let versions = api.valid_versions();
    Some((api, versions.min..=versions.max))
}

fn rewrite(api: ApiKey, kind: Kind, bytes: &[u8], version: i16) -> Result<Vec<u8>, String> {
    let mut source = Bytes::copy_from_slice(bytes);
    let mut target = BytesMut::new();
    let result = if kind == Kind::Request {
        RequestKind::decode(api, &mut source, version).and_then(|request| request.encode(&mut target, version))
    } else {
        ResponseKind::decode(api, &mut source, version).and_then(|response| response.encode(&mut target, version))
    };
    result.map_err(|error| error.to_string())?;
    if source.is_empty() { Ok(target.to_vec()) } else { Err(format!("{} bytes were left", source.len())) }
}
