//! `server.properties` of a node: the user's configuration, and what the operator sets itself. The text is Kafka's own
//! format; the fingerprint of it with the node's id and pod left open tells whether the nodes of a pool must be restarted.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::model::{Cluster, Listener, Node, Pool};
use crate::names;

/// Stands for the node's id in what is compared.
const NODE_ID: &str = "{nodeId}";
/// Stands for the node's pod in what is compared.
const NODE_POD: &str = "{nodePodName}";

/// The configuration of one node.
pub(crate) fn of_node(cluster: &Cluster, pool: &Pool, node: &Node) -> String {
    write_properties(&entries(cluster, pool, &node.id.to_string(), &node.pod))
}

/// The configuration with the node left open: equal texts need no restart. What single brokers are told apart from the
/// others (advertised addresses by id) is part of it for all.
pub(super) fn of_any_node(cluster: &Cluster, pool: &Pool) -> String {
    let mut text = write_properties(&entries(cluster, pool, NODE_ID, NODE_POD));
    for listener in &cluster.listeners {
        for (id, (host, port)) in &listener.advertised {
            let _ = writeln!(text, "# {} {id} {host:?} {port:?}", listener.name);
        }
    }
    text
}

fn entries(cluster: &Cluster, pool: &Pool, id: &str, pod: &str) -> BTreeMap<String, String> {
    let mut entries = cluster.config.clone();
    let mut set = |key: &str, value: String| drop(entries.insert(key.to_owned(), value));
    let roles: Vec<&str> = [("broker", pool.is_broker), ("controller", pool.is_controller)]
        .into_iter()
        .filter_map(|(role, has)| has.then_some(role))
        .collect();
    set("node.id", id.to_owned());
    set("process.roles", roles.join(","));
    set("controller.listener.names", names::listener("controlplane", names::CONTROL_PLANE_PORT));
    set("inter.broker.listener.name", names::listener("replication", names::REPLICATION_PORT));
    set("controller.quorum.bootstrap.servers", controllers(cluster));
    let sockets = sockets(cluster, pool, id, pod);
    let listing = |part: fn(&Socket) -> String| sockets.iter().map(part).collect::<Vec<_>>().join(",");
    set("listeners", listing(|socket| format!("{}://{}:{}", socket.name, socket.bind, socket.port)));
    set("advertised.listeners", listing(|socket| format!("{}://{}", socket.name, socket.advertised)));
    set("listener.security.protocol.map", listing(|socket| format!("{}:PLAINTEXT", socket.name)));
    for listener in &cluster.listeners {
        let name = names::listener(&listener.name, listener.port).to_lowercase();
        for (key, value) in &listener.limits {
            set(&format!("listener.name.{name}.{key}"), value.to_string());
        }
    }
    let directory = |place: usize| format!("{}/kafka-log{id}", super::pod::mount_path(&pool.storage.volumes[place]));
    let directories: Vec<String> = (0..pool.storage.volumes.len()).map(directory).collect();
    set("log.dirs", directories.join(","));
    set("metadata.log.dir", directory(pool.storage.metadata));
    entries
}

/// A listener of a node as its configuration writes it.
struct Socket {
    name: String,
    bind: &'static str,
    port: u16,
    advertised: String,
}

fn sockets(cluster: &Cluster, pool: &Pool, id: &str, pod: &str) -> Vec<Socket> {
    let own_host = format!("{pod}.{}.{}.svc", names::brokers_service(&cluster.name), cluster.namespace);
    // Without TLS between nodes, others may come in only where everybody may: see `Cluster::is_open`.
    let inner_bind = if cluster.is_open() { "0.0.0.0" } else { "127.0.0.1" };
    let inner = |name: &str, port: u16| Socket {
        name: names::listener(name, port),
        bind: inner_bind,
        port,
        advertised: format!("{own_host}:{port}"),
    };
    let mut sockets = Vec::new();
    if pool.is_controller {
        sockets.push(inner("controlplane", names::CONTROL_PLANE_PORT));
    }
    if pool.is_broker {
        sockets.push(inner("replication", names::REPLICATION_PORT));
        sockets.extend(cluster.listeners.iter().map(|listener| Socket {
            name: names::listener(&listener.name, listener.port),
            bind: "0.0.0.0",
            port: listener.port,
            advertised: advertised(listener, id, pod, &own_host, &cluster.service_domain),
        }));
    }
    sockets
}

fn advertised(listener: &Listener, id: &str, pod: &str, own_host: &str, domain: &str) -> String {
    let own = id.parse::<i64>().ok().and_then(|id| listener.advertised.get(&id));
    let (host, port) = own.map_or((None, None), |(host, port)| (host.clone(), *port));
    let filled = |template: &String| template.replace(NODE_ID, id).replace(NODE_POD, pod);
    let host = host.or_else(|| listener.advertised_host_template.as_ref().map(filled));
    let host = host.unwrap_or_else(|| match listener.with_service_domain {
        true => format!("{own_host}.{domain}"),
        false => own_host.to_owned(),
    });
    format!("{host}:{}", port.unwrap_or(listener.port))
}

fn controllers(cluster: &Cluster) -> String {
    let service = names::brokers_service(&cluster.name);
    let pools = cluster.pools.iter().filter(|pool| pool.is_controller);
    let nodes = pools.flat_map(|pool| &pool.nodes);
    let address =
        |node: &Node| format!("{}.{service}.{}.svc:{}", node.pod, cluster.namespace, names::CONTROL_PLANE_PORT);
    nodes.map(address).collect::<Vec<_>>().join(",")
}

/// Writes the format that Java's `Properties` reads.
fn write_properties(entries: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for (key, value) in entries {
        escape(key, true, &mut text);
        text.push('=');
        escape(value, false, &mut text);
        text.push('\n');
    }
    text
}

fn escape(part: &str, is_key: bool, text: &mut String) {
    for (place, letter) in part.chars().enumerate() {
        match letter {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{c}' => text.push_str("\\f"),
            // A value's first blank would be skipped; a key ends at a blank, a colon or an equals sign.
            ' ' if is_key || place == 0 => text.push_str("\\ "),
            ':' | '=' if is_key => {
                text.push('\\');
                text.push(letter);
            }
            '#' | '!' if is_key && place == 0 => {
                text.push('\\');
                text.push(letter);
            }
            ' '..='~' => text.push(letter),
            other => {
                let mut units = [0; 2];
                for unit in other.encode_utf16(&mut units) {
                    let _ = write!(text, "\\u{unit:04x}");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let entries = BTreeMap::from(
            [
                ("a.b", "1"),
                ("k:e=y #", " lead"),
                ("#c", "back\\slash\nline\ttab"),
                ("ü", "snow☃ and 🦀"),
                ("empty", ""),
            ]
            .map(|(key, value)| (key.to_owned(), value.to_owned())),
        );
        let text = write_properties(&entries);
        assert!(text.is_ascii());
        let read = ottla_config::Properties::parse(&text).unwrap();
        let read: BTreeMap<String, String> =
            read.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        assert_eq!(read, entries);
    }
}
