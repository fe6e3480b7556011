//! What answers may say: each is held against the model, and an error must be one that something which happened excuses.

use ottla_wire::{
    CreateTopicsResponse, DeleteRecordsResponse, DeleteTopicsResponse, ErrorCode, FetchResponse,
    FindCoordinatorResponse, HeartbeatResponse, InitProducerIdResponse, JoinGroupResponse, ListOffsetsResponse,
    MetadataResponse, OffsetCommitResponse, OffsetFetchResponse, ProduceResponse, Records, SyncGroupResponse,
};

use crate::asking::{found, read};
use crate::broken;
use crate::model::{Fate, Kept};
use crate::question::{Question, TIMEOUT_MS, Write, version};
use crate::scenario::Mutant;
use crate::workload::{Place, Role, Stage};
use crate::world::World;

/// The codes by which a coordinator says: later, or elsewhere.
const COORDINATOR_MOVES: &[ErrorCode] =
    &[ErrorCode::CoordinatorNotAvailable, ErrorCode::CoordinatorLoadInProgress, ErrorCode::NotCoordinator];

/// The codes of a broker that leads nothing.
const NOT_LED: &[ErrorCode] =
    &[ErrorCode::NotLeaderOrFollower, ErrorCode::LeaderNotAvailable, ErrorCode::UnknownTopicOrPartition];

impl World {
    /// An answer came.
    pub(crate) fn answered(&mut self, client: usize, correlation: i32, question: Question, bytes: &[u8]) -> Kept {
        if question.place().is_some_and(|place| !self.is_of_now(place)) {
            return Ok(()); // the topic was deleted meanwhile
        }
        match question {
            Question::DeleteTopic { topic, is_again, .. } => {
                let response: DeleteTopicsResponse<'_> = read(bytes, version::DELETE_TOPICS, correlation)?;
                let Some(told) = response.responses.iter().next() else {
                    broken!("DeleteTopics is answered for no topic")
                };
                match self.code(correlation, told.error_code) {
                    ErrorCode::None => self.model.deleted(topic),
                    // The one before may have deleted it, while the metadata that names are looked up in had it still.
                    ErrorCode::UnknownTopicOrPartition | ErrorCode::UnknownTopicId if is_again => {
                        self.model.deleted(topic);
                    }
                    code => return self.excused(code, "DeleteTopics", self.excuses.writes),
                }
                Ok(())
            }
            Question::CreateTopic(topic, place) => {
                let response: CreateTopicsResponse<'_> = read(bytes, version::CREATE_TOPICS, correlation)?;
                let Some(told) = response.topics.iter().next() else {
                    broken!("CreateTopics is answered for no topic")
                };
                match self.code(correlation, told.error_code) {
                    ErrorCode::None => {
                        if self.model.topics[place].exists {
                            broken!("{} is made twice", topic.name);
                        }
                        self.model.topic_seen(place, told.topic_id)
                    }
                    ErrorCode::TopicAlreadyExists => {
                        self.model.topics[place].exists = true;
                        Ok(())
                    }
                    code => self.excused(code, "CreateTopics", self.excuses.writes),
                }
            }
            Question::Metadata => self.metadata(correlation, bytes),
            Question::DeleteRecords { partition, before } => {
                let response: DeleteRecordsResponse<'_> = read(bytes, version::DELETE_RECORDS, correlation)?;
                let told = response.topics.iter().next().and_then(|topic| topic.partitions.iter().next());
                let Some(told) = told else { broken!("DeleteRecords is answered for no partition") };
                match self.code(correlation, told.error_code) {
                    ErrorCode::None if told.low_watermark < before => {
                        broken!("{partition} begins at {} after {before} was asked for", told.low_watermark)
                    }
                    ErrorCode::None => self.model.partitions[partition.number].deleted(told.low_watermark),
                    code => self.excused(code, "DeleteRecords", self.excuses.writes || self.excuses.opening),
                }
            }
            Question::InitProducerId => {
                let response: InitProducerIdResponse = read(bytes, version::INIT_PRODUCER_ID, correlation)?;
                match self.code(correlation, response.error_code) {
                    ErrorCode::None => {
                        if !self.model.producer_ids.insert(response.producer_id) {
                            broken!("producer id {} is given out twice", response.producer_id);
                        }
                        if let Role::Producer(producer) = &mut self.clients[client].role {
                            producer.id = Some((response.producer_id, 0));
                        }
                        Ok(())
                    }
                    code => self.excused(code, "InitProducerId", self.excuses.writes),
                }
            }
            Question::Produce { partition, batch, write, .. } => {
                let response: ProduceResponse<'_> = read(bytes, version::PRODUCE, correlation)?;
                let told = response.responses.iter().next().and_then(|topic| topic.partition_responses.iter().next());
                let Some(told) = told else { broken!("Produce is answered for no partition") };
                let code = self.code(correlation, told.error_code);
                self.produced(client, &partition, batch, write, code, told.base_offset)
            }
            Question::ListOffset { partition, is_latest } => {
                let response: ListOffsetsResponse<'_> = read(bytes, version::LIST_OFFSETS, correlation)?;
                let told = response.topics.iter().next().and_then(|topic| topic.partitions.iter().next());
                let Some(told) = told else { broken!("ListOffsets is answered for no partition") };
                let code = self.code(correlation, told.error_code);
                if code != ErrorCode::None {
                    return self.excused(code, "ListOffsets", self.may_not_read(partition.number));
                }
                self.model.partitions[partition.number].is_open = true;
                self.listed(client, partition.number, is_latest, told.offset)
            }
            Question::Fetch { partition, offset, .. } => self.fetched(client, correlation, &partition, offset, bytes),
            group => self.group_answered(client, correlation, &group, bytes),
        }
    }

