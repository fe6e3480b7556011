//! Rules that tie several keys together, in Kafka's words: what the table cannot say of one key alone.

use std::collections::BTreeSet;

use super::Roles;
use super::listeners::{Listener, Listeners};
use crate::endpoint::{SecurityProtocol, Voter};
use crate::error::{Complaint, Warning, Warnings};
use crate::value::Value;
use crate::values::Values;

/// The keys that [`place`] holds against each other.
pub(super) const PLACE_KEYS: &[&str] = &[
    "node.id",
    "broker.id",
    "process.roles",
    "listeners",
    "advertised.listeners",
    "controller.listener.names",
    "controller.quorum.voters",
    "controller.quorum.bootstrap.servers",
    "listener.security.protocol.map",
    "inter.broker.listener.name",
    "security.inter.broker.protocol",
];

/// Whether roles, ids, listeners and the quorum fit together.
pub(super) fn place(values: &Values, roles: Roles, listeners: &Listeners, warnings: &mut Warnings) -> Vec<Complaint> {
    let mut complaints = Complaints::default();
    if values.long("node.id") != values.long("broker.id") {
        complaints.add(
            "node.id",
            "`node.id` and `broker.id` must be set to the same value. `broker.id` is deprecated, please use `node.id` \
             instead.",
        );
    }
    quorum(values, roles, &mut complaints);
    if roles.controller {
        controller_listeners(roles, values.is_set("inter.broker.listener.name"), listeners, &mut complaints);
    } else {
        foreign_controller(listeners, &mut complaints, warnings);
    }
    if roles.broker {
        broker_listeners(listeners, &mut complaints);
    }
    routable(listeners, &mut complaints);
    early(values, listeners, &mut complaints);
    only_what_is_built(listeners, values, &mut complaints);
    complaints.0
}

/// Rules between numbers.
pub(super) fn numbers(values: &Values) -> Vec<Complaint> {
    let mut complaints = Complaints::default();
    let first =
        |keys: &[(&str, i64)]| keys.iter().find_map(|(key, unit)| Some(values.number(key)?.saturating_mul(*unit)));
    const HOUR: i64 = 3_600_000;
    let roll = first(&[("log.roll.ms", 1), ("log.roll.hours", HOUR)]);
    complaints.require(roll.is_none_or(|ms| 1 <= ms), "log.roll.ms", "log.roll.ms must be greater than or equal to 1");
    let jitter = first(&[("log.roll.jitter.ms", 1), ("log.roll.jitter.hours", HOUR)]);
    complaints.require(
        jitter.is_none_or(|ms| 0 <= ms),
        "log.roll.jitter.ms",
        "log.roll.jitter.ms must be greater than or equal to 0",
    );
    let retention = first(&[("log.retention.ms", 1), ("log.retention.minutes", 60_000), ("log.retention.hours", HOUR)]);
    complaints.require(
        retention != Some(0),
        "log.retention.ms",
        "log.retention.ms must be unlimited (-1) or, greater than or equal to 1",
    );
    let wait = values.long("replica.fetch.wait.max.ms");
    complaints.require(
        wait <= values.long("replica.socket.timeout.ms"),
        "replica.socket.timeout.ms",
        "replica.socket.timeout.ms should always be at least replica.fetch.wait.max.ms to prevent unnecessary socket \
         timeouts",
    );
    complaints.require(
        wait <= values.long("replica.lag.time.max.ms"),
        "replica.fetch.wait.max.ms",
        "replica.fetch.wait.max.ms should always be less than or equal to replica.lag.time.max.ms to prevent frequent \
         changes in ISR",
    );
    connections(values, &mut complaints);
    cleaner(values, &mut complaints);
    codecs(values, &mut complaints);
    directories(values, &mut complaints);
    if !values.list("group.coordinator.rebalance.protocols").iter().any(|protocol| protocol == "classic") {
        complaints.add("group.coordinator.rebalance.protocols", "Disabling the 'classic' protocol is not supported.");
    }
    complaints.0
}

#[derive(Default)]
struct Complaints(Vec<Complaint>);

impl Complaints {
    fn add(&mut self, key: &str, message: impl Into<String>) {
        self.0.push(Complaint::new(key, message));
    }

    fn require(&mut self, holds: bool, key: &str, message: &str) {
        if !holds {
            self.add(key, message);
        }
    }
}

