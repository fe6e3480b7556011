//! AssignReplicasToDirs (KIP-858): a broker with several log directories says in which of them it keeps which replicas.
//! A replica in a directory that is not online loses leadership and ISR at once.

use ottla_vocabulary::{BrokerEpoch, NodeId, PartitionIndex, TopicId};
use ottla_wire::assign_replicas_to_dirs_response::{DirectoryData, PartitionData, TopicData};
use ottla_wire::{AssignReplicasToDirsRequest, AssignReplicasToDirsResponse, ErrorCode};

use super::leadership::{BrokerChange, PartitionChange};
use super::{Context, Outcome, Record, Refusal, outcome};

/// Takes note of where replicas lie; the reply says it of each partition.
pub fn decide_assign_directories(
    context: Context<'_>,
    request: &AssignReplicasToDirsRequest<'_>,
) -> Outcome<AssignReplicasToDirsResponse<'static>> {
    outcome(assign(context, request))
}

fn assign(
    context: Context<'_>,
    request: &AssignReplicasToDirsRequest<'_>,
) -> Result<(Vec<Record>, AssignReplicasToDirsResponse<'static>), Refusal> {
    if !context.metadata_version().has_directories() {
        let message = "Directory assignment is not supported yet.";
        return Err(Refusal::new(ErrorCode::UnsupportedVersion, message));
    }
    let id = NodeId(request.broker_id);
    let broker = context.broker_in_epoch(id, BrokerEpoch(request.broker_epoch))?;
    let mut records = Vec::new();
    let mut directories = Vec::new();
    for directory in &request.directories {
        let is_online = broker.has_online_directory(directory.id);
        let mut topics = Vec::new();
        for named in &directory.topics {
            let topic = context.image.topics.get(TopicId(named.topic_id));
            let mut partitions = Vec::new();
            for wanted in &named.partitions {
                let index = PartitionIndex(wanted.partition_index);
                let partition = topic.and_then(|topic| topic.partition(index));
                let error = match (topic, partition) {
                    (None, _) => ErrorCode::UnknownTopicId,
                    (_, None) => ErrorCode::UnknownTopicOrPartition,
                    (_, Some(partition)) if !partition.replicas.contains(&id) => ErrorCode::NotLeaderOrFollower,
                    (Some(topic), Some(partition)) => {
                        let mut change = PartitionChange::new(context, topic, index, partition);
                        change.directories = vec![(id, directory.id)];
                        if !is_online {
                            change.broker = Some(BrokerChange::Leaves(id));
                            change.isr.retain(|replica| *replica != id);
                        }
                        records.extend(change.record());
                        ErrorCode::None
                    }
                };
                partitions.push(PartitionData { partition_index: index.0, error_code: error.code() });
            }
            topics.push(TopicData { topic_id: named.topic_id, partitions: partitions.into() });
        }
        directories.push(DirectoryData { id: directory.id, topics: topics.into() });
    }
    let response = AssignReplicasToDirsResponse { directories: directories.into(), ..Default::default() };
    Ok((records, response))
}
