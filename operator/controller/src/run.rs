//! The life of the process: connect, listen, wait to be elected, work, and stop when told to.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures::future::{self, FutureExt};
use kube::Client;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::context::Context;
use crate::http::{self, Readiness};
use crate::leader::Candidate;
use crate::metrics::Metrics;
use crate::settings::{Scope, Settings};
use crate::{kafka, topic, user};

/// An API server that says nothing for so long is not waited for: the connection may be dead. Watches may be silent, and see
/// to it themselves.
const READ_PATIENCE: Duration = Duration::from_secs(30);

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// When it cannot start, or has lost its lease.
pub(crate) async fn run(settings: Settings) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("told to stop");
        let _ = stop.send(true);
    });

    let (metrics, readiness) = (Arc::new(Metrics::new()), Readiness::default());
    let address = http::serve(settings.http_address, Arc::clone(&metrics), readiness.clone()).await?;
    let mut config = kube::Config::infer().await.context("find the way to a Kubernetes")?;
    let patient = Client::try_from(config.clone()).context("make a client of Kubernetes")?;
    config.read_timeout = Some(READ_PATIENCE);
    config.reset_reader_on_write = true;
    let client = Client::try_from(config).context("make a client of Kubernetes")?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), %address, scope = ?settings.scope, "the operator is there");

    let Some(election) = settings.election.clone() else {
        readiness.set(true);
        work(client, patient, settings, metrics, &stopped).await;
        return Ok(());
    };
    let mut candidate = tokio::select! {
        candidate = Candidate::stand(&client, &election) => candidate?,
        () = told(&stopped) => return Ok(()),
    };
    // Standing by is what this process is there for, too.
    readiness.set(true);
    let is_elected = tokio::select! {
        () = candidate.elected() => true,
        () = told(&stopped) => false,
    };
    let mut is_lost = false;
    if is_elected {
        tracing::info!(lease = %election.lease, identity = %election.identity, "leads");
        tokio::select! {
            () = work(client, patient, settings, metrics, &stopped) => {}
            () = candidate.lost() => is_lost = true,
        }
    }
    if is_lost {
        bail!("the lease {} went to another", election.lease);
    }
    candidate.resign().await;
    Ok(())
}

/// Serves every namespace of the scope. Ends when told to, after what was begun has come to its end.
async fn work(
    client: Client,
    patient: Client,
    settings: Settings,
    metrics: Arc<Metrics>,
    stopped: &watch::Receiver<bool>,
) {
    let own = client.default_namespace().to_owned();
    let namespaces: Vec<Option<String>> = match &settings.scope {
        Scope::All => vec![None],
        Scope::Some(namespaces) if namespaces.is_empty() => vec![Some(own)],
        Scope::Some(namespaces) => namespaces.iter().cloned().map(Some).collect(),
    };
    let context = Arc::new(Context::new(client, patient, settings, metrics));
    let each = namespaces.into_iter().map(|namespace| {
        let clusters = kafka::run(Arc::clone(&context), namespace.clone(), told(stopped));
        let topics = topic::run(Arc::clone(&context), namespace.clone(), told(stopped));
        let users = user::run(Arc::clone(&context), namespace, told(stopped));
        future::join3(clusters, topics, users)
    });
    future::join_all(each).await;
}

/// Returns once the process was told to stop.
fn told(stopped: &watch::Receiver<bool>) -> impl Future<Output = ()> + Send + Sync + use<> {
    let mut stopped = stopped.clone();
    async move {
        // An error means that whoever tells has gone, and so shall we.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    }
    .map(|()| ())
}
