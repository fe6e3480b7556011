//! The steps of the classic protocol, in the order in which a group takes them: members join, the group is rebalanced,
//! members sync, beat, and leave or fall silent.

mod heartbeat;
mod join;
mod leave;
mod rebalance;
mod sync;

pub(crate) use join::StaticRejoin;
