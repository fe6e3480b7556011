//! Where a node listens and what it tells others of it.
//!
//! Reading the keys is here; whether they fit the node's roles is in `rules`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::endpoint::{Endpoint, SecurityProtocol};
use crate::error::Complaint;
use crate::values::Values;

/// The listeners of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listeners {
    /// `listeners`, in their order.
    pub all: Vec<Listener>,
    /// `controller.listener.names`, in their order; a broker reaches the controllers by the first.
    pub controller_names: Vec<String>,
    /// `inter.broker.listener.name`, or the listener named like `security.inter.broker.protocol`.
    pub inter_broker: String,
    /// What brokers and clients are told: `advertised.listeners` without those of controllers, or `listeners`. An empty
    /// host stands for the machine's name, which only the shell knows.
    pub advertised_broker: Vec<Listener>,
    /// What voters are told, in the order of `controller.listener.names`; with an empty host as above.
    pub advertised_controller: Vec<Listener>,
    /// `listener.security.protocol.map`, with what is implied.
    pub protocols: BTreeMap<String, SecurityProtocol>,
}

/// One listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Name, host and port.
    pub endpoint: Endpoint,
    /// How it is spoken to.
    pub protocol: SecurityProtocol,
}

impl Listeners {
    /// Those that clients and brokers connect to.
    pub fn broker(&self) -> impl Iterator<Item = &Listener> {
        self.all.iter().filter(|listener| !self.is_controller(&listener.endpoint.name))
    }

    /// Those that brokers and voters reach this controller by.
    pub fn controller(&self) -> impl Iterator<Item = &Listener> {
        self.all.iter().filter(|listener| self.is_controller(&listener.endpoint.name))
    }

    /// Whether the listener of this name is one of `controller.listener.names`.
    pub fn is_controller(&self, name: &str) -> bool {
        self.controller_names.iter().any(|one| one == name)
    }

    pub(super) fn read(values: &Values) -> Result<Listeners, Vec<Complaint>> {
        let one = |complaint| vec![complaint];
        let controller_names = values.list("controller.listener.names");
        let protocols = protocols(values, &controller_names).map_err(one)?;
        let all = read_list(values, "listeners", &protocols, true).map_err(one)?;
        let advertised = if values.is_set("advertised.listeners") {
            Some(read_list(values, "advertised.listeners", &protocols, false).map_err(one)?)
        } else {
            None
        };
        let is_controller = |listener: &Listener| controller_names.contains(&listener.endpoint.name);
        let advertised_broker = advertised.as_ref().unwrap_or(&all);
        let advertised_broker = advertised_broker.iter().filter(|one| !is_controller(one)).cloned().collect();
        let advertised_controller = controller_names
            .iter()
            .filter_map(|name| {
                let told = advertised.iter().flatten().find(|one| one.endpoint.name == name.to_uppercase());
                told.cloned().or_else(|| all.iter().find(|one| one.endpoint.name == *name).map(told_to_voters))
            })
            .collect();
        let inter_broker = inter_broker(values, &protocols).map_err(one)?;
        Ok(Listeners { all, controller_names, inter_broker, advertised_broker, advertised_controller, protocols })
    }
}

/// Without `advertised.listeners`, voters are told where the controller listens, every address being the machine's name.
fn told_to_voters(listener: &Listener) -> Listener {
    let mut told = listener.clone();
    if told.endpoint.host == "0.0.0.0" {
        told.endpoint.host.clear();
    }
    told
}

