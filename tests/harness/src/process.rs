//! A process that ends with the test that started it, its output kept in a file.

use std::fs::File;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A started process. Dropping it kills it and waits for its end.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with both outputs going to the file `log`.
    ///
    /// # Errors
    /// When the file cannot be made or the program cannot be started.
    pub fn start(name: &str, command: &mut Command, log: &Path) -> Result<Process> {
        let output =
            File::options().create(true).append(true).open(log).with_context(|| format!("open {}", log.display()))?;
        let errors = output.try_clone().context("share the log file")?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .with_context(|| format!("start {name}: {command:?}"))?;
        Ok(Process { child, name: name.to_owned(), log: log.to_owned() })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it printed so far.
    pub fn output(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Its exit status, once it has ended.
    ///
    /// # Errors
    /// When the system cannot say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().with_context(|| format!("ask whether {} has ended", self.name))
    }

    /// Waits until somebody accepts connections on this port of 127.0.0.1.
    ///
    /// # Errors
    /// When the process ends before, or `patience` runs out; with the end of its log.
    pub fn wait_for_port(&mut self, port: u16, patience: Duration) -> Result<()> {
        self.wait_until(patience, &format!("port {port} is open"), |_| TcpStream::connect(("127.0.0.1", port)).is_ok())
    }

    /// Waits until its output contains `text`.
    ///
    /// # Errors
    /// When the process ends before, or `patience` runs out; with the end of its log.
    pub fn wait_for_output(&mut self, text: &str, patience: Duration) -> Result<()> {
        self.wait_until(patience, &format!("it prints `{text}`"), |process| process.output().contains(text))
    }

    fn wait_until(&mut self, patience: Duration, what: &str, reached: impl Fn(&Process) -> bool) -> Result<()> {
        let deadline = Instant::now() + patience;
        while !reached(self) {
            if let Some(status) = self.ended()? {
                bail!("{} ended ({status}) before {what}; the end of its log:\n{}", self.name, self.last_lines());
            }
            if Instant::now() > deadline {
                bail!(
                    "{} did not get so far in {patience:?} that {what}; the end of its log:\n{}",
                    self.name,
                    self.last_lines()
                );
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Asks it to end (SIGTERM) and waits.
    ///
    /// # Errors
    /// When it has not ended after `patience`; with the end of its log.
    pub fn terminate(&mut self, patience: Duration) -> Result<ExitStatus> {
        self.signal("TERM")?;
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                bail!(
                    "{} did not end within {patience:?} of SIGTERM; the end of its log:\n{}",
                    self.name,
                    self.last_lines()
                );
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Kills it (SIGKILL) and waits for its end.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill().with_context(|| format!("kill {}", self.name))?;
        self.child.wait().with_context(|| format!("wait for {}", self.name))?;
        Ok(())
    }

    /// Sends a signal by its name: `TERM`, `STOP`, `CONT`.
    ///
    /// # Errors
    /// When `kill` fails.
    pub fn signal(&self, signal: &str) -> Result<()> {
        let status = Command::new("kill")
            .args(["-s", signal, &self.id().to_string()])
            .status()
            .with_context(|| format!("send {signal} to {}", self.name))?;
        anyhow::ensure!(status.success(), "send {signal} to {}: kill said {status}", self.name);
        Ok(())
    }

    fn last_lines(&self) -> String {
        let output = self.output();
        let lines: Vec<&str> = output.lines().collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended long ago; then both calls fail and nothing is left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
