//! Addresses as configuration writes them: `NAME://host:port`, `host:port` and `id@host:port`.

use core::fmt;

use ottla_vocabulary::NodeId;

/// A place to connect to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPort {
    /// A name or an address, an IPv6 one without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// One static voter of the quorum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voter {
    /// Its node id.
    pub id: NodeId,
    /// Where its controller listener is.
    pub address: HostPort,
}

/// An entry of `listeners` or `advertised.listeners`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The listener's name, in upper case.
    pub name: String,
    /// Where; empty means every address of the machine.
    pub host: String,
    /// The port; 0 lets the system choose one.
    pub port: u16,
}

/// How a listener is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecurityProtocol {
    /// Neither encrypted nor authenticated.
    Plaintext,
    /// TLS.
    Ssl,
    /// SASL without encryption.
    SaslPlaintext,
    /// SASL over TLS.
    SaslSsl,
}

impl SecurityProtocol {
    /// All of them, in Kafka's order.
    pub const ALL: [SecurityProtocol; 4] = [
        SecurityProtocol::Plaintext,
        SecurityProtocol::Ssl,
        SecurityProtocol::SaslPlaintext,
        SecurityProtocol::SaslSsl,
    ];

    /// Kafka's name.
    pub const fn name(self) -> &'static str {
        match self {
            SecurityProtocol::Plaintext => "PLAINTEXT",
            SecurityProtocol::Ssl => "SSL",
            SecurityProtocol::SaslPlaintext => "SASL_PLAINTEXT",
            SecurityProtocol::SaslSsl => "SASL_SSL",
        }
    }

    /// The protocol of this name, in any case.
    pub fn named(name: &str) -> Option<SecurityProtocol> {
        SecurityProtocol::ALL.into_iter().find(|protocol| protocol.name().eq_ignore_ascii_case(name))
    }

    /// The `security_protocol` of a registration record and of an endpoint on the wire.
    pub const fn code(self) -> i16 {
        self as i16
    }
}

impl HostPort {
    /// Parses `host:port`, perhaps with a scheme before it and with brackets around an IPv6 address.
    pub fn parse(text: &str) -> Option<HostPort> {
        let address = match text.split_once("://") {
            Some((scheme, rest)) if is_scheme(scheme) => rest,
            _ => text,
        };
        let (host, port) = split_port(address)?;
        port.bytes().all(|b| b.is_ascii_digit()).then_some(())?;
        Some(HostPort { host: host.to_owned(), port: port.parse().ok()? })
    }
}

impl Voter {
    /// Parses `id@host:port`.
    ///
    /// # Errors
    /// Kafka's message when the text is something else.
    pub fn parse(text: &str) -> Result<Voter, String> {
        const FORM: &str = "Each entry should be in the form `{id}@{host}:{port}`.";
        // As Java splits: empty parts at the end do not count.
        let parts: Vec<&str> = text.trim_end_matches('@').split('@').collect();
        let [id, address] = parts.as_slice() else {
            return Err(format!("Invalid configuration value for controller.quorum.voters. {FORM}"));
        };
        let id: i32 = id.parse().map_err(|_| format!("Failed to parse voter ID as an integer from {id}"))?;
        let Some(address) = HostPort::parse(address) else {
            return Err(format!(
                "Failed to parse host name from entry {text} for the configuration controller.quorum.voters. {FORM}"
            ));
        };
        Ok(Voter { id: NodeId(id), address })
    }
}

impl Endpoint {
    /// Parses `NAME://host:port`; the host may be missing and an IPv6 one stand in brackets.
    ///
    /// # Errors
    /// Kafka's message when the text is something else.
    pub fn parse(text: &str) -> Result<Endpoint, String> {
        let unparsable = || format!("Unable to parse {text} to a broker endpoint");
        // Kafka's pattern is greedy: a name may itself hold "://", the last one counts.
        let (name, address) = text.rsplit_once("://").ok_or_else(unparsable)?;
        let (host, port) = split_port(address).ok_or_else(unparsable)?;
        let digits = port.strip_prefix('-').unwrap_or(port);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(unparsable());
        }
        let port = port.parse().map_err(|_| format!("{text}: a port is a number from 0 to 65535"))?;
        Ok(Endpoint { name: name.to_uppercase(), host: host.to_owned(), port })
    }

    /// Host and port.
    pub fn address(&self) -> HostPort {
        HostPort { host: self.host.clone(), port: self.port }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Voter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.id, self.address)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.name, self.address())
    }
}

impl fmt::Display for SecurityProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

/// The host without brackets, and what follows the last colon.
fn split_port(address: &str) -> Option<(&str, &str)> {
    let (host, port) = address.rsplit_once(':')?;
    let host = host.strip_prefix('[').unwrap_or(host);
    let host = host.strip_suffix(']').unwrap_or(host);
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-%._:".contains(c);
    (!port.is_empty() && host.chars().all(allowed)).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, HostPort, Voter};

    #[test]
    fn endpoints_are_parsed_and_written() {
        for (text, written) in [
            ("PLAINTEXT://:9092", "PLAINTEXT://:9092"),
            ("external://broker-1.example:9094", "EXTERNAL://broker-1.example:9094"),
            ("A://[::1]:1", "A://[::1]:1"),
            ("A://0.0.0.0:0", "A://0.0.0.0:0"),
        ] {
            assert_eq!(Endpoint::parse(text).map(|e| e.to_string()), Ok(written.to_owned()));
        }
        for text in ["", "A", "A://", "A://host", "A://host:", "A://ho st:1", "A:host:1", "A://h:x"] {
            assert_eq!(Endpoint::parse(text), Err(format!("Unable to parse {text} to a broker endpoint")));
        }
        assert!(Endpoint::parse("A://h:70000").is_err());
    }

    #[test]
    fn voters_are_parsed_and_written() {
        assert_eq!(Voter::parse("3@[fe80::1]:9093").map(|v| v.to_string()), Ok("3@[fe80::1]:9093".to_owned()));
        assert_eq!(HostPort::parse("http://h:1"), HostPort::parse("h:1"));
        assert_eq!(HostPort::parse("h:"), None);
    }
}
