//! Java for tests: class paths from Maven, and programs of ours run from their source.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cache;

/// The sets of jars that tests use, each a POM in `tests/harness/java/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jars {
    /// Apache Kafka 4.4.0: broker, storage tool, clients.
    Kafka,
    /// Kafka's command-line tools, and a whole Kafka, of 4.3.1: newer tools are not published.
    Tools,
}

impl Jars {
    fn name(self) -> &'static str {
        match self {
            Jars::Kafka => "kafka",
            Jars::Tools => "tools",
        }
    }

    /// The class path (`folder/*`), fetched by Maven on first use.
    ///
    /// # Errors
    /// When Maven is missing or cannot fetch a jar.
    pub fn class_path(self) -> Result<String> {
        let pom = Path::new(env!("CARGO_MANIFEST_DIR")).join("java").join(format!("{}.xml", self.name()));
        let folder = cache::folder("java")?.join(self.name());
        let _filling = cache::fill(&folder)?;
        let made_from = folder.join("pom.xml");
        let wanted = std::fs::read(&pom).with_context(|| format!("read {}", pom.display()))?;
        // Complete exactly when the POM that it was made from lies beside the jars: it is copied last.
        if std::fs::read(&made_from).ok().as_deref() != Some(&wanted) {
            if folder.exists() {
                std::fs::remove_dir_all(&folder).with_context(|| format!("empty {}", folder.display()))?;
            }
            let output = Command::new("mvn")
                .args(["-B", "-q", "-f"])
                .arg(&pom)
                .arg("org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies")
                .arg(format!("-DoutputDirectory={}", folder.display()))
                .arg("-DincludeScope=runtime")
                .output()
                .context("run mvn; install it with: apt-get install maven")?;
            if !output.status.success() {
                bail!(
                    "mvn could not fetch the jars of {}:\n{}",
                    pom.display(),
                    String::from_utf8_lossy(&output.stdout)
                );
            }
            std::fs::write(&made_from, wanted).with_context(|| format!("write {}", made_from.display()))?;
        }
        Ok(format!("{}/*", folder.display()))
    }
}

/// A `java` command with the class path and logging turned down to warnings, ready for a main class or a source file.
///
/// # Errors
/// When the jars cannot be had.
pub fn java(jars: Jars) -> Result<Command> {
    let mut command = Command::new("java");
    command
        .arg("-XX:+UseSerialGC")
        .arg("-XX:TieredStopAtLevel=1") // programs of a second or two: compile quickly, not well
        .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
        .args(["-cp", &jars.class_path()?]);
    Ok(command)
}

/// Compiles sources of ours into a folder under the cache that is named by their content, and gives a `java` command for
/// `main`, with them and the jars on its class path.
///
/// # Errors
/// When javac is missing or refuses the sources; with its words.
pub fn compiled(jars: Jars, sources: &[PathBuf], main: &str) -> Result<Command> {
    use std::hash::{DefaultHasher, Hash, Hasher};

    let class_path = jars.class_path()?;
    let mut hasher = DefaultHasher::new();
    class_path.hash(&mut hasher);
    for source in sources {
        std::fs::read(source).with_context(|| format!("read {}", source.display()))?.hash(&mut hasher);
    }
    let classes = cache::folder("java")?.join(format!("classes-{main}-{:016x}", hasher.finish()));
    let _filling = cache::fill(&classes)?;
    let complete = classes.join("complete");
    if !complete.exists() {
        let output = Command::new("javac")
            .args(["-nowarn", "-cp", &class_path, "-d"])
            .arg(&classes)
            .args(sources)
            .output()
            .context("run javac; install it with: apt-get install default-jdk-headless")?;
        if !output.status.success() {
            bail!("javac refused {sources:?}:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        std::fs::write(&complete, b"").with_context(|| format!("write {}", complete.display()))?;
    }
    let mut command = java(jars)?;
    command.args(["-cp", &format!("{}:{class_path}", classes.display()), main]);
    Ok(command)
}