    fn code(&mut self, correlation: i32, code: i16) -> ErrorCode {
        let code = ErrorCode::from_code(code);
        self.trace.tell(format_args!("{correlation} is told {}", code.name()));
        code
    }

    /// Whether something excuses that a log is not read.
    fn may_not_read(&self, partition: usize) -> bool {
        // A disk that takes no writes lets no log be made; one that was open goes on being read.
        self.excuses.reads || self.excuses.opening || (self.excuses.writes && !self.model.partitions[partition].is_open)
    }

    fn excused(&self, code: ErrorCode, what: &str, is_excused: bool) -> Kept {
        let had_its_time = TIMEOUT_MS as u64 <= self.waited_ms;
        let leads_nothing = self.excuses.leading && (NOT_LED.contains(&code) || COORDINATOR_MOVES.contains(&code));
        if is_excused || leads_nothing || (code == ErrorCode::RequestTimedOut && had_its_time) {
            return Ok(());
        }
        broken!("{what} is answered {} without a reason", code.name())
    }

    /// Whether a question was about the topic that has the name now.
    fn is_of_now(&self, place: &Place) -> bool {
        self.model.topics[self.model.partitions[place.number].topic].incarnation == place.incarnation
    }

    fn metadata(&mut self, correlation: i32, bytes: &[u8]) -> Kept {
        let response: MetadataResponse<'_> = read(bytes, version::METADATA, correlation)?;
        for (place, topic) in self.scenario.topics.clone().iter().enumerate() {
            let told = response.topics.iter().find(|told| told.name.as_deref() == Some(topic.name.as_str()));
            match told {
                Some(_) if self.model.topics[place].is_leaving => {}
                Some(told) => {
                    let count = told.partitions.len() as i32;
                    if told.error_code != 0 || count != topic.partitions {
                        let code = ErrorCode::from_code(told.error_code);
                        broken!("{} is told with {count} partitions and {}", topic.name, code.name());
                    }
                    self.model.topic_seen(place, told.topic_id)?;
                }
                None if self.model.topics[place].exists => broken!("{} is there no more", topic.name),
                None => {}
            }
        }
        self.clients[0].is_served |= self.is_healed;
        Ok(())
    }

