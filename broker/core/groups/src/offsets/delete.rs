//! OffsetDelete and DeleteGroups: an administrator forgets offsets, or a whole group.

use ottla_vocabulary::{GroupId, Now, TopicName};
use ottla_wire::ErrorCode;

use crate::group::State;
use crate::record::Record;
use crate::request::{Partition, Reply};
use crate::shard::{Action, Purpose, Shard, keep};

impl<To> Shard<To> {
    pub(crate) fn delete_offsets(&mut self, now: Now, group: &GroupId, partitions: Vec<Partition>, to: To) {
        match self.plan_deletion(group, partitions) {
            Err(error) => self.out(now).reply(to, Reply::OffsetDelete(Err(error))),
            Ok((records, answers)) if records.is_empty() => {
                self.out(now).reply(to, Reply::OffsetDelete(Ok(answers)));
            }
            Ok((records, answers)) => {
                let reply = Reply::OffsetDelete(Ok(answers));
                self.out(now)
                    .append(records, Purpose::Answer { to, reply, failed: |_, error| Reply::OffsetDelete(Err(error)) });
            }
        }
    }

    #[allow(clippy::type_complexity)] // records and answers, each in the order of the request
    fn plan_deletion(
        &self,
        id: &GroupId,
        partitions: Vec<Partition>,
    ) -> Result<(Vec<Record>, Vec<(Partition, ErrorCode)>), ErrorCode> {
        if id.as_str().is_empty() {
            return Err(ErrorCode::InvalidGroupId);
        }
        let group = self.groups.get(id);
        if group.is_none() && !self.offsets.contains_key(id) {
            return Err(ErrorCode::GroupIdNotFound);
        }
        let is_consumer = |kind: &Option<String>| kind.as_deref() == Some("consumer");
        if self.foreign.contains(id)
            || group.is_some_and(|group| group.state != State::Empty && !is_consumer(&group.protocol_type))
        {
            return Err(ErrorCode::NonEmptyGroup);
        }
        let subscribed = group.filter(|group| group.state != State::Empty).map(|group| group.subscribed_topics());
        let mut records = Vec::new();
        let mut answers = Vec::with_capacity(partitions.len());
        for partition in partitions {
            let is_read = subscribed
                .as_ref()
                .is_some_and(|topics| topics.as_ref().is_none_or(|topics| topics.contains(partition.topic.as_str())));
            if is_read {
                answers.push((partition, ErrorCode::GroupSubscribedToTopic));
                continue;
            }
            let place = (partition.topic.clone(), partition.partition);
            if self.offsets.get(id).is_some_and(|offsets| offsets.contains_key(&place)) {
                records.push(Record::Offset { group: id.clone(), topic: place.0, partition: place.1, committed: None });
            }
            answers.push((partition, ErrorCode::None));
        }
        Ok((records, answers))
    }

    pub(crate) fn delete_group(&mut self, now: Now, id: &GroupId, to: To) {
        let refusal = match self.groups.get(id) {
            _ if self.foreign.contains(id) => Some(ErrorCode::NonEmptyGroup),
            Some(group) if group.state != State::Empty => Some(ErrorCode::NonEmptyGroup),
            None if !self.offsets.contains_key(id) => Some(ErrorCode::GroupIdNotFound),
            _ => None,
        };
        if let Some(error) = refusal {
            return self.out(now).reply(to, Reply::Delete(error));
        }
        let mut records = self.forget_offsets(id, |_| true);
        records.push(Record::Group { group: id.clone(), generation: None });
        let reply = Reply::Delete(ErrorCode::None);
        self.out(now).append(records, Purpose::Answer { to, reply, failed: |_, error| Reply::Delete(error) });
    }

    /// These topics were deleted: offsets of theirs mean nothing any more, whoever committed them.
    pub fn on_topics_deleted(&mut self, topics: &[TopicName]) -> Vec<Action<To>> {
        let ids: Vec<GroupId> = self.offsets.keys().cloned().collect();
        let mut records = Vec::new();
        for id in &ids {
            records.extend(self.forget_offsets(id, |topic| topics.contains(topic)));
        }
        keep(records)
    }

    /// Tombstones for a group's offsets of these topics.
    fn forget_offsets(&self, id: &GroupId, which: impl Fn(&TopicName) -> bool) -> Vec<Record> {
        let offsets = self.offsets.get(id).into_iter().flatten();
        let wanted = offsets.filter(|((topic, _), _)| which(topic));
        wanted
            .map(|((topic, partition), _)| Record::Offset {
                group: id.clone(),
                topic: topic.clone(),
                partition: *partition,
                committed: None,
            })
            .collect()
    }
}
