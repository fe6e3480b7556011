//! KRaft without input and output: who leads the metadata log and what of it is committed.
//!
//! Raft's elections and commitment with Kafka's pull: followers fetch, and by the offset they fetch from the leader
//! learns what they have (KIP-595); the voters are in the log, each with the directory that holds it (KIP-853); nobody
//! raises the epoch before a majority said it could win (KIP-996).
//!
//! Deliberately not here: bytes, files, sockets and clocks. The core sees numbers; `node` turns its actions into files
//! and messages, and messages into its events. Nor does it change who votes: it obeys the voters that the log names.
//!
//! Reading order: [`voters`] who votes, [`log_view`] what the log is asked, [`election`] what must not be forgotten,
//! [`event`] all that can happen, [`action`] all that is to be done, [`role`] what a replica can be, [`quorum`] the
//! steps between, [`describe`] what DescribeQuorum shows.
//!
//! While a replica follows (or knows no leader and observes), the shell fetches from the leader in a loop of its own and
//! reports the answers; that loop needs no decision, so there is no action for it.

pub mod action;
pub mod describe;
pub mod election;
pub mod event;
pub mod log_view;
pub mod quorum;
pub mod role;
pub mod voters;

pub use action::{Action, Answer, EpochStart};
pub use describe::{Description, ReplicaState};
pub use election::ElectionState;
pub use event::{Event, FetchAnswer, FetchRequest, Refusal, Standing, VoteAnswer, VoteRequest};
pub use log_view::{Continuity, LogEnd, LogView};
pub use quorum::{Quorum, Timeouts};
pub use role::Role;
pub use voters::{Endpoint, ReplicaKey, Voter, Voters};
