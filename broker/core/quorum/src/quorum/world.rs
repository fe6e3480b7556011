//! For tests: three replicas, their logs and disks, and the messages between them, with the laws of Raft checked at
//! every action. Who drives it (all orders of events, or random ones) is in `exhaust` and `simulate`.

use std::collections::{BTreeMap, BTreeSet};

use super::tests::voter;
use super::*;
use crate::log_view::Continuity;
use crate::log_view::tests::Epochs;

pub(super) const NODES: usize = 3;

/// Everything there is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) nodes: Vec<Node>,
    pub(super) network: BTreeSet<Message>,
    /// Whether a link holds one message and a newer one takes its place: loss enough, and far fewer states.
    pub(super) one_per_link: bool,
    /// Who ever led which epoch.
    pub(super) leaders: BTreeMap<i32, i32>,
    /// The longest log that any high watermark ever covered, as epochs of its records.
    pub(super) committed: Vec<i32>,
    /// How much of it was committed by the end of which epoch.
    committed_in: BTreeMap<i32, usize>,
    /// Whom each node voted for in each epoch.
    votes: BTreeMap<(i32, i32), i32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Node {
    pub(super) quorum: Quorum,
    pub(super) log: Epochs,
    disk: ElectionState,
    /// Whether a fetch is under way; a follower has one at a time.
    pub(super) fetching: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Message {
    pub(super) from: i32,
    pub(super) to: i32,
    body: Body,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Body {
    Vote {
        epoch: i32,
        last: LogEnd,
        pre_vote: bool,
    },
    VoteAnswer {
        standing: (i32, Option<i32>),
        granted: bool,
        refused: Option<i16>,
    },
    BeginEpoch {
        epoch: i32,
    },
    EndEpoch {
        epoch: i32,
        successors: Vec<i32>,
    },
    EpochAnswer {
        standing: (i32, Option<i32>),
        refused: Option<i16>,
    },
    Fetch {
        epoch: i32,
        offset: i64,
        last_epoch: i32,
    },
    FetchAnswer {
        standing: (i32, Option<i32>),
        refused: Option<i16>,
        committed: Option<i64>,
        diverging: Option<LogEnd>,
        records: Vec<i32>,
    },
}

fn standing((epoch, leader): (i32, Option<i32>)) -> Standing {
    Standing { epoch: LeaderEpoch(epoch), leader: leader.map(NodeId) }
}

fn plain(standing: Standing) -> (i32, Option<i32>) {
    (standing.epoch.0, standing.leader.map(|leader| leader.0))
}

fn refusal(code: i16) -> Refusal {
    use Refusal::*;
    let all = [FencedLeaderEpoch, UnknownLeaderEpoch, NotLeaderOrFollower, InvalidRequest, InvalidVoterKey];
    all.into_iter().find(|refusal| refusal.code() == code).unwrap()
}

fn key(id: i32) -> ReplicaKey {
    voter(id).key
}

pub(super) fn voters() -> Voters {
    Voters::new((0..NODES as i32).map(voter), Offset(0))
}

impl World {
    /// Three replicas with empty logs.
    pub(super) fn new(now: Now, draws: [u32; NODES]) -> World {
        let mut world = World {
            nodes: Vec::new(),
            network: BTreeSet::new(),
            one_per_link: false,
            leaders: BTreeMap::new(),
            committed: Vec::new(),
            committed_in: BTreeMap::new(),
            votes: BTreeMap::new(),
        };
        for (id, draw) in (0..NODES as i32).zip(draws) {
            let log = Epochs::default();
            let (quorum, actions) = Quorum::open(voter(id), Timeouts::default(), voters(), None, now, draw, &log);
            world.nodes.push(Node { quorum, log, disk: ElectionState::default(), fetching: false });
            world.act(id, None, actions, now, draw);
        }
        world
    }

    pub(super) fn node(&self, id: i32) -> &Node {
        &self.nodes[id as usize]
    }

    /// Gives one node an event and does what it wants.
    pub(super) fn step(&mut self, id: i32, event: Event, from: Option<i32>, now: Now, draw: u32) {
        let node = &mut self.nodes[id as usize];
        let before = node.quorum.epoch();
        let actions = node.quorum.step(now, draw, &node.log, event);
        assert!(before <= node.quorum.epoch(), "an epoch never falls");
        self.act(id, from, actions, now, draw);
    }

    /// A node crashes and comes back with what it had on disk; its log is all synced.
    pub(super) fn restart(&mut self, id: i32, now: Now, draw: u32) {
        let node = &mut self.nodes[id as usize];
        let opened = Quorum::open(voter(id), Timeouts::default(), voters(), Some(node.disk), now, draw, &node.log);
        (node.quorum, node.fetching) = (opened.0, false);
        self.network.retain(|message| message.from != id && message.to != id);
        for other in &mut self.nodes {
            other.fetching = false;
        }
        self.act(id, None, opened.1, now, draw);
    }

    /// A leader appends a record of its own.
    pub(super) fn append(&mut self, id: i32, now: Now, draw: u32) {
        let node = &mut self.nodes[id as usize];
        node.log.0.push(node.quorum.epoch().0);
        let end = node.log.end().offset;
        self.step(id, Event::Synced { end }, None, now, draw);
    }

    /// A follower asks its leader for records, if it has no fetch under way.
    pub(super) fn fetch(&mut self, id: i32) {
        let node = &mut self.nodes[id as usize];
        let Role::Follower(follower) = node.quorum.role() else { return };
        if node.fetching {
            return;
        }
        node.fetching = true;
        let to = follower.leader.0;
        let end = node.log.end();
        let body = Body::Fetch { epoch: node.quorum.epoch().0, offset: end.offset.0, last_epoch: end.epoch.0 };
        self.send(Message { from: id, to, body });
    }

    pub(super) fn deliver(&mut self, message: &Message, now: Now, draw: u32) {
        self.network.remove(message);
        let Message { from, to, body } = message.clone();
        let event = match body {
            Body::Vote { epoch, last, pre_vote } => Event::VoteRequest(VoteRequest {
                candidate: key(from),
                voter: Some(key(to)),
                epoch: LeaderEpoch(epoch),
                last,
                pre_vote,
            }),
            Body::VoteAnswer { standing: known, granted, refused } => {
                let answer = VoteAnswer { standing: standing(known), granted, refusal: refused.map(refusal) };
                Event::VoteAnswer { from: NodeId(from), answer }
            }
            Body::BeginEpoch { epoch } => {
                Event::BeginEpochRequest { leader: NodeId(from), epoch: LeaderEpoch(epoch), voter: Some(key(to)) }
            }
            Body::EndEpoch { epoch, successors } => Event::EndEpochRequest {
                leader: NodeId(from),
                epoch: LeaderEpoch(epoch),
                successors: successors.into_iter().map(key).collect(),
            },
            Body::EpochAnswer { standing: known, refused } => {
                Event::EpochAnswer { standing: standing(known), refusal: refused.map(refusal) }
            }
            Body::Fetch { epoch, offset, last_epoch } => Event::FetchRequest(FetchRequest {
                replica: key(from),
                epoch: LeaderEpoch(epoch),
                offset: Offset(offset),
                last_epoch: LeaderEpoch(last_epoch),
            }),
            Body::FetchAnswer { standing: known, refused, committed, diverging, records } => {
                self.nodes[to as usize].fetching = false;
                return self.take_fetched(to, standing(known), refused, committed, diverging, records, now, draw);
            }
        };
        self.step(to, event, Some(from), now, draw);
    }

    #[allow(clippy::too_many_arguments)]
    fn take_fetched(
        &mut self,
        id: i32,
        standing: Standing,
        refused: Option<i16>,
        committed: Option<i64>,
        diverging: Option<LogEnd>,
        records: Vec<i32>,
        now: Now,
        draw: u32,
    ) {
        let node = &mut self.nodes[id as usize];
        let follows =
            matches!(node.quorum.role(), Role::Follower(follower) if Some(follower.leader) == standing.leader);
        if follows && node.quorum.epoch() == standing.epoch && refused.is_none() {
            node.log.0.extend(records);
            let end = node.log.end().offset;
            self.step(id, Event::Synced { end }, None, now, draw);
        }
        let answer =
            FetchAnswer { standing, refusal: refused.map(refusal), high_watermark: committed.map(Offset), diverging };
        self.step(id, Event::FetchAnswer(answer), None, now, draw);
    }

    fn send(&mut self, message: Message) {
        if self.one_per_link {
            let same_link = |other: &Message| (other.from, other.to) == (message.from, message.to);
            if let Some(lost) = self.network.iter().find(|other| same_link(other)).cloned() {
                self.lose(&lost);
            }
        }
        self.network.insert(message);
    }

    /// A message never arrives; whose fetch it was tries again.
    pub(super) fn lose(&mut self, message: &Message) {
        self.network.remove(message);
        match message.body {
            Body::Fetch { .. } => self.nodes[message.from as usize].fetching = false,
            Body::FetchAnswer { .. } => self.nodes[message.to as usize].fetching = false,
            _ => {}
        }
    }

    fn act(&mut self, id: i32, from: Option<i32>, actions: Vec<Action>, now: Now, draw: u32) {
        let send = |world: &mut World, to: i32, body| world.send(Message { from: id, to, body });
        for action in actions {
            match action {
                Action::Persist(state) => {
                    if let Some(voted) = state.voted {
                        let first = *self.votes.entry((id, state.epoch.0)).or_insert(voted.id.0);
                        assert_eq!(first, voted.id.0, "node {id} votes once in epoch {}", state.epoch);
                    }
                    self.nodes[id as usize].disk = state;
                }
                Action::Answer(answer) => {
                    let body = self.answer_body(id, &answer, from.unwrap());
                    send(self, from.unwrap(), body);
                }
                Action::SendVote { to, epoch, last, pre_vote } => {
                    send(self, to.id.0, Body::Vote { epoch: epoch.0, last, pre_vote });
                }
                Action::SendBeginEpoch { to, epoch } => send(self, to.id.0, Body::BeginEpoch { epoch: epoch.0 }),
                Action::SendEndEpoch { to, epoch, successors } => {
                    let successors = successors.into_iter().map(|key| key.id.0).collect();
                    send(self, to.id.0, Body::EndEpoch { epoch: epoch.0, successors });
                }
                Action::AppendEpochStart(start) => {
                    let former = self.leaders.insert(start.epoch.0, id);
                    assert!(former.is_none_or(|former| former == id), "one leader in epoch {}", start.epoch);
                    let node = &mut self.nodes[id as usize];
                    // One that is elected late, after others of higher epochs, can commit nothing any more.
                    let committed = self.committed_in.range(..start.epoch.0).map(|(_, count)| *count).max();
                    let committed = &self.committed[..committed.unwrap_or(0)];
                    assert!(node.log.0.starts_with(committed), "a leader has all that was committed before its epoch");
                    node.log.0.push(start.epoch.0);
                    let end = node.log.end().offset;
                    self.step(id, Event::Synced { end }, None, now, draw);
                }
                Action::AdvanceHighWatermark(end) => {
                    let covered = &self.nodes[id as usize].log.0[..end.0 as usize];
                    let shorter = covered.len().min(self.committed.len());
                    assert_eq!(covered[..shorter], self.committed[..shorter], "committed logs agree");
                    if self.committed.len() < covered.len() {
                        self.committed = covered.to_vec();
                        let epoch = self.nodes[id as usize].quorum.epoch();
                        self.committed_in.insert(epoch.0, self.committed.len());
                    }
                }
                Action::Truncate(end) => {
                    let log = &mut self.nodes[id as usize].log.0;
                    let had_all = log.starts_with(&self.committed);
                    log.truncate(end.0 as usize);
                    assert!(!had_all || log.starts_with(&self.committed), "what is committed is not cut off");
                }
                Action::LeaderChanged(_) => {}
            }
        }
    }

    fn answer_body(&self, id: i32, answer: &Answer, asker: i32) -> Body {
        match *answer {
            Answer::Vote(VoteAnswer { standing, granted, refusal }) => {
                Body::VoteAnswer { standing: plain(standing), granted, refused: refusal.map(Refusal::code) }
            }
            Answer::Epoch(standing, refusal) => {
                Body::EpochAnswer { standing: plain(standing), refused: refusal.map(Refusal::code) }
            }
            Answer::Fetch(standing, Err(refusal)) => Body::FetchAnswer {
                standing: plain(standing),
                refused: Some(refusal.code()),
                committed: None,
                diverging: None,
                records: vec![],
            },
            Answer::Fetch(standing, Ok((committed, continuity))) => {
                let log = &self.nodes[id as usize].log.0;
                let from = self.nodes[asker as usize].log.0.len();
                let (diverging, records) = match continuity {
                    Continuity::Follows => (None, log[from..].to_vec()),
                    Continuity::Diverges(at) => (Some(at), vec![]),
                    Continuity::NeedsSnapshot(_) => unreachable!("there are none here"),
                };
                let committed = committed.map(|offset| offset.0);
                Body::FetchAnswer { standing: plain(standing), refused: None, committed, diverging, records }
            }
        }
    }
}
