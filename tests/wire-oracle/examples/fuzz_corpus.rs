//! Gives the fuzz target `wire_any_bytes` something to begin with: one valid message of every kind and version, in
//! `fuzz/corpus/wire_any_bytes`: `cargo run -p ottla-wire-oracle --example fuzz_corpus`.

// For a person at a terminal.
#![allow(clippy::print_stdout)]

use std::fs;
use std::io;
use std::path::Path;

use ottla_wire_oracle::codec::CODECS;
use ottla_wire_oracle::draw::{Fill, draw};
use ottla_wire_oracle::encode::encode;
use ottla_wire_oracle::random::Random;
use ottla_wire_oracle::schema;

fn main() -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/wire_any_bytes");
    fs::create_dir_all(&folder)?;
    let mut count = 0;
    for message in schema::messages() {
        let place = CODECS.iter().position(|codec| codec.name == message.name).expect("every message has a codec");
        for version in CODECS[place].versions() {
            let value = draw(&message, version, Fill::Dense, &mut Random::new(version as u64));
            // As the target takes it apart: two bytes for the message, one for the version, then the message.
            let mut seed = (place as u16).to_be_bytes().to_vec();
            seed.push((version - CODECS[place].version_min) as u8);
            seed.extend(encode(&message, version, &value));
            fs::write(folder.join(format!("{}-{version}", message.name)), seed)?;
            count += 1;
        }
    }
    println!("{count} seeds in {}", folder.display());
    Ok(())
}
