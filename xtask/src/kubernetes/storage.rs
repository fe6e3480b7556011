//! Volumes: directories on this machine, made on demand by local-path-provisioner, behind the default storage class
//! `standard`. Not the controller manager's own host paths: a pod without root cannot write those.

use std::fs;

use anyhow::{Context, Result};

use super::access::Access;
use super::layout::Layout;
use super::processes::{Process, Processes};
use super::programs::LOCAL_PATH;
use super::sandbox::SHELL;

const NAMESPACE: &str = "local-path-storage";

/// Makes the storage class and starts the provisioner.
pub fn start(layout: &Layout, processes: &Processes, access: &Access) -> Result<()> {
    let volumes = layout.run.join("volumes");
    fs::create_dir_all(&volumes).with_context(|| format!("make {}", volumes.display()))?;
    let settings = format!(
        r#"{{"nodePathMap": [{{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": ["{}"]}}]}}"#,
        volumes.display()
    );
    let pod = format!(
        r#"{{"apiVersion": "v1", "kind": "Pod", "metadata": {{"name": "helper-pod"}},
            "spec": {{"containers": [{{"name": "helper-pod", "image": "{SHELL}", "imagePullPolicy": "IfNotPresent"}}]}}}}"#
    );
    access.apply(&manifest(&settings, &pod)).context("make the storage class")?;

    let settings_file = layout.run.join("local-path.json");
    let pod_file = layout.run.join("local-path-pod.yaml");
    let flags = [
        ("config", settings_file.display().to_string()),
        ("helper-pod-file", pod_file.display().to_string()),
        ("helper-image", SHELL.to_owned()),
        ("provisioner-name", "rancher.io/local-path".to_owned()),
        ("configmap-name", "local-path-config".to_owned()),
        ("namespace", NAMESPACE.to_owned()),
        ("service-account-name", "default".to_owned()),
        ("kubeconfig", layout.kubeconfig("admin").display().to_string()),
    ];
    let arguments = std::iter::once("start".to_owned())
        .chain(flags.into_iter().flat_map(|(flag, value)| [format!("--{flag}"), value]))
        .collect();
    let mut process = Process::new("local-path", LOCAL_PATH.program("local-path-provisioner")?, arguments);
    process.settings.extend([(settings_file, settings), (pod_file, pod)]);
    process.environment.push(("POD_NAMESPACE".to_owned(), NAMESPACE.to_owned()));
    processes.ensure(&process)
}

/// `mkdir -m 0777`: the volume belongs to whatever user its pod has.
fn manifest(settings: &str, pod: &str) -> String {
    let indented = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<String>();
    format!(
        r#"apiVersion: v1
kind: Namespace
metadata: {{name: {NAMESPACE}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: local-path-config, namespace: {NAMESPACE}}}
data:
  config.json: |
{settings}  setup: |
    #!/bin/sh
    mkdir -m 0777 -p "$VOL_DIR"
  teardown: |
    #!/bin/sh
    rm -rf "$VOL_DIR"
  helperPod.yaml: |
{pod}---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {{name: standard, annotations: {{storageclass.kubernetes.io/is-default-class: "true"}}}}
provisioner: rancher.io/local-path
volumeBindingMode: WaitForFirstConsumer
allowVolumeExpansion: true
"#,
        settings = indented(settings),
        pod = indented(pod),
    )
}
