//! How the connections of a listener are secured. Every listener and connection has such a value; the only one yet is
//! plaintext, and a listener that asks for more is refused: security fails closed.
//!
//! A listener with TLS will carry its certificates here, behind a resolver that can be given new ones while it runs
//! (rustls' `ResolvesServerCert`), and one with SASL its mechanisms.

use anyhow::{Result, bail};
use ottla_config::SecurityProtocol;
use ottla_config::broker::listeners::Listener;

/// How connections are secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    /// Not at all; everybody is `User:ANONYMOUS`.
    Plaintext,
}

impl Security {
    /// What a listener's configuration asks for.
    ///
    /// # Errors
    /// When that is not served.
    pub(crate) fn of(listener: &Listener) -> Result<Security> {
        match listener.protocol {
            SecurityProtocol::Plaintext => Ok(Security::Plaintext),
            other => bail!(
                "listener {} asks for {}, which is not served yet: only PLAINTEXT listeners are opened",
                listener.endpoint.name,
                other.name()
            ),
        }
    }
}
