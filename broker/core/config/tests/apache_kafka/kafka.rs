//! One run of `ConfigFacts`: questions in, answers out, as tab-separated lines.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use ottla_harness::java::{self, Jars};

/// The answer to a question that can be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The value; null is none.
    Good(Option<String>),
    /// Kafka's complaint.
    Bad(String),
}

#[allow(clippy::disallowed_methods)] // this is a shell, not a core
/// Asks all questions in one run of Java and gives the lines of the answers, split and unescaped.
pub(crate) fn ask(questions: &[Vec<&str>]) -> Vec<Vec<Option<String>>> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/java/ConfigFacts.java");
    let mut child = java::compiled(Jars::Kafka, &[source], "ConfigFacts")
        .expect("Java and Kafka's jars")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("java starts");
    let text: String = questions
        .iter()
        .map(|words| words.iter().map(|word| escape(word)).collect::<Vec<_>>().join("\t") + "\n")
        .collect();
    let mut stdin = child.stdin.take().expect("piped");
    // Java reads as it answers: written from another thread, neither side waits for the other's full pipe.
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().expect("java ends");
    writer.join().expect("no panic").expect("java reads all questions");
    assert!(output.status.success(), "ConfigFacts failed: {}", String::from_utf8_lossy(&output.stderr));
    let answers = String::from_utf8(output.stdout).expect("UTF-8");
    answers.lines().map(|line| line.split('\t').map(unescape).collect()).collect()
}

/// Asks questions of which each is answered by a value or a complaint.
pub(crate) fn ask_each(questions: &[Vec<&str>]) -> Vec<Answer> {
    let answers = ask(questions);
    assert_eq!(answers.len(), questions.len());
    let answer = |line: &Vec<Option<String>>| match line[0].as_deref() {
        Some("ok") => Answer::Good(line[1].clone()),
        _ => Answer::Bad(line[1].clone().unwrap_or_default().trim_start_matches("requirement failed: ").to_owned()),
    };
    answers.iter().map(answer).collect()
}

fn escape(word: &str) -> String {
    if word == "\0" {
        return "\\0".to_owned();
    }
    word.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}

fn unescape(word: &str) -> Option<String> {
    if word == "\\0" {
        return None;
    }
    let mut out = String::new();
    let mut chars = word.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some(other) => other,
                None => '\\',
            },
            other => other,
        });
    }
    Some(out)
}