    fn produced(
        &mut self,
        client: usize,
        partition: &Place,
        batch: usize,
        write: Write,
        code: ErrorCode,
        base: i64,
    ) -> Kept {
        let excuses = self.excuses;
        let known = &mut self.model.partitions[partition.number];
        let (code, base) = match (code, self.scenario.mutant) {
            (ErrorCode::KafkaStorageError, Some(Mutant::RefusalsAcknowledged)) => (ErrorCode::None, known.end()),
            told => (told.0, base),
        };
        let Role::Producer(producer) = &mut self.clients[client].role else { return Ok(()) };
        match code {
            ErrorCode::None if write == Write::Gap => {
                broken!("batch {batch} has sequences that do not come next, and is in {partition} at {base}")
            }
            ErrorCode::None => {
                known.acknowledged(batch, base)?;
                self.tally.acknowledged += 1;
                self.tally.repeated += u64::from(matches!(write, Write::Again(_)));
                self.trace.tell(format_args!("batch {batch} is at {base} of {partition}"));
                (producer.again, producer.last) = (None, Some(batch));
                self.clients[client].is_served |= self.is_healed;
                Ok(())
            }
            ErrorCode::OutOfOrderSequenceNumber if write == Write::Gap => {
                known.batches[batch].fate = Fate::Refused;
                Ok(())
            }
            ErrorCode::KafkaStorageError => {
                self.tally.refused += 1;
                known.is_failed |= known.is_flushed && excuses.only_syncs && write == Write::New;
                self.excused(code, "Produce", excuses.writes)
            }
            code => self.excused(code, "Produce", excuses.opening && code == ErrorCode::NotLeaderOrFollower),
        }
    }

    fn listed(&mut self, client: usize, partition: usize, is_latest: bool, offset: i64) -> Kept {
        let known = &self.model.partitions[partition];
        if is_latest {
            if offset < known.end() {
                broken!("the end of partition {partition} is {offset}, and {} is in it", known.end() - 1);
            }
            return Ok(());
        }
        known.check_start(offset)?;
        if let Role::Consumer { position, .. } = &mut self.clients[client].role {
            *position = Some(offset);
        }
        Ok(())
    }

    fn fetched(&mut self, client: usize, correlation: i32, place: &Place, offset: i64, bytes: &[u8]) -> Kept {
        let response: FetchResponse<'_> = read(bytes, version::FETCH, correlation)?;
        let told = response.responses.iter().next().and_then(|topic| topic.partitions.iter().next());
        let Some(told) = told else { broken!("a fetch of {place} is answered for no partition") };
        let code = self.code(correlation, told.error_code);
        let known = &mut self.model.partitions[place.number];
        let Role::Consumer { position, .. } = &mut self.clients[client].role else { return Ok(()) };
        match code {
            ErrorCode::None => {}
            ErrorCode::OffsetOutOfRange if offset < known.start_max || known.end() < offset => {
                *position = None;
                return Ok(());
            }
            code => return self.excused(code, "Fetch", self.may_not_read(place.number)),
        }
        known.is_open = true;
        let records = match told.records {
            Some(Records::Bytes(records)) => records,
            _ => &[],
        };
        let all = found(place.number, records, |batch| known.batches.get(batch).map(|batch| batch.count))?;
        if told.high_watermark < known.end() {
            broken!("{place} ends at {} and {} is in it", told.high_watermark, known.end() - 1);
        }
        if all.is_empty() && offset < told.high_watermark {
            broken!("a fetch of {place} from {offset} shows nothing, and it ends at {}", told.high_watermark);
        }
        let mut next = offset;
        for one in all {
            let end = one.base + known.batches.get(one.batch).map_or(0, |batch| batch.count);
            if end <= next || next < one.base {
                broken!(
                    "a fetch of {place} from {offset} shows a batch of {}..{end} where {next} comes next",
                    one.base
                );
            }
            known.place(one)?;
            self.tally.read += 1;
            next = end;
        }
        *position = Some(next);
        self.trace.tell(format_args!("{place} is read up to {next} of {}", told.high_watermark));
        self.clients[client].is_served |= self.is_healed && next == told.high_watermark;
        Ok(())
    }

