//! The hook by which quotas slow a client down: asked once for every request, its answer is in every answer.
//!
//! Measuring rates and choosing the wait is the crate `quotas`' matter; [`NoQuotas`] is a node without any.

use ottla_vocabulary::Now;
use ottla_wire::ApiKey;

use crate::peer::Peer;

/// Says how long a client must wait.
pub trait Quotas: Send + Sync {
    /// Takes note of a request, and says for how many milliseconds its client shall be held back after the answer.
    fn charge(&self, now: Now, peer: &Peer, client_id: Option<&str>, api: ApiKey, request_bytes: usize) -> u32;
}

/// Nobody is held back.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoQuotas;

impl Quotas for NoQuotas {
    fn charge(&self, _: Now, _: &Peer, _: Option<&str>, _: ApiKey, _: usize) -> u32 {
        0
    }
}
