//! Health, readiness and Prometheus metrics over HTTP: three paths, all read-only, none of which takes an argument.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Scrapers are few; more connections than this wait in the listener's queue.
const CONNECTIONS_MAX: usize = 16;
/// A peer that does not finish its request's head is given up.
const HEAD_TIME_MAX: Duration = Duration::from_secs(10);

/// What the paths answer.
pub(crate) trait Answers: Send + Sync + 'static {
    /// Whether the process is alive enough not to be restarted.
    fn is_healthy(&self) -> bool;
    /// Whether clients are served.
    fn is_ready(&self) -> bool;
    /// The metrics in Prometheus' text format.
    fn metrics(&self) -> String;
}

/// Serves until the task is dropped.
pub(crate) async fn serve(listener: TcpListener, answers: Arc<dyn Answers>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _peer)) => stream,
            Err(error) => {
                tracing::warn!("accept a connection for metrics: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let answers = Arc::clone(&answers);
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let response = respond(&request, answers.as_ref());
                async move { Ok::<_, Infallible>(response) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIME_MAX)
                .max_buf_size(16 * 1024)
                .serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                tracing::debug!("a connection for metrics ended: {error}");
            }
            drop(place);
        });
    }
}

fn respond<B>(request: &Request<B>, answers: &dyn Answers) -> Response<Full<Bytes>> {
    let plain = |status: StatusCode, text: &'static str| reply(status, "text/plain; charset=utf-8", Bytes::from(text));
    let state = |good: bool| {
        if good { plain(StatusCode::OK, "ok\n") } else { plain(StatusCode::SERVICE_UNAVAILABLE, "not yet\n") }
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match request.uri().path() {
        "/healthz" => state(answers.is_healthy()),
        "/readyz" => state(answers.is_ready()),
        "/metrics" => reply(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", Bytes::from(answers.metrics())),
        _ => plain(StatusCode::NOT_FOUND, "there are /healthz, /readyz and /metrics\n"),
    }
}

fn reply(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    struct Fixed;

    impl Answers for Fixed {
        fn is_healthy(&self) -> bool {
            true
        }
        fn is_ready(&self) -> bool {
            false
        }
        fn metrics(&self) -> String {
            "ottla_up 1\n".to_owned()
        }
    }

    #[tokio::test]
    async fn each_path_answers_and_nothing_can_be_changed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve(listener, Arc::new(Fixed)));
        for (head, status, body) in [
            ("GET /healthz", "200 OK", "ok\n"),
            ("GET /readyz", "503 Service Unavailable", "not yet\n"),
            ("GET /metrics", "200 OK", "ottla_up 1\n"),
            ("GET /", "404 Not Found", "there are /healthz, /readyz and /metrics\n"),
            ("POST /metrics", "405 Method Not Allowed", "only GET and HEAD\n"),
        ] {
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let request = format!("{head} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap();
            assert!(text.starts_with(&format!("HTTP/1.1 {status}")) && text.ends_with(body), "{text}");
        }
        server.abort();
    }
}
