//! A member of a consumer group that goes on reading until it is ended, watched as it reads: which partitions it was last
//! given, and every record so far.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::Record;

/// After the end of its input a program commits, leaves its group and ends; one that does not is killed.
const FAREWELL: Duration = Duration::from_secs(15);

/// A running program of the command `follow`. Dropping it kills it.
#[derive(Debug)]
pub struct Follower {
    name: String,
    child: Child,
    seen: Arc<Mutex<Seen>>,
    readers: Vec<JoinHandle<()>>,
}

/// What a follower has printed.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The partitions of its latest assignment.
    pub assigned: Vec<(String, i32)>,
    /// How often it was given partitions.
    pub assignments: usize,
    /// Every record with its topic, in the order in which it was read; one that was read twice is there twice.
    pub records: Vec<(String, Record)>,
    /// What it complained of, and lines that were no record.
    pub complaints: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Assigned {
        assigned: Vec<(String, i32)>,
    },
    Read {
        topic: String,
        #[serde(flatten)]
        record: Record,
    },
}

impl Follower {
    /// Starts `command` (of [`crate::Client::follower`], perhaps wrapped) with its arguments.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(name: &str, mut command: Command, bootstrap: &str, topics: &[&str], group: &str) -> Result<Follower> {
        command.args(["follow", bootstrap, &topics.join(","), group]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {command:?}"))?;
        let seen = Arc::new(Mutex::new(Seen::default()));
        let output = child.stdout.take().context("open the program's output")?;
        let errors = child.stderr.take().context("open the program's errors")?;
        let readers =
            vec![watch(output, Arc::clone(&seen), Seen::hear), watch(errors, Arc::clone(&seen), Seen::complain)];
        Ok(Follower { name: name.to_owned(), child, seen, readers })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it has printed so far.
    pub fn seen(&self) -> Seen {
        self.seen.lock().expect("no reader panics").clone()
    }

    /// The same for one question, without copying all.
    pub fn ask<T>(&self, question: impl FnOnce(&Seen) -> T) -> T {
        question(&self.seen.lock().expect("no reader panics"))
    }

    /// An error with its complaints if it has ended, which only a failure makes it do.
    ///
    /// # Errors
    /// When it has ended.
    pub fn check(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait().with_context(|| format!("look after {}", self.name))? {
            bail!("{} ended with {status}:\n{}", self.name, self.ask(|seen| seen.complaints.join("\n")));
        }
        Ok(())
    }

    /// Lets it commit, leave its group and end, and gives all that it has read.
    ///
    /// # Errors
    /// When it does not end, or fails.
    pub fn end(mut self) -> Result<Seen> {
        drop(self.child.stdin.take());
        let deadline = Instant::now() + FAREWELL;
        let status = loop {
            match self.child.try_wait().with_context(|| format!("wait for {}", self.name))? {
                Some(status) => break status,
                None if Instant::now() > deadline => bail!("{} does not end within {FAREWELL:?}", self.name),
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        for reader in self.readers.drain(..) {
            reader.join().map_err(|_| anyhow::anyhow!("a reader of {} panicked", self.name))?;
        }
        if !status.success() {
            bail!("{} ended with {status}:\n{}", self.name, self.ask(|seen| seen.complaints.join("\n")));
        }
        Ok(self.seen())
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // Both fail when it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Seen {
    fn hear(&mut self, line: &str) {
        match serde_json::from_str(line) {
            Ok(Line::Assigned { assigned }) => {
                self.assigned = assigned;
                self.assignments += 1;
            }
            Ok(Line::Read { topic, record }) => self.records.push((topic, record)),
            Err(_) => self.complain(line),
        }
    }

    fn complain(&mut self, line: &str) {
        self.complaints.push(line.to_owned());
    }
}

fn watch(pipe: impl Read + Send + 'static, seen: Arc<Mutex<Seen>>, hear: fn(&mut Seen, &str)) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            hear(&mut seen.lock().expect("no reader panics"), &String::from_utf8_lossy(&line));
        }
    })
}
