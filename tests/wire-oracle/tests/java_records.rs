//! Against Java, what stands around the records of the metadata log and of the coordinators' topics: each kind in each
//! version as we write it is read by Kafka's own serdes, which know it by its name and write the same bytes.

mod jvm;

use anyhow::{Context, Result, ensure};
use jvm::ask;
use ottla_wire::{
    GroupRecordKey, GroupRecordValue, MetadataRecord, Reader, ShareRecordKey, ShareRecordValue, TransactionRecordKey,
    TransactionRecordValue, Union, WireError,
};
use ottla_wire_oracle::draw::{Fill, draw};
use ottla_wire_oracle::encode::encode;
use ottla_wire_oracle::random::Random;
use ottla_wire_oracle::schema;
use ottla_wire_schema::{Kind, Message};

#[test]
fn metadata_records_are_kafkas_with_all_that_stands_around_them() -> Result<()> {
    let mut records = 0;
    let messages = schema::messages();
    // Kafka gives the same kind to the records about tiered segments, which have a topic and types of their own.
    let tiered = |message: &&Message| message.name.starts_with("Remote");
    for message in messages.iter().filter(|message| message.kind == Kind::Metadata && !tiered(message)) {
        let kind = message.key.context("a metadata record has a type")?;
        for version in message.versions.min..=message.versions.max {
            let body = random_body(message, version);
            let record = MetadataRecord::read_body(kind, version, &mut Reader::new(&body))?;
            let bytes = record.to_bytes(version)?;
            let answer = ask(&format!("metadata\t{}", hex(&bytes)))?.map_err(anyhow::Error::msg)?;
            ensure!(answer == format!("{} {}", message.name, hex(&bytes)), "{} v{version}: {answer}", message.name);
            ensure!(MetadataRecord::from_bytes(&bytes)? == record, "{} v{version} is read as another", message.name);
            ensure!(record.versions() == (message.versions.min, message.versions.max), "{}", message.name);
            records += 1;
        }
    }
    ensure!(records >= 27, "only {records} records");
    Ok(())
}

#[test]
fn coordinator_records_are_kafkas_with_all_that_stands_around_them() -> Result<()> {
    let group: Rewrite = |kind, key, version, value| {
        let key = GroupRecordKey::read_body(kind, 0, &mut Reader::new(key))?.to_bytes()?;
        let kind = GroupRecordKey::from_bytes(&key)?.kind();
        let value = GroupRecordValue::read_body(kind, version, &mut Reader::new(value))?.to_bytes(version)?;
        GroupRecordValue::from_bytes(kind, &value)?;
        Ok((key, value))
    };
    let transaction: Rewrite = |kind, key, version, value| {
        let key = TransactionRecordKey::read_body(kind, 0, &mut Reader::new(key))?.to_bytes()?;
        let kind = TransactionRecordKey::from_bytes(&key)?.kind();
        let value = TransactionRecordValue::read_body(kind, version, &mut Reader::new(value))?.to_bytes(version)?;
        TransactionRecordValue::from_bytes(kind, &value)?;
        Ok((key, value))
    };
    let share: Rewrite = |kind, key, version, value| {
        let key = ShareRecordKey::read_body(kind, 0, &mut Reader::new(key))?.to_bytes()?;
        let kind = ShareRecordKey::from_bytes(&key)?.kind();
        let value = ShareRecordValue::read_body(kind, version, &mut Reader::new(value))?.to_bytes(version)?;
        ShareRecordValue::from_bytes(kind, &value)?;
        Ok((key, value))
    };
    let messages = schema::messages();
    let mut records = 0;
    for key in messages.iter().filter(|message| message.kind == Kind::CoordinatorKey) {
        let value_name = format!("{}Value", key.name.trim_end_matches("Key"));
        let value = messages.iter().find(|message| message.name == value_name).context("a key has a value")?;
        let (topic, rewrite) = match key.name.as_str() {
            "TransactionLogKey" => ("transaction", transaction),
            "ShareSnapshotKey" | "ShareUpdateKey" => ("share", share),
            _ => ("group", group),
        };
        for version in value.versions.min..=value.versions.max {
            let kind = key.key.context("a coordinator's key has a type")?;
            let (key_bytes, value_bytes) = rewrite(kind, &random_body(key, 0), version, &random_body(value, version))?;
            let (key_hex, value_hex) = (hex(&key_bytes), hex(&value_bytes));
            let answer = ask(&format!("{topic}\t{key_hex}\t{value_hex}"))?.map_err(anyhow::Error::msg)?;
            let expected = format!("{} {} {key_hex} {value_hex}", key.name, value.name);
            ensure!(answer == expected, "{} v{version}\nKafka: {answer}\nwe: {expected}", value.name);
            records += 1;
        }
    }
    ensure!(records >= 25, "only {records} records");
    Ok(())
}

/// From type, key body, version and value body to key and value as they stand in the log.
type Rewrite = fn(i16, &[u8], i16, &[u8]) -> Result<(Vec<u8>, Vec<u8>), WireError>;

fn random_body(message: &Message, version: i16) -> Vec<u8> {
    encode(message, version, &draw(message, version, Fill::Dense, &mut Random::new(version as u64)))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
