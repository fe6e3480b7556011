//! One partition as the metadata log describes it: where it lies, who leads it, who is in sync.

use ottla_vocabulary::{LeaderEpoch, NodeId, Uuid};
use ottla_wire::{Array, PartitionChangeRecord, PartitionRecord};

use super::features::Features;

/// Whether the leader was elected from replicas that have all committed data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LeaderRecovery {
    /// It was, or it has recovered since.
    #[default]
    Recovered,
    /// It was not (an unclean election), and has not yet said that it has recovered.
    Recovering,
}

impl LeaderRecovery {
    /// Kafka's number: 0 or 1.
    pub fn code(self) -> i8 {
        match self {
            LeaderRecovery::Recovered => 0,
            LeaderRecovery::Recovering => 1,
        }
    }

    /// The state of a number; `None` for one that Kafka does not know.
    pub fn from_code(code: i8) -> Option<LeaderRecovery> {
        match code {
            0 => Some(LeaderRecovery::Recovered),
            1 => Some(LeaderRecovery::Recovering),
            _ => None,
        }
    }
}

/// A partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Partition {
    /// Who keeps it; the first is the preferred leader.
    pub replicas: Vec<NodeId>,
    /// In which directory each of them keeps it, in the same order. Reserved ids ([`directory`]) stand for unknown ones.
    pub directories: Vec<Uuid>,
    /// Who is in sync.
    pub isr: Vec<NodeId>,
    /// Who leaves when the reassignment is done.
    pub removing: Vec<NodeId>,
    /// Who joins by it.
    pub adding: Vec<NodeId>,
    /// Who leads; `None` while nobody can.
    pub leader: Option<NodeId>,
    /// Whether the leader lacks committed data.
    pub recovery: LeaderRecovery,
    /// One higher with each leader.
    pub leader_epoch: LeaderEpoch,
    /// One higher with each change of this description.
    pub partition_epoch: i32,
    /// Who left the ISR while it was too small to lose data, and so may lead too (KIP-966).
    pub elr: Vec<NodeId>,
    /// Who led last when everyone was lost.
    pub last_known_elr: Vec<NodeId>,
}

/// Directory ids with a meaning of their own (KIP-858).
pub mod directory {
    use ottla_vocabulary::Uuid;

    const fn reserved(last: u8) -> Uuid {
        let mut id = [0; 16];
        id[15] = last;
        Uuid(id)
    }

    /// Written before directories had ids.
    pub const MIGRATING: Uuid = reserved(0);
    /// The broker has several directories and has not said yet which it took.
    pub const UNASSIGNED: Uuid = reserved(1);
    /// The directory was lost.
    pub const LOST: Uuid = reserved(2);

    /// Whether this is no directory's own id: Kafka keeps the first hundred back.
    pub fn is_reserved(id: Uuid) -> bool {
        u128::from_be_bytes(id.0) < 100
    }
}

impl Partition {
    /// The leader's number as Kafka writes it: −1 for none.
    pub fn leader_id(&self) -> NodeId {
        self.leader.unwrap_or(NodeId::NONE)
    }

    /// The replica that should lead when all is well.
    pub fn preferred_leader(&self) -> Option<NodeId> {
        self.replicas.first().copied()
    }

    /// Whether it does.
    pub fn has_preferred_leader(&self) -> bool {
        self.leader == self.preferred_leader()
    }

    /// Whether replicas are being moved.
    pub fn is_reassigning(&self) -> bool {
        !self.removing.is_empty() || !self.adding.is_empty()
    }

    /// The directory in which a replica keeps it.
    pub fn directory_of(&self, replica: NodeId) -> Option<Uuid> {
        let place = self.replicas.iter().position(|own| *own == replica)?;
        Some(self.directories.get(place).copied().unwrap_or(directory::MIGRATING))
    }

    pub(crate) fn from_record(record: &PartitionRecord<'_>) -> Option<Partition> {
        let replicas = nodes(&record.replicas);
        Some(Partition {
            directories: directories(&record.directories, replicas.len())?,
            replicas,
            isr: nodes(&record.isr),
            removing: nodes(&record.removing_replicas),
            adding: nodes(&record.adding_replicas),
            leader: leader(record.leader),
            recovery: LeaderRecovery::from_code(record.leader_recovery_state)?,
            leader_epoch: LeaderEpoch(record.leader_epoch),
            partition_epoch: record.partition_epoch,
            elr: record.eligible_leader_replicas.as_ref().map(nodes).unwrap_or_default(),
            last_known_elr: record.last_known_elr.as_ref().map(nodes).unwrap_or_default(),
        })
    }

