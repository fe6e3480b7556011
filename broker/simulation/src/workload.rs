//! What the clients of a world do: an administrator makes topics and deletes records, producers write, consumers read, and the
//! members of a group join it and commit. Each has one request in work at a time, as a connection has.

use std::fmt;

use ottla_node::Token;
use ottla_vocabulary::Instant;

use crate::asking;
use crate::model::{Fate, Kept};
pub use crate::question::Question;
use crate::question::Write;
use crate::scenario::{Mutant, Scenario};
use crate::world::World;

/// A client.
#[derive(Clone, Debug)]
pub struct Client {
    /// What it does.
    pub role: Role,
    /// Its request that is not answered yet.
    pub waits_for: Option<Waiting>,
    /// What it did with success since the world was healed.
    pub is_served: bool,
}

/// A request that is not answered yet.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// By which its answer is known.
    pub token: Token,
    /// What was asked.
    pub question: Question,
    /// When.
    pub since: Instant,
}

/// What a client does.
#[derive(Clone, Debug)]
pub enum Role {
    /// Makes topics, looks at them, deletes records.
    Administrator,
    /// Writes to one partition.
    Producer(Producer),
    /// Reads one partition.
    Consumer {
        /// The place of the partition in the model.
        partition: usize,
        /// What it reads next; `None` until it has looked where the log begins.
        position: Option<i64>,
    },
    /// Takes part in the group.
    Member(Member),
}

/// A producer.
#[derive(Clone, Debug)]
pub struct Producer {
    /// The place of the partition in the model.
    pub partition: usize,
    /// Whether it numbers its batches.
    pub is_idempotent: bool,
    /// Its id, and the sequence that comes next.
    pub id: Option<(i64, i32)>,
    /// A batch that must be sent again until its fate is known.
    pub again: Option<usize>,
    /// The batch that was acknowledged last.
    pub last: Option<usize>,
}

/// A member of the group.
#[derive(Clone, Debug, Default)]
pub struct Member {
    /// Its id, once it has one.
    pub id: String,
    /// Where it is.
    pub stage: Stage,
    /// The generation that it is in.
    pub generation: i32,
    /// If it leads the group: the ids of all members.
    pub leads: Vec<String>,
}

/// Where a member is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// It looks for the coordinator.
    #[default]
    Lost,
    /// It must join.
    Joining,
    /// It must ask for its assignment.
    Syncing,
    /// It works.
    Stable,
}

/// The name of the group.
pub const GROUP: &str = "group";

impl Client {
    fn new(role: Role) -> Client {
        Client { role, waits_for: None, is_served: false }
    }
}

/// The clients of a scenario.
pub fn clients(scenario: &Scenario) -> Vec<Client> {
    let partitions: usize = scenario.topics.iter().map(|topic| topic.partitions as usize).sum();
    let producer = |number: usize| Producer {
        partition: number % partitions,
        is_idempotent: number % 4 != 3,
        id: None,
        again: None,
        last: None,
    };
    let mut clients = vec![Client::new(Role::Administrator)];
    clients.extend((0..scenario.producers).map(|number| Client::new(Role::Producer(producer(number)))));
    let consumer = |number: usize| Role::Consumer { partition: number % partitions, position: None };
    clients.extend((0..scenario.consumers).map(|number| Client::new(consumer(number))));
    clients.extend((0..scenario.members).map(|_| Client::new(Role::Member(Member::default()))));
    clients
}

impl World {
    /// Lets a client do the next thing, unless it waits for an answer.
    pub(crate) fn act(&mut self, client: usize) -> Kept {
        if self.clients[client].waits_for.is_some() {
            return Ok(());
        }
        let question = match self.clients[client].role.clone() {
            Role::Administrator => self.administer(),
            Role::Producer(producer) => self.produce(client, producer),
            Role::Consumer { partition, position } => self.consume(partition, position),
            Role::Member(member) => self.take_part(member),
        };
        question.map_or(Ok(()), |question| self.ask(client, question))
    }

    fn administer(&mut self) -> Option<Question> {
        let leaving = self.model.topics.iter().position(|topic| topic.is_leaving);
        if let Some(topic) = leaving
            && self.random.percent(60)
        {
            return Some(self.delete(topic, true));
        }
        if !self.is_healed && self.random.below(1000) < self.scenario.deletions {
            let topic = self.random.index(self.model.topics.len());
            if self.model.topics[topic].exists {
                self.forget_topic(topic);
                return Some(self.delete(topic, false));
            }
        }
        let missing = self.model.topics.iter().position(|topic| !topic.exists && !topic.is_leaving);
        if let Some(topic) = missing
            && self.random.percent(60)
        {
            self.model.topics[topic].may_exist = true;
            return Some(Question::CreateTopic(self.scenario.topics[topic].clone(), topic));
        }
        if self.random.percent(70) {
            return Some(Question::Metadata);
        }
        let partition = self.random.index(self.model.partitions.len());
        let known = &self.model.partitions[partition];
        // Each producer keeps a batch: what is known of one whose batches are all deleted may be forgotten with them.
        let mut end = known.end();
        for client in &self.clients {
            if let Role::Producer(producer) = &client.role
                && producer.partition == partition
            {
                let last = producer.last.map_or(0, |last| match known.batches[last].fate {
                    Fate::Acknowledged(base) => base,
                    _ => 0,
                });
                end = end.min(last);
            }
        }
        if !self.exists(partition) || end == 0 {
            return None;
        }
        let before = self.random.below(end as u64 + 1) as i64;
        let known = &mut self.model.partitions[partition];
        known.start_max = known.start_max.max(before);
        Some(Question::DeleteRecords { partition: self.place(partition), before })
    }

