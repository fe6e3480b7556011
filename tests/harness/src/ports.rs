//! Free ports of the loopback interface.

use std::net::TcpListener;

use anyhow::{Context, Result};

/// Ports of 127.0.0.1 that nobody listens on now. They are drawn together, so they differ from one another; another
/// process could take one before it is used, which a test sees as a broker that cannot bind.
///
/// # Errors
/// When the system has none left.
pub fn free<const COUNT: usize>() -> Result<[u16; COUNT]> {
    let mut held = Vec::with_capacity(COUNT);
    let mut ports = [0; COUNT];
    for port in &mut ports {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("find a free port of 127.0.0.1")?;
        *port = listener.local_addr().context("read the free port")?.port();
        held.push(listener);
    }
    Ok(ports)
}