fn protocols(values: &Values, controller_names: &[String]) -> Result<BTreeMap<String, SecurityProtocol>, Complaint> {
    const KEY: &str = "listener.security.protocol.map";
    let mut map = BTreeMap::new();
    for entry in values.text(KEY).unwrap_or_default().split(',').filter(|entry| !entry.trim().is_empty()) {
        let Some((name, protocol)) = entry.rsplit_once(':') else {
            let message = format!(
                "Error parsing configuration property '{KEY}': {} is not of the form name:protocol",
                entry.trim()
            );
            return Err(Complaint::new(KEY, message));
        };
        let Some(protocol) = SecurityProtocol::named(protocol.trim()) else {
            let message = format!("Invalid security protocol `{}` defined in {KEY}", protocol.trim());
            let mut complaint = Complaint::new(KEY, message);
            complaint.allowed = Some("PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL".to_owned());
            return Err(complaint);
        };
        map.insert(name.trim().to_uppercase(), protocol);
    }
    if values.is_set(KEY) {
        return Ok(map);
    }
    // Nobody said how a controller's listener is spoken to: plainly, unless any name asks for more.
    let secure = |name: &str| SecurityProtocol::named(name).is_some_and(|one| one != SecurityProtocol::Plaintext);
    let listeners = values.list("listeners");
    let any_secure = controller_names.iter().any(|name| secure(name))
        || listeners.iter().any(|text| secure(text.split(':').next().unwrap_or_default()));
    if !any_secure {
        for name in controller_names {
            map.entry(name.clone()).or_insert(SecurityProtocol::Plaintext);
        }
    }
    Ok(map)
}

fn read_list(
    values: &Values,
    key: &str,
    protocols: &BTreeMap<String, SecurityProtocol>,
    distinct_ports: bool,
) -> Result<Vec<Listener>, Complaint> {
    let texts = values.list(key);
    let shown = format!("[{}]", texts.join(", "));
    let refuse = |why: String| Complaint::new(key, format!("Error creating broker listeners from '{shown}': {why}"));
    let mut listeners: Vec<Listener> = Vec::new();
    for text in &texts {
        let endpoint = Endpoint::parse(text).map_err(&refuse)?;
        let Some(&protocol) = protocols.get(&endpoint.name) else {
            return Err(refuse(format!("No security protocol defined for listener {}", endpoint.name)));
        };
        if listeners.iter().any(|other| other.endpoint.name == endpoint.name) {
            return Err(refuse(format!("Each listener must have a different name, listeners: {shown}")));
        }
        listeners.push(Listener { endpoint, protocol });
    }
    if distinct_ports {
        check_ports(&listeners, &shown).map_err(refuse)?;
    }
    Ok(listeners)
}

/// Two listeners share a port only if one is on an IPv4 and the other on an IPv6 address. Port 0 is never shared.
fn check_ports(listeners: &[Listener], shown: &str) -> Result<(), String> {
    let mut by_port: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for listener in listeners.iter().filter(|listener| listener.endpoint.port != 0) {
        by_port.entry(listener.endpoint.port).or_default().push(&listener.endpoint.host);
    }
    for (port, hosts) in by_port.iter().filter(|(_, hosts)| 1 < hosts.len()) {
        let addresses: Vec<IpAddr> = hosts.iter().filter_map(|host| host.parse().ok()).collect();
        let others = hosts.len() - addresses.len();
        if 1 < others {
            return Err(format!("Each listener must have a different port, listeners: {shown}"));
        }
        match addresses.as_slice() {
            [one, other] if others == 0 && one.is_ipv4() != other.is_ipv4() => {}
            [_, _] => {
                return Err(format!(
                    "If you have two listeners on the same port then one needs to be IPv4 and the other IPv6, \
                     listeners: {shown}, port: {port}"
                ));
            }
            _ => {
                return Err(format!(
                    "Each listener must have a different port unless exactly one listener has an IPv4 address and the \
                     other IPv6 address, listeners: {shown}, port: {port}"
                ));
            }
        }
    }
    Ok(())
}

fn inter_broker(values: &Values, protocols: &BTreeMap<String, SecurityProtocol>) -> Result<String, Complaint> {
    const NAME: &str = "inter.broker.listener.name";
    const PROTOCOL: &str = "security.inter.broker.protocol";
    match values.text(NAME) {
        Some(_) if values.is_set(PROTOCOL) => {
            Err(Complaint::new(NAME, format!("Only one of {NAME} and {PROTOCOL} should be set.")))
        }
        Some(name) if protocols.contains_key(&name.to_uppercase()) => Ok(name.to_uppercase()),
        Some(name) => {
            let name = name.to_uppercase();
            let message =
                format!("Listener with name {name} defined in {NAME} not found in listener.security.protocol.map.");
            Err(Complaint::new(NAME, message))
        }
        None => Ok(values.text(PROTOCOL).unwrap_or_default()),
    }
}
