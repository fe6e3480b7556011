//! Processes that outlive this program: started, recorded, recognised again, ended.
//!
//! Given a command line; leaves a record (process id, start time, command line) and a log in the cluster's run directory.
//! A process id alone proves nothing, since ids are used again: together with the start time it does, as long as the
//! machine has not been started anew, which [`super::state`] checks.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use crate::program;

/// Between two looks at something that is awaited.
const GLANCE: Duration = Duration::from_millis(100);

/// What is to run.
#[derive(Clone, Debug)]
pub struct Process {
    /// Unique in the cluster; names the record and the log.
    pub name: String,
    /// The program's path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What is added to its environment.
    pub environment: Vec<(String, String)>,
    /// The files that it reads at its start, and what they are to say.
    pub settings: Vec<(PathBuf, String)>,
}

/// A process that was started.
#[derive(Debug, Serialize, Deserialize)]
pub struct Record {
    /// Its id.
    pub pid: i32,
    /// When it started, in the kernel's ticks since the machine did.
    started: u64,
    /// What it runs; a process whose command line should be different is started anew.
    command: Vec<String>,
}

/// The processes of one cluster.
pub struct Processes {
    records: PathBuf,
    logs: PathBuf,
}

impl Process {
    /// A process without additions to its environment and without files of settings.
    pub fn new(name: impl Into<String>, program: impl Into<PathBuf>, arguments: Vec<String>) -> Self {
        Self { name: name.into(), program: program.into(), arguments, environment: Vec::new(), settings: Vec::new() }
    }

    /// Whether its settings are what its files say.
    fn settings_are_written(&self) -> bool {
        self.settings.iter().all(|(file, text)| fs::read_to_string(file).is_ok_and(|written| written == *text))
    }

    fn command(&self) -> Vec<String> {
        let mut command = vec![self.program.display().to_string()];
        command.extend(self.arguments.iter().cloned());
        command
    }
}

impl Processes {
    /// The processes recorded in `run`.
    pub fn of(run: &Path) -> Self {
        Self { records: run.join("processes"), logs: run.join("log") }
    }

    /// Sees to it that `process` runs with this command line and these settings. One that does already is left alone.
    pub fn ensure(&self, process: &Process) -> Result<()> {
        if let Some(record) = self.alive(&process.name) {
            if record.command == process.command() && process.settings_are_written() {
                return Ok(());
            }
            self.end(std::slice::from_ref(&process.name), Duration::from_secs(5))?;
        }
        fs::create_dir_all(&self.records).with_context(|| format!("make {}", self.records.display()))?;
        fs::create_dir_all(&self.logs).with_context(|| format!("make {}", self.logs.display()))?;
        for (file, text) in &process.settings {
            fs::write(file, text).with_context(|| format!("write {}", file.display()))?;
        }
        let log =
            File::create(self.log(&process.name)).with_context(|| format!("create the log of {}", process.name))?;
        // In a session of its own it survives this terminal; setsid becomes the program, so the id stays.
        let child = Command::new("setsid")
            .arg(&process.program)
            .args(&process.arguments)
            .envs(process.environment.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("share the log")?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("start {}", process.name))?;
        let pid = i32::try_from(child.id()).context("a process id is a positive int")?;
        let started = start_time(pid).with_context(|| format!("{} ended at once", process.name))?;
        let record = Record { pid, started, command: process.command() };
        let path = self.record(&process.name);
        fs::write(&path, serde_json::to_vec_pretty(&record)?).with_context(|| format!("write {}", path.display()))
    }

    /// The record of the process called `name`, if it is still running.
    pub fn alive(&self, name: &str) -> Option<Record> {
        let record: Record = serde_json::from_slice(&fs::read(self.record(name)).ok()?).ok()?;
        (start_time(record.pid) == Some(record.started)).then_some(record)
    }

