//! A map that is shared by many readers and changed by one writer, cheaply for both.
//!
//! It is cut into pieces, and each piece is shared by reference count. A copy of the whole costs one count for each
//! piece; a change copies the piece it falls into, and only if a reader still holds it. So publishing an image after
//! each of 10,000 creations copies a sixty-fourth of the names each time, and a request that creates 1,000 topics
//! copies every piece once.
//!
//! A persistent tree would copy less and cost a dependency and every look-up; nothing measured asks for it.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Into how many pieces. A copy of the map costs this many reference counts; a change after it copies one of as many
/// parts.
const PIECES: usize = 64;

/// What can be a key: it says which piece it belongs to, the same in every run.
pub trait Sharded: Ord + Clone {
    /// Any number; its lowest bits choose the piece.
    fn shard(&self) -> u64;
}

/// A number that spreads texts over pieces (FNV-1a). Whoever chooses names to fill one piece gets a map in one piece,
/// no worse.
pub(crate) fn spread(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The map.
#[derive(Clone, Debug)]
pub struct Shards<K, V> {
    pieces: Vec<Arc<BTreeMap<K, V>>>,
    len: usize,
}

impl<K: PartialEq, V: PartialEq> PartialEq for Shards<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.pieces.iter().zip(&other.pieces).all(|(a, b)| Arc::ptr_eq(a, b) || a == b)
    }
}

impl<K, V> Default for Shards<K, V> {
    fn default() -> Self {
        let empty = Arc::new(BTreeMap::new());
        Shards { pieces: vec![empty; PIECES], len: 0 }
    }
}

impl<K: Sharded, V: Clone> Shards<K, V> {
    /// How many entries.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.pieces[piece_of(key)].get(key)
    }

    /// The value of a key, to be changed.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let piece = &mut self.pieces[piece_of(key)];
        if !piece.contains_key(key) {
            return None; // without copying a shared piece for nothing
        }
        Arc::make_mut(piece).get_mut(key)
    }

    /// Puts a value in; answers the one that was there.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let former = Arc::make_mut(&mut self.pieces[piece_of(&key)]).insert(key, value);
        self.len += usize::from(former.is_none());
        former
    }

    /// Takes a value out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let piece = &mut self.pieces[piece_of(key)];
        if !piece.contains_key(key) {
            return None;
        }
        let former = Arc::make_mut(piece).remove(key);
        self.len -= usize::from(former.is_some());
        former
    }

    /// All entries; in the same order in every run, and in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.pieces.iter().flat_map(|piece| piece.iter())
    }

    /// The entries in which `self` may differ from `former`: those of the pieces that are not one and the same. Each as
    /// key, former value, present value.
    pub fn differing<'a>(&'a self, former: &'a Self) -> impl Iterator<Item = (&'a K, Option<&'a V>, Option<&'a V>)> {
        self.pieces.iter().zip(&former.pieces).filter(|(now, then)| !Arc::ptr_eq(now, then)).flat_map(|(now, then)| {
            let gone =
                then.iter().filter(|(key, _)| !now.contains_key(*key)).map(|(key, value)| (key, Some(value), None));
            now.iter().map(|(key, value)| (key, then.get(key), Some(value))).chain(gone)
        })
    }
}

fn piece_of(key: &impl Sharded) -> usize {
    (key.shard() % PIECES as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Sharded for u32 {
        fn shard(&self) -> u64 {
            u64::from(*self)
        }
    }

    #[test]
    fn a_copy_does_not_see_what_comes_later() {
        let mut map = Shards::default();
        for key in 0..1000u32 {
            map.insert(key, key);
        }
        let copy = map.clone();
        assert_eq!(map.insert(7, 70), Some(7));
        *map.get_mut(&8).unwrap() = 80;
        assert_eq!(map.remove(&9), Some(9));
        assert_eq!(map.remove(&5000), None);
        map.insert(1000, 1);
        assert_eq!((copy.len(), copy.get(&7), copy.get(&8), copy.get(&9)), (1000, Some(&7), Some(&8), Some(&9)));
        assert_eq!((map.len(), map.get(&7), map.get(&8), map.get(&9)), (1000, Some(&70), Some(&80), None));
    }

    #[test]
    fn differences_are_found_among_the_touched_pieces() {
        let mut map = Shards::default();
        for key in 0..1000u32 {
            map.insert(key, key);
        }
        let former = map.clone();
        map.insert(7, 70);
        map.remove(&8);
        map.insert(2000, 1);
        let mut seen = 0;
        let mut differing: Vec<_> =
            map.differing(&former).inspect(|_| seen += 1).filter(|(_, then, now)| then != now).collect();
        differing.sort();
        assert_eq!(differing, [(&7, Some(&7), Some(&70)), (&8, Some(&8), None), (&2000, None, Some(&1))]);
        assert!(seen < 60, "{seen} entries were compared");
    }

    #[test]
    fn a_change_copies_one_piece_and_only_while_it_is_shared() {
        let mut map = Shards::default();
        for key in 0..64u32 {
            map.insert(key, key);
        }
        let copy = map.clone();
        map.insert(64, 0); // the piece of 0
        let shared = map.pieces.iter().zip(&copy.pieces).filter(|(a, b)| Arc::ptr_eq(a, b)).count();
        assert_eq!(shared, 63);
        let piece = Arc::as_ptr(&map.pieces[0]);
        map.insert(128, 0);
        assert_eq!(Arc::as_ptr(&map.pieces[0]), piece, "the second change finds it unshared");
    }
}
