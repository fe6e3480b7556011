//! Hash maps for cores: the hasher's seed is fixed, so two runs from the same seed walk a map in the same order.
//!
//! The keys come from clients (topic and group names), so the hasher is SipHash, not a faster one that an attacker can
//! steer: its fixed key would let one precompute collisions, which is why tables that strangers can fill are
//! `BTreeMap`s, and these serve ids that the cluster gave out itself.

#![allow(clippy::disallowed_types)] // the one place where the standard map gets its fixed hasher

use core::hash::BuildHasherDefault;
use std::collections::{HashMap, HashSet};
use std::hash::DefaultHasher;

/// A hash map whose order is the same in every run.
pub type Map<K, V> = HashMap<K, V, BuildHasherDefault<DefaultHasher>>;
/// A hash set whose order is the same in every run.
pub type Set<T> = HashSet<T, BuildHasherDefault<DefaultHasher>>;