    /// The names of all that were started, running or not, in order.
    pub fn names(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(&self.records) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".json").map(str::to_owned))
            .collect();
        names.sort();
        names
    }

    /// Ends the processes called `names`, asking first and killing those that have not ended within `patience`.
    pub fn end(&self, names: &[String], patience: Duration) -> Result<()> {
        for signal in [Signal::TERM, Signal::KILL] {
            let deadline = Instant::now() + patience;
            for record in names.iter().filter_map(|name| self.alive(name)) {
                send(record.pid, signal);
            }
            while names.iter().any(|name| self.alive(name).is_some()) && Instant::now() < deadline {
                sleep(GLANCE);
            }
        }
        for name in names {
            if let Some(record) = self.alive(name) {
                bail!("{name} (process {}) does not end, not even when killed", record.pid);
            }
            let _ = fs::remove_file(self.record(name));
        }
        Ok(())
    }

    /// Waits until `ready` gives something. If one of the `processes` it depends on ends, or time runs out, the error
    /// says which, shows its last words and where the rest is.
    pub fn wait<T>(
        &self,
        what: &str,
        processes: &[&str],
        patience: Duration,
        mut ready: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let deadline = Instant::now() + patience;
        let mut obstacle = None;
        loop {
            match ready() {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => {}
                Err(error) => obstacle = Some(error),
            }
            if let Some(dead) = processes.iter().find(|name| self.alive(name).is_none()) {
                bail!("{dead} ended while waiting for {what}. {}", self.last_words(dead));
            }
            if Instant::now() >= deadline {
                let mut story = format!("{what}: not after {} s.", patience.as_secs());
                if let Some(obstacle) = obstacle {
                    story.push_str(&format!("\nThe last attempt: {obstacle:#}"));
                }
                for name in processes {
                    story.push_str(&format!("\n{}", self.last_words(name)));
                }
                bail!("{story}");
            }
            sleep(GLANCE);
        }
    }

    /// Where the process called `name` logs.
    pub fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }

    /// The end of the log of `name`, with its place.
    fn last_words(&self, name: &str) -> String {
        let log = self.log(name);
        let said = fs::read(&log).unwrap_or_default();
        format!("The last lines of {}:\n{}", log.display(), program::last_lines(&String::from_utf8_lossy(&said)))
    }

    fn record(&self, name: &str) -> PathBuf {
        self.records.join(format!("{name}.json"))
    }
}

/// Sends a signal to a process of ours that may have ended meanwhile.
pub fn send(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        // The only errors are that it is gone, which is what we want, or not ours, which the next look will show.
        let _ = kill_process(pid, signal);
    }
}

/// When the process with this id started, in ticks since the machine did; nothing when there is none or only its shell.
fn start_time(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in brackets and may itself hold spaces and brackets.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let is_zombie = matches!(fields.next()?, "Z" | "X");
    let started = fields.nth(18)?.parse().ok()?; // field 22 of the line
    (!is_zombie).then_some(started)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(test: &str) -> PathBuf {
        std::env::temp_dir().join(format!("ottla-processes-{}-{test}", std::process::id()))
    }

    #[test]
    fn a_process_is_started_once_recognised_and_ended() {
        let run = place("once");
        let processes = Processes::of(&run);
        let sleeper = Process::new("sleeper", "/bin/sleep", vec!["60".to_owned()]);
        processes.ensure(&sleeper).unwrap();
        let pid = processes.alive("sleeper").unwrap().pid;
        processes.ensure(&sleeper).unwrap();
        assert_eq!(processes.alive("sleeper").unwrap().pid, pid);

        let longer = Process::new("sleeper", "/bin/sleep", vec!["61".to_owned()]);
        processes.ensure(&longer).unwrap();
        assert_ne!(processes.alive("sleeper").unwrap().pid, pid, "another command line is another process");

        let pid = processes.alive("sleeper").unwrap().pid;
        let told = Process { settings: vec![(run.join("settings"), "deeply".to_owned())], ..longer };
        processes.ensure(&told).unwrap();
        assert_ne!(processes.alive("sleeper").unwrap().pid, pid, "settings are read at the start only");
        assert_eq!(fs::read_to_string(run.join("settings")).unwrap(), "deeply");

        processes.end(&processes.names(), Duration::from_secs(5)).unwrap();
        assert!(processes.alive("sleeper").is_none());
        assert!(processes.names().is_empty());
        fs::remove_dir_all(run).unwrap();
    }

    #[test]
    fn a_record_of_another_process_with_the_same_id_is_not_alive() {
        let run = place("stranger");
        let processes = Processes::of(&run);
        fs::create_dir_all(run.join("processes")).unwrap();
        let own = i32::try_from(std::process::id()).unwrap();
        let stranger = Record { pid: own, started: start_time(own).unwrap() + 1, command: Vec::new() };
        fs::write(processes.record("stranger"), serde_json::to_vec(&stranger).unwrap()).unwrap();
        assert!(processes.alive("stranger").is_none());
        processes.end(&["stranger".to_owned()], Duration::ZERO).unwrap();
        fs::remove_dir_all(run).unwrap();
    }

    #[test]
    fn a_wait_ends_with_the_last_words_of_who_died() {
        let run = place("words");
        let processes = Processes::of(&run);
        let failing =
            Process::new("failing", "/bin/sh", vec!["-c".to_owned(), "sleep 0.1; echo no such luck >&2".to_owned()]);
        processes.ensure(&failing).unwrap();
        let error =
            processes.wait::<()>("luck", &["failing"], Duration::from_secs(10), || Ok(None)).unwrap_err().to_string();
        assert!(error.starts_with("failing ended while waiting for luck"), "{error}");
        assert!(error.ends_with("no such luck"), "{error}");
        fs::remove_dir_all(run).unwrap();
    }
}
