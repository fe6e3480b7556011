//! The command line of `ottla-broker`. What the options lead to is in `settings` and `format`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

const EXAMPLES: &str = "\
Examples:
  ottla-broker --dev
      Clients connect to 127.0.0.1:9092, data is kept in ./ottla-data.
  ottla-broker --dev --override num.partitions=3 --log debug
      The same with another setting of server.properties, and more of what it does.
  ottla-broker format --config server.properties --cluster-id $(ottla-broker random-uuid) --standalone
  ottla-broker --config server.properties
      A node as Kafka's server.properties describes it. A node that is its cluster's only controller and has empty
      directories formats them itself.

SIGTERM and SIGINT end it cleanly.";

/// A broker and controller that speaks Kafka's protocol.
#[derive(Debug, Parser)]
#[command(
    name = "ottla-broker",
    version,
    about = "A broker and controller that speaks Kafka's protocol.",
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true
)]
pub struct Options {
    /// Something else than serving.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to serve.
    #[command(flatten)]
    pub serve: Serve,
}

/// Options of the broker itself.
#[derive(Debug, Clone, Args)]
pub struct Serve {
    /// Read settings from this file (Kafka's server.properties).
    #[arg(long, value_name = "FILE", conflicts_with = "dev")]
    pub config: Option<PathBuf>,
    /// One node for development: broker and controller in one, nothing to prepare.
    #[arg(long)]
    pub dev: bool,
    /// With --dev: the directory of all data.
    #[arg(long, value_name = "DIRECTORY", default_value = "./ottla-data", conflicts_with = "config")]
    pub data_dir: PathBuf,
    /// With --dev: where clients connect.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9092", conflicts_with = "config")]
    pub listen: SocketAddr,
    /// With --dev: where brokers and controllers connect.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9093", conflicts_with = "config")]
    pub controller_listen: SocketAddr,
    /// Health (/healthz), readiness (/readyz) and Prometheus metrics (/metrics), read-only. Without this option
    /// ottla.metrics.listener of the settings says where, and without that it is 127.0.0.1:9404.
    #[arg(long, value_name = "ADDRESS")]
    pub metrics: Option<SocketAddr>,
    /// A further setting, `key=value`; may be given several times and wins over the file and over what --dev sets.
    #[arg(long = "override", value_name = "KEY=VALUE", value_parser = key_and_value)]
    pub overrides: Vec<(String, String)>,
    /// What to log: a level (error, warn, info, debug, trace), or levels by module.
    #[arg(long, value_name = "LEVELS", default_value = "info", env = "OTTLA_LOG")]
    pub log: String,
    /// How log lines look. Without this option ottla.log.format of the settings says it, and without that it is text.
    #[arg(long, value_name = "FORMAT", env = "OTTLA_LOG_FORMAT")]
    pub log_format: Option<LogFormat>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object a line, for machines.
    Json,
}

/// What the binary does apart from serving.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Prepare the log directories of a new node, as Kafka's storage tool does.
    Format(Format),
    /// Print a new cluster id.
    RandomUuid,
}

/// Options of `format`, named as those of `kafka-storage.sh format`.
#[derive(Debug, Args)]
pub struct Format {
    /// The settings of the node (server.properties).
    #[arg(long, short = 'c', value_name = "FILE")]
    pub config: PathBuf,
    /// The id of the cluster, 22 characters of base64.
    #[arg(long, short = 't', value_name = "ID")]
    pub cluster_id: String,
    /// This controller is the only voter of a new cluster.
    #[arg(long, short = 's', conflicts_with_all = ["initial_controllers", "no_initial_controllers"])]
    pub standalone: bool,
    /// The voters of a new cluster: `id@host:port:directory-id`, separated by commas.
    #[arg(long, short = 'I', value_name = "VOTERS", conflicts_with = "no_initial_controllers")]
    pub initial_controllers: Option<String>,
    /// The voters are not known yet: this controller is added to a quorum that runs.
    #[arg(long, short = 'N')]
    pub no_initial_controllers: bool,
    /// Leave directories that are formatted already as they are.
    #[arg(long, short = 'g')]
    pub ignore_formatted: bool,
    /// The metadata.version to begin with, as a release: `4.4` or `4.4-IV2`.
    #[arg(long, short = 'r', value_name = "RELEASE")]
    pub release_version: Option<String>,
    /// A feature's level to begin with, `name=level`; may be given several times.
    #[arg(long, short = 'f', value_name = "NAME=LEVEL", value_parser = key_and_value)]
    pub feature: Vec<(String, String)>,
    /// A first user with a password; refused, for SASL is not served yet.
    #[arg(long, short = 'S', value_name = "USER")]
    pub add_scram: Vec<String>,
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("`{text}` is not KEY=VALUE"))?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options, clap::Error> {
        Options::try_parse_from([&["ottla-broker"], arguments].concat())
    }

    #[test]
    fn the_forms_of_the_readme_parse() {
        let dev = parse(&["--dev"]).unwrap();
        assert!(dev.serve.dev);
        assert_eq!(dev.serve.listen.port(), 9092);
        let configured = parse(&["--config", "server.properties", "--metrics", "127.0.0.1:1"]).unwrap();
        assert_eq!(configured.serve.metrics.unwrap().port(), 1);
        let format =
            parse(&["format", "-t", "id", "-c", "file", "--standalone", "--feature", "kraft.version=1"]).unwrap();
        let Some(Command::Format(format)) = format.command else { panic!("not format") };
        assert_eq!(format.feature, [("kraft.version".to_owned(), "1".to_owned())]);
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        for wrong in
            [&["--dev", "--config", "f"][..], &["--config", "f", "--listen", "127.0.0.1:1"], &["--override", "a"]]
        {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
