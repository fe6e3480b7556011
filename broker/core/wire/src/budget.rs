//! The memory that decoding one frame may take.
//!
//! Reading takes none; only collecting an array does, and a small frame must not become a large heap: a struct is
//! bigger in memory than on the wire, by a factor that a hostile client would choose.

use crate::WireError;

/// Memory that collecting may still take.
#[derive(Debug)]
pub struct Budget {
    left: usize,
}

impl Budget {
    /// For every frame, however small: an honest request of a few hundred bytes collects without thought.
    const BASE_BYTES: usize = 1024 * 1024;

    /// Twice the frame and a mebibyte.
    pub fn for_frame(frame_bytes: usize) -> Budget {
        Budget::of(frame_bytes.saturating_mul(2).saturating_add(Budget::BASE_BYTES))
    }

    /// Just this many bytes.
    pub fn of(bytes: usize) -> Budget {
        Budget { left: bytes }
    }

    /// For bytes that we wrote ourselves, from our own log or in tests.
    pub fn unlimited() -> Budget {
        Budget::of(usize::MAX)
    }

    /// What is left.
    pub fn left(&self) -> usize {
        self.left
    }

    /// Takes the memory of `count` values of `T`, before it is allocated.
    pub fn charge<T>(&mut self, count: usize) -> Result<(), WireError> {
        let wanted = count.saturating_mul(size_of::<T>());
        match self.left.checked_sub(wanted) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(WireError::Budget { wanted, left: self.left }),
        }
    }
}
