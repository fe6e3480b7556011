//! Our broker as a process: the binary `ottla-broker`, as a user starts it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::ports;
use crate::process::Process;

/// A running `ottla-broker`. Dropping it kills it; its directory is the caller's.
#[derive(Debug)]
pub struct OttlaBroker {
    /// Where clients bootstrap: `127.0.0.1:port`.
    pub bootstrap: String,
    /// The controller listener's address.
    pub controller: String,
    /// The address of health, readiness and metrics.
    pub http: String,
    /// The data directory.
    pub data: PathBuf,
    /// The process.
    pub process: Process,
}

impl OttlaBroker {
    /// The binary that `OTTLA_BROKER` names, or the one that cargo built beside the running test.
    ///
    /// # Errors
    /// When there is none; with the command that builds it.
    pub fn binary() -> Result<PathBuf> {
        if let Some(binary) = std::env::var_os("OTTLA_BROKER") {
            return Ok(PathBuf::from(binary));
        }
        let test = std::env::current_exe().context("find the running test's own file")?;
        // target/<profile>/deps/<test> → target/<profile>/ottla-broker
        let folder = test.ancestors().find(|folder| folder.join("ottla-broker").is_file());
        let folder = folder
            .context("find ottla-broker: build it with `cargo build -p ottla-server`, or name it in OTTLA_BROKER")?;
        Ok(folder.join("ottla-broker"))
    }

    /// Starts `ottla-broker --dev` on `folder/data` with free ports, with further arguments; returns once it is serving.
    ///
    /// # Errors
    /// When the binary is missing or refuses to start; with the end of its log.
    pub fn start(folder: &Path, arguments: &[&str]) -> Result<OttlaBroker> {
        let [broker, controller, http] = ports::free()?;
        let data = folder.join("data");
        let mut command = Command::new(OttlaBroker::binary()?);
        command
            .arg("--dev")
            .arg("--data-dir")
            .arg(&data)
            .args(["--listen", &format!("127.0.0.1:{broker}")])
            .args(["--controller-listen", &format!("127.0.0.1:{controller}")])
            .args(["--metrics", &format!("127.0.0.1:{http}")])
            .args(arguments);
        OttlaBroker::spawn(folder, &mut command, [broker, controller, http], data)
    }

    /// Starts `ottla-broker --config` on the same kind of file that [`crate::apache_kafka`] gives Apache Kafka.
    ///
    /// # Errors
    /// When the binary is missing or refuses to start; with the end of its log.
    pub fn start_configured(folder: &Path, properties: &[String]) -> Result<OttlaBroker> {
        let [broker, controller, http] = ports::free()?;
        let data = folder.join("data");
        std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        let setup = crate::apache_kafka::Setup { properties: properties.to_vec(), ..Default::default() };
        let text = crate::apache_kafka::render_properties(broker, controller, &data, &setup);
        let file = folder.join("server.properties");
        std::fs::write(&file, text).with_context(|| format!("write {}", file.display()))?;
        let mut command = Command::new(OttlaBroker::binary()?);
        command.arg("--config").arg(&file).args(["--metrics", &format!("127.0.0.1:{http}")]);
        OttlaBroker::spawn(folder, &mut command, [broker, controller, http], data)
    }

    fn spawn(
        folder: &Path,
        command: &mut Command,
        [broker, controller, http]: [u16; 3],
        data: PathBuf,
    ) -> Result<OttlaBroker> {
        std::fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        let mut process = Process::start("ottla-broker", command, &folder.join("broker.log"))?;
        process.wait_for_port(broker, Duration::from_secs(20))?;
        Ok(OttlaBroker {
            bootstrap: format!("127.0.0.1:{broker}"),
            controller: format!("127.0.0.1:{controller}"),
            http: format!("127.0.0.1:{http}"),
            data,
            process,
        })
    }

    /// Resident memory now, in bytes (`VmRSS` of `/proc/<pid>/status`).
    ///
    /// # Errors
    /// When the process has ended.
    pub fn resident_bytes(&self) -> Result<u64> {
        resident_bytes(self.process.id())
    }
}

/// Resident memory of any process, in bytes.
///
/// # Errors
/// When there is no such process.
pub fn resident_bytes(process_id: u32) -> Result<u64> {
    status_bytes(process_id, "VmRSS:")
}

/// The most that was ever resident of any process, in bytes (`VmHWM`).
///
/// # Errors
/// When there is no such process.
pub fn peak_resident_bytes(process_id: u32) -> Result<u64> {
    status_bytes(process_id, "VmHWM:")
}

fn status_bytes(process_id: u32, field: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process_id}/status")).context("read the process's status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let line = line.with_context(|| format!("find {field} in the process's status"))?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().with_context(|| format!("read {field}"))?;
    Ok(kibibytes * 1024)
}

/// Processor time a process has used, user and system together, from `/proc/<pid>/stat` (clock ticks of 10 ms).
///
/// # Errors
/// When there is no such process.
pub fn processor_time(process_id: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process_id}/stat")).context("read the process's stat")?;
    let after_name = stat.rsplit_once(") ").context("find the name's end in stat")?.1;
    let fields: Vec<&str> = after_name.split(' ').collect();
    // Fields 14 and 15 of proc(5), counted from 1 with the two that stand before the name's end.
    let ticks = |field: usize| -> Result<u64> {
        fields.get(field - 3).context("stat is short")?.parse().context("read a tick count")
    };
    Ok(Duration::from_millis((ticks(14)? + ticks(15)?) * 10))
}