fn quorum(values: &Values, roles: Roles, complaints: &mut Complaints) {
    let voters: BTreeSet<i32> = values
        .list("controller.quorum.voters")
        .iter()
        .filter_map(|text| Voter::parse(text).ok())
        .map(|voter| voter.id.0)
        .collect();
    if voters.is_empty() && values.list("controller.quorum.bootstrap.servers").is_empty() {
        complaints.add(
            "controller.quorum.bootstrap.servers",
            "If using process.roles, either controller.quorum.bootstrap.servers must contain the set of bootstrap \
             controllers or controller.quorum.voters must contain a parseable set of controllers.",
        );
    }
    if !roles.controller && values.get("controller.quorum.auto.join.enable") == Value::Boolean(true) {
        complaints.add(
            "controller.quorum.auto.join.enable",
            "controller.quorum.auto.join.enable is only supported when process.roles contains the 'controller' role.",
        );
    }
    let id = values.int("node.id");
    let shown: Vec<String> = voters.iter().map(i32::to_string).collect();
    let shown = format!("Set({})", shown.join(", "));
    if roles.controller && !voters.is_empty() && !voters.contains(&id) {
        complaints.add(
            "controller.quorum.voters",
            format!(
                "If process.roles contains the 'controller' role, the node id {id} must be included in the set of \
                 voters controller.quorum.voters={shown}"
            ),
        );
    }
    if !roles.controller && voters.contains(&id) {
        complaints.add(
            "controller.quorum.voters",
            format!(
                "If process.roles contains just the 'broker' role, the node id {id} must not be included in the set \
                 of voters controller.quorum.voters={shown}"
            ),
        );
    }
}

fn controller_listeners(roles: Roles, inter_broker_is_set: bool, listeners: &Listeners, complaints: &mut Complaints) {
    const KEY: &str = "controller.listener.names";
    if !roles.broker && inter_broker_is_set && listeners.is_controller(&listeners.inter_broker) {
        complaints.add(
            KEY,
            format!(
                "{KEY} must not contain an explicitly set inter.broker.listener.name configuration value when \
                 process.roles=controller'"
            ),
        );
    }
    if !roles.broker && listeners.advertised_controller.len() != listeners.all.len() {
        complaints.add(
            "listeners",
            format!(
                "The listeners config must only contain KRaft controller listeners from {KEY} when \
                 process.roles=controller"
            ),
        );
    }
    if listeners.advertised_controller.is_empty() {
        complaints.add(
            KEY,
            format!(
                "{KEY} must contain at least one value appearing in the 'listeners' configuration when running the \
                 KRaft controller role"
            ),
        );
    }
    let open = |name: &String| listeners.all.iter().any(|listener| listener.endpoint.name == *name);
    if !listeners.controller_names.iter().all(open) {
        complaints.add(
            KEY,
            format!(
                "{KEY} must only contain values appearing in the 'listeners' configuration when running the KRaft \
                 controller role"
            ),
        );
    }
}

/// The rules of a broker whose controllers are other processes.
fn foreign_controller(listeners: &Listeners, complaints: &mut Complaints, warnings: &mut Warnings) {
    const KEY: &str = "controller.listener.names";
    if listeners.controller().next().is_some() {
        complaints.add(
            KEY,
            format!(
                "{KEY} must not contain a value appearing in the 'listeners' configuration when running KRaft with \
                 just the broker role"
            ),
        );
    }
    for name in listeners.controller_names.iter().map(|name| name.to_uppercase()) {
        if !listeners.protocols.contains_key(&name) {
            complaints.add(
                KEY,
                format!(
                    "Controller listener with name {name} defined in {KEY} not found in \
                     listener.security.protocol.map  (an explicit security mapping for each controller listener is \
                     required if listener.security.protocol.map is non-empty, or if there are security protocols \
                     other than PLAINTEXT in use)"
                ),
            );
        }
    }
    if 1 < listeners.controller_names.len() {
        warnings.push(Warning::new(KEY, "only the first is used, as process.roles is broker"));
    }
}

fn broker_listeners(listeners: &Listeners, complaints: &mut Complaints) {
    let told = names(&listeners.advertised_broker);
    let open = names(&listeners.all);
    if told.is_empty() {
        complaints.add(
            "advertised.listeners",
            "There must be at least one broker advertised listener. Perhaps all listeners appear in \
             controller.listener.names?",
        );
        return;
    }
    if !told.contains(&listeners.inter_broker.as_str()) {
        complaints.add(
            "inter.broker.listener.name",
            format!(
                "inter.broker.listener.name must be a listener name defined in advertised.listeners. The valid \
                 options based on currently configured listeners are {}",
                told.join(",")
            ),
        );
    }
    if !told.iter().all(|name| open.contains(name)) {
        complaints.add(
            "advertised.listeners",
            format!(
                "advertised.listeners listener names must be equal to or a subset of the ones defined in listeners. \
                 Found {}. The valid options based on the current configuration are {}",
                told.join(","),
                open.join(",")
            ),
        );
    }
}

fn routable(listeners: &Listeners, complaints: &mut Complaints) {
    let told = listeners.advertised_broker.iter().chain(&listeners.advertised_controller);
    if told.into_iter().any(|listener| listener.endpoint.host == "0.0.0.0") {
        complaints.add(
            "advertised.listeners",
            "advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a routable IP address.",
        );
    }
}

