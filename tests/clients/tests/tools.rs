//! Kafka's own command-line tools against our broker: the transcripts in `tools/` are what they print against Apache Kafka,
//! and they print the same against ours.
//!
//! A transcript is text: a line `$ tool arguments` is run, and what it prints must be the lines that follow, up to an empty
//! line; `< text` lines before it are its standard input; `= status` after it is the exit status when it is not zero.
//! Blanks within an argument are written `\_`, `--bootstrap-server` is added where neither it nor a controller is named.
//! What differs at every run is masked: `BOOTSTRAP`, `CONTROLLER`, `DATA`, `UUID`; after `$~` all numbers are `N` too.
//! `$%` sorts the lines. `$&` starts a tool that goes on beside the others, `$^ number` ends the one of this number (from 0).
//! After `$!` comes what ours has otherwise than Apache Kafka, with the reason in a `#` line above it.
//!
//! `OTTLA_TEST_AGAINST=apache-kafka OTTLA_TRANSCRIBE=1` writes the transcripts anew, but for `$!`, which the same without
//! `apache-kafka` writes. Read every changed line.

#![allow(clippy::unwrap_used)] // a failed test may panic anywhere

use std::path::PathBuf;
use std::time::{Duration, Instant};

use ottla_harness::process::Process;
use ottla_test_clients::tool::{self, Ran, Tools};
use ottla_test_clients::{Broker, install};

/// A question about state that the broker has yet to reach (Apache Kafka answers before its own metadata is up to date).
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Clone, Debug, Default)]
struct Case {
    comments: Vec<String>,
    input: Vec<String>,
    mark: String,
    command: String,
    expected: Vec<String>,
}

impl Case {
    fn is_of_ours_only(&self) -> bool {
        self.mark.contains('!')
    }

    /// What may be asked twice.
    fn is_question(&self) -> bool {
        ["--describe", "--list", "describe", "get-offsets", "cluster-id"].iter().any(|word| self.command.contains(word))
    }

    fn render(&self) -> String {
        let input = self.input.iter().map(|line| format!("< {line}"));
        let command = format!("${} {}", self.mark, self.command);
        let lines = self.comments.iter().cloned().chain(input).chain([command]).chain(self.expected.iter().cloned());
        lines.map(|line| line + "\n").collect::<String>()
    }
}

fn parse(text: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for block in text.split("\n\n") {
        let mut case = Case::default();
        for line in block.lines().filter(|line| !line.is_empty()) {
            if !case.command.is_empty() {
                case.expected.push(line.to_owned());
            } else if let Some(rest) = line.strip_prefix('$') {
                let (mark, command) = rest.split_once(' ').unwrap();
                (case.mark, case.command) = (mark.to_owned(), command.to_owned());
            } else if let Some(input) = line.strip_prefix("< ") {
                case.input.push(input.to_owned());
            } else {
                assert!(line.starts_with('#'), "neither command nor comment: {line}");
                case.comments.push(line.to_owned());
            }
        }
        cases.push(case);
    }
    cases
}

/// A broker and the words that stand for its places in a transcript.
struct Stage {
    broker: Broker,
    tools: Tools,
    /// Tools that go on.
    beside: Vec<Process>,
    folder: PathBuf,
    /// The file that says which records to delete: the first two of `orders`.
    records_to_delete: PathBuf,
}

