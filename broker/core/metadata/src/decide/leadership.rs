//! Who leads a partition after something changed: Kafka's rules of election, of the ISR and of eligible leader replicas
//! (KIP-966), applied to one partition and written as one PartitionChangeRecord.
//!
//! Given: the partition, what its replicas, ISR and reassignment shall be, who may lead, how far the election may go.
//! Gives: the record, or nothing when nothing changes.

use std::collections::BTreeSet;

use ottla_vocabulary::{NodeId, PartitionIndex, Uuid};
use ottla_wire::PartitionChangeRecord;

use super::effective::effective_topic_value;
use super::{Context, Record};
use crate::image::partition::ids;
use crate::image::{LeaderRecovery, Partition, Topic};

/// How far an election may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Election {
    /// The preferred leader, or failing that whoever leads or can lead.
    Preferred,
    /// Whoever leads or can lead.
    Online,
    /// If nobody can, a replica that may lack committed data.
    Unclean,
}

/// What happens to a broker that makes partitions change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokerChange {
    /// It may not lead nor be in sync any longer: fenced, going down, gone.
    Leaves(NodeId),
    /// It may again.
    Returns(NodeId),
    /// It came back without having stopped cleanly: what it acknowledged may be lost.
    StoppedUncleanly(NodeId),
}

/// A change to one partition in the making.
pub struct PartitionChange<'a> {
    context: Context<'a>,
    topic: &'a Topic,
    index: PartitionIndex,
    partition: &'a Partition,
    /// How far the election may go.
    pub election: Election,
    /// Who shall be in sync.
    pub isr: Vec<NodeId>,
    /// A broker that is about to change, and so is judged by what it will be.
    pub broker: Option<BrokerChange>,
    /// Directories that replicas have taken, over what the partition says.
    pub directories: Vec<(NodeId, Uuid)>,
    replicas: Vec<NodeId>,
    removing: Vec<NodeId>,
    adding: Vec<NodeId>,
    elr: Vec<NodeId>,
}

impl<'a> PartitionChange<'a> {
    /// No change yet; unclean elections as the topic's configuration allows.
    pub fn new(context: Context<'a>, topic: &'a Topic, index: PartitionIndex, partition: &'a Partition) -> Self {
        let unclean = effective_topic_value(context, &topic.name, "unclean.leader.election.enable");
        let election = if unclean.is_some_and(|text| text.eq_ignore_ascii_case("true")) {
            Election::Unclean
        } else {
            Election::Online
        };
        PartitionChange {
            context,
            topic,
            index,
            partition,
            election,
            isr: partition.isr.clone(),
            broker: None,
            directories: Vec::new(),
            replicas: partition.replicas.clone(),
            removing: partition.removing.clone(),
            adding: partition.adding.clone(),
            elr: partition.elr.clone(),
        }
    }

    /// The record that makes the change; `None` when everything stays as it is.
    pub fn record(mut self) -> Option<Record> {
        let none = PartitionChangeRecord::default();
        let mut record =
            PartitionChangeRecord { partition_id: self.index.0, topic_id: self.topic.id.0, ..none.clone() };
        self.complete_reassignment();
        self.fill_elr();
        self.elect(&mut record);
        self.bump_epoch_when_replicas_leave(&mut record);
        self.write_elr(&mut record);
        let keeps_isr = record.isr.is_some() || self.isr == self.partition.isr;
        if !keeps_isr && (self.elr_enabled() || !self.isr.is_empty()) {
            record.isr = Some(ids(&self.isr));
        }
        self.bump_epoch_when_isr_shrinks(&mut record);
        self.write_last_known_leader(&mut record);
        self.write_assignment(&mut record);
        let unchanged = PartitionChangeRecord { partition_id: record.partition_id, topic_id: record.topic_id, ..none };
        (record != unchanged).then(|| record.into())
    }

    fn elr_enabled(&self) -> bool {
        self.context.image.features.elr_enabled()
    }

