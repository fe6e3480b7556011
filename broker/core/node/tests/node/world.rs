//! One node driven by one thread, without a server: it is handed frames and the time, and what its effects ask for is
//! done here. The tests beside this file ask it things.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ottla_api::{AllowAll, Authorizer, FixedLoggers, Listener, ListenerRole, Loggers, Peer, Quotas};
use ottla_commit_log::Descriptor;
use ottla_config::{BrokerConfig, Properties};
use ottla_disk::Disk;
use ottla_node::{BootError, Close, DescriptorOf, Handled, Node, Reply, Setup, Token, format_if_new};
use ottla_records::{BatchBuilder, BatchOptions, batches};
use ottla_vocabulary::{Instant, Now, Principal, ProducerEpoch, ProducerId, Sequence, Timestamp, Uuid};
use ottla_wire::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use ottla_wire::fetch_request::{FetchPartition, FetchTopic};
use ottla_wire::frame::request_frame;
use ottla_wire::produce_request::{PartitionProduceData, TopicProduceData};
use ottla_wire::{
    ApiKey, CreateTopicsRequest, CreateTopicsResponse, ErrorCode, FetchRequest, FetchResponse, Message, ProduceRequest,
    ProduceResponse, Reader, Records, ResponseHeader,
};

/// One node, its clock, and who asks.
pub(crate) struct World {
    pub(crate) node: Node<Disk>,
    pub(crate) now: Now,
    pub(crate) peer: Peer,
    next_token: u64,
}

/// What became of a request.
pub(crate) enum Came {
    Reply(Vec<u8>),
    Later(Token),
    Silent,
    Close(Close),
}

pub(crate) fn config(folder: &Path, more: &str) -> BrokerConfig {
    let text = format!(
        "process.roles=broker,controller\nnode.id=1\nlisteners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093\n\
         controller.listener.names=CONTROLLER\ncontroller.quorum.bootstrap.servers=127.0.0.1:9093\nlog.dirs={}\n\
         offsets.topic.replication.factor=1\n{more}\n",
        folder.display()
    );
    BrokerConfig::load(&Properties::parse(&text).unwrap()).unwrap().0
}

pub(crate) fn at(millis: u64) -> Now {
    Now { instant: Instant::from_millis(millis), wall: Timestamp(1_700_000_000_000 + millis as i64) }
}

pub(crate) fn open(folder: &Path, more: &str, now: Now) -> Result<Node<Disk>, BootError> {
    open_with(folder, more, now, Box::new(AllowAll), Box::new(FixedLoggers))
}

fn open_with(
    folder: &Path,
    more: &str,
    now: Now,
    authorizer: Box<dyn Authorizer>,
    loggers: Box<dyn Loggers>,
) -> Result<Node<Disk>, BootError> {
    let (files, config) = (Disk::new(64), config(folder, more));
    format_if_new(&files, &config, 7, now)?;
    let quotas = Box::new(EverybodyWaits);
    // Every life of a process draws another incarnation.
    static LIVES: AtomicU64 = AtomicU64::new(8);
    let seed = LIVES.fetch_add(1, Ordering::Relaxed);
    Node::open(Setup { files, config, seed, authorizer, quotas, loggers }, now)
}

/// What the quota hook says of every request; every answer must carry it.
pub(crate) const HELD_MS: u32 = 7;

/// Holds every client back.
struct EverybodyWaits;

impl Quotas for EverybodyWaits {
    fn charge(&self, _: Now, _: &Peer, _: Option<&str>, _: ApiKey, _: usize) -> u32 {
        HELD_MS
    }
}

impl World {
    pub(crate) fn new(folder: &Path, more: &str) -> World {
        World::guarded(folder, more, Box::new(AllowAll))
    }

    pub(crate) fn guarded(folder: &Path, more: &str, authorizer: Box<dyn Authorizer>) -> World {
        World::of(open_with(folder, more, at(1000), authorizer, Box::new(FixedLoggers)).unwrap())
    }

    pub(crate) fn logging(folder: &Path, loggers: Box<dyn Loggers>) -> World {
        World::of(open_with(folder, "", at(1000), Box::new(AllowAll), loggers).unwrap())
    }

