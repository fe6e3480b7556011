//! Snapshots of the metadata: the image as a file beside the log, so that a start need not replay everything and the log's
//! beginning can go.
//!
//! Made of the published image, outside of every lock; how it looks is `metadata`'s matter. Two are kept: a replica may
//! be fetching the older one while the newer is made.

use std::io::IoSlice;

use ottla_commit_log::{FileError, Files, LogFile};
use ottla_metadata::SnapshotId;
use ottla_metadata::snapshot::{image_records, write_snapshot};
use ottla_records::BuildError;
use ottla_vocabulary::Now;

use crate::node::Node;

/// What Kafka calls a snapshot that is not finished.
const UNFINISHED: &str = ".part";

/// Why no snapshot was made.
#[derive(Debug, thiserror::Error)]
enum SnapshotFailure {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Build(#[from] BuildError),
}

impl<F: Files> Node<F> {
    /// Makes a snapshot when `metadata.log.max.record.bytes.between.snapshots` or the time between snapshots has passed.
    pub(crate) fn snapshot_if_due(&self, now: Now, is_time: bool) {
        let config = self.config.load_full();
        let image = self.image();
        let id = SnapshotId { end: image.end, epoch: image.epoch };
        let (folder, quorum) = {
            let guard = self.controller.lock();
            let Some(controller) = guard.as_ref().filter(|controller| controller.is_active()) else { return };
            let is_large = config.quorum.snapshot_bytes <= controller.bytes_since_snapshot();
            let is_news = controller.latest_snapshot().is_none_or(|latest| latest.end < id.end);
            if !is_news || !(is_large || is_time) {
                return;
            }
            (controller.log_folder(), controller.snapshot_quorum(now.wall))
        };
        let unfinished = folder.join(id.file_name() + UNFINISHED);
        let written = (|| -> Result<(), SnapshotFailure> {
            let file = self.files.create(&unfinished)?;
            let mut position = 0;
            write_snapshot(id, image_records(&image), &image, &quorum, now.wall, &mut |batch| {
                file.write_at(position, &[IoSlice::new(batch)])?;
                position += batch.len() as u64;
                Ok::<(), SnapshotFailure>(())
            })?;
            file.sync()?;
            self.files.rename(&unfinished, &folder.join(id.file_name()))?;
            Ok(self.files.sync_folder(&folder)?)
        })();
        match written {
            Ok(()) => {
                tracing::info!(end = id.end.0, epoch = id.epoch.0, "made a snapshot of the metadata");
                if let Some(controller) = self.controller.lock().as_mut() {
                    controller.on_snapshot(id, now);
                }
            }
            Err(error) => {
                tracing::error!("make a snapshot of the metadata: {error}");
                if let Err(error) = self.files.remove(&unfinished) {
                    tracing::debug!("remove an unfinished snapshot: {error}");
                }
            }
        }
    }
}
