//! What a new process shows of what the one before promised: every topic, and every log from its beginning to its end.

use ottla_metadata::image::Resource;
use ottla_wire::{ErrorCode, FetchResponse, ListOffsetsResponse, Records};

use crate::asking::{found, read};
use crate::broken;
use crate::model::{Fate, Found, Kept};
use crate::question::{Question, version};
use crate::workload::{Place, Role, Stage};
use crate::world::World;

/// Less than most logs here have, so that reading one takes several fetches.
const READ_BYTES: i32 = 4000;

impl World {
    /// Looks at all that there is after a start.
    pub(crate) fn check_reopened(&mut self) -> Kept {
        for client in &mut self.clients {
            client.waits_for = None;
            if let Role::Member(member) = &mut client.role {
                member.stage = Stage::Lost;
            }
        }
        self.check_image()?;
        self.ask(0, Question::Metadata)?;
        for number in 0..self.model.partitions.len() {
            let is_known = self.model.topics[self.model.partitions[number].topic].exists;
            if is_known && !self.reopen(number)? {
                return Ok(()); // it died meanwhile; the next one is looked at
            }
        }
        self.resume_producers();
        Ok(())
    }

    /// Holds the image of this process against that of the one before: what was committed is there, and nothing else.
    fn check_image(&mut self) -> Kept {
        let Some(node) = &self.node else { return Ok(()) };
        let (before, after) = (&self.last_image, node.image());
        if after.end < before.end {
            broken!("the metadata ends at {}, and ended at {} before", after.end, before.end);
        }
        let place_of = |name: &str| self.scenario.topics.iter().position(|topic| topic.name == name);
        for topic in before.topics.iter() {
            let Some(now) = after.topics.get(topic.id) else {
                let is_leaving = place_of(topic.name.as_str()).is_some_and(|place| self.model.topics[place].is_leaving);
                if !is_leaving {
                    broken!("{} is not in the metadata any more", topic.name);
                }
                continue;
            };
            for (index, partition) in &topic.partitions {
                let Some(now) = now.partition(*index) else { broken!("{}-{index} is there no more", topic.name) };
                if now.replicas != partition.replicas || now.leader_epoch < partition.leader_epoch {
                    broken!("{}-{index} was {partition:?} and is {now:?}", topic.name);
                }
            }
            let resource = Resource::topic(topic.name.as_str());
            if before.configs.get(&resource) != after.configs.get(&resource) {
                broken!("the configuration of {} is another than before", topic.name);
            }
        }
        for topic in after.topics.iter().filter(|topic| before.topics.get(topic.id).is_none()) {
            let may_be = place_of(topic.name.as_str()).is_none_or(|place| self.model.topics[place].may_exist);
            if !may_be {
                broken!("{} is in the metadata, and nobody asked for it", topic.name);
            }
        }
        if before.end.0 != 0 && (before.features != after.features || after.next_producer_id < before.next_producer_id)
        {
            broken!("features or producer ids are others than before");
        }
        Ok(())
    }

    /// Reads a whole log; false when that cannot be done.
    fn reopen(&mut self, number: usize) -> Kept<bool> {
        let place = self.place(number);
        let mut ends = [0; 2];
        for (end, is_latest) in ends.iter_mut().zip([false, true]) {
            let question = Question::ListOffset { partition: place.clone(), is_latest };
            let Some(bytes) = self.ask_at_once(&question)? else { return Ok(false) };
            let response: ListOffsetsResponse<'_> = read(&bytes, version::LIST_OFFSETS, 0)?;
            let told = response.topics.iter().next().and_then(|topic| topic.partitions.iter().next());
            let Some(told) = told else { broken!("ListOffsets is answered for no partition") };
            if told.error_code != 0 {
                return self.not_there(&place, told.error_code);
            }
            *end = told.offset;
        }
        let [start, end] = ends;
        let mut all: Vec<Found> = Vec::new();
        let mut next = start;
        while next < end {
            let question =
                Question::Fetch { partition: place.clone(), offset: next, wait_ms: 0, bytes_max: READ_BYTES };
            let Some(bytes) = self.ask_at_once(&question)? else { return Ok(false) };
            let response: FetchResponse<'_> = read(&bytes, version::FETCH, 0)?;
            let told = response.responses.iter().next().and_then(|topic| topic.partitions.iter().next());
            let Some(told) = told else { broken!("Fetch is answered for no partition") };
            if told.error_code != 0 {
                return self.not_there(&place, told.error_code);
            }
            let Some(Records::Bytes(records)) = told.records else { broken!("{place} has nothing at {next}") };
            let known = &self.model.partitions[number];
            let count = |batch: usize| known.batches.get(batch).map(|batch| batch.count);
            let more = found(number, records, count)?;
            let Some(last) = more.last() else { broken!("{place} has nothing at {next}") };
            next = last.base + count(last.batch).unwrap_or(1);
            all.extend(more);
        }
        self.trace.tell(format_args!("{place} has {start}..{end} in {} batches", all.len()));
        self.model.partitions[number].reopened(start, end, &all)?;
        Ok(true)
    }

    fn not_there(&mut self, place: &Place, code: i16) -> Kept<bool> {
        let code = ErrorCode::from_code(code);
        if self.excuses.opening {
            self.trace.tell(format_args!("{place} is not open: {}", code.name()));
            return Ok(true); // what is promised of it is asked of the next process
        }
        broken!("{place} is answered {} after a start", code.name())
    }

    /// Asks what is answered at once.
    fn ask_at_once(&mut self, question: &Question) -> Kept<Option<Vec<u8>>> {
        let Some(reply) = self.handle_at_once(question) else { return Ok(None) };
        if !self.disk.has_power() {
            return Ok(None);
        }
        crate::asking::whole(&reply)
    }

    /// Producers go on where their log does: one of whose batches some are lost has a gap, and begins anew.
    fn resume_producers(&mut self) {
        for client in &mut self.clients {
            let Role::Producer(producer) = &mut client.role else { continue };
            let batches = &self.model.partitions[producer.partition].batches;
            let is_lost = |batch: usize| batches[batch].fate == Fate::Refused;
            if producer.last.is_some_and(is_lost) {
                (producer.id, producer.again, producer.last) = (None, None, None);
            }
            if !producer.is_idempotent {
                producer.again = None;
            }
        }
    }
}
