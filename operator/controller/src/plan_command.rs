//! `ottla-operator plan -f FILE`: what would be made of resources, shown without a cluster.
//!
//! Manifests are read as kubectl reads them (`yes` is a truth value), so that what is shown is what would be.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use ottla_crds::{Kafka, KafkaNodePool};
use ottla_plan::{Settings, World, plan_kafka};
use serde_json::Value;

use crate::context::now;

/// The namespace of what names none.
const DEFAULT: &str = "default";

/// Prints the plan of every Kafka resource in the files. The exit code says whether all could be planned.
///
/// # Errors
/// When a file cannot be read, or holds no Kafka resource.
pub(crate) fn print(files: &[PathBuf], settings: &Settings) -> Result<ExitCode> {
    let (mut kafkas, mut pools) = (Vec::<Kafka>::new(), Vec::<KafkaNodePool>::new());
    for file in files {
        let what = || format!("read {}", file.display());
        for document in documents(&text(file).with_context(what)?).with_context(what)? {
            match document["kind"].as_str() {
                Some("Kafka") => kafkas.push(serde_json::from_value(document).with_context(what)?),
                Some("KafkaNodePool") => pools.push(serde_json::from_value(document).with_context(what)?),
                // Topics and users of the same file are no part of a cluster's plan.
                _ => {}
            }
        }
    }
    if kafkas.is_empty() {
        bail!("there is no Kafka resource in {files:?}");
    }
    let mut code = ExitCode::SUCCESS;
    let mut output = std::io::stdout().lock();
    // As kubectl would send them.
    let metadata = kafkas.iter_mut().map(|kafka| &mut kafka.metadata);
    for metadata in metadata.chain(pools.iter_mut().map(|pool| &mut pool.metadata)) {
        metadata.namespace.get_or_insert_with(|| DEFAULT.to_owned());
    }
    for kafka in &kafkas {
        let namespace = kafka.namespace();
        let near: Vec<KafkaNodePool> = pools.iter().filter(|pool| pool.namespace() == namespace).cloned().collect();
        let plan = plan_kafka(kafka, &near, &World::default(), settings, now());
        if plan.objects.is_empty() {
            code = ExitCode::FAILURE;
        }
        writeln!(output, "# Kafka {namespace}/{}\n{plan}", kafka.name()).context("write the plan")?;
    }
    Ok(code)
}

fn text(file: &Path) -> Result<String> {
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    Ok(std::fs::read_to_string(file)?)
}

/// The resources of a file; a `List` is as good as its items.
fn documents(text: &str) -> Result<Vec<Value>> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text)?;
    let flat = documents.into_iter().flat_map(|mut document| match document.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => vec![document],
    });
    Ok(flat.filter(|document| !document.is_null()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_and_lists_are_read_alike() {
        let text = "kind: Kafka\n---\nkind: List\nitems: [{kind: A}, {kind: B}]\n---\n";
        let kinds: Vec<Value> = documents(text).unwrap().into_iter().map(|mut each| each["kind"].take()).collect();
        assert_eq!(kinds, ["Kafka", "A", "B"]);
    }
}
