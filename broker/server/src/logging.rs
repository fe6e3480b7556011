//! Log lines: to standard error, as text or JSON, with levels that change while the broker runs.
//!
//! Kafka's BROKER_LOGGER configs name Java loggers; ours are the targets of our own modules, and `root` is all of them.
//! Foreign text goes into a line through [`shown`], which escapes and cuts it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use anyhow::{Context, Result};
use ottla_api::Loggers;
use parking_lot::Mutex;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, reload};

use crate::options::LogFormat;

/// Our loggers by name and target; a name of another form is refused, as Kafka refuses a logger that does not exist.
/// Kafka's `kafka.authorizer.logger` is not among them while nothing can be denied: nobody would write to it.
const LOGGERS: &[&str] = &["ottla_server", "ottla_node", "ottla_disk"];
/// Kafka's name for the loggers above all others.
pub(crate) const ROOT: &str = "root";

/// The levels in force, and the way to change them.
#[derive(Clone)]
pub struct Levels {
    state: Arc<Mutex<BTreeMap<String, LevelFilter>>>,
    initial: LevelFilter,
    reload: reload::Handle<Targets, Registry>,
}

impl fmt::Debug for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Levels").field("state", &self.state).finish_non_exhaustive()
    }
}

/// Starts logging.
///
/// # Errors
/// When the levels cannot be read or logging was started before.
pub fn start(levels: &str, format: LogFormat) -> Result<Levels> {
    let targets: Targets = levels.parse().with_context(|| format!("read the log levels `{levels}`"))?;
    let initial = targets.default_level().unwrap_or(LevelFilter::ERROR);
    let mut state: BTreeMap<String, LevelFilter> =
        targets.iter().map(|(target, level)| (target.to_owned(), level)).collect();
    state.insert(ROOT.to_owned(), initial);
    let (filter, reload) = reload::Layer::new(targets);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    Registry::default().with(lines.with_filter(filter)).try_init().context("start logging")?;
    Ok(Levels { state: Arc::new(Mutex::new(state)), initial, reload })
}

impl Loggers for Levels {
    fn levels(&self) -> Vec<(String, &'static str)> {
        let state = self.state.lock();
        let root = state.get(ROOT).copied().unwrap_or(self.initial);
        let own = LOGGERS.iter().map(|logger| (*logger).to_owned()).filter(|logger| !state.contains_key(logger));
        let own = own.map(|logger| (logger, kafka_word(root)));
        let set = state.iter().map(|(logger, level)| (logger.clone(), kafka_word(*level)));
        let mut all: Vec<_> = own.chain(set).collect();
        all.sort();
        all
    }

    fn check(&self, logger: &str, level: Option<&str>) -> Result<(), String> {
        let known =
            logger == ROOT || LOGGERS.iter().any(|own| logger == *own || logger.starts_with(&format!("{own}::")));
        if !known {
            return Err(format!("Logger {logger} does not exist!"));
        }
        level.map_or(Ok(()), |word| level_of(logger, word).map(drop))
    }

    fn set(&self, logger: &str, level: Option<&str>) -> Result<(), String> {
        self.check(logger, level)?;
        let level = level.map(|word| level_of(logger, word)).transpose()?;
        let mut state = self.state.lock();
        match level {
            Some(level) => state.insert(logger.to_owned(), level),
            None if logger == ROOT => return Err("The root logger cannot be unset".to_owned()),
            None => state.remove(logger),
        };
        let root = state.get(ROOT).copied().unwrap_or(self.initial);
        let others = state.iter().filter(|(name, _)| *name != ROOT).map(|(name, level)| (name.clone(), *level));
        let targets = Targets::new().with_default(root).with_targets(others);
        self.reload.reload(targets).map_err(|error| format!("change the log levels: {error}"))
    }
}

fn level_of(logger: &str, word: &str) -> Result<LevelFilter, String> {
    match word.to_ascii_uppercase().as_str() {
        "TRACE" => Ok(LevelFilter::TRACE),
        "DEBUG" => Ok(LevelFilter::DEBUG),
        "INFO" => Ok(LevelFilter::INFO),
        "WARN" => Ok(LevelFilter::WARN),
        "ERROR" | "FATAL" => Ok(LevelFilter::ERROR),
        _ => {
            let why = "it is not a supported log level. Valid log levels are DEBUG, ERROR, FATAL, INFO, TRACE, WARN";
            Err(format!("Cannot set the log level of {logger} to {word} as {why}"))
        }
    }
}

fn kafka_word(level: LevelFilter) -> &'static str {
    match level.into_level() {
        None => "OFF",
        Some(tracing::Level::ERROR) => "ERROR",
        Some(tracing::Level::WARN) => "WARN",
        Some(tracing::Level::INFO) => "INFO",
        Some(tracing::Level::DEBUG) => "DEBUG",
        Some(tracing::Level::TRACE) => "TRACE",
    }
}

/// The most of a foreign text that a log line carries.
const SHOWN_MAX: usize = 256;

/// Foreign text as a log line may carry it: control characters and line ends escaped, cut after 256 characters.
pub(crate) fn shown(text: &str) -> String {
    let mut out = String::new();
    for (count, letter) in text.chars().enumerate() {
        if count == SHOWN_MAX {
            out.push('…');
            break;
        }
        out.extend(letter.escape_debug());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_forge_a_line() {
        assert_eq!(shown("a\nINFO b\u{1b}[31m"), "a\\nINFO b\\u{1b}[31m");
        assert_eq!(shown(&"x".repeat(1000)).chars().count(), SHOWN_MAX + 1);
    }

    #[test]
    fn levels_change_and_go_back() {
        let levels = start("info,ottla_node=debug", LogFormat::Text).unwrap();
        let level = |logger: &str| levels.levels().into_iter().find(|(name, _)| name == logger).map(|(_, level)| level);
        assert_eq!(
            (level("root"), level("ottla_node"), level("ottla_server")),
            (Some("INFO"), Some("DEBUG"), Some("INFO"))
        );
        levels.set("root", Some("WARN")).unwrap();
        levels.set("ottla_node", None).unwrap();
        assert_eq!((level("ottla_node"), level("ottla_server")), (Some("WARN"), Some("WARN")));
        assert!(levels.set("kafka.server.KafkaApis", Some("INFO")).is_err());
        assert!(levels.set("root", Some("LOUD")).is_err());
    }
}
