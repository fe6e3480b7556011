//! `cargo xtask images`: the images of broker and operator, each one static binary on an empty base, built by buildah
//! without Docker. Any other builder makes the same from what `--prepare` writes (see images/README.md).
//!
//! An image's tag ends in a digest of what is in it: a changed binary is another image, so that a cluster that runs the
//! old one sees a change to roll out, and an unchanged one is not built again. Where a person pulls it from, in a registry or
//! on the nodes of the local cluster, it also bears the project's version alone, which the chart names by default.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use ottla_harness::cache;

use crate::{build, packages, place, program, progress};

/// Images are ours alone until someone pushes them to a registry.
const REGISTRY: &str = "localhost";
const REPOSITORY: &str = "ottla";

/// The tag that the chart's default is: its appVersion.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The images of broker and operator.
#[derive(clap::Args)]
pub struct Arguments {
    /// Which; both when none is named.
    images: Vec<Name>,
    /// Only writes the build contexts (binary and Dockerfile), for a builder of your own.
    #[arg(long)]
    prepare: bool,
    /// Pushes them to a registry, such as registry.example.com/ottla, under the tag of the project's version. `buildah login`
    /// comes before, where the registry wants it.
    #[arg(long, value_name = "REGISTRY/REPOSITORY", conflicts_with = "prepare")]
    push: Option<Repository>,
    /// With --push: under this tag instead.
    #[arg(long, requires = "push")]
    tag: Option<String>,
    /// With --push: the registry speaks plain HTTP, or has a certificate that nobody vouches for.
    #[arg(long, requires = "push")]
    insecure: bool,
}

/// Where in a registry images lie, as the chart takes it apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Host, and port if need be.
    pub registry: String,
    /// The path before an image's name.
    pub repository: String,
}

impl FromStr for Repository {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let Some((registry, repository)) =
            text.split_once('/').filter(|(host, path)| !host.is_empty() && !path.is_empty())
        else {
            bail!("a registry and a path in it are wanted, such as registry.example.com/ottla")
        };
        Ok(Self { registry: registry.to_owned(), repository: repository.trim_end_matches('/').to_owned() })
    }
}

/// An image of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Name {
    /// Brokers and controllers.
    Broker,
    /// The operator.
    Operator,
}

/// What becomes an image.
struct Recipe {
    /// The folder in `images/`, and the image's name.
    name: &'static str,
    package: &'static str,
    binary: &'static str,
}

const BROKER: Recipe = Recipe { name: "broker", package: "ottla-server", binary: "ottla-broker" };
const OPERATOR: Recipe = Recipe { name: "operator", package: "ottla-controller", binary: "ottla-operator" };

/// An image in an archive.
#[derive(Debug, Clone)]
pub struct Image {
    /// The last part of its name, before the colon.
    pub name: String,
    /// What follows the colon.
    pub tag: String,
    /// The OCI archive that holds it.
    pub archive: PathBuf,
}

impl Image {
    /// The whole name, as a pod's manifest gives it.
    pub fn reference(&self) -> String {
        format!("{REGISTRY}/{REPOSITORY}/{}:{}", self.name, self.tag)
    }

    /// Its name with the project's version alone, which the chart's default values and `deploy/` give.
    pub fn reference_by_version(&self) -> String {
        format!("{REGISTRY}/{REPOSITORY}/{}:{VERSION}", self.name)
    }

    /// Pushes it to a registry, under `tag`; its name there.
    pub fn push(&self, to: &Repository, tag: &str, insecure: bool) -> Result<String> {
        let reference = format!("{}/{}/{}:{tag}", to.registry, to.repository, self.name);
        let step = progress::step(format!("push {reference}"));
        let source = format!("oci-archive:{}", self.archive.display());
        program::run(buildah()?.args(["pull", "--quiet", &source]))?;
        let pushed = program::run(
            buildah()?
                .args(["push", "--quiet", &format!("--tls-verify={}", !insecure), &self.reference()])
                .arg(format!("docker://{reference}")),
        );
        program::run(buildah()?.args(["rmi", "--force", &self.reference()]))?;
        pushed.with_context(|| format!("push {reference}"))?;
        step.done();
        Ok(reference)
    }
}

impl Repository {
    /// Where images lie that no registry has.
    pub fn local() -> Self {
        Self { registry: REGISTRY.to_owned(), repository: REPOSITORY.to_owned() }
    }
}

/// Builds what the command line says.
pub fn run(arguments: &Arguments) -> Result<()> {
    let all = [Name::Broker, Name::Operator];
    let tag = arguments.tag.as_deref().unwrap_or(VERSION);
    for name in if arguments.images.is_empty() { &all[..] } else { &arguments.images } {
        let recipe = match name {
            Name::Broker => &BROKER,
            Name::Operator => &OPERATOR,
        };
        if arguments.prepare {
            println!("{}", prepare(recipe)?.display());
            continue;
        }
        let image = image(recipe)?;
        let context = place::target().join("images").join(recipe.name);
        println!(
            "{}  {:.1} MiB, unpacked {:.1} MiB  {}",
            image.reference(),
            mebibytes(&image.archive)?,
            // Nothing else is in it.
            mebibytes(&context.join(recipe.binary))?,
            image.archive.display()
        );
        if let Some(to) = &arguments.push {
            image.push(to, tag, arguments.insecure)?;
        }
    }
    if let Some(Repository { registry, repository }) = &arguments.push {
        println!(
            "Install them with\n  helm install ottla charts/ottla --namespace kafka --create-namespace \\\n    \
             --set defaultImageRegistry={registry},defaultImageRepository={repository},defaultImageTag={tag}"
        );
    }
    Ok(())
}

