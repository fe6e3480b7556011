//! kubectl against a real API server and etcd on loopback, which `cargo xtask kubernetes up --control-plane-only` keeps: no
//! node, no controller, so what is written stays as it was written.
//!
//! A machine without one is given one; if that fails, the test fails.

pub mod operator;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;

/// kubectl, led to the API server.
#[derive(Debug)]
pub struct Kubectl {
    environment: Vec<(String, String)>,
}

/// The root of the checkout.
#[must_use]
pub fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("this crate lies two folders below the root")
}

/// The manifests of every age.
#[must_use]
pub fn manifests() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(checkout().join("tests/manifests")).expect("the manifests are there").flatten();
    let files = entries.map(|entry| entry.path());
    let mut files: Vec<PathBuf> =
        files.filter(|file| file.extension().is_some_and(|extension| extension == "yaml")).collect();
    files.sort();
    files
}

/// The documents of a file.
#[must_use]
pub fn documents(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).expect("it can be read");
    let documents = serde_yaml::Deserializer::from_str(&text);
    let documents = documents.map(|document| Value::deserialize(document).expect("it is YAML"));
    documents.filter(|document| !document.is_null()).collect()
}

/// The API server of this machine with our definitions installed, once for all tests of a process.
///
/// # Panics
/// When there is none and none can be made.
pub fn api_server() -> &'static Kubectl {
    static SERVER: OnceLock<Kubectl> = OnceLock::new();
    SERVER.get_or_init(|| {
        xtask(&["kubernetes", "up", "--control-plane-only"]);
        let setup = xtask(&["kubernetes", "env", "--control-plane-only"]);
        let setup = setup.trim().strip_prefix("export ").expect("it is a shell's line");
        let path = std::env::var("PATH").unwrap_or_default();
        let environment = setup.split(' ').filter_map(|word| word.split_once('='));
        let environment = environment.map(|(name, value)| (name.to_owned(), value.replace("$PATH", &path))).collect();
        let server = Kubectl { environment };
        let definitions = checkout().join("crds/yaml");
        server.run(&["apply", "--server-side", "--force-conflicts", "-f", &definitions.to_string_lossy()]);
        server.await_definitions();
        server
    })
}

impl Kubectl {
    /// Runs kubectl; what it wrote, or what it complained of.
    ///
    /// # Errors
    /// Its complaint, when it failed.
    pub fn try_run(&self, arguments: &[&str], input: &str) -> Result<String, String> {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("start kubectl: {error}"))?;
        // One that fails early closes its input; its complaint says why.
        let _ = child.stdin.take().expect("standard input is piped").write_all(input.as_bytes());
        let output = child.wait_with_output().map_err(|error| format!("wait for kubectl: {error}"))?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    /// Runs kubectl, which must succeed.
    ///
    /// # Panics
    /// When it does not.
    pub fn run(&self, arguments: &[&str]) -> String {
        self.try_run(arguments, "").unwrap_or_else(|error| panic!("kubectl {}: {error}", arguments.join(" ")))
    }

    /// Applies a document.
    ///
    /// # Panics
    /// When the API server refuses it.
    pub fn apply(&self, document: &Value) {
        let arguments = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
        let done = self.try_run(&arguments, &document.to_string());
        done.unwrap_or_else(|error| panic!("{error}\n{document:#}"));
    }

    /// Waits until every definition of a resource is served. `kubectl wait` cannot: it fails on a definition so young that
    /// its status has no conditions yet.
    ///
    /// # Panics
    /// When one is not after half a minute.
    pub fn await_definitions(&self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let text = self.run(&["get", "crd", "-o", "json"]);
            let list: Value = serde_json::from_str(&text).expect("kubectl writes JSON");
            let definitions = list["items"].as_array().expect("it is a list");
            let young: Vec<&Value> = definitions.iter().filter(|definition| !is_served(definition)).collect();
            if young.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "not served after half a minute: {young:#?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// An object as the API server has it.
    ///
    /// # Panics
    /// When it is not there.
    #[must_use]
    pub fn get(&self, namespace: &str, resource: &str, name: &str) -> Value {
        let text = self.run(&["--namespace", namespace, "get", resource, name, "-o", "json"]);
        serde_json::from_str(&text).expect("kubectl writes JSON")
    }

    /// Makes an empty namespace that admits only restricted pods, and gives its name: the one given, and the process, so
    /// that two runs at once do not meet. It is left behind, since nothing runs that would end it; it goes with the
    /// control plane.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn namespace(&self, name: &str) -> String {
        let name = format!("{name}-{}", std::process::id());
        self.run(&["create", "namespace", &name]);
        self.run(&["label", "namespace", &name, "pod-security.kubernetes.io/enforce=restricted"]);
        name
    }

    fn command(&self) -> Command {
        let path = self.environment.iter().find(|(name, _)| name == "PATH").map(|(_, path)| path.as_str());
        let mut folders = path.unwrap_or_default().split(':').map(|folder| Path::new(folder).join("kubectl"));
        // Not by name: a program is looked for on the path of this process, not on the one that it is given.
        let program = folders.find(|file| file.is_file()).expect("the environment leads to a kubectl");
        let mut command = Command::new(program);
        command.envs(self.environment.iter().cloned());
        command
    }
}

fn is_served(definition: &Value) -> bool {
    let conditions = definition["status"]["conditions"].as_array().map_or(&[][..], Vec::as_slice);
    conditions.iter().any(|condition| condition["type"] == "Established" && condition["status"] == "True")
}

fn xtask(arguments: &[&str]) -> String {
    let mut cargo = Command::new("cargo");
    cargo.arg("xtask").args(arguments).current_dir(checkout()).stdin(Stdio::null());
    let output = cargo.output().expect("cargo starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "cargo xtask {arguments:?}:\n{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}