    fn of(node: Node<Disk>) -> World {
        let listener = Listener { name: "PLAINTEXT".to_owned(), role: ListenerRole::Broker };
        let peer = Peer {
            principal: Principal::anonymous(),
            address: ([127, 0, 0, 1], 40_000).into(),
            listener: Arc::new(listener),
        };
        World { node, now: at(1000), peer, next_token: 1 }
    }

    pub(crate) fn send<'a, M: Message<'a>>(&mut self, request: &M, version: i16) -> Came {
        let frame = request_frame(request, version, 5, Some("test")).unwrap().into_bytes();
        self.send_frame(&frame[4..])
    }

    pub(crate) fn send_frame(&mut self, frame: &[u8]) -> Came {
        let token = Token(self.next_token);
        self.next_token += 1;
        match self.node.handle(self.now, &self.peer, token, frame) {
            Handled::Reply(reply) => Came::Reply(whole(&reply)),
            Handled::Later => Came::Later(token),
            Handled::Silent { mute_ms } => {
                assert_eq!(mute_ms, HELD_MS, "no answer is no way around a quota");
                Came::Silent
            }
            Handled::Close(close) => Came::Close(close),
        }
    }

    /// The late reply under a token, if it has come; syncs the metadata log when that is asked for.
    pub(crate) fn late(&mut self, token: Token) -> Option<Vec<u8>> {
        let mut found = None;
        while let Some(effects) = self.node.effects() {
            if effects.sync_metadata {
                self.node.sync_metadata(self.now);
            }
            let own = effects.replies.into_iter().find(|(other, _)| *other == token);
            found = found.or(own.map(|(_, reply)| whole(&reply)));
        }
        found
    }

    /// Sends a request and waits for its reply, syncing as needed.
    pub(crate) fn ask<'a, M: Message<'a>>(&mut self, request: &M, version: i16) -> Vec<u8> {
        match self.send(request, version) {
            Came::Reply(bytes) => bytes,
            Came::Later(token) => self.late(token).expect("the reply comes once the disk has synced"),
            Came::Silent | Came::Close(_) => panic!("no reply"),
        }
    }

    pub(crate) fn pass(&mut self, millis: u64) {
        self.now = at(self.now.instant.as_millis() + millis);
        self.node.tick(self.now);
    }

    pub(crate) fn create(&mut self, name: &str, partitions: i32) -> i16 {
        self.create_with(name, partitions, &[])
    }

    pub(crate) fn create_with(&mut self, name: &str, partitions: i32, configs: &[(&str, &str)]) -> i16 {
        let config = |(name, value): &(&str, &str)| CreatableTopicConfig {
            name: (*name).to_owned().into(),
            value: Some((*value).to_owned().into()),
        };
        let configs: Vec<_> = configs.iter().map(config).collect();
        let topic = CreatableTopic {
            name: name.to_owned().into(),
            num_partitions: partitions,
            replication_factor: 1,
            configs: configs.into(),
            ..CreatableTopic::default()
        };
        let request = CreateTopicsRequest { topics: vec![topic].into(), timeout_ms: 1000, validate_only: false };
        let bytes = self.ask(&request, 7);
        read::<CreateTopicsResponse<'_>>(&bytes, 7).topics.iter().next().unwrap().error_code
    }

    pub(crate) fn topic_id(&mut self, name: &str) -> Uuid {
        self.node.image().topics.by_text(name).unwrap().id.0
    }

    /// Produces to partition 0; answers code and base offset.
    pub(crate) fn produce(&mut self, name: &str, batch: &[u8], acks: i16) -> Option<(ErrorCode, i64)> {
        let topic_id = self.topic_id(name);
        let partition = PartitionProduceData { index: 0, records: Some(Records::Bytes(batch)) };
        let topic =
            TopicProduceData { topic_id, partition_data: vec![partition].into(), ..TopicProduceData::default() };
        let request =
            ProduceRequest { acks, timeout_ms: 1000, topic_data: vec![topic].into(), ..ProduceRequest::default() };
        match self.send(&request, 13) {
            Came::Reply(bytes) => {
                let response = read::<ProduceResponse<'_>>(&bytes, 13);
                let topic = response.responses.iter().next().unwrap();
                let partition = topic.partition_responses.iter().next().unwrap();
                Some((ErrorCode::from_code(partition.error_code), partition.base_offset))
            }
            Came::Silent => None,
            Came::Later(_) | Came::Close(_) => panic!("a produce is answered at once"),
        }
    }

