//! The producer ids that this broker may give out: a block from the controller, and those who wait for the next.

use ottla_api::Late;
use ottla_vocabulary::ProducerId;
use ottla_wire::AllocateProducerIdsResponse;

use crate::reply::Token;

/// More than this do not wait for a block; a block has a thousand ids, and its coming is a matter of one sync.
const WAITING_MAX: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct ProducerIds {
    next: i64,
    left: i64,
    /// A block was asked for.
    pub(crate) asked: bool,
    waiting: Vec<(Token, Late)>,
}

impl ProducerIds {
    /// The next id, if there is one.
    pub(crate) fn take(&mut self) -> Option<ProducerId> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        self.next += 1;
        Some(ProducerId(self.next - 1))
    }

    /// Lets somebody wait for the next block; `false` when too many do.
    pub(crate) fn wait(&mut self, token: Token, late: Late) -> bool {
        let is_room = self.waiting.len() < WAITING_MAX;
        if is_room {
            self.waiting.push((token, late));
        }
        is_room
    }

    /// Whether a block must be asked for; it counts as asked for.
    pub(crate) fn ask(&mut self) -> bool {
        let must_ask = !self.waiting.is_empty() && !self.asked;
        self.asked |= must_ask;
        must_ask
    }

    /// A block came.
    pub(crate) fn on_block(&mut self, response: &AllocateProducerIdsResponse) {
        self.asked = false;
        if response.error_code == 0 && 0 < response.producer_id_len {
            self.next = response.producer_id_start;
            self.left = i64::from(response.producer_id_len);
        }
    }

    /// Who waited, each with an id if there was one for it.
    pub(crate) fn serve(&mut self) -> Vec<(Token, Late, Option<ProducerId>)> {
        let waiting = std::mem::take(&mut self.waiting);
        waiting.into_iter().map(|(token, late)| (token, late, self.take())).collect()
    }

    pub(crate) fn forget(&mut self, token: Token) {
        self.waiting.retain(|(other, _)| *other != token);
    }
}