fn mebibytes(file: &Path) -> Result<f64> {
    let bytes = fs::metadata(file).with_context(|| format!("look at {}", file.display()))?.len();
    Ok(bytes as f64 / 1024.0 / 1024.0)
}

/// The broker's image, built if it changed.
pub fn broker() -> Result<Image> {
    image(&BROKER)
}

/// The operator's image, built if it changed.
pub fn operator() -> Result<Image> {
    image(&OPERATOR)
}

fn image(recipe: &Recipe) -> Result<Image> {
    let context = prepare(recipe)?;
    let tag = format!("{VERSION}-{}", digest(&context, recipe)?);
    let directory = place::target().join("images");
    let archive = directory.join(format!("{}-{tag}.tar", recipe.name));
    let image = Image { name: recipe.name.to_owned(), tag, archive };
    if !image.archive.exists() {
        packages::ensure(packages::IMAGES)?;
        let step = progress::step(format!("image {}", recipe.name));
        remove_older(&directory, recipe.name)?;
        build_archive(&context, &image.reference(), &image.archive)?;
        step.done();
    }
    Ok(image)
}

/// Writes the build context of `recipe`: its static binary beside its Dockerfile.
fn prepare(recipe: &Recipe) -> Result<PathBuf> {
    let binary = build::release_binary(recipe.package, recipe.binary)?;
    let context = place::target().join("images").join(recipe.name);
    fs::create_dir_all(&context).with_context(|| format!("make {}", context.display()))?;
    let dockerfile = place::checkout().join("images").join(recipe.name).join("Dockerfile");
    for (from, to) in [(binary, context.join(recipe.binary)), (dockerfile, context.join("Dockerfile"))] {
        fs::copy(&from, &to).with_context(|| format!("copy {} to {}", from.display(), to.display()))?;
    }
    Ok(context)
}

/// Twelve characters that stand for all that goes into the image.
fn digest(context: &Path, recipe: &Recipe) -> Result<String> {
    let sums = program::output(Command::new("sha256sum").args([recipe.binary, "Dockerfile"]).current_dir(context))?;
    let sum = program::feed(&mut Command::new("sha256sum"), &sums)?;
    sum.get(..12).map(str::to_owned).context("sha256sum gives 64 characters")
}

/// Archives of earlier binaries would fill the disk unseen.
fn remove_older(directory: &Path, name: &str) -> Result<()> {
    for entry in fs::read_dir(directory).with_context(|| format!("list {}", directory.display()))? {
        let path = entry?.path();
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if file.starts_with(&format!("{name}-")) && file.ends_with(".tar") {
            fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))?;
        }
    }
    Ok(())
}

/// Builds the Dockerfile in `context` and writes the image, called `reference`, to the OCI archive `archive`.
///
/// buildah with chroot isolation needs neither a daemon nor namespaces.
pub fn build_archive(context: &Path, reference: &str, archive: &Path) -> Result<()> {
    // Times in the image are those of no clock, so that the same binary gives the same image.
    program::run(
        buildah()?
            .args(["build", "--isolation", "chroot", "--quiet", "--timestamp", "0", "--tag", reference])
            .arg(context),
    )
    .with_context(|| format!("build {reference}"))?;
    // Pushed beside and renamed: an archive is whole or not there.
    let unfinished = archive.with_extension("tar.unfinished");
    let _ = fs::remove_file(&unfinished);
    program::run(
        buildah()?
            .args(["push", "--quiet", reference])
            .arg(format!("oci-archive:{}:{reference}", unfinished.display())),
    )
    .with_context(|| format!("write {reference} to an archive"))?;
    fs::rename(&unfinished, archive).with_context(|| format!("finish {}", archive.display()))?;
    program::run(buildah()?.args(["rmi", "--force", reference]))
        .with_context(|| format!("empty the storage of {reference}"))
}

/// buildah with a storage in our cache, which is emptied after each use, so that a person's own images stay untouched.
fn buildah() -> Result<Command> {
    let storage = cache::folder("buildah")?;
    let mut command = Command::new("buildah");
    command.arg("--root").arg(storage.join("root")).arg("--runroot").arg(storage.join("run"));
    command.args(["--storage-driver", "vfs"]);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_and_the_path_in_it_are_told_apart() {
        let parsed = |text: &str| text.parse::<Repository>().map(|to| (to.registry, to.repository));
        let parts = |registry: &str, repository: &str| (registry.to_owned(), repository.to_owned());
        assert_eq!(parsed("registry.example.com/ottla").unwrap(), parts("registry.example.com", "ottla"));
        assert_eq!(parsed("127.0.0.1:5000/teams/kafka/").unwrap(), parts("127.0.0.1:5000", "teams/kafka"));
        assert!(parsed("registry.example.com").is_err() && parsed("/ottla").is_err() && parsed("host/").is_err());
    }
}
