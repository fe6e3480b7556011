//! Running other programs to their end, and saying what went wrong in a way that a person can act on: the command
//! as it could be typed, and the last lines that it wrote.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// How many of the last lines of a failed program are shown: enough for a Go compiler's errors, less than a screen.
const LINES_SHOWN: usize = 25;

/// Runs `command` and gives what it wrote to its standard output.
pub fn output(command: &mut Command) -> Result<String> {
    let finished = command.stdin(Stdio::null()).output().with_context(|| format!("start {}", shown(command)))?;
    if !finished.status.success() {
        let mut said = String::from_utf8_lossy(&finished.stdout).into_owned();
        said.push_str(&String::from_utf8_lossy(&finished.stderr));
        bail!("{} failed ({}):\n{}", shown(command), finished.status, last_lines(&said));
    }
    Ok(String::from_utf8_lossy(&finished.stdout).into_owned())
}

/// Runs `command`; what it writes is shown only when it fails.
pub fn run(command: &mut Command) -> Result<()> {
    output(command).map(drop)
}

/// Runs `command` with `input` as its standard input and gives its output.
pub fn feed(command: &mut Command, input: &str) -> Result<String> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("start {}", shown(command)))?;
    let mut pipe = child.stdin.take().expect("standard input is piped");
    // A program that fails early closes its input; its own words are then the better error.
    let written = pipe.write_all(input.as_bytes());
    drop(pipe);
    let finished = child.wait_with_output().with_context(|| format!("wait for {}", shown(command)))?;
    if !finished.status.success() {
        bail!(
            "{} failed ({}):\n{}",
            shown(command),
            finished.status,
            last_lines(&String::from_utf8_lossy(&finished.stderr))
        );
    }
    written.with_context(|| format!("write the input of {}", shown(command)))?;
    Ok(String::from_utf8_lossy(&finished.stdout).into_owned())
}

/// Runs a long `command`, keeps all that it writes in `log`, and hands each line to `heard` as it comes.
pub fn run_logged(command: &mut Command, log: &Path, mut heard: impl FnMut(&str)) -> Result<()> {
    let mut kept = std::fs::File::create(log).with_context(|| format!("create {}", log.display()))?;
    let (reading, writing) = std::io::pipe().context("make a pipe")?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(writing.try_clone().context("share a pipe")?)
        .stderr(writing)
        .spawn()
        .with_context(|| format!("start {}", shown(command)))?;
    // The command holds ends of the pipe that would keep the reader waiting for ever.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    for line in BufReader::new(reading).split(b'\n') {
        let line = line.with_context(|| format!("read what {} writes", shown(command)))?;
        let line = String::from_utf8_lossy(&line);
        writeln!(kept, "{line}").with_context(|| format!("write {}", log.display()))?;
        heard(&line);
    }
    let status = child.wait().with_context(|| format!("wait for {}", shown(command)))?;
    if !status.success() {
        let said = std::fs::read_to_string(log).unwrap_or_default();
        bail!("{} failed ({status}), all of it is in {}:\n{}", shown(command), log.display(), last_lines(&said));
    }
    Ok(())
}

/// Where `program` is found on the path, or nothing.
pub fn find(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    // A plain user's path lacks the places where Debian keeps the programs of root.
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(std::path::PathBuf::from))
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
}

/// The last lines of `said`, as many as a screen takes.
pub fn last_lines(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n")
}

/// `command` as it could be typed.
fn shown(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    if text.chars().count() > 300 { text.chars().take(300).chain(" …".chars()).collect() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command_and_its_last_words() {
        let error =
            output(Command::new("sh").args(["-c", "echo first; echo last >&2; exit 3"])).unwrap_err().to_string();
        assert!(error.starts_with("sh -c echo first"), "{error}");
        assert!(error.ends_with("first\nlast"), "{error}");
    }

    #[test]
    fn a_logged_run_hears_every_line_and_keeps_it() {
        let log = std::env::temp_dir().join(format!("ottla-xtask-{}.log", std::process::id()));
        let mut heard = Vec::new();
        run_logged(Command::new("sh").args(["-c", "echo one; echo two >&2"]), &log, |line| heard.push(line.to_owned()))
            .unwrap();
        assert_eq!(heard, ["one", "two"]);
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "one\ntwo\n");
        std::fs::remove_file(log).unwrap();
    }

    #[test]
    fn input_reaches_the_program() {
        assert_eq!(feed(Command::new("tr").args(["a", "b"]), "banana").unwrap(), "bbnbnb");
    }
}
