//! `cargo xtask chart`: renews what is derived of the chart (its copy of the definitions of the custom resources, and the
//! plain YAML in `deploy/`), or with `--check` says whether it is fresh, and whether the chart is sound with every values
//! file in its `ci/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{kubernetes, place, program, progress};

/// The namespace of the plain YAML. Strimzi's quick start has the same.
const NAMESPACE: &str = "kafka";

/// What the chore is told.
#[derive(clap::Args)]
pub struct Arguments {
    /// Write nothing; fail when something is stale or the chart is unsound.
    #[arg(long)]
    pub check: bool,
}

/// A derived file and what it is to say.
struct Derived {
    path: PathBuf,
    text: String,
}

/// Renews or checks.
pub fn run(arguments: &Arguments) -> Result<()> {
    let helm = kubernetes::helm()?;
    let chart = place::checkout().join("charts/ottla");
    let definitions = definitions(&chart)?;
    let obsolete = obsolete(&chart, &definitions)?;
    if arguments.check {
        let stale: Vec<String> = definitions
            .iter()
            .filter(|file| !file.is_fresh())
            .map(|file| file.path.display().to_string())
            .chain(obsolete.iter().map(|path| path.display().to_string()))
            .collect();
        if !stale.is_empty() {
            bail!("stale: {}; renew with `cargo xtask chart`", stale.join(", "));
        }
        inspect(&helm, &chart)?;
        let plain = plain(&helm, &chart)?;
        if !plain.is_fresh() {
            bail!("stale: {}; renew with `cargo xtask chart`", plain.path.display());
        }
        return Ok(());
    }
    for path in obsolete {
        fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))?;
    }
    definitions.iter().try_for_each(Derived::write)?;
    inspect(&helm, &chart)?;
    plain(&helm, &chart)?.write()
}

impl Derived {
    fn is_fresh(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|committed| committed == self.text)
    }

    fn write(&self) -> Result<()> {
        fs::write(&self.path, &self.text).with_context(|| format!("write {}", self.path.display()))
    }
}

/// The chart's copies of the definitions.
fn definitions(chart: &Path) -> Result<Vec<Derived>> {
    let source = place::checkout().join("crds/yaml");
    yaml_files(&source)?
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
            let name = path.file_name().expect("a listed file has a name");
            Ok(Derived { path: chart.join("crds").join(name), text })
        })
        .collect()
}

/// Copies whose original is gone.
fn obsolete(chart: &Path, definitions: &[Derived]) -> Result<Vec<PathBuf>> {
    let mut copies = yaml_files(&chart.join("crds"))?;
    copies.retain(|copy| !definitions.iter().any(|definition| definition.path == *copy));
    Ok(copies)
}

/// The chart must be clean to helm's linter and render with each values file of `ci/`.
fn inspect(helm: &Path, chart: &Path) -> Result<()> {
    for values in yaml_files(&chart.join("ci"))? {
        let step = progress::step(format!("the chart with {}", values.file_name().unwrap_or_default().display()));
        program::run(Command::new(helm).args(["lint", "--strict", "--quiet"]).arg(chart).arg("--values").arg(&values))?;
        program::run(Command::new(helm).args(["template", "ottla"]).arg(chart).arg("--values").arg(&values))?;
        step.done();
    }
    Ok(())
}

/// The operator as plain YAML, for those who do not use helm.
fn plain(helm: &Path, chart: &Path) -> Result<Derived> {
    let rendered = program::output(
        Command::new(helm).args(["template", "ottla", "--namespace", NAMESPACE, "--skip-crds"]).arg(chart),
    )?;
    // What helm says of itself is not true of plain YAML.
    let objects: String = rendered
        .lines()
        .filter(|line| !line.starts_with("# Source:") && line.trim() != "app.kubernetes.io/managed-by: Helm")
        .map(|line| format!("{line}\n"))
        .collect();
    let text = format!(
        "# The operator in the namespace {NAMESPACE}, which it serves. Rendered from charts/ottla by `cargo xtask chart`: change it there.\n\
         # The definitions of the custom resources come first: see README.md beside this file.\n\
         apiVersion: v1\n\
         kind: Namespace\n\
         metadata:\n\
         \x20 name: {NAMESPACE}\n\
         \x20 labels:\n\
         \x20   pod-security.kubernetes.io/enforce: restricted\n\
         {objects}"
    );
    Ok(Derived { path: place::checkout().join("deploy/ottla.yaml"), text })
}

fn yaml_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).with_context(|| format!("list {}", directory.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
