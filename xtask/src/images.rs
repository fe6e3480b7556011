//! `cargo xtask images`: the images of broker and operator, each one static binary on an empty base, built by buildah
//! without Docker. Any other builder makes the same from what `--prepare` writes (see images/README.md).
//!
//! An image's tag ends in a digest of what is in it: a changed binary is another image, so that a cluster that runs the
//! old one sees a change to roll out, and an unchanged one is not built again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use ottla_harness::cache;

use crate::{build, kubernetes, place, program, progress};

/// Images are ours alone until someone pushes them to a registry.
const REGISTRY: &str = "localhost";
const REPOSITORY: &str = "ottla";

/// The images of broker and operator.
#[derive(clap::Args)]
pub struct Arguments {
    /// Which; both when none is named.
    images: Vec<Name>,
    /// Only writes the build contexts (binary and Dockerfile), for a builder of your own.
    #[arg(long)]
    prepare: bool,
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

    /// Registry, repository and name: the parts that the chart takes apart.
    pub fn parts(&self) -> [&str; 3] {
        [REGISTRY, REPOSITORY, &self.name]
    }
}

/// Builds what the command line says.
pub fn run(arguments: &Arguments) -> Result<()> {
    let all = [Name::Broker, Name::Operator];
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
    let tag = format!("{}-{}", env!("CARGO_PKG_VERSION"), digest(&context, recipe)?);
    let directory = place::target().join("images");
    let archive = directory.join(format!("{}-{tag}.tar", recipe.name));
    let image = Image { name: recipe.name.to_owned(), tag, archive };
    if !image.archive.exists() {
        kubernetes::ensure_packages(&kubernetes::IMAGE_PACKAGES.iter().collect::<Vec<_>>())?;
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
/// buildah with chroot isolation needs neither a daemon nor namespaces; its storage lies in our cache and is emptied
/// again, so that a person's own images stay untouched.
pub fn build_archive(context: &Path, reference: &str, archive: &Path) -> Result<()> {
    let storage = cache::folder("buildah")?;
    let buildah = || {
        let mut command = Command::new("buildah");
        command.arg("--root").arg(storage.join("root")).arg("--runroot").arg(storage.join("run"));
        command.args(["--storage-driver", "vfs"]);
        command
    };
    // Times in the image are those of no clock, so that the same binary gives the same image.
    program::run(
        buildah()
            .args(["build", "--isolation", "chroot", "--quiet", "--timestamp", "0", "--tag", reference])
            .arg(context),
    )
    .with_context(|| format!("build {reference}"))?;
    // Pushed beside and renamed: an archive is whole or not there.
    let unfinished = archive.with_extension("tar.unfinished");
    let _ = fs::remove_file(&unfinished);
    program::run(
        buildah().args(["push", "--quiet", reference]).arg(format!("oci-archive:{}:{reference}", unfinished.display())),
    )
    .with_context(|| format!("write {reference} to an archive"))?;
    fs::rename(&unfinished, archive).with_context(|| format!("finish {}", archive.display()))?;
    program::run(buildah().args(["rmi", "--force", reference]))
        .with_context(|| format!("empty the storage of {reference}"))
}