    fn delete(&self, topic: usize, is_again: bool) -> Question {
        Question::DeleteTopic { name: self.scenario.topics[topic].name.clone(), topic, is_again }
    }

    /// All begin anew with a topic that is about to be deleted.
    fn forget_topic(&mut self, topic: usize) {
        self.model.begin_deletion(topic);
        let is_of_topic = |partition: usize| self.model.partitions[partition].topic == topic;
        for client in &mut self.clients {
            match &mut client.role {
                Role::Producer(producer) if is_of_topic(producer.partition) => {
                    (producer.id, producer.again, producer.last) = (None, None, None);
                }
                Role::Consumer { partition, position } if is_of_topic(*partition) => *position = None,
                _ => {}
            }
        }
    }

    fn produce(&mut self, client: usize, mut producer: Producer) -> Option<Question> {
        let partition = producer.partition;
        if !self.exists(partition) {
            return None;
        }
        if producer.is_idempotent && producer.id.is_none() {
            return Some(Question::InitProducerId);
        }
        let write = match (producer.again, producer.last) {
            (Some(batch), _) => Write::Again(batch),
            (None, Some(last)) if producer.is_idempotent && self.random.percent(8) => Write::Again(last),
            (None, Some(_)) if producer.is_idempotent && self.random.percent(4) => Write::Gap,
            _ => Write::New,
        };
        let life = self.model.life;
        let known = &mut self.model.partitions[partition];
        let batch = match write {
            Write::Again(batch) => {
                if known.batches[batch].fate == Fate::Refused {
                    known.batches[batch].fate = Fate::Unknown;
                }
                batch
            }
            Write::New | Write::Gap => {
                let count = 1 + self.random.below(4) as i64;
                let gap = if write == Write::Gap { 1 + self.random.below(3) as i32 } else { 0 };
                known.send(count, producer.id.map(|(id, sequence)| (id, sequence + gap)), life)
            }
        };
        if write == Write::New && producer.is_idempotent {
            // Nothing else is sent before its fate is known.
            producer.again = Some(batch);
            producer.id = producer.id.map(|(id, sequence)| (id, sequence + known.batches[batch].count as i32));
            self.clients[client].role = Role::Producer(producer.clone());
        }
        let acks = match self.random.below(10) {
            0 if !producer.is_idempotent => 0,
            1..5 => 1,
            _ => -1,
        };
        let mut written_by = self.model.partitions[partition].batches[batch].written_by;
        let is_of_this_life = self.model.partitions[partition].batches[batch].life == self.model.life;
        if self.scenario.mutant == Some(Mutant::ProducersForgotten) && !is_of_this_life {
            written_by = None; // as a broker that forgot the producer would take it
        }
        let bytes = asking::batch(partition, batch, self.model.partitions[partition].batches[batch].count, written_by);
        Some(Question::Produce { partition: self.place(partition), batch, write, acks, bytes })
    }

    fn consume(&mut self, partition: usize, position: Option<i64>) -> Option<Question> {
        if !self.exists(partition) {
            return None;
        }
        let place = self.place(partition);
        match position {
            None => Some(Question::ListOffset { partition: place, is_latest: false }),
            Some(_) if self.random.percent(5) => Some(Question::ListOffset { partition: place, is_latest: true }),
            Some(offset) => {
                let wait_ms = [0, 50, 500][self.random.index(3)];
                let bytes_max = [100, 1000, 1 << 20][self.random.index(3)];
                Some(Question::Fetch { partition: place, offset, wait_ms, bytes_max })
            }
        }
    }

    fn take_part(&mut self, member: Member) -> Option<Question> {
        match member.stage {
            Stage::Lost => Some(Question::FindCoordinator),
            Stage::Joining => Some(Question::Join { member: member.id }),
            Stage::Syncing => {
                Some(Question::Sync { member: member.id, generation: member.generation, leads: member.leads })
            }
            Stage::Stable => {
                let partition = self.random.index(self.model.partitions.len());
                if !self.exists(partition) || self.random.percent(20) {
                    return Some(Question::Heartbeat { member: member.id, generation: member.generation });
                }
                if self.random.percent(25) {
                    let places = (0..self.model.partitions.len()).filter(|place| self.exists(*place));
                    return Some(Question::OffsetFetch(places.map(|place| self.place(place)).collect()));
                }
                let is_old = member.generation > 1 && self.random.percent(15);
                let committed = &mut self.model.committed[partition];
                let offset = committed.sent + 1;
                if !is_old {
                    committed.sent = offset;
                }
                let as_old = is_old && self.scenario.mutant != Some(Mutant::OldGenerationsCommit);
                let generation = member.generation - i32::from(as_old);
                let partition = self.place(partition);
                Some(Question::Commit { member: member.id, generation, partition, offset, is_old })
            }
        }
    }

    fn exists(&self, partition: usize) -> bool {
        self.model.topics[self.model.partitions[partition].topic].exists
    }

    /// A partition as requests name it.
    pub(crate) fn place(&self, partition: usize) -> Place {
        let known = &self.model.partitions[partition];
        Place {
            number: partition,
            topic: self.scenario.topics[known.topic].name.clone(),
            index: known.index,
            incarnation: self.model.topics[known.topic].incarnation,
        }
    }
}

/// A partition as requests name it, and its place in the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The place in the model.
    pub number: usize,
    /// The topic's name.
    pub topic: String,
    /// The index.
    pub index: i32,
    /// Which of the topics of this name is meant.
    pub incarnation: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.index)
    }
}
