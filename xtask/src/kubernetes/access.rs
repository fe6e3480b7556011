//! The way into a cluster: kubectl and helm, bound to the local Kubernetes or to a context that a person has named.
//! The person's current context is never used unasked: nobody wants a demo in production.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::layout::{Layout, Shape};
use super::programs::{self, HELM, KUBERNETES};
use crate::program;

/// Commands against one cluster.
#[derive(Clone, Debug)]
pub struct Access {
    kubectl: PathBuf,
    helm: Option<PathBuf>,
    target: Target,
}

#[derive(Clone, Debug)]
enum Target {
    /// The kubeconfig of a cluster of ours.
    Local(PathBuf),
    /// A context of the person's own kubeconfig.
    Context(String),
}

impl Access {
    /// The cluster in `layout`.
    pub fn local(layout: &Layout) -> Result<Self> {
        Ok(Self {
            kubectl: KUBERNETES.program("kubectl")?,
            helm: (layout.shape == Shape::Whole).then(|| HELM.program("helm")).transpose()?,
            target: Target::Local(layout.kubeconfig("admin")),
        })
    }

    /// The cluster that `context` of the person's kubeconfig names. Uses the person's own kubectl and helm if there are any.
    pub fn context(context: &str) -> Result<Self> {
        let (kubectl, helm) = match (program::find("kubectl"), program::find("helm")) {
            (Some(kubectl), Some(helm)) => (kubectl, helm),
            (kubectl, helm) => {
                programs::ensure(&[&KUBERNETES, &HELM])?;
                (
                    kubectl.map_or_else(|| KUBERNETES.program("kubectl"), Ok)?,
                    helm.map_or_else(|| HELM.program("helm"), Ok)?,
                )
            }
        };
        let access = Self { kubectl, helm: Some(helm), target: Target::Context(context.to_owned()) };
        program::run(access.kubectl().args(["get", "--raw", "/readyz"]))
            .with_context(|| format!("reach the cluster of the context {context}"))?;
        Ok(access)
    }

    /// The context, when a person has named one.
    pub fn named_context(&self) -> Option<&str> {
        match &self.target {
            Target::Local(_) => None,
            Target::Context(context) => Some(context),
        }
    }

    /// kubectl for this cluster.
    pub fn kubectl(&self) -> Command {
        let mut command = Command::new(&self.kubectl);
        match &self.target {
            Target::Local(kubeconfig) => command.env("KUBECONFIG", kubeconfig),
            Target::Context(context) => command.args(["--context", context]),
        };
        command
    }

    /// helm for this cluster.
    pub fn helm(&self) -> Result<Command> {
        let Some(helm) = &self.helm else { bail!("a control plane without nodes installs no charts") };
        let mut command = Command::new(helm);
        match &self.target {
            Target::Local(kubeconfig) => command.env("KUBECONFIG", kubeconfig),
            Target::Context(context) => command.args(["--kube-context", context]),
        };
        Ok(command)
    }

    /// Runs kubectl with `arguments` and gives what it says.
    pub fn ask(&self, arguments: &[&str]) -> Result<String> {
        program::output(self.kubectl().args(arguments))
    }

    /// Applies `yaml`.
    pub fn apply(&self, yaml: &str) -> Result<String> {
        program::feed(self.kubectl().args(["apply", "--server-side", "--force-conflicts", "-f", "-"]), yaml)
    }

    /// What to type so that kubectl and helm in a shell mean this cluster.
    pub fn shell_setup(&self) -> String {
        let mut path: Vec<String> = Vec::new();
        for program in std::iter::once(&self.kubectl).chain(&self.helm) {
            let directory = program.parent().map(|parent| parent.display().to_string()).unwrap_or_default();
            if !path.contains(&directory) {
                path.push(directory);
            }
        }
        match &self.target {
            Target::Local(kubeconfig) => {
                format!("export KUBECONFIG={} PATH={}:$PATH", kubeconfig.display(), path.join(":"))
            }
            Target::Context(context) => format!("kubectl config use-context {context}"),
        }
    }
}
