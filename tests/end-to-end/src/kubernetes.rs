//! The local Kubernetes with our operator on it, which serves all namespaces so that tests can run side by side. Everything
//! is asked of the commands that a user types.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, bail, ensure};

/// The operator's own namespace, the same as the demonstration's, so that either finds the other's release.
pub const OPERATOR_NAMESPACE: &str = "kafka";

/// How a command reaches the cluster.
#[derive(Debug)]
pub struct Kubernetes {
    kubeconfig: String,
    path: String,
}

/// The cluster, made at the first call in a process.
///
/// # Panics
/// When it cannot be had, with the reason; every later call panics again.
pub fn kubernetes() -> &'static Kubernetes {
    static ONCE: OnceLock<Result<Kubernetes, String>> = OnceLock::new();
    match ONCE.get_or_init(|| Kubernetes::start().map_err(|error| format!("{error:#}"))) {
        Ok(kubernetes) => kubernetes,
        Err(error) => panic!("no Kubernetes to test on: {error}"),
    }
}

/// The root of the checkout.
#[must_use]
pub fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("this crate lies two folders deep")
}

impl Kubernetes {
    fn start() -> Result<Kubernetes> {
        run(xtask(["kubernetes", "up"]))?;
        // A line an image: its name, its size, its archive.
        let built = run(xtask(["images"]))?;
        let images: Vec<(&str, PathBuf)> = built
            .lines()
            .filter_map(|line| Some((line.split_whitespace().next()?, line.split_whitespace().last()?.into())))
            .collect();
        let [(broker, broker_archive), (operator, operator_archive)] = &images[..] else {
            bail!("cargo xtask images names two images, not:\n{built}");
        };
        run(xtask(["kubernetes", "load"]).args([broker_archive, operator_archive]))?;
        let kubernetes = Kubernetes::from_setup(&run(xtask(["kubernetes", "env"]))?)?;
        kubernetes.install(operator, broker)?;
        Ok(kubernetes)
    }

    /// Understands what `cargo xtask kubernetes env` prints: `export KUBECONFIG=… PATH=…:$PATH`.
    fn from_setup(setup: &str) -> Result<Kubernetes> {
        let value = |name: &str| {
            let words = setup.split_whitespace();
            let found = words.filter_map(|word| word.strip_prefix(name)).find_map(|rest| rest.strip_prefix('='));
            found.map(str::to_owned).with_context(|| format!("no {name} in {setup}"))
        };
        let rest = std::env::var("PATH").context("read PATH")?;
        Ok(Kubernetes { kubeconfig: value("KUBECONFIG")?, path: value("PATH")?.replace("$PATH", &rest) })
    }

    fn install(&self, operator: &str, broker: &str) -> Result<()> {
        let chart = checkout().join("charts/ottla");
        run(self
            .command("kubectl")
            .args(["apply", "--server-side", "--force-conflicts", "-f"])
            .arg(chart.join("crds")))?;
        let tag = |image: &str| image.rsplit_once(':').map(|(_, tag)| tag.to_owned()).context("an image has a tag");
        let mut helm = self.command("helm");
        helm.args(["upgrade", "--install", "ottla"]).arg(&chart);
        helm.args(["--namespace", OPERATOR_NAMESPACE, "--create-namespace", "--skip-crds"]);
        helm.args(["--set", "watchAnyNamespace=true", "--wait", "--timeout", "3m"]);
        helm.args(["--set-string", &format!("image.tag={}", tag(operator)?)]);
        helm.args(["--set-string", &format!("kafka.image.tag={}", tag(broker)?)]);
        run(&mut helm).map(drop)
    }

    /// kubectl or helm for this cluster.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let found =
            std::env::split_paths(&self.path).map(|directory| directory.join(program)).find(|path| path.is_file());
        let mut command = Command::new(found.unwrap_or_else(|| program.into()));
        command.env("KUBECONFIG", &self.kubeconfig).env("PATH", &self.path);
        command
    }

    /// A program of this machine, seeing the cluster's names.
    #[must_use]
    pub fn within(&self, command: &Command) -> Command {
        let mut seeing = xtask(["kubernetes", "within"]);
        seeing.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                seeing.env(name, value);
            }
        }
        seeing
    }

    /// What the operator has logged.
    ///
    /// # Errors
    /// When kubectl cannot say.
    pub fn operator_log(&self) -> Result<String> {
        let mut kubectl = self.command("kubectl");
        kubectl.args(["--namespace", OPERATOR_NAMESPACE, "logs", "--selector", "strimzi.io/kind=cluster-operator"]);
        run(kubectl.arg("--tail=-1"))
    }
}

/// One of the project's own chores.
fn xtask<Word: AsRef<OsStr>>(words: impl IntoIterator<Item = Word>) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--quiet", "--package", "ottla-xtask", "--"]).args(words).current_dir(checkout());
    command
}

/// Runs a command and gives what it prints.
///
/// # Errors
/// When it fails, with what it said.
pub fn run(mut command: impl std::borrow::BorrowMut<Command>) -> Result<String> {
    feed(command.borrow_mut(), "")
}

/// The same with an input.
///
/// # Errors
/// When it fails, with what it said.
pub fn feed(command: &mut Command, input: &str) -> Result<String> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("start {command:?}"))?;
    // A program that does not want its input says so by its outcome.
    let _ = child.stdin.take().expect("standard input is piped").write_all(input.as_bytes());
    let output = child.wait_with_output().with_context(|| format!("wait for {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?} ended with {}:\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).context("read what the program printed")
}
