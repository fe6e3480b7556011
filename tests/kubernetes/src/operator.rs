//! Our operator as a process beside the control plane: built from this checkout, started with a kubeconfig of its own, and
//! ended with the test.
//!
//! [`service_account`] gives it the rights of the chart's roles and no others.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{Kubectl, checkout, documents};

/// Everything happens within a second or two on an idle machine; one that compiles meanwhile may need more.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks.
const GLANCE: Duration = Duration::from_millis(100);
/// The roles of the chart that are bound in every namespace served.
const ROLES: [&str; 2] = ["ottla-cluster-operator-watched", "ottla-cluster-operator-namespaced"];

/// The binary: the one that `OTTLA_OPERATOR` names, or built once for all tests of a process.
///
/// # Panics
/// When it cannot be built.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(named) = std::env::var_os("OTTLA_OPERATOR") {
            return PathBuf::from(named);
        }
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--package", "ottla-controller", "--bin", "ottla-operator"]);
        cargo.args(["--message-format", "json"]).current_dir(checkout()).stdin(Stdio::null());
        let output = cargo.output().expect("cargo starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8_lossy(&output.stdout);
        let messages = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut built = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from));
        built.find(|path| path.ends_with("ottla-operator")).expect("cargo names what it has built")
    })
}

/// A service account in a namespace, with the roles of `deploy/ottla.yaml` in the namespaces served, or everywhere. Gives
/// the kubeconfig with which a process is it.
///
/// # Panics
/// When the API server refuses any of it.
#[must_use]
pub fn service_account(server: &Kubectl, home: &str, served: Option<&[&str]>) -> PathBuf {
    let is_role = |document: &Value| document["kind"] == "ClusterRole";
    for role in documents(&checkout().join("deploy/ottla.yaml")).into_iter().filter(is_role) {
        server.apply(&role);
    }
    server.run(&["--namespace", home, "create", "serviceaccount", "operator"]);
    let bind = |role: &str, namespace: Option<&str>| {
        let kind = if namespace.is_some() { "RoleBinding" } else { "ClusterRoleBinding" };
        server.apply(&json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": format!("{home}-{role}"), "namespace": namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": "operator", "namespace": home}],
        }));
    };
    bind("ottla-cluster-operator-leader-election", Some(home));
    for role in ROLES {
        match served {
            Some(served) => served.iter().for_each(|namespace| bind(role, Some(namespace))),
            None => bind(role, None),
        }
    }
    let token = server.run(&["--namespace", home, "create", "token", "operator"]);
    let mut config: Value =
        serde_json::from_str(&server.run(&["config", "view", "--raw", "--output=json"])).expect("it is JSON");
    config["users"][0]["user"] = json!({"token": token.trim()});
    config["contexts"][0]["context"]["namespace"] = json!(home);
    let file = std::env::temp_dir().join(format!("ottla-test-{home}.kubeconfig"));
    std::fs::write(&file, config.to_string()).expect("the folder for temporary files can be written");
    file
}

/// A running operator.
#[derive(Debug)]
pub struct Operator {
    child: Child,
    log: PathBuf,
}

impl Operator {
    /// Starts it and waits until it is ready: until it works or stands by. `name` is its identity.
    ///
    /// # Panics
    /// When it does not become ready.
    #[must_use]
    pub fn start(kubeconfig: &Path, name: &str, environment: &[(&str, &str)]) -> Operator {
        let log = std::env::temp_dir().join(format!("ottla-test-{name}.log"));
        let file = std::fs::File::create(&log).expect("the folder for temporary files can be written");
        let mut command = Command::new(binary());
        command.env("KUBECONFIG", kubeconfig).env("STRIMZI_OPERATOR_NAME", name);
        command.env("OTTLA_HTTP_ADDRESS", "127.0.0.1:0").envs(environment.iter().copied());
        command.stdin(Stdio::null()).stderr(file.try_clone().expect("a file can be shared")).stdout(file);
        let operator = Operator { child: command.spawn().expect("the operator starts"), log };
        eventually("the operator is ready", || match operator.address() {
            Some(_) => operator.get("/ready").contains(" 200 "),
            None => false,
        });
        operator
    }

    /// Its process.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged.
    ///
    /// # Panics
    /// When the log cannot be read.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("the log can be read")
    }

    /// What it answers over HTTP, head and body.
    ///
    /// # Panics
    /// When it does not answer.
    #[must_use]
    pub fn get(&self, path: &str) -> String {
        let address = self.address().expect("it listens");
        let mut connection = TcpStream::connect(address).expect("it can be connected to");
        connection.set_read_timeout(Some(PATIENCE)).expect("a time can be set");
        write!(connection, "GET {path} HTTP/1.1\r\nHost: operator\r\nConnection: close\r\n\r\n").expect("it listens");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("it answers in text");
        answer
    }

    /// Sends it a signal of this name.
    ///
    /// # Panics
    /// When it is gone.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status();
        assert!(status.expect("kill starts").success(), "the operator is gone:\n{}", self.log());
    }

    /// Waits until it has ended, and says whether that was well.
    ///
    /// # Panics
    /// When it goes on.
    #[must_use]
    pub fn ended(&mut self) -> bool {
        let mut status = None;
        eventually("the operator has ended", || {
            status = self.child.try_wait().expect("a child can be waited for");
            status.is_some()
        });
        status.is_some_and(|status| status.success())
    }

    fn address(&self) -> Option<String> {
        let log = self.log();
        let word = log.split_whitespace().find_map(|word| word.strip_prefix("address="));
        word.map(str::to_owned)
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the operator's log:\n{}", self.log());
        }
    }
}

/// Waits until something is so.
///
/// # Panics
/// When it is not so in time.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}: not within {} s", PATIENCE.as_secs());
        std::thread::sleep(GLANCE);
    }
}
