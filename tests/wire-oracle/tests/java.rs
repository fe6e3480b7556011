//! Against Java: Kafka's own message classes read JSON that was drawn from the schema and write bytes; ours must read
//! every field of these and write the very same bytes, in all messages and all versions. And where a value has no
//! place in another version, ours must refuse exactly when Kafka's do.
//!
//! One JVM for all of it. Without Java and Maven these tests fail; they never skip.

mod jvm;

use anyhow::{Context, Result, bail, ensure};
use jvm::ask;
use ottla_wire::{ApiKey, ErrorCode};
use ottla_wire_oracle::codec::{CODECS, Codec, Failure};
use ottla_wire_oracle::draw::{Fill, draw};
use ottla_wire_oracle::random::Random;
use ottla_wire_oracle::{render, schema};
use ottla_wire_schema::{Kind, Message};

#[test]
fn kafkas_bytes_say_to_us_what_they_say_to_kafka_in_every_version() -> Result<()> {
    let mut values = 0;
    for message in schema::messages() {
        let codec = codec_of(&message);
        for version in codec.versions() {
            for (seed, fill) in [Fill::Default, Fill::Sparse, Fill::Sparse, Fill::Dense, Fill::Dense, Fill::Dense]
                .into_iter()
                .enumerate()
            {
                let mut random = Random::new(seed as u64);
                let value = draw(&message, version, fill, &mut random);
                let json = render::json(&message, version, &value).to_string();
                let told = || format!("{} v{version}, seed {seed}: {json}", message.name);
                let bytes = ask_bytes(&message.name, version, version, &json)?
                    .map_err(anyhow::Error::msg)
                    .with_context(told)?;
                let shown = (codec.show)(&bytes, version).with_context(told)?;
                ensure!(shown == render::debug(&message, &value), "{}\nwe read {shown}", told());
                let written = (codec.convert)(&bytes, version, version);
                ensure!(
                    written.as_ref() == Ok(&bytes),
                    "{}\nKafka wrote {bytes:02x?}\nwe wrote {written:02x?}",
                    told()
                );
                values += 1;
            }
        }
    }
    println!("{values} values of {} messages", CODECS.len());
    Ok(())
}

#[test]
fn a_value_without_a_place_in_a_version_is_refused_exactly_where_kafka_refuses_it() -> Result<()> {
    let (mut written, mut refused) = (0, 0);
    for message in schema::messages() {
        let codec = codec_of(&message);
        for (from, to) in codec.versions().flat_map(|from| codec.versions().map(move |to| (from, to))) {
            for seed in 0..6 {
                let fill = if seed == 5 { Fill::Dense } else { Fill::Sparse };
                let value = draw(&message, from, fill, &mut Random::new(seed));
                let json = render::json(&message, from, &value).to_string();
                let told = || format!("{} v{from} as v{to}, seed {seed}: {json}", message.name);
                let source =
                    ask_bytes(&message.name, from, from, &json)?.map_err(anyhow::Error::msg).with_context(told)?;
                let theirs = ask_bytes(&message.name, from, to, &json)?;
                match ((codec.convert)(&source, from, to), theirs) {
                    (Ok(ours), Ok(theirs)) => {
                        ensure!(ours == theirs, "{}\nKafka wrote {theirs:02x?}\nwe wrote {ours:02x?}", told());
                        written += 1;
                    }
                    (Err(Failure::Write(_)), Err(_)) => refused += 1,
                    (ours, theirs) => bail!("{}\nKafka: {theirs:02x?}\nwe: {ours:02x?}", told()),
                }
            }
        }
    }
    println!("{written} written in another version, {refused} refused");
    ensure!(refused > 100, "hardly anything was refused: the values are too poor");
    Ok(())
}

#[test]
fn versions_and_keys_are_kafkas() -> Result<()> {
    for message in schema::messages() {
        let codec = codec_of(&message);
        let theirs = ask(&format!("versions\t{}", message.name))?.map_err(anyhow::Error::msg)?;
        // Only requests and responses know their key by themselves in Kafka; others are told by who reads them.
        let key = if message.kind == Kind::Request || message.kind == Kind::Response || message.kind == Kind::Metadata {
            codec.key
        } else {
            theirs.rsplit(' ').next().context("a key")?.parse()?
        };
        assert_eq!(theirs, format!("{} {} {key}", codec.version_min, codec.version_max), "{}", message.name);
    }
    Ok(())
}

#[test]
fn apis_are_advertised_and_headed_as_kafkas() -> Result<()> {
    let theirs = ask("apis")?.map_err(anyhow::Error::msg)?;
    let theirs: Vec<String> = serde_json::from_str(&theirs)?;
    let ours: Vec<String> = ApiKey::ALL
        .iter()
        .map(|api| {
            let facts = api.facts();
            let headers: String = (facts.version_min..=facts.version_max)
                .map(|version| {
                    format!(" {}/{}", api.request_header_version(version), api.response_header_version(version))
                })
                .collect();
            format!(
                "{} {} {} {} {} {} {} {}{headers}",
                api.key(),
                facts.name,
                facts.version_min,
                facts.version_max,
                api.advertised_min(),
                api.advertised_max(),
                facts.on_broker,
                facts.on_controller,
            )
        })
        .collect();
    assert_eq!(ours, theirs);
    Ok(())
}

#[test]
fn errors_are_kafkas() -> Result<()> {
    let theirs = ask("errors")?.map_err(anyhow::Error::msg)?;
    let theirs: Vec<String> = serde_json::from_str(&theirs)?;
    let ours: Vec<String> = ErrorCode::ALL
        .iter()
        .map(|error| {
            let facts = error.facts();
            let (retriable, refreshes) = (facts.retriable, facts.refreshes_metadata);
            format!("{}|{}|{retriable}|{refreshes}|{}", error.code(), facts.name, facts.message)
        })
        .collect();
    assert_eq!(ours, theirs);
    Ok(())
}

#[test]
fn every_schema_has_a_codec() {
    let mut names: Vec<&str> = CODECS.iter().map(|codec| codec.name).collect();
    names.sort_unstable();
    let messages = schema::messages();
    assert_eq!(names, messages.iter().map(|message| message.name.as_str()).collect::<Vec<_>>());
}

fn codec_of(message: &Message) -> &'static Codec {
    Codec::named(&message.name).unwrap_or_else(|| panic!("no codec of {}", message.name))
}

/// What Kafka writes, or why it does not.
fn ask_bytes(name: &str, from: i16, to: i16, json: &str) -> Result<Result<Vec<u8>, String>> {
    match ask(&format!("convert\t{name}\t{from}\t{to}\t{json}"))? {
        Ok(hex) => {
            let bytes = (0..hex.len()).step_by(2).map(|place| u8::from_str_radix(&hex[place..place + 2], 16));
            Ok(Ok(bytes.collect::<Result<_, _>>()?))
        }
        // Our own JSON must always be understood: only writing may fail.
        Err(why) if why.starts_with("json") || why.contains("ClassNotFound") => bail!("{name} v{from}: {why}\n{json}"),
        Err(why) => Ok(Err(why)),
    }
}
