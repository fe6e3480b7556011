//! The JVM in which Kafka's own classes answer (`java/WireOracle.java`): one for all tests of a program.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::{Mutex, OnceLock};

use anyhow::{Context, Result, bail};
use ottla_harness::java::{Jars, compiled};

/// What Kafka answers, or why it cannot.
pub(crate) fn ask(question: &str) -> Result<Result<String, String>> {
    static ORACLE: OnceLock<Mutex<Oracle>> = OnceLock::new();
    let oracle = ORACLE.get_or_init(|| Mutex::new(Oracle::start().expect("Kafka's classes in a JVM of ours")));
    oracle.lock().expect("no test panics while it asks").ask(question)
}

/// The JVM; it ends when its input does, with the test.
struct Oracle {
    _process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Oracle {
    fn start() -> Result<Oracle> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("java/WireOracle.java");
        let mut process = compiled(Jars::Kafka, &[source], "WireOracle")?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("run java; install it with: apt-get install default-jdk-headless")?;
        let questions = process.stdin.take().context("the JVM's input")?;
        let answers = BufReader::new(process.stdout.take().context("the JVM's output")?);
        Ok(Oracle { _process: process, questions, answers })
    }

    fn ask(&mut self, question: &str) -> Result<Result<String, String>> {
        writeln!(self.questions, "{question}").context("ask the JVM")?;
        self.questions.flush()?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer).context("hear the JVM")?;
        let answer = answer.trim_end_matches('\n');
        match (answer.strip_prefix('='), answer.strip_prefix('!')) {
            (Some(answer), _) => Ok(Ok(answer.to_owned())),
            (_, Some(why)) => Ok(Err(why.to_owned())),
            _ => bail!("the JVM ended at: {question}"),
        }
    }
}