    /// Whether a replica may lead: its broker is active, or about to be, and its directory is there.
    fn may_lead(&self, replica: NodeId) -> bool {
        let broker = self.context.image.cluster.broker(replica);
        let active = match self.broker {
            Some(BrokerChange::Leaves(id) | BrokerChange::StoppedUncleanly(id)) if id == replica => false,
            Some(BrokerChange::Returns(id)) if id == replica => true,
            _ => broker.is_some_and(|broker| broker.is_active()),
        };
        let directory = self.partition.directory_of(replica);
        active && broker.is_some_and(|broker| directory.is_none_or(|id| broker.has_online_directory(id)))
    }

    /// Whether a replica may lead and has all committed data.
    fn is_clean_leader(&self, replica: NodeId) -> bool {
        let has_all = self.isr.contains(&replica) || (self.isr.is_empty() && self.elr.contains(&replica));
        has_all && self.may_lead(replica)
    }

    /// The new leader, and whether it may lack committed data.
    fn choose_leader(&self) -> Option<(NodeId, bool)> {
        let clean = |replica: NodeId| self.is_clean_leader(replica).then_some((replica, false));
        let stays = || self.partition.leader.and_then(clean);
        let first_clean = || self.replicas.iter().find_map(|replica| clean(*replica));
        if self.election == Election::Preferred
            && let Some(preferred) = self.replicas.first().and_then(|replica| clean(*replica))
        {
            return Some(preferred);
        }
        let last_known = || self.last_known_leader().map(|replica| (replica, true));
        let anyone = || {
            let alive = self.replicas.iter().find(|replica| self.may_lead(**replica));
            alive.filter(|_| self.election == Election::Unclean).map(|replica| (*replica, true))
        };
        stays().or_else(first_clean).or_else(last_known).or_else(anyone)
    }

    /// With everyone lost, whoever led last lacks the least.
    fn last_known_leader(&self) -> Option<NodeId> {
        let everyone_is_lost = self.elr_enabled() && self.elr.is_empty() && self.isr.is_empty();
        match self.partition.last_known_elr[..] {
            [last] if everyone_is_lost && self.may_lead(last) => Some(last),
            _ => None,
        }
    }

    fn elect(&mut self, record: &mut PartitionChangeRecord<'static>) {
        let chosen = self.choose_leader();
        let leader = chosen.map(|(leader, _)| leader);
        if leader == self.partition.leader {
            return;
        }
        record.leader = leader.unwrap_or(NodeId::NONE).0;
        let Some((leader, unclean)) = chosen else { return };
        if self.elr.contains(&leader) {
            self.isr = vec![leader];
            self.elr.retain(|replica| *replica != leader);
        }
        if unclean {
            record.isr = Some(vec![leader.0].into());
            if self.partition.recovery != LeaderRecovery::Recovering {
                record.leader_recovery_state = LeaderRecovery::Recovering.code();
            }
        }
    }

    /// A reassignment is done when what is added is in sync and what stays can take over.
    fn complete_reassignment(&mut self) {
        if self.removing.is_empty() && self.adding.is_empty() {
            return;
        }
        let stays = |replicas: &[NodeId]| -> Vec<NodeId> {
            replicas.iter().copied().filter(|replica| !self.removing.contains(replica)).collect()
        };
        let (isr, replicas) = (stays(&self.isr), stays(&self.replicas));
        let in_sync = |replicas: &[NodeId]| replicas.iter().all(|replica| isr.contains(replica));
        let nobody_left = !self.removing.is_empty() && (isr.is_empty() || replicas.is_empty());
        let shrinks = self.adding.len() < self.removing.len();
        if nobody_left || !in_sync(&self.adding) || (shrinks && !in_sync(&replicas)) {
            return;
        }
        (self.isr, self.replicas) = (isr, replicas);
        (self.removing, self.adding) = (Vec::new(), Vec::new());
    }

    /// Who leaves an ISR that is below the minimum keeps all committed data, for nothing is committed from then on.
    fn fill_elr(&mut self) {
        if !self.elr_enabled() {
            return;
        }
        if self.minimum_isr() <= self.isr.len() {
            self.elr = Vec::new();
            return;
        }
        let unclean = match self.broker {
            Some(BrokerChange::StoppedUncleanly(id)) => Some(id),
            _ => None,
        };
        let candidates: BTreeSet<NodeId> = self.elr.iter().chain(&self.partition.isr).copied().collect();
        let eligible = |replica: &NodeId| !self.isr.contains(replica) && Some(*replica) != unclean;
        self.elr = candidates.into_iter().filter(eligible).collect();
    }