impl Stage {
    fn words(&self) -> [(&'static str, String); 6] {
        let (controller, data) = match &self.broker {
            Broker::Ottla(broker) => (&broker.controller, &broker.data),
            Broker::Apache(broker) => (&broker.controller, &broker.data),
        };
        let port = |address: &str| address.rsplit_once(':').unwrap().1.to_owned();
        [
            ("BOOTSTRAP", self.broker.bootstrap().to_owned()),
            ("CONTROLLER", controller.clone()),
            ("DATA", data.display().to_string()),
            ("PORT_OF_BROKER", port(self.broker.bootstrap())),
            ("PORT_OF_QUORUM", port(controller)),
            ("RECORDS", self.records_to_delete.display().to_string()),
        ]
    }

    fn run(&mut self, case: &Case) -> Vec<String> {
        if case.mark.contains('^') {
            self.beside[case.command.parse::<usize>().unwrap()].terminate(PATIENCE).unwrap();
            return Vec::new();
        }
        let mut command = case.command.clone();
        if !["BOOTSTRAP", "CONTROLLER"].iter().any(|word| command.contains(word)) {
            command += " --bootstrap-server BOOTSTRAP";
        }
        for (word, place) in self.words() {
            command = command.replace(word, &place);
        }
        let arguments: Vec<String> = command.split(' ').map(|argument| argument.replace("\\_", " ")).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        if case.mark.contains('&') {
            let log = self.folder.join(format!("beside-{}.log", self.beside.len()));
            let mut command = tool::alone(arguments[0], &arguments[1..]).unwrap();
            self.beside.push(Process::start(arguments[0], &mut command, &log).unwrap());
            return Vec::new();
        }
        let input: String = case.input.iter().map(|line| line.to_owned() + "\n").collect();
        let ran = self.tools.run(arguments[0], &arguments[1..], Some(&input)).unwrap();
        let mut lines = self.masked(&ran, case.mark.contains('~'));
        if case.mark.contains('%') {
            // Columns are as wide as members' ids.
            lines = lines.iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
            lines.sort();
        }
        lines
    }

    fn masked(&self, ran: &Ran, without_numbers: bool) -> Vec<String> {
        let mut text = ran.output.replace('\r', "\n") + &complaint(&ran.errors);
        for (word, place) in self.words() {
            text = text.replace(&place, word);
        }
        let mut lines: Vec<String> = text.lines().map(|line| line.trim_end().replace('\t', "  ")).collect();
        lines.retain(|line| !line.is_empty());
        for line in &mut lines {
            *line = without_uuids(line);
            if let Some((before, _)) = line.rsplit_once("Epoch: ") {
                *line = format!("{before}Epoch: N"); // how many records the metadata log has
            }
            if without_numbers {
                // Columns are as wide as their numbers.
                *line = without_numbers_in(line).split_whitespace().collect::<Vec<_>>().join(" ");
            }
        }
        if ran.status != 0 {
            lines.push(format!("= {}", ran.status));
        }
        lines
    }
}

/// Of an error the words, not the places in Kafka's source; of what was logged the errors.
fn complaint(errors: &str) -> String {
    let is_place = |line: &str| {
        let line = line.trim_start();
        ["at ", "... ", "Caused by:"].iter().any(|start| line.starts_with(start))
    };
    let words = errors.lines().filter_map(|line| match line.strip_prefix('[') {
        Some(logged) => logged.split_once("] ERROR ").map(|(_, words)| words),
        None => Some(line).filter(|line| !is_place(line)),
    });
    words.map(|line| line.to_owned() + "\n").collect()
}

/// Ids of topics, directories and clusters, 22 letters of URL-safe base64 that stand alone, of which Kafka makes new ones
/// at every run (a word of the same length in small letters is none), and of members, which end in 36 letters of their
/// own form.
fn without_uuids(line: &str) -> String {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    let mut masked = String::new();
    for piece in line.split_inclusive(|letter: char| !is_letter(letter)) {
        let word = piece.trim_end_matches(|letter: char| !is_letter(letter));
        let is_id = word.len() == 22
            && !word.ends_with("Exception")
            && word.chars().any(|letter| letter.is_ascii_uppercase())
            && word.chars().any(|letter| letter.is_ascii_lowercase());
        let of_member = word.len().checked_sub(36).and_then(|start| Some((word.get(..start)?, word.get(start..)?)));
        let of_member = of_member.filter(|(_, id)| {
            let parts = id.split('-').map(|part| (part.len(), part.chars().all(|letter| letter.is_ascii_hexdigit())));
            parts.eq([8, 4, 4, 4, 12].map(|length| (length, true)))
        });
        masked += &if let Some((before, _)) = of_member {
            piece.replace(word, &format!("{before}UUID"))
        } else if is_id {
            piece.replace(word, "UUID")
        } else {
            piece.to_owned()
        };
    }
    masked
}

fn without_numbers_in(line: &str) -> String {
    let mut masked = String::new();
    for letter in line.chars() {
        match letter {
            '0'..='9' if masked.ends_with('N') => {}
            '0'..='9' => masked.push('N'),
            _ => masked.push(letter),
        }
    }
    masked.replace("N.N", "N").replace("-N", "N")
}

fn check(name: &str) {
    let file: PathBuf = install::sources().join("tools").join(format!("{name}.txt"));
    let text = std::fs::read_to_string(&file).unwrap();
    let cases = parse(&text);
    let is_transcribed = std::env::var_os("OTTLA_TRANSCRIBE").is_some();
    let folder = tempfile::tempdir().unwrap();
    let records_to_delete = folder.path().join("records-to-delete.json");
    let first_two = r#"{"partitions": [{"topic": "orders", "partition": 0, "offset": 2}], "version": 1}"#;
    std::fs::write(&records_to_delete, first_two).unwrap();
    let mut stage = Stage {
        broker: Broker::start_configured(folder.path(), &["num.partitions=1".to_owned()]).unwrap(),
        tools: Tools::start().unwrap(),
        beside: Vec::new(),
        folder: folder.path().to_owned(),
        records_to_delete,
    };
    let is_ours = matches!(stage.broker, Broker::Ottla(_));
    let (mut written, mut wrong) = (Vec::new(), Vec::new());
    for case in cases {
        let deadline = Instant::now() + PATIENCE;
        let mut printed = stage.run(&case);
        while !is_transcribed && printed != case.expected && case.is_question() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(200));
            printed = stage.run(&case);
        }
        let decides = is_ours || !case.is_of_ours_only();
        let new = Case { expected: printed, ..case.clone() };
        if decides && new.expected != case.expected {
            wrong.push(format!("--- expected\n{}--- printed\n{}", case.render(), new.render()));
        }
        written.push(if is_transcribed && is_ours == case.is_of_ours_only() { new } else { case });
    }
    if is_transcribed {
        std::fs::write(&file, written.iter().map(Case::render).collect::<Vec<_>>().join("\n")).unwrap();
    }
    assert!(wrong.is_empty(), "{name}: {} commands print something else:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn topics_are_made_changed_and_removed() {
    check("topics");
}

#[test]
fn records_are_written_read_and_deleted() {
    check("records");
}

#[test]
fn groups_are_described_reset_and_removed() {
    check("groups");
}

#[test]
fn members_share_leave_and_come_back() {
    check("members");
}

#[test]
fn the_cluster_tells_of_itself() {
    check("cluster");
}
