//! Apache Kafka's own classes, asked over a pipe; `RecordsOracle.java` beside this file answers.

use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use ottla_harness::java::{Jars, compiled};
use ottla_records::ProduceRules;
use ottla_records::batch::TimestampType;
use ottla_vocabulary::Timestamp;

use crate::specimens::Specimen;

/// Where Kafka's log begins, and who leads it.
pub(crate) const LOG_START: i64 = 100;
pub(crate) const LEADER_EPOCH: i32 = 7;

pub(crate) struct Oracle {
    java: Child,
    questions: BufWriter<ChildStdin>,
    answers: ChildStdout,
    _folder: tempfile::TempDir,
}

/// What Kafka's leader does with what a producer sends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Produced {
    /// The log's content afterwards.
    Stored(Vec<u8>),
    Refused {
        code: i16,
        message: String,
        records: Vec<String>,
    },
}

impl Oracle {
    pub(crate) fn start() -> Oracle {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kafka/RecordsOracle.java");
        let mut command = compiled(Jars::Kafka, &[source], "RecordsOracle").expect("Java and the jars of Kafka");
        let folder = tempfile::tempdir().expect("a folder for Kafka's log");
        command.arg(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut java = command.spawn().expect("start java");
        let questions = BufWriter::new(java.stdin.take().expect("piped"));
        let answers = java.stdout.take().expect("piped");
        Oracle { java, questions, answers, _folder: folder }
    }

    /// The batch as Kafka's builder makes it; `level` as in its codec's configuration.
    pub(crate) fn build(&mut self, specimen: &Specimen, is_control: bool, level: Option<i32>) -> Vec<u8> {
        let options = &specimen.options;
        let mut question = vec![b'B', options.compression.codec.id()];
        put_i32(&mut question, level.unwrap_or(i32::MIN));
        question.push(u8::from(options.append_time.is_some()));
        put_i64(&mut question, options.base_offset.0);
        put_i64(&mut question, options.append_time.map_or(-1, |time| time.0));
        put_i64(&mut question, options.producer_id.0);
        question.extend(options.producer_epoch.0.to_be_bytes());
        put_i32(&mut question, options.base_sequence.0);
        question.push(u8::from(options.is_transactional));
        question.push(u8::from(is_control));
        put_i32(&mut question, options.partition_leader_epoch.0);
        put_i64(&mut question, options.delete_horizon.map_or(-1, |time| time.0));
        put_i32(&mut question, specimen.records.len() as i32);
        for (offset, record) in specimen.placed() {
            put_i64(&mut question, offset.0);
            put_i64(&mut question, record.timestamp.0);
            put_bytes(&mut question, record.key.as_deref());
            put_bytes(&mut question, record.value.as_deref());
            put_i32(&mut question, record.headers.len() as i32);
            for (key, value) in &record.headers {
                put_bytes(&mut question, Some(key.as_bytes()));
                put_bytes(&mut question, value.as_deref());
            }
        }
        self.ask(&question)
    }

    /// What Kafka's reader sees in these bytes, as text; see `description`.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> String {
        let mut question = vec![b'R'];
        put_bytes(&mut question, Some(bytes));
        String::from_utf8(self.ask(&question)).expect("text")
    }

    /// Sends these bytes to Kafka's log as the records of one partition.
    pub(crate) fn produce(&mut self, bytes: &[u8], rules: &ProduceRules, now: Timestamp) -> Produced {
        let mut question = vec![b'P'];
        question.extend(rules.produce_version.to_be_bytes());
        put_i64(&mut question, now.0);
        put_bytes(&mut question, Some(config(rules).as_bytes()));
        put_bytes(&mut question, Some(bytes));
        let answer = self.ask(&question);
        if let Some(stored) = answer.strip_prefix(b"ok\n") {
            return Produced::Stored(stored.to_vec());
        }
        let answer = String::from_utf8(answer).expect("text");
        let mut lines = answer.lines().map(str::to_owned);
        let first = lines.next().expect("a refusal");
        let code = first.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a code");
        Produced::Refused { code, message: lines.next().expect("a message"), records: lines.collect() }
    }

    fn ask(&mut self, question: &[u8]) -> Vec<u8> {
        self.questions.write_all(question).and_then(|()| self.questions.flush()).expect("ask java");
        let mut length = [0; 4];
        self.answers.read_exact(&mut length).expect("java answers; its reason is above");
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        self.answers.read_exact(&mut answer).expect("java answers in full");
        answer
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        self.java.kill().expect("stop java");
        self.java.wait().expect("stop java");
    }
}

/// The topic's configuration as Kafka takes it.
fn config(rules: &ProduceRules) -> String {
    let timestamp_type = match rules.timestamp_type {
        TimestampType::CreateTime => "CreateTime",
        TimestampType::LogAppendTime => "LogAppendTime",
    };
    let compression = match rules.compression {
        None => "producer",
        Some(compression) if compression.codec.id() == 0 => "uncompressed",
        Some(compression) => compression.codec.name(),
    };
    format!(
        "max.message.bytes={}\nmax.decompressed.message.bytes={}\ncompression.type={compression}\n\
         message.timestamp.type={timestamp_type}\nmessage.timestamp.before.max.ms={}\n\
         message.timestamp.after.max.ms={}\ncleanup.policy={}\n",
        rules.max_message_bytes,
        rules.max_decompressed_message_bytes,
        rules.timestamp_before_max_ms,
        rules.timestamp_after_max_ms,
        if rules.is_compacted { "compact" } else { "delete" },
    )
}

fn put_i32(out: &mut Vec<u8>, value: i32) {
    out.extend(value.to_be_bytes());
}

fn put_i64(out: &mut Vec<u8>, value: i64) {
    out.extend(value.to_be_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    put_i32(out, bytes.map_or(-1, |bytes| bytes.len() as i32));
    out.extend_from_slice(bytes.unwrap_or_default());
}