    fn minimum_isr(&self) -> usize {
        let configured = effective_topic_value(self.context, &self.topic.name, "min.insync.replicas");
        let configured = configured.and_then(|text| text.parse().ok()).unwrap_or(1);
        self.topic.replication_factor().min(configured)
    }

    fn write_elr(&mut self, record: &mut PartitionChangeRecord<'static>) {
        if record.isr.is_some() || !self.elr_enabled() {
            self.elr = Vec::new(); // an unclean election leaves nobody eligible
        }
        if self.elr != self.partition.elr {
            record.eligible_leader_replicas = Some(ids(&self.elr));
        }
    }

    fn write_last_known_leader(&self, record: &mut PartitionChangeRecord<'static>) {
        if !self.elr_enabled() {
            return;
        }
        let known = !self.partition.last_known_elr.is_empty();
        if record.leader == NodeId::NONE.0 && !known {
            record.last_known_elr = Some(vec![self.partition.leader_id().0].into());
        } else if 0 <= record.leader && known {
            record.last_known_elr = Some(vec![].into());
        }
    }

    /// A leader gets a new epoch when a replica leaves, so that it stops counting on it.
    fn bump_epoch_when_replicas_leave(&self, record: &mut PartitionChangeRecord<'static>) {
        let someone_leaves = self.partition.replicas.iter().any(|replica| !self.replicas.contains(replica));
        if record.leader == crate::image::partition::NO_LEADER_CHANGE && someone_leaves {
            record.leader = self.partition.leader_id().0;
        }
    }

    fn bump_epoch_when_isr_shrinks(&self, record: &mut PartitionChangeRecord<'static>) {
        let Some(isr) = &record.isr else { return };
        let shrinks = self.partition.isr.iter().any(|replica| isr.iter().all(|stays| stays != replica.0));
        let unchanged = record.leader == crate::image::partition::NO_LEADER_CHANGE;
        if self.context.metadata_version().bumps_leader_epoch_on_isr_shrink() && unchanged && shrinks {
            record.leader = self.partition.leader_id().0;
        }
    }

    fn write_assignment(&self, record: &mut PartitionChangeRecord<'static>) {
        if !self.replicas.is_empty() && self.context.metadata_version().has_directories() {
            let directories: Vec<Uuid> = self.replicas.iter().map(|replica| self.directory(*replica)).collect();
            if directories != self.partition.directories {
                record.directories = Some(directories.into());
            }
        }
        if !self.replicas.is_empty() && self.replicas != self.partition.replicas {
            record.replicas = Some(ids(&self.replicas));
        }
        if self.removing != self.partition.removing {
            record.removing_replicas = Some(ids(&self.removing));
        }
        if self.adding != self.partition.adding {
            record.adding_replicas = Some(ids(&self.adding));
        }
    }

    fn directory(&self, replica: NodeId) -> Uuid {
        let taken = self.directories.iter().find(|(node, _)| *node == replica).map(|(_, id)| *id);
        let known = || self.partition.directory_of(replica);
        taken.or_else(known).unwrap_or_else(|| self.context.image.cluster.default_directory(replica))
    }
}

/// What becomes of all partitions when a broker changes: those that it is in sync for, or with its return those that
/// nobody leads.
pub(super) fn on_broker_change(context: Context<'_>, change: BrokerChange) -> Vec<Record> {
    let concerned = |partition: &Partition| match change {
        BrokerChange::Leaves(id) => partition.isr.contains(&id),
        BrokerChange::StoppedUncleanly(id) => partition.isr.contains(&id) || partition.elr.contains(&id),
        BrokerChange::Returns(_) => partition.leader.is_none(),
    };
    let mut records = Vec::new();
    for topic in context.image.topics.sorted() {
        for (index, partition) in topic.partitions.iter().filter(|(_, partition)| concerned(partition)) {
            let mut made = PartitionChange::new(context, topic, *index, partition);
            made.broker = Some(change);
            if let BrokerChange::Leaves(id) | BrokerChange::StoppedUncleanly(id) = change {
                made.isr.retain(|replica| *replica != id);
            }
            records.extend(made.record());
        }
    }
    records
}