    fn group_answered(&mut self, client: usize, correlation: i32, question: &Question, bytes: &[u8]) -> Kept {
        let (code, wanted) = match question {
            Question::FindCoordinator => {
                let response: FindCoordinatorResponse<'_> = read(bytes, version::FIND_COORDINATOR, correlation)?;
                (response.error_code, Stage::Joining)
            }
            Question::Join { .. } => {
                let response: JoinGroupResponse<'_> = read(bytes, version::JOIN, correlation)?;
                self.joined(client, &response);
                (response.error_code, Stage::Syncing)
            }
            Question::Sync { member, .. } => {
                let response: SyncGroupResponse<'_> = read(bytes, version::SYNC, correlation)?;
                if response.error_code == 0 && *response.assignment != *member.as_bytes() {
                    broken!("member {member} gets the assignment of another");
                }
                (response.error_code, Stage::Stable)
            }
            Question::Heartbeat { .. } => {
                let response: HeartbeatResponse = read(bytes, version::HEARTBEAT, correlation)?;
                (response.error_code, Stage::Stable)
            }
            Question::Commit { partition, offset, is_old, .. } => {
                let response: OffsetCommitResponse<'_> = read(bytes, version::COMMIT, correlation)?;
                let told = response.topics.iter().next().and_then(|topic| topic.partitions.iter().next());
                let Some(told) = told else { broken!("a commit is answered for no partition") };
                if told.error_code == 0 {
                    if *is_old {
                        broken!("a member of a former generation commits {offset}");
                    }
                    let known = &mut self.model.committed[partition.number];
                    known.floor = known.floor.max(*offset);
                    if self.scenario.flushes_all {
                        known.durable = known.floor;
                    }
                    self.tally.commits += 1;
                    self.clients[client].is_served |= self.is_healed;
                }
                (told.error_code, Stage::Stable)
            }
            Question::OffsetFetch(places) => {
                let response: OffsetFetchResponse<'_> = read(bytes, version::OFFSET_FETCH, correlation)?;
                self.offsets_fetched(places, &response)?;
                (response.error_code, Stage::Stable)
            }
            _ => return Ok(()),
        };
        let code = self.code(correlation, code);
        let is_excused = self.excuses.writes || self.excuses.reads || self.excuses.opening;
        let Role::Member(member) = &mut self.clients[client].role else { return Ok(()) };
        member.stage = match code {
            ErrorCode::None => wanted,
            ErrorCode::MemberIdRequired | ErrorCode::RebalanceInProgress => Stage::Joining,
            ErrorCode::IllegalGeneration if matches!(question, Question::Commit { is_old: true, .. }) => member.stage,
            ErrorCode::IllegalGeneration => Stage::Joining,
            ErrorCode::UnknownMemberId => {
                member.id.clear();
                Stage::Joining
            }
            code if COORDINATOR_MOVES.contains(&code) => Stage::Lost,
            code => {
                member.stage = Stage::Lost;
                return self.excused(code, "a member", is_excused);
            }
        };
        Ok(())
    }

    fn joined(&mut self, client: usize, response: &JoinGroupResponse<'_>) {
        let Role::Member(member) = &mut self.clients[client].role else { return };
        if matches!(ErrorCode::from_code(response.error_code), ErrorCode::None | ErrorCode::MemberIdRequired) {
            member.id = response.member_id.clone().into_owned();
        }
        member.generation = response.generation_id;
        member.leads = response.members.iter().map(|member| member.member_id.into_owned()).collect();
    }

    fn offsets_fetched(&mut self, places: &[Place], response: &OffsetFetchResponse<'_>) -> Kept {
        if response.error_code != 0 {
            return Ok(());
        }
        for place in places.iter().filter(|place| self.is_of_now(place)).collect::<Vec<_>>() {
            let topics = response.topics.iter().filter(|topic| topic.name == place.topic);
            let mut told = topics.flat_map(|topic| topic.partitions.iter().collect::<Vec<_>>());
            let Some(told) = told.find(|told| told.partition_index == place.index) else {
                broken!("the committed offset of {place} is not told")
            };
            if told.error_code != 0 {
                let code = ErrorCode::from_code(told.error_code);
                broken!("the committed offset of {place} is answered {}", code.name());
            }
            self.trace.tell(format_args!("{place} is committed up to {}", told.committed_offset));
            self.model.offset_fetched(place.number, told.committed_offset)?;
        }
        Ok(())
    }
}
