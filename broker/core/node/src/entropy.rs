//! Random numbers out of a seed that the shell gives: the real one takes it from the system, the simulator from a test.

use ottla_vocabulary::Uuid;
use parking_lot::Mutex;

/// A generator (SplitMix64) behind a lock. Its numbers choose ids, replicas and waiting times; none is a secret.
#[derive(Debug)]
pub(crate) struct Entropy(Mutex<u64>);

impl Entropy {
    pub(crate) fn new(seed: u64) -> Entropy {
        Entropy(Mutex::new(seed))
    }

    pub(crate) fn draw(&self) -> u64 {
        let mut state = self.0.lock();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn uuid(&self) -> Uuid {
        loop {
            let [high, low] = [self.draw(), self.draw()].map(u64::to_be_bytes);
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&high);
            bytes[8..].copy_from_slice(&low);
            if let Some(id) = Uuid::from_random(bytes) {
                return id;
            }
        }
    }
}
