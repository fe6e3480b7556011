//! Offsets that nobody will want again: of a group that has been without members for `offsets.retention.minutes`, or of a
//! topic that its members no longer read. A group without members and offsets is forgotten with them (KIP-211).

use ottla_vocabulary::{GroupId, Now, Timestamp, TopicName};

use crate::group::{Group, State};
use crate::record::Record;
use crate::request::Committed;
use crate::shard::{Shard, keep};

impl<To> Shard<To> {
    pub(crate) fn expire_offsets(&mut self, now: Now) {
        let mut ids: Vec<GroupId> = self.offsets.keys().cloned().collect();
        ids.extend(self.groups.keys().filter(|id| !self.offsets.contains_key(*id)).cloned());
        let records: Vec<Record> = ids.iter().flat_map(|id| self.expired(now.wall, id)).collect();
        self.actions.extend(keep(records));
    }

    /// Tombstones for what of one group has expired.
    fn expired(&self, now: Timestamp, id: &GroupId) -> Vec<Record> {
        if self.foreign.contains(id) {
            return Vec::new(); // whoever serves that group decides
        }
        let group = self.groups.get(id);
        let is_empty = group.is_none_or(|group| group.state == State::Empty);
        let emptied = group.filter(|group| group.protocol_type.is_some()).and_then(|group| group.since);
        let read = match group {
            Some(group) if !is_empty => match group.subscribed_topics() {
                Some(topics) if group.state == State::Stable => Some(topics),
                // Who knows what they read: everything stays.
                _ => return Vec::new(),
            },
            _ => None,
        };
        let is_read = |topic: &TopicName| read.as_ref().is_some_and(|topics| topics.contains(topic.as_str()));
        // While a group had members it did not need to commit anew: its offsets age from when it lost the last one.
        let base = |committed: &Committed| match emptied {
            Some(emptied) if is_empty => emptied.max(committed.at),
            _ => committed.at,
        };
        let mut records = Vec::new();
        let mut kept = 0;
        for ((topic, partition), committed) in self.offsets.get(id).into_iter().flatten() {
            if !is_read(topic) && self.is_over(now, base(committed), committed.expires) {
                let (topic, partition) = (topic.clone(), *partition);
                records.push(Record::Offset { group: id.clone(), topic, partition, committed: None });
            } else {
                kept += 1;
            }
        }
        let is_told = |group: &Group<To>| group.is_kept || 0 < group.generation;
        let forgets_group = group.is_some_and(|group| is_empty && group.pending.is_empty() && is_told(group));
        if forgets_group && kept == 0 {
            records.push(Record::Group { group: id.clone(), generation: None });
        }
        records
    }

    fn is_over(&self, now: Timestamp, base: Timestamp, expires: Option<Timestamp>) -> bool {
        let retention = i64::try_from(self.settings.offsets_retention.as_millis()).unwrap_or(i64::MAX);
        let end = expires.map_or(base.0.saturating_add(retention), |expires| expires.0);
        end <= now.0
    }
}