fn early(values: &Values, listeners: &Listeners, complaints: &mut Complaints) {
    const KEY: &str = "early.start.listeners";
    for name in values.list(KEY).iter().map(|name| name.to_uppercase()) {
        if !listeners.is_controller(&name) && !names(&listeners.all).contains(&name.as_str()) {
            let message = format!(
                "{KEY} contains listener {name}, but this is not contained in listeners or controller.listener.names"
            );
            complaints.add(KEY, message);
        }
    }
}

/// What is asked for and would leave the node open if it were silently left out is refused until it is built.
fn only_what_is_built(listeners: &Listeners, values: &Values, complaints: &mut Complaints) {
    for listener in listeners.all.iter().filter(|listener| listener.protocol != SecurityProtocol::Plaintext) {
        complaints.add(
            "listeners",
            format!(
                "listener {} uses {}, which is not built yet; only PLAINTEXT is",
                listener.endpoint.name, listener.protocol
            ),
        );
    }
    let authorizer = values.text("authorizer.class.name").unwrap_or_default();
    if !authorizer.is_empty() {
        complaints.add(
            "authorizer.class.name",
            format!(
                "Invalid value {authorizer} for configuration authorizer.class.name: authorization is not built yet; \
                 only the empty value is allowed"
            ),
        );
    }
}

fn names(listeners: &[Listener]) -> Vec<&str> {
    listeners.iter().map(|listener| listener.endpoint.name.as_str()).collect()
}

fn cleaner(values: &Values, complaints: &mut Complaints) {
    let threads = values.long("log.cleaner.threads");
    if threads == 0 {
        let message = "Invalid value 0 for configuration log.cleaner.threads: Value must be at least 1";
        complaints.add("log.cleaner.threads", message);
    } else if values.long("log.cleaner.dedupe.buffer.size") / threads <= 1024 * 1024 {
        complaints.add(
            "log.cleaner.dedupe.buffer.size",
            "log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.",
        );
    }
}

fn codecs(values: &Values, complaints: &mut Complaints) {
    for key in ["offsets.topic.compression.codec", "share.coordinator.state.topic.compression.codec"] {
        let codec = values.long(key);
        if !(0..=4).contains(&codec) {
            complaints.add(key, format!("Unknown compression type id: {codec}"));
        }
    }
}

fn directories(values: &Values, complaints: &mut Complaints) {
    const KEY: &str = "cordoned.log.dirs";
    let cordoned = values.list(KEY);
    let dirs = super::sections::LogConfig::read(values).dirs;
    if cordoned.iter().any(|dir| dir == "*") {
        let alone = cordoned.len() == 1;
        complaints.require(alone, KEY, "When cordoned.log.dirs is set to *, it must not contain other values");
        return;
    }
    let missing: Vec<&str> = cordoned.iter().filter(|dir| !dirs.contains(dir)).map(String::as_str).collect();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        let message =
            format!("All entries in {KEY} must be present in log.dirs or log.dir. Missing entries : {missing}");
        complaints.add(KEY, message);
    }
}

fn connections(values: &Values, complaints: &mut Complaints) {
    const OVERRIDES: &str = "max.connections.per.ip.overrides";
    let queued = values.long("queued.max.request.bytes");
    complaints.require(
        queued <= 0 || values.long("socket.request.max.bytes") <= queued,
        "queued.max.request.bytes",
        "queued.max.request.bytes must be larger or equal to socket.request.max.bytes",
    );
    let overrides = values.text(OVERRIDES).unwrap_or_default();
    complaints.require(
        values.long("max.connections.per.ip") != 0 || !overrides.is_empty(),
        "max.connections.per.ip",
        "max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.",
    );
    match super::sections::per_ip_overrides(&overrides) {
        Ok(limits) => {
            let host =
                |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-%._:".contains(c));
            let wrong: Vec<&str> = limits.iter().map(|(host, _)| host.as_str()).filter(|text| !host(text)).collect();
            if !wrong.is_empty() {
                complaints.add(OVERRIDES, format!("{OVERRIDES} contains invalid addresses : {}", wrong.join(",")));
            }
        }
        Err(entry) => complaints.add(
            OVERRIDES,
            format!("Invalid value {overrides} for configuration {OVERRIDES}: {entry} is not of the form host:number"),
        ),
    }
    let idle = values.long("connections.max.idle.ms");
    let delay = values.long("connection.failed.authentication.delay.ms");
    if 0 <= idle && idle <= delay {
        complaints.add(
            "connection.failed.authentication.delay.ms",
            format!(
                "connection.failed.authentication.delay.ms={delay} should always be less than \
                 connections.max.idle.ms={idle} to prevent failed authentication responses from timing out"
            ),
        );
    }
}
