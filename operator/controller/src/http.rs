//! Health, readiness and figures over HTTP.
//!
//! Given whether the process is ready, it answers `/healthy`, `/ready` and `/metrics`, and the same under the names that
//! Kubernetes' own programs use. Nothing can be changed through it.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::metrics::Metrics;

/// Probes and a few scrapers need no more; whoever comes beyond them waits.
const CONNECTIONS_MAX: usize = 32;
/// A connection that says nothing for so long makes room.
const HEADER_PATIENCE: Duration = Duration::from_secs(10);
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Whether the process does what it is there for: working, or standing by.
#[derive(Clone, Debug, Default)]
pub(crate) struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Says whether it is ready.
    pub(crate) fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Relaxed);
    }
}

/// Listens, and serves in the background for as long as the process lives.
///
/// # Errors
/// When the address cannot be listened on.
pub(crate) async fn serve(
    address: std::net::SocketAddr,
    metrics: Arc<Metrics>,
    readiness: Readiness,
) -> Result<std::net::SocketAddr> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("listen on {address}"))?;
    let bound = listener.local_addr().context("ask for the address listened on")?;
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    tokio::spawn(async move {
        loop {
            let Ok(permit) = Arc::clone(&connections).acquire_owned().await else { return };
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "no connection could be accepted");
                    // Out of descriptors: trying at once would only turn in circles.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let (metrics, readiness) = (Arc::clone(&metrics), readiness.clone());
            tokio::spawn(async move {
                let answer = service_fn(move |request: Request<Incoming>| {
                    let response = answer(request.uri().path(), &metrics, &readiness);
                    async move { Ok::<_, Infallible>(response) }
                });
                let mut server = http1::Builder::new();
                server.timer(TokioTimer::new()).header_read_timeout(HEADER_PATIENCE);
                if let Err(error) = server.serve_connection(TokioIo::new(stream), answer).await {
                    tracing::debug!(%error, "an HTTP connection broke");
                }
                drop(permit);
            });
        }
    });
    Ok(bound)
}

fn answer(path: &str, metrics: &Metrics, readiness: &Readiness) -> Response<Full<Bytes>> {
    let (status, content_type, body) = match path {
        "/healthy" | "/healthz" | "/livez" => (StatusCode::OK, "text/plain", "healthy\n".to_owned()),
        "/ready" | "/readyz" => match readiness.0.load(Ordering::Relaxed) {
            true => (StatusCode::OK, "text/plain", "ready\n".to_owned()),
            false => (StatusCode::SERVICE_UNAVAILABLE, "text/plain", "not ready\n".to_owned()),
        },
        "/metrics" => (StatusCode::OK, OPEN_METRICS, metrics.text()),
        _ => (StatusCode::NOT_FOUND, "text/plain", "/healthy, /ready, /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(content_type));
    response
}