    pub(crate) fn fetch(&mut self, name: &str, offset: i64, session: (i32, i32), wait_ms: i32) -> Came {
        let topic_id = self.topic_id(name);
        let partition =
            FetchPartition { partition: 0, fetch_offset: offset, partition_max_bytes: 1 << 20, ..Default::default() };
        let topic = FetchTopic { topic_id, partitions: vec![partition].into(), ..FetchTopic::default() };
        let request = FetchRequest {
            max_wait_ms: wait_ms,
            min_bytes: 1,
            max_bytes: 1 << 20,
            session_id: session.0,
            session_epoch: session.1,
            topics: vec![topic].into(),
            ..FetchRequest::default()
        };
        self.send(&request, 17)
    }
}

pub(crate) fn whole(reply: &Reply<DescriptorOf<Disk>>) -> Vec<u8> {
    assert_eq!(reply.mute_ms, HELD_MS, "the client is held back after every answer");
    let mut bytes = Vec::new();
    let mut sent = 0;
    for splice in &reply.splices {
        bytes.extend_from_slice(&reply.bytes[sent..splice.at]);
        sent = splice.at;
        let mut span = vec![0; splice.length as usize];
        assert_eq!(splice.descriptor.read_at(splice.position, &mut span).unwrap(), span.len());
        bytes.extend(span);
    }
    bytes.extend_from_slice(&reply.bytes[sent..]);
    let announced = u32::from_be_bytes(*bytes.first_chunk().unwrap()) as usize;
    assert_eq!(announced, bytes.len() - 4, "a reply is as long as it says");
    bytes
}

pub(crate) fn read<'a, M: Message<'a>>(bytes: &'a [u8], version: i16) -> M {
    let api = ApiKey::from_key(M::KEY).unwrap();
    let mut reader = Reader::new(&bytes[4..]);
    assert_eq!(ResponseHeader::read_frame(&mut reader, api, version).unwrap().correlation_id, 5);
    let message = M::read(&mut reader, version).unwrap();
    reader.finish().unwrap();
    message
}

pub(crate) fn batch(values: &[&str], producer: Option<(i64, i32)>) -> Vec<u8> {
    batch_at(values, producer, Timestamp(1_700_000_000_000))
}

pub(crate) fn batch_at(values: &[&str], producer: Option<(i64, i32)>, time: Timestamp) -> Vec<u8> {
    let (id, sequence) = producer.unwrap_or((-1, -1));
    let options = BatchOptions {
        producer_id: ProducerId(id),
        producer_epoch: ProducerEpoch(if id < 0 { -1 } else { 0 }),
        base_sequence: Sequence(sequence),
        ..BatchOptions::default()
    };
    let mut builder = BatchBuilder::new(options);
    for value in values {
        builder.push(time, Some(b"key"), Some(value.as_bytes()), &[]);
    }
    builder.finish().unwrap()
}

/// The values that a fetch's answer brings, or its partition's error.
pub(crate) fn values(bytes: &[u8]) -> Result<Vec<String>, ErrorCode> {
    let response = read::<FetchResponse<'_>>(bytes, 17);
    let mut found = Vec::new();
    for topic in &response.responses {
        for partition in &topic.partitions {
            if partition.error_code != 0 {
                return Err(ErrorCode::from_code(partition.error_code));
            }
            let Some(Records::Bytes(records)) = partition.records else { continue };
            for batch in batches(records) {
                let mut decompressor = ottla_records::Decompressor::new();
                let batch = batch.unwrap();
                for record in batch.records(&mut decompressor, 1 << 20).unwrap() {
                    found.push(String::from_utf8(record.unwrap().value.unwrap().to_vec()).unwrap());
                }
            }
        }
    }
    Ok(found)
}

pub(crate) fn reply(came: Came) -> Vec<u8> {
    match came {
        Came::Reply(bytes) => bytes,
        _ => panic!("no reply at once"),
    }
}

pub(crate) fn later(came: &Came) -> Token {
    match came {
        Came::Later(token) => *token,
        _ => panic!("answered at once"),
    }
}
