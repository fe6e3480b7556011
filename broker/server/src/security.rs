//! How the connections of a listener are secured. Every listener has a [`Security`], and every connection that it accepts
//! goes through [`Security::admit`] before its first request, which says whom its requests are authorized as. The only
//! one yet is plaintext, and a listener that asks for more is refused: security fails closed.
//!
//! What is to come has its place here. A listener with TLS is a further variant that holds its certificates behind a
//! resolver (rustls' `ResolvesServerCert`), so that new ones are taken by the next handshake without a restart, and its
//! handshake is in `admit`, which then gives another stream and the principal of the client's certificate. SASL begins
//! with requests of Kafka's protocol, so its variant holds the mechanisms, and `admit` gives nobody until they are done.

use anyhow::{Result, bail};
use ottla_config::SecurityProtocol;
use ottla_config::broker::listeners::Listener;
use ottla_vocabulary::Principal;
use tokio::net::TcpStream;

/// How the connections of a listener are secured.
#[derive(Debug)]
pub(crate) enum Security {
    /// Not at all; everybody is `User:ANONYMOUS`.
    Plaintext,
}

/// A connection that may send requests.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// What requests are read from.
    pub(crate) stream: TcpStream,
    /// Whom they are authorized as.
    pub(crate) principal: Principal,
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

    /// Finds out who is at the other end of a new connection.
    pub(crate) fn admit(&self, stream: TcpStream) -> Admitted {
        match self {
            Security::Plaintext => Admitted { stream, principal: Principal::anonymous() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_served_is_opened() {
        let listener = |protocol| {
            let endpoint = ottla_config::Endpoint { name: "A".to_owned(), host: "h".to_owned(), port: 1 };
            Listener { endpoint, protocol }
        };
        assert!(matches!(Security::of(&listener(SecurityProtocol::Plaintext)), Ok(Security::Plaintext)));
        for protocol in [SecurityProtocol::Ssl, SecurityProtocol::SaslPlaintext, SecurityProtocol::SaslSsl] {
            let refusal = Security::of(&listener(protocol)).unwrap_err().to_string();
            assert!(refusal.contains(protocol.name()), "{refusal}");
        }
    }

    #[tokio::test]
    async fn who_comes_in_plaintext_is_nobody_in_particular() {
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(socket.local_addr().unwrap()).await.unwrap();
        let address = stream.local_addr().unwrap();
        let admitted = Security::Plaintext.admit(stream);
        assert_eq!((admitted.principal, admitted.stream.local_addr().unwrap()), (Principal::anonymous(), address));
    }
}
