//! The mark of a clean stop (`.kafka_cleanshutdown`): there only between a clean stop and the next start, with the epoch
//! under which the broker was registered, so that the controller knows that it lost nothing (KIP-966).

use std::io::IoSlice;
use std::path::Path;

use ottla_vocabulary::BrokerEpoch;

use crate::files::{FileError, Files, LogFile, read_whole};
use crate::layout::CLEAN_SHUTDOWN;

/// One short line.
const BYTES_MAX: u64 = 4 << 10;

/// What the mark of a clean stop says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleanShutdown {
    /// The broker's epoch; not told by Kafka before 3.8.
    pub broker_epoch: Option<BrokerEpoch>,
}

/// Reads the mark; `None` when the last stop was not a clean one, or there was none.
///
/// # Errors
/// When the disk refuses.
pub fn read<F: Files>(files: &F, directory: &Path) -> Result<Option<CleanShutdown>, FileError> {
    let text = read_whole(files, &directory.join(CLEAN_SHUTDOWN), BYTES_MAX)?;
    Ok(text.map(|text| CleanShutdown { broker_epoch: str::from_utf8(&text).ok().and_then(parse) }))
}

/// Removes the mark, so that a crash from here on is seen as one.
///
/// # Errors
/// When the disk refuses.
pub fn remove<F: Files>(files: &F, directory: &Path) -> Result<(), FileError> {
    files.remove(&directory.join(CLEAN_SHUTDOWN))?;
    files.sync_folder(directory)
}

/// Sets the mark, as the last act of a clean stop.
///
/// # Errors
/// When the disk refuses.
pub fn write<F: Files>(files: &F, directory: &Path, broker_epoch: BrokerEpoch) -> Result<(), FileError> {
    let file = files.create(&directory.join(CLEAN_SHUTDOWN))?;
    file.write_at(0, &[IoSlice::new(render(broker_epoch).as_bytes())])?;
    file.sync()?;
    files.sync_folder(directory)
}

fn render(broker_epoch: BrokerEpoch) -> String {
    format!(r#"{{"version":0,"brokerEpoch":{}}}"#, broker_epoch.0)
}

/// Finds the epoch in the small JSON object; in anything else there is none.
fn parse(text: &str) -> Option<BrokerEpoch> {
    let (_, rest) = text.split_once(r#""brokerEpoch""#)?;
    let rest = rest.trim_start().strip_prefix(':')?.trim_start();
    let end = rest.find(|letter: char| letter != '-' && !letter.is_ascii_digit())?;
    rest[..end].parse().ok().map(BrokerEpoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_epoch_is_found_where_there_is_one() {
        assert_eq!(render(BrokerEpoch(42)), r#"{"version":0,"brokerEpoch":42}"#);
        assert_eq!(parse(r#"{"version":0,"brokerEpoch":42}"#), Some(BrokerEpoch(42)));
        assert_eq!(parse(r#"{ "brokerEpoch" : -1 , "version" : 0 }"#), Some(BrokerEpoch(-1)));
        for not in ["", "{}", r#"{"version":0,"brokerEpoch":null}"#, r#"{"version":0,"brokerEpoch":4"#] {
            assert_eq!(parse(not), None, "{not}");
        }
    }
}
