//! ElectLeaders, and the balancing of leaders that a controller does by itself.

use ottla_vocabulary::PartitionIndex;
use ottla_wire::ErrorCode;

use super::leadership::{Election, PartitionChange};
use super::{Context, Decision, Record, Refusal};
use crate::image::{Partition, Topic};

/// How many leaders one round of balancing moves at most; the next round moves the rest.
pub const ELECTIONS_MAX: usize = 1000;

/// Elects the leader of one partition: the preferred one, or with [`Election::Unclean`] any that is alive.
///
/// # Errors
/// Kafka's code when the partition is not known, needs no election, or has nobody to elect.
pub fn elect_leader(
    context: Context<'_>,
    topic: &str,
    index: PartitionIndex,
    election: Election,
) -> Result<Record, Refusal> {
    let unknown = |what: String| Refusal::new(ErrorCode::UnknownTopicOrPartition, what);
    let known = context.image.topics.by_text(topic).ok_or_else(|| unknown(format!("No such topic as {topic}")))?;
    let partition = known.partition(index).ok_or_else(|| unknown(format!("No such partition as {topic}-{index}")))?;
    let needless = match election {
        Election::Preferred => partition.has_preferred_leader(),
        Election::Online | Election::Unclean => partition.leader.is_some(),
    };
    if needless {
        return Err(Refusal::of(ErrorCode::ElectionNotNeeded));
    }
    elected(context, known, index, partition, election).ok_or_else(|| {
        Refusal::of(match election {
            Election::Preferred => ErrorCode::PreferredLeaderNotAvailable,
            Election::Online | Election::Unclean => ErrorCode::EligibleLeadersNotAvailable,
        })
    })
}

/// Gives partitions back to their preferred leaders; the reply says whether more are left than one round moves.
pub fn decide_balance_leaders(context: Context<'_>) -> Decision<bool> {
    let imbalanced = context.image.topics.partitions().filter(|(_, _, partition)| !partition.has_preferred_leader());
    let made = imbalanced
        .filter_map(|(topic, index, partition)| elected(context, topic, index, partition, Election::Preferred));
    let records: Vec<Record> = made.take(ELECTIONS_MAX).collect();
    let more = records.len() == ELECTIONS_MAX;
    Decision::new(records, more)
}

fn elected(
    context: Context<'_>,
    topic: &Topic,
    index: PartitionIndex,
    partition: &Partition,
    election: Election,
) -> Option<Record> {
    let mut change = PartitionChange::new(context, topic, index, partition);
    change.election = election;
    change.record()
}
