//! The authority of a local Kubernetes, the certificates it issues and the kubeconfig files that carry them, made by
//! openssl. They are made once a cluster and die with it; nothing outside its run directory ever trusts them.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::layout::{API_SERVICE, Layout, node_address, node_name};
use crate::program;

/// Elliptic keys are made in milliseconds, RSA keys in seconds.
const KEY: [&str; 4] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
/// Longer than any cluster on a developer's machine lives.
const DAYS: &str = "3650";

/// Makes what is missing: the authority, and a certificate for each part and each of `nodes`.
pub fn ensure(layout: &Layout, nodes: u8) -> Result<()> {
    let directory = layout.certificates();
    fs::create_dir_all(&directory).with_context(|| format!("make {}", directory.display()))?;
    if !directory.join("ca.crt").exists() {
        authority(&directory).context("make the cluster's certificate authority")?;
    }
    let names = format!(
        "IP:127.0.0.1,IP:{API_SERVICE},IP:{},DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,\
         DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local",
        layout.api_address()
    );
    certificate(layout, "apiserver", "/CN=kube-apiserver", &names)?;
    certificate(layout, "admin", "/O=system:masters/CN=admin", "")?;
    if nodes == 0 {
        return Ok(());
    }
    certificate(layout, "controller-manager", "/CN=system:kube-controller-manager", "")?;
    certificate(layout, "scheduler", "/CN=system:kube-scheduler", "")?;
    certificate(layout, "proxy", "/CN=system:kube-proxy", "")?;
    for node in 1..=nodes {
        let name = node_name(node);
        // kubelet serves with the node's address, or logs and exec fail.
        let names = format!("DNS:{name},IP:{}", node_address(node));
        certificate(layout, &format!("kubelet{node}"), &format!("/O=system:nodes/CN=system:node:{name}"), &names)?;
    }
    Ok(())
}

fn authority(directory: &Path) -> Result<()> {
    program::run(openssl(directory).args([
        "ecparam",
        "-name",
        "prime256v1",
        "-genkey",
        "-noout",
        "-out",
        "accounts.key",
    ]))?;
    program::run(openssl(directory).args(["ec", "-in", "accounts.key", "-pubout", "-out", "accounts.pub"]))?;
    program::run(
        openssl(directory)
            .args(["req", "-x509", "-nodes", "-days", DAYS, "-subj", "/CN=ottla-local-kubernetes"])
            .args(["-addext", "keyUsage=critical,keyCertSign,cRLSign", "-keyout", "ca.key", "-out", "ca.crt"])
            .args(KEY),
    )
}

/// A key, a certificate and a kubeconfig called `name`, unless they are there.
fn certificate(layout: &Layout, name: &str, subject: &str, alternatives: &str) -> Result<()> {
    let directory = layout.certificates();
    let file = |suffix: &str| format!("{name}.{suffix}");
    if directory.join(file("kubeconfig")).exists() {
        return Ok(());
    }
    let mut extensions = "keyUsage=digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n".to_owned();
    if !alternatives.is_empty() {
        extensions.push_str(&format!("subjectAltName={alternatives}\n"));
    }
    fs::write(directory.join(file("ext")), extensions).with_context(|| format!("write the extensions of {name}"))?;
    program::run(
        openssl(&directory)
            .args(["req", "-nodes", "-subj", subject, "-keyout", &file("key"), "-out", &file("csr")])
            .args(KEY),
    )
    .with_context(|| format!("make the key of {name}"))?;
    program::run(
        openssl(&directory)
            .args(["x509", "-req", "-in", &file("csr"), "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"])
            .args(["-days", DAYS, "-extfile", &file("ext"), "-out", &file("crt")]),
    )
    .with_context(|| format!("sign the certificate of {name}"))?;
    // Last, since it is the mark that the rest is there.
    fs::write(directory.join(file("kubeconfig")), kubeconfig(layout, name))
        .with_context(|| format!("write the kubeconfig of {name}"))
}

fn kubeconfig(layout: &Layout, name: &str) -> String {
    let directory = layout.certificates();
    let path = |file: &str| directory.join(file).display().to_string();
    format!(
        "apiVersion: v1\n\
         kind: Config\n\
         clusters: [{{name: ottla, cluster: {{server: \"https://{address}:{port}\", certificate-authority: \"{ca}\"}}}}]\n\
         users: [{{name: {name}, user: {{client-certificate: \"{certificate}\", client-key: \"{key}\"}}}}]\n\
         contexts: [{{name: ottla, context: {{cluster: ottla, user: {name}}}}}]\n\
         current-context: ottla\n",
        address = layout.api_address(),
        port = layout.api_port(),
        ca = path("ca.crt"),
        certificate = path(&format!("{name}.crt")),
        key = path(&format!("{name}.key")),
    )
}

fn openssl(directory: &Path) -> Command {
    let mut command = Command::new("openssl");
    command.current_dir(directory);
    command
}
