//! `cargo xtask codegen [--check]`: from the schema of Kafka's messages to the Rust in `broker/core/wire/src/generated`.
//!
//! Given are the `.schema` files (their notation is the crate `ottla-wire-schema`); what comes out is committed, so
//! that a reader can open it and a build needs no generator. With `--check` nothing is written and a difference is
//! an error. How bytes are read and written is not here: the generated code calls wire's `Reader` and `Writer`.
//!
//! Reading order: [`load`], [`refuse`], [`rust`], [`emit_struct`], [`emit_read`], [`emit_write`], [`emit_file`],
//! [`emit_index`], [`emit_api_key`], [`emit_union`], [`emit_error_code`], [`output`].

mod emit_api_key;
mod emit_error_code;
mod emit_file;
mod emit_index;
mod emit_read;
mod emit_struct;
mod emit_union;
mod emit_write;
mod load;
mod output;
mod refuse;
mod rust;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Files to be, by their path under `generated/`.
type Files = std::collections::BTreeMap<String, String>;

/// Writes the generated files, or with `check` only compares.
pub fn run(check: bool) -> Result<()> {
    let root = project_root()?;
    let wire = root.join("broker/core/wire");
    let schema = load::load(&wire.join("schema"))?;
    for source in &schema.messages {
        refuse::refuse(&source.message).with_context(|| format!("{}/{}", source.folder, source.module))?;
    }
    let mut files = Files::new();
    for source in schema.live() {
        files.insert(format!("{}/{}.rs", source.folder, source.module), emit_file::emit(source));
    }
    emit_index::emit(&schema, &mut files);
    files.insert("api_key.rs".to_owned(), emit_api_key::emit(&schema));
    files.insert("error_code.rs".to_owned(), emit_error_code::emit(&schema.error_codes));
    emit_union::emit(&schema, &mut files);
    output::put(&root, &wire.join("src/generated"), &files, check)
}

fn project_root() -> Result<PathBuf> {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(xtask.parent().context("xtask lies in the project's root")?.to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_committed_code_is_what_the_schema_says() {
        super::run(true).unwrap();
    }
}
