//! Listeners, in the two forms that they ever had: the list, and the object of the oldest ages with one listener of each
//! of three kinds.
//!
//! Security fails closed: a listener that asks for what is not built (TLS, authentication, an address outside the cluster)
//! is not opened rather than opened without it, and `authorization` closes all of them.

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::NetworkPolicyPeer;
use ottla_config::catalogue;

use crate::document::Place;
use crate::effect;
use crate::finding::{Findings, Reason, Subject};
use crate::model::{Listener, Pool};
use crate::names::RESERVED_PORTS;

/// Fields of a listener that are configuration of the broker, and its keys.
const LIMITS: [(&str, &str); 2] =
    [("maxConnections", "max.connections"), ("maxConnectionCreationRate", "max.connection.creation.rate")];

/// A listener as it stands in either form.
struct Asked<'a> {
    name: String,
    port: u16,
    is_internal: bool,
    has_tls: bool,
    /// What stands for the listener as a whole in a message.
    place: Place<'a>,
}

/// The listeners that are opened.
pub(super) fn read(part: &Place<'_>, pools: &[Pool], findings: &mut Findings) -> Vec<Listener> {
    let place = part.field("listeners");
    let asked = match place.peek().is_some_and(serde_json::Value::is_array) {
        true => of_list(&place, findings),
        false => of_object(&place),
    };
    if asked.is_empty() && place.elements().is_empty() {
        findings.refuse(&Subject::Kafka, place.path(), "names no listener");
    }
    check_unique(&asked, findings);
    let authorization = part.field("authorization");
    let mut open: Vec<Listener> = asked.iter().filter_map(|asked| read_one(asked, pools, findings)).collect();
    if authorization.is_present() {
        authorization.take();
        let message = format!(
            "{} asks for authorization, which is not built yet: no listener is opened rather than one without it",
            authorization.path()
        );
        findings.warn(&Subject::Kafka, Reason::ListenerNotOpened, message);
        open.clear();
    }
    open
}

fn of_list<'a>(place: &Place<'a>, findings: &mut Findings) -> Vec<Asked<'a>> {
    let read = |element: Place<'a>| {
        Some(Asked {
            name: element.field("name").text()?.to_owned(),
            port: read_port(&element, findings)?,
            is_internal: element.field("type").text()? == "internal",
            has_tls: element.field("tls").flag()?,
            place: element,
        })
    };
    place.elements().into_iter().filter_map(read).collect()
}

/// A port that a listener may take; the schema has checked its bounds already.
fn read_port(listener: &Place<'_>, findings: &mut Findings) -> Option<u16> {
    let place = listener.field("port");
    let number = place.whole()?;
    let port = u16::try_from(number).ok().filter(|port| !RESERVED_PORTS.contains(port));
    if port.is_none() {
        // Nothing else of a refused listener is worth a word.
        listener.take();
        let why = format!("must be from 9092 to 65535, and neither 9404 nor 9999, and is {number}");
        findings.refuse(&Subject::Kafka, place.path(), why);
    }
    port
}

fn of_object<'a>(place: &Place<'a>) -> Vec<Asked<'a>> {
    let forms = [("plain", 9092, true, false), ("tls", 9093, true, true), ("external", 9094, false, true)];
    let read = |(name, port, is_internal, has_tls): (&str, u16, bool, bool)| {
        let place = place.field(name);
        // `plain: {}` says all that there is to say.
        if place.peek()?.as_object().is_some_and(serde_json::Map::is_empty) {
            place.take();
        }
        if !is_internal {
            place.field("type").take();
        }
        let has_tls = if is_internal { has_tls } else { place.field("tls").flag().unwrap_or(has_tls) };
        Some(Asked { name: name.to_owned(), port, is_internal, has_tls, place })
    };
    forms.into_iter().filter_map(read).collect()
}

