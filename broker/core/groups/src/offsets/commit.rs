//! OffsetCommit: a member of the present generation, or anybody for a group without members, says how far it has read.

use ottla_vocabulary::{Duration, LeaderEpoch, Now, Timestamp, TopicId};
use ottla_wire::ErrorCode;

use crate::group::{Group, State};
use crate::record::Record;
use crate::request::{Commit, Committed, OffsetCommit, Partition, Reply};
use crate::shard::{Purpose, Shard};

impl<To> Shard<To> {
    pub(crate) fn commit_offsets(&mut self, now: Now, request: OffsetCommit, to: To) {
        if let Err(error) = self.check_commit(&request) {
            let refused = request.offsets.into_iter().map(|(partition, _)| (partition, error)).collect();
            return self.out(now).reply(to, Reply::OffsetCommit(refused));
        }
        // A commit shows that its member lives.
        self.with_group(now, &request.who.group, |group, out| group.hear(&request.who.member, out));
        // Kafka's limit is called one of bytes and counts the characters of Java's strings.
        let metadata_units_max = self.settings.offset_metadata_bytes_max;
        let mut records = Vec::new();
        let mut answers = Vec::with_capacity(request.offsets.len());
        for (partition, commit) in request.offsets {
            if metadata_units_max < commit.metadata.encode_utf16().count() {
                answers.push((partition, ErrorCode::OffsetMetadataTooLarge));
                continue;
            }
            records.push(Record::Offset {
                group: request.who.group.clone(),
                topic: partition.topic.clone(),
                partition: partition.partition,
                committed: Some(committed(now, request.retention, &partition, commit)),
            });
            answers.push((partition, ErrorCode::None));
        }
        let reply = Reply::OffsetCommit(answers);
        if records.is_empty() {
            self.out(now).reply(to, reply);
        } else {
            self.out(now).append(records, Purpose::Answer { to, reply, failed });
        }
    }

    fn check_commit(&self, request: &OffsetCommit) -> Result<(), ErrorCode> {
        let who = &request.who;
        if self.foreign.contains(&who.group) {
            // Its members speak a protocol that we do not serve, so nobody who commits here is one of them.
            return Err(ErrorCode::UnknownMemberId);
        }
        match self.groups.get(&who.group) {
            Some(group) => group.check_commit(request),
            // Offsets of a consumer that assigns itself: no group is needed for them.
            None if who.generation < 0 => Ok(()),
            // A group of offsets alone has no members.
            None if self.offsets.contains_key(&who.group) => Err(ErrorCode::UnknownMemberId),
            None if request.knows_group_not_found => Err(ErrorCode::GroupIdNotFound),
            None => Err(ErrorCode::IllegalGeneration),
        }
    }
}

impl<To> Group<To> {
    fn check_commit(&self, request: &OffsetCommit) -> Result<(), ErrorCode> {
        let who = &request.who;
        if who.generation < 0 && self.state == State::Empty {
            return Ok(());
        }
        let is_stranger = who.generation < 0 && who.member.as_str().is_empty() && who.instance.is_none();
        if is_stranger {
            return Err(ErrorCode::UnknownMemberId);
        }
        self.check(who)?;
        // Between the join and the assignment nobody owns anything.
        if self.state == State::CompletingRebalance { Err(ErrorCode::RebalanceInProgress) } else { Ok(()) }
    }
}

fn committed(now: Now, retention: Option<Duration>, partition: &Partition, commit: Commit) -> Committed {
    let expiry = |retention: Duration| {
        Timestamp(now.wall.0.saturating_add(i64::try_from(retention.as_millis()).unwrap_or(i64::MAX)))
    };
    // The only version of the record that has room for an expiry has none for epoch and topic id.
    let (leader_epoch, topic_id) = match retention {
        Some(_) => (LeaderEpoch::NONE, TopicId::default()),
        None => (commit.leader_epoch, partition.topic_id),
    };
    let expires = retention.map(expiry);
    Committed { offset: commit.offset, leader_epoch, metadata: commit.metadata, at: now.wall, expires, topic_id }
}

/// The answer when the log did not take the offsets: nothing of the request is kept.
fn failed(reply: &Reply, error: ErrorCode) -> Reply {
    match reply {
        Reply::OffsetCommit(answers) => {
            Reply::OffsetCommit(answers.iter().map(|(partition, _)| (partition.clone(), error)).collect())
        }
        other => other.clone(),
    }
}
