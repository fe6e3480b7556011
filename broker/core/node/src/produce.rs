//! Produce: hands each batch to its partition and wakes the fetches that waited for it.

use ottla_api::Context;
use ottla_api::produce::{Acks, NotWritten, Task, Written, answer};
use ottla_commit_log::Files;
use ottla_vocabulary::{PartitionIndex, TopicId};
use ottla_wire::{ErrorCode, WireError};

use crate::fetch::plain;
use crate::node::Node;
use crate::reply::{Close, DescriptorOf, Handled};

/// One answer tells of so many records, of all its batches, what is wrong with each: some two hundred bytes of text where a
/// compressed record is one or two. Of a batch that is told of without them, clients take all records to be refused for what
/// is told of the batch.
const RECORDS_TOLD_MAX: usize = 1000;

impl<F: Files> Node<F> {
    pub(crate) fn produce(&self, context: &Context<'_>, task: Task<'_>) -> Result<Handled<DescriptorOf<F>>, WireError> {
        let mut has_failed = false;
        let mut records_left = RECORDS_TOLD_MAX;
        let mut write = |id: TopicId, index: PartitionIndex, job: Result<&[u8], ErrorCode>| {
            let mut written =
                job.map_err(NotWritten::from).and_then(|bytes| self.write(context, id, index, bytes, task.acks));
            if let Err(refused) = &mut written {
                has_failed = true;
                refused.records.truncate(records_left);
                records_left -= refused.records.len();
            }
            written
        };
        let done = task.topics.into_iter().map(|topic| topic.map(&mut write)).collect();
        // One node is all there is in sync: what is in its log is everywhere, so acks all need not wait.
        if task.acks == Acks::None {
            let silent = Handled::Silent { mute_ms: context.head.throttle_ms };
            return Ok(if has_failed { Handled::Close(Close::UnacknowledgedProduce) } else { silent });
        }
        Ok(Handled::Reply(plain(answer(context, done)?)))
    }

    fn write(
        &self,
        context: &Context<'_>,
        topic: TopicId,
        index: PartitionIndex,
        bytes: &[u8],
        acks: Acks,
    ) -> Result<Written, NotWritten> {
        let partition = self.partition(topic, index)?;
        let (written, waiting) = self.with_decompressor(|decompressor| {
            partition.produce(bytes, context.version(), acks, context.now, decompressor)
        });
        self.wake(context.now, waiting);
        written
    }
}
