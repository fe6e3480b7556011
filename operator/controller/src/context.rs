//! What every reconciliation shares, and the frame around each: a bound in time, figures, and a log line where it fails.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::Future;
use kube::Client;
use kube::runtime::controller::Action;
use kube::runtime::events::{Recorder, Reporter};
use ottla_crds::Kind;
use ottla_vocabulary::Timestamp;

use crate::clusters::Clusters;
use crate::error::{Error, Retries, Rewrites};
use crate::metrics::Metrics;
use crate::settings::Settings;

/// The name under which events are told; users select events by Strimzi's.
const REPORTER: &str = "strimzi.io/cluster-operator";

/// What every reconciliation shares.
pub(crate) struct Context {
    /// The way to the API server.
    pub(crate) client: Client,
    /// The way on which watches wait for what happens, however long nothing does.
    pub(crate) patient: Client,
    /// What the operator is set to.
    pub(crate) settings: Settings,
    /// What topics have to know of clusters.
    pub(crate) clusters: Clusters,
    /// Figures.
    pub(crate) metrics: Arc<Metrics>,
    /// Tells events.
    pub(crate) recorder: Recorder,
    /// What does not stay as it is written.
    pub(crate) rewrites: Rewrites,
    retries: Retries,
    start: Instant,
}

impl Context {
    /// A context at the start of the process.
    pub(crate) fn new(client: Client, patient: Client, settings: Settings, metrics: Arc<Metrics>) -> Context {
        let reporter = Reporter { controller: REPORTER.to_owned(), instance: Some(settings.instance.clone()) };
        let recorder = Recorder::new(client.clone(), reporter);
        let (clusters, rewrites, retries) = (Clusters::default(), Rewrites::default(), Retries::default());
        Context { client, patient, settings, clusters, metrics, recorder, rewrites, retries, start: Instant::now() }
    }

    /// For how long the process has worked.
    pub(crate) fn since_start(&self) -> Duration {
        self.start.elapsed()
    }

    /// Runs one reconciliation. It never fails: what went wrong is logged here, and tried again after a while.
    pub(crate) async fn reconcile(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
        work: impl Future<Output = Result<Action, Error>>,
    ) -> Action {
        let resource = format!("{} {namespace}/{name}", kind.name());
        let start = Instant::now();
        let timeout = self.settings.operation_timeout;
        let done = tokio::time::timeout(timeout, work).await.unwrap_or(Err(Error::TimedOut(timeout)));
        self.metrics.reconciled(kind, namespace, start.elapsed(), done.is_ok());
        match done {
            Ok(action) => {
                self.retries.settled(&resource);
                tracing::debug!(%resource, "reconciled");
                action
            }
            Err(error) => {
                let wait = self.retries.failed(&resource);
                if error.is_conflict() {
                    tracing::info!(%resource, %error, "somebody else wrote too; looking again");
                } else if error.is_of_ending_namespace() {
                    tracing::info!(%resource, "its namespace is being removed");
                } else {
                    tracing::warn!(%resource, %error, ?wait, "not reconciled");
                }
                Action::requeue(wait)
            }
        }
    }

    /// Forgets what was noted of a resource that is gone.
    pub(crate) fn gone(&self, kind: Kind, namespace: &str, name: &str) {
        self.retries.settled(&format!("{} {namespace}/{name}", kind.name()));
    }
}

/// The wall clock.
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
