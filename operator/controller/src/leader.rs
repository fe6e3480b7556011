//! One of several operators works, the others stand by: who holds the lease works.
//!
//! Given the election's settings, it gives a channel that says whether this process leads. The work stops when it no longer
//! does; a process that has lost its lease ends, and comes back as one that stands by.

use anyhow::{Context, Result};
use kube::Client;
use kube_lease_manager::{LeaseManager, LeaseManagerBuilder};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::settings::Election;

/// This process's part in the election.
pub(crate) struct Candidate {
    state: watch::Receiver<bool>,
    task: JoinHandle<kube_lease_manager::Result<LeaseManager>>,
}

impl Candidate {
    /// Stands for election.
    ///
    /// # Errors
    /// When the lease can be neither read nor made.
    pub(crate) async fn stand(client: &Client, election: &Election) -> Result<Candidate> {
        let namespace = match election.namespace.as_str() {
            "" => client.default_namespace(),
            namespace => namespace,
        };
        let manager = LeaseManagerBuilder::new(client.clone(), &election.lease)
            .with_namespace(namespace)
            .with_identity(&election.identity)
            .with_duration(election.duration_seconds)
            .with_grace(election.grace_seconds)
            .build()
            .await
            .with_context(|| format!("read or make the Lease {namespace}/{}", election.lease))?;
        let (state, task) = manager.watch().await;
        Ok(Candidate { state, task })
    }

    /// Returns once this process leads.
    ///
    /// # Errors
    /// When nobody tends the lease any more.
    pub(crate) async fn elected(&mut self) -> Result<()> {
        self.state.wait_for(|leads| *leads).await.context("hold the lease")?;
        Ok(())
    }

    /// Returns once this process leads no more.
    pub(crate) async fn lost(&self) {
        // An error means that nobody tends the lease any more, which is as bad as having lost it.
        let _ = self.state.clone().wait_for(|leads| !*leads).await;
    }

    /// Gives the lease up, so that another need not wait for its end.
    pub(crate) async fn resign(self) {
        drop(self.state);
        if let Ok(Err(error)) = self.task.await {
            tracing::warn!(%error, "the lease could not be given up; another will wait for its end");
        }
    }
}