fn check_unique(asked: &[Asked<'_>], findings: &mut Findings) {
    for (index, listener) in asked.iter().enumerate() {
        let (name, port) = (listener.place.field("name"), listener.place.field("port"));
        if asked[..index].iter().any(|other| other.name == listener.name) {
            findings.refuse(&Subject::Kafka, name.path(), format!("is {}, as that of another listener", listener.name));
        }
        if asked[..index].iter().any(|other| other.port == listener.port) {
            findings.refuse(&Subject::Kafka, port.path(), format!("is {}, as that of another listener", listener.port));
        }
    }
}

fn read_one(asked: &Asked<'_>, pools: &[Pool], findings: &mut Findings) -> Option<Listener> {
    let missing = [
        ("type", !asked.is_internal, "an address outside the cluster or of each broker's own"),
        ("tls", asked.has_tls, "TLS"),
        ("authentication", asked.place.field("authentication").is_present(), "authentication"),
    ];
    let missing: Vec<_> = missing.into_iter().filter(|(_, is_asked, _)| *is_asked).collect();
    if !missing.is_empty() {
        // Nothing of a listener that is not opened is honoured, and the one message says so.
        asked.place.take();
        let fields: Vec<String> = missing
            .iter()
            .map(|(field, _, what)| format!("{} asks for {what}", asked.place.field(field).path()))
            .collect();
        let message =
            format!("listener {} is not opened: {}, which is not built yet", asked.name, fields.join(" and "));
        findings.warn(&Subject::Kafka, Reason::ListenerNotOpened, message);
        return None;
    }
    let configuration = asked.place.field("configuration");
    Some(Listener {
        name: asked.name.clone(),
        port: asked.port,
        peers: read_peers(&asked.place.field("networkPolicyPeers"), findings)?,
        with_service_domain: configuration.field("useServiceDnsDomain").flag().unwrap_or(false),
        advertised_host_template: configuration.field("advertisedHostTemplate").text().map(str::to_owned),
        advertised: read_advertised(&configuration, pools, findings),
        limits: read_limits(&configuration, findings),
    })
}

/// Who may connect, everybody when nobody is named. Nothing is given when an entry is refused: a listener without it would
/// be open to everybody.
#[expect(clippy::option_option, reason = "outside: whether there is a listener at all; inside: whether it names peers")]
fn read_peers(place: &Place<'_>, findings: &mut Findings) -> Option<Option<Vec<NetworkPolicyPeer>>> {
    if place.take().is_none() {
        return Some(None);
    }
    let peers: Vec<Option<NetworkPolicyPeer>> =
        place.elements().iter().map(|element| read_peer(element, findings)).collect();
    peers.into_iter().collect::<Option<Vec<_>>>().map(Some)
}

fn read_peer(place: &Place<'_>, findings: &mut Findings) -> Option<NetworkPolicyPeer> {
    let peer = place.take().map(|value| serde_json::from_value::<NetworkPolicyPeer>(value.clone()))?;
    let why = match peer {
        Err(error) => format!("is no peer of a network policy: {error}"),
        Ok(peer) => match (&peer.ip_block, peer.namespace_selector.is_some() || peer.pod_selector.is_some()) {
            (None, false) => "names nobody: a podSelector, a namespaceSelector or an ipBlock is right".to_owned(),
            (Some(_), true) => "has an ipBlock beside a selector: one of both is right".to_owned(),
            (Some(block), false) if block.cidr.is_empty() => "has an ipBlock without a cidr".to_owned(),
            _ => return Some(peer),
        },
    };
    findings.refuse(&Subject::Kafka, place.path(), why);
    None
}

fn read_advertised(
    configuration: &Place<'_>,
    pools: &[Pool],
    findings: &mut Findings,
) -> BTreeMap<i64, (Option<String>, Option<u16>)> {
    let mut advertised = BTreeMap::new();
    for element in configuration.field("brokers").elements() {
        let place = element.field("broker");
        let Some(id) = place.whole() else { continue };
        let brokers = pools.iter().filter(|pool| pool.is_broker).flat_map(|pool| &pool.nodes);
        if !brokers.into_iter().any(|node| i64::from(node.id.0) == id) {
            let message = format!("{} is {id}, and has no effect: the cluster has no such broker", place.path());
            findings.warn(&Subject::Kafka, Reason::UnsupportedFields, message);
        }
        let host = element.field("advertisedHost").text().map(str::to_owned);
        // The schema lets nothing through that is no port.
        let port = element.field("advertisedPort").whole().and_then(|port| u16::try_from(port).ok());
        advertised.insert(id, (host, port));
    }
    advertised
}

fn read_limits(configuration: &Place<'_>, findings: &mut Findings) -> BTreeMap<&'static str, i64> {
    let mut limits = BTreeMap::new();
    for (field, key) in LIMITS {
        let place = configuration.field(field);
        let (Some(number), Some(row)) = (place.whole(), catalogue::broker_key(key)) else { continue };
        match row.parse(&number.to_string()) {
            Ok(value) => {
                if let Some(why) = effect::why_none(row, &value) {
                    findings.warn(&Subject::Kafka, Reason::Configuration, format!("{} {why}", place.path()));
                }
                limits.insert(key, number);
            }
            Err(complaint) => {
                findings.refuse(&Subject::Kafka, place.path(), format!("is refused by brokers: {complaint}"));
            }
        }
    }
    limits
}