    /// The record that describes the whole partition, as far as the finalized features have room for it.
    pub(crate) fn to_record(&self, topic_id: Uuid, partition_id: i32, features: &Features) -> PartitionRecord<'static> {
        let directories = match features.metadata_version().has_directories() {
            true => self.directories.clone(),
            false => Vec::new(),
        };
        let eligible = |replicas: &[NodeId]| (features.elr_enabled() && !replicas.is_empty()).then(|| ids(replicas));
        PartitionRecord {
            partition_id,
            topic_id,
            replicas: ids(&self.replicas),
            isr: ids(&self.isr),
            removing_replicas: ids(&self.removing),
            adding_replicas: ids(&self.adding),
            leader: self.leader_id().0,
            leader_recovery_state: self.recovery.code(),
            leader_epoch: self.leader_epoch.0,
            partition_epoch: self.partition_epoch,
            directories: directories.into(),
            eligible_leader_replicas: eligible(&self.elr),
            last_known_elr: eligible(&self.last_known_elr),
        }
    }

    /// What is left as it was where the record says nothing. `None` for a record that cannot be.
    pub(crate) fn changed(&self, record: &PartitionChangeRecord<'_>) -> Option<Partition> {
        let mut changed = self.clone();
        let merge = |own: &mut Vec<NodeId>, said: &Option<Array<'_, i32>>| {
            if let Some(said) = said {
                *own = nodes(said);
            }
        };
        merge(&mut changed.replicas, &record.replicas);
        merge(&mut changed.isr, &record.isr);
        merge(&mut changed.removing, &record.removing_replicas);
        merge(&mut changed.adding, &record.adding_replicas);
        merge(&mut changed.elr, &record.eligible_leader_replicas);
        merge(&mut changed.last_known_elr, &record.last_known_elr);
        changed.directories = match &record.directories {
            Some(said) => directories(said, changed.replicas.len())?,
            None if changed.replicas.len() == self.directories.len() => self.directories.clone(),
            None => vec![directory::MIGRATING; changed.replicas.len()],
        };
        if record.leader != NO_LEADER_CHANGE {
            changed.leader = leader(record.leader);
            changed.leader_epoch = LeaderEpoch(self.leader_epoch.0.checked_add(1)?);
        }
        if record.leader_recovery_state != NO_RECOVERY_CHANGE {
            changed.recovery = LeaderRecovery::from_code(record.leader_recovery_state)?;
        }
        changed.partition_epoch = self.partition_epoch.checked_add(1)?;
        Some(changed)
    }
}

/// The leader of a PartitionChangeRecord that changes none.
pub(crate) const NO_LEADER_CHANGE: i32 = -2;
/// The recovery state of a PartitionChangeRecord that changes none.
pub(crate) const NO_RECOVERY_CHANGE: i8 = -1;

fn leader(id: i32) -> Option<NodeId> {
    (0 <= id).then_some(NodeId(id))
}

fn nodes(ids: &Array<'_, i32>) -> Vec<NodeId> {
    ids.iter().map(NodeId).collect()
}

pub(crate) fn ids(nodes: &[NodeId]) -> Array<'static, i32> {
    nodes.iter().map(|node| node.0).collect()
}

/// One directory for each replica; records from before KIP-858 name none.
fn directories(said: &Array<'_, Uuid>, replicas: usize) -> Option<Vec<Uuid>> {
    match said.len() {
        0 => Some(vec![directory::MIGRATING; replicas]),
        count => (count == replicas).then(|| said.iter().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::MetadataVersion;
    use crate::image::features::ELIGIBLE_LEADER_REPLICAS;

    #[test]
    fn a_change_keeps_what_it_does_not_say() {
        let partition = Partition {
            replicas: vec![NodeId(1), NodeId(2)],
            directories: vec![Uuid([1; 16]), Uuid([2; 16])],
            isr: vec![NodeId(1), NodeId(2)],
            leader: Some(NodeId(1)),
            leader_epoch: LeaderEpoch(4),
            partition_epoch: 9,
            ..Partition::default()
        };
        let isr = PartitionChangeRecord { isr: Some(vec![1].into()), ..Default::default() };
        let shrunk = partition.changed(&isr).unwrap();
        assert_eq!((shrunk.isr.len(), shrunk.leader_epoch.0, shrunk.partition_epoch), (1, 4, 10));
        assert_eq!(shrunk.directories, partition.directories);
        let offline = shrunk.changed(&PartitionChangeRecord { leader: -1, ..Default::default() }).unwrap();
        assert_eq!((offline.leader, offline.leader_epoch.0, offline.partition_epoch), (None, 5, 11));
        let wrong = PartitionChangeRecord { directories: Some(vec![Uuid::ONE].into()), ..Default::default() };
        assert_eq!(partition.changed(&wrong), None, "two replicas need two directories");
        let unknown = PartitionChangeRecord { leader_recovery_state: 7, ..Default::default() };
        assert_eq!(partition.changed(&unknown), None);
    }

    #[test]
    fn a_partition_survives_its_record() {
        let partition = Partition {
            replicas: vec![NodeId(3)],
            directories: vec![Uuid([1; 16])],
            recovery: LeaderRecovery::Recovering,
            elr: vec![NodeId(3)],
            ..Partition::default()
        };
        let mut features = Features { metadata_version: Some(MetadataVersion::LATEST), ..Features::default() };
        features.levels.insert(ELIGIBLE_LEADER_REPLICAS.to_owned(), 1);
        assert_eq!(Partition::from_record(&partition.to_record(Uuid::ONE, 0, &features)), Some(partition.clone()));
        let old = Features { metadata_version: Some(MetadataVersion::MINIMUM), ..Features::default() };
        let read = Partition::from_record(&partition.to_record(Uuid::ONE, 0, &old)).unwrap();
        assert_eq!((&read.directories[..], &read.elr[..]), (&[directory::MIGRATING][..], &[][..]));
    }
}
