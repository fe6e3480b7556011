//! Health, readiness and Prometheus metrics over HTTP: three paths, all read-only, none of which takes an argument.
//!
//! They are served by a thread of their own with a runtime of its own, from before the first log is opened until the last
//! is closed: neither a long recovery nor a stalled disk nor busy workers may look like a dead process, which Kubernetes
//! would kill and begin again. That thread waits for nothing: the node is asked on others, since it holds its locks while
//! it writes, and within a time; what is answered then is what was known last.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};

/// Scrapers are few; more connections than this wait in the listener's queue.
const CONNECTIONS_MAX: usize = 16;
/// A peer that does not finish its request's head is given up.
const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a probe waits for the node; Kubernetes waits a second by default.
const LOOK_MAX: Duration = Duration::from_millis(300);
/// A node that did not answer for so long is not called ready any more. It stays alive: a new process would find the same
/// disk.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// How long a scrape waits for the node; Prometheus waits ten seconds by default.
const METRICS_MAX: Duration = Duration::from_secs(3);

/// What the paths answer. Both questions may wait for the node's locks.
pub(crate) trait Answers: Send + Sync + 'static {
    /// How the process is.
    fn standing(&self) -> Standing;
    /// The metrics in Prometheus' text format.
    fn metrics(&self) -> String;
}

/// How the process is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Clients are served.
    Ready,
    /// They are not yet, or no more; with what it does instead.
    Busy(&'static str),
    /// It cannot go on and had better be begun again; with the reason.
    Failed(String),
}

/// The thread that answers, from its start until [`Health::stop`] or the drop.
#[derive(Debug)]
pub(crate) struct Health {
    end: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Health {
    /// Begins to answer on a socket.
    ///
    /// # Errors
    /// When there is no further thread.
    pub(crate) fn start(socket: TcpListener, answers: Arc<dyn Answers>) -> Result<Health> {
        let socket = socket.into_std().context("hand the socket for health to its thread")?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            // One asks how the node is, one for the metrics.
            .max_blocking_threads(2)
            .thread_keep_alive(Duration::from_secs(2))
            .build()
            .context("start the runtime for health")?;
        let (end, ended) = oneshot::channel::<()>();
        let serve = move || {
            let desk = Arc::new(Desk::new(answers));
            runtime.block_on(async {
                match TcpListener::from_std(socket) {
                    Ok(listener) => tokio::select! {
                        () = serve(listener, desk) => {}
                        // Told to end, or left by a start that failed.
                        _ = ended => {}
                    },
                    Err(error) => tracing::error!("serve health and metrics: {error}"),
                }
            });
            // Who still waits for the node is not waited for.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("health".to_owned()).spawn(serve);
        Ok(Health { end, thread: thread.context("start the thread for health")? })
    }

    /// Ends it; its address is free afterwards.
    pub(crate) fn stop(self) {
        // Fails when it has ended by itself, which is as well.
        let _ = self.end.send(());
        if self.thread.join().is_err() {
            tracing::error!("the thread for health broke an invariant");
        }
    }
}

/// Asks the node, never twice at a time, and remembers.
struct Desk {
    answers: Arc<dyn Answers>,
    last: Mutex<(Instant, Standing)>,
    looking: Arc<Semaphore>,
    measuring: Arc<Semaphore>,
}

impl Desk {
    fn new(answers: Arc<dyn Answers>) -> Desk {
        let last = Mutex::new((Instant::now(), Standing::Busy("starting")));
        let one = || Arc::new(Semaphore::new(1));
        Desk { answers, last, looking: one(), measuring: one() }
    }

    /// How the node is, or was when it last said so, and how long ago that is.
    async fn standing(self: &Arc<Self>) -> (Standing, Duration) {
        let desk = Arc::clone(self);
        let look = async {
            let Ok(place) = Arc::clone(&self.looking).acquire_owned().await else { return };
            let looked = tokio::task::spawn_blocking(move || {
                let standing = desk.answers.standing();
                *desk.last.lock() = (Instant::now(), standing);
                drop(place);
            });
            if let Err(error) = looked.await {
                tracing::error!("ask the node how it is: {error}");
            }
        };
        // Late or not, what is known is answered.
        let _ = tokio::time::timeout(LOOK_MAX, look).await;
        let (at, standing) = self.last.lock().clone();
        (standing, at.elapsed())
    }

    async fn metrics(self: &Arc<Self>) -> Option<String> {
        let answers = Arc::clone(&self.answers);
        let measure = async {
            let place = Arc::clone(&self.measuring).acquire_owned().await.ok()?;
            let measured = tokio::task::spawn_blocking(move || {
                let text = answers.metrics();
                drop(place);
                text
            });
            measured.await.inspect_err(|error| tracing::error!("measure the node: {error}")).ok()
        };
        tokio::time::timeout(METRICS_MAX, measure).await.ok().flatten()
    }
}

/// Serves until the task is dropped.
async fn serve(listener: TcpListener, desk: Arc<Desk>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!("accept a connection for metrics: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let desk = Arc::clone(&desk);
        tokio::spawn(async move {
            connection(stream, peer, desk).await;
            drop(place);
        });
    }
}

async fn connection(stream: tokio::net::TcpStream, peer: SocketAddr, desk: Arc<Desk>) {
    let service = service_fn(move |request| {
        let desk = Arc::clone(&desk);
        async move { Ok::<_, Infallible>(respond(&request, &desk).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(16 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%peer, "a connection for metrics ended: {error}");
    }
}

async fn respond<B>(request: &Request<B>, desk: &Arc<Desk>) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match request.uri().path() {
        "/healthz" => answer(health(desk.standing().await.0)),
        "/readyz" => {
            let (standing, age) = desk.standing().await;
            answer(readiness(standing, age))
        }
        "/metrics" => match desk.metrics().await {
            Some(page) => reply(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", Bytes::from(page)),
            None => answer(Err("the node gives no measures: it may wait for a disk".to_owned())),
        },
        _ => plain(StatusCode::NOT_FOUND, "there are /healthz, /readyz and /metrics"),
    }
}

/// Whether the process is alive enough not to be begun again.
fn health(standing: Standing) -> Result<(), String> {
    match standing {
        Standing::Ready | Standing::Busy(_) => Ok(()),
        Standing::Failed(why) => Err(why),
    }
}

/// Whether clients are served.
fn readiness(standing: Standing, age: Duration) -> Result<(), String> {
    match standing {
        Standing::Ready if age <= SILENCE_MAX => Ok(()),
        Standing::Ready => Err(format!("the node has not answered for {} seconds", age.as_secs())),
        Standing::Busy(what) => Err(what.to_owned()),
        Standing::Failed(why) => Err(why),
    }
}

fn answer(state: Result<(), String>) -> Response<Full<Bytes>> {
    match state {
        Ok(()) => plain(StatusCode::OK, "ok"),
        Err(why) => plain(StatusCode::SERVICE_UNAVAILABLE, &why),
    }
}

fn plain(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    reply(status, "text/plain; charset=utf-8", Bytes::from(format!("{text}\n")))
}

fn reply(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Answers what it is told to, and nothing before.
    struct Told<T>(Mutex<Receiver<T>>, &'static str);

    impl Answers for Told<Standing> {
        fn standing(&self) -> Standing {
            self.0.lock().recv().unwrap_or(Standing::Ready)
        }
        fn metrics(&self) -> String {
            self.1.to_owned()
        }
    }

    impl Answers for Told<String> {
        fn standing(&self) -> Standing {
            Standing::Ready
        }
        fn metrics(&self) -> String {
            self.0.lock().recv().unwrap_or_default()
        }
    }

    /// Health with these answers, its address, and where to tell them.
    fn health<T>() -> (Health, SocketAddr, Sender<T>)
    where
        Told<T>: Answers,
    {
        let (tell, told) = channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let socket = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = socket.local_addr().unwrap();
        let _within = runtime.enter();
        (Health::start(socket, Arc::new(Told(Mutex::new(told), "ottla_up 1\n"))).unwrap(), address, tell)
    }

    /// Asks from a thread without a runtime.
    fn ask(address: SocketAddr, head: &str) -> String {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        write!(stream, "{head} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    fn check(address: SocketAddr, head: &str, status: &str, body: &str) {
        let text = ask(address, head);
        assert!(
            text.starts_with(&format!("HTTP/1.1 {status}")) && text.ends_with(&format!("\r\n\r\n{body}")),
            "{text}"
        );
    }

    const OK: &str = "200 OK";
    const NOT: &str = "503 Service Unavailable";

    #[test]
    fn each_path_answers_and_nothing_can_be_changed() {
        let (health, address, tell) = health::<Standing>();
        let busy = || Standing::Busy("starting: it does something");
        let failed = || Standing::Failed("the disk is gone".to_owned());
        for (standing, head, status, body) in [
            (Some(busy()), "GET /healthz", OK, "ok\n"),
            (Some(busy()), "GET /readyz", NOT, "starting: it does something\n"),
            (Some(Standing::Ready), "GET /healthz", OK, "ok\n"),
            (Some(Standing::Ready), "GET /readyz", OK, "ok\n"),
            (Some(failed()), "GET /healthz", NOT, "the disk is gone\n"),
            (Some(failed()), "GET /readyz", NOT, "the disk is gone\n"),
            (None, "GET /metrics", OK, "ottla_up 1\n"),
            (None, "GET /", "404 Not Found", "there are /healthz, /readyz and /metrics\n"),
            (None, "POST /metrics", "405 Method Not Allowed", "only GET and HEAD\n"),
        ] {
            standing.into_iter().for_each(|standing| tell.send(standing).unwrap());
            check(address, head, status, body);
        }
        health.stop();
        assert!(std::net::TcpStream::connect(address).is_err(), "the address is free");
    }

    #[test]
    fn a_node_that_does_not_answer_is_what_it_was() {
        let (health, address, tell) = health::<Standing>();
        check(address, "GET /healthz", OK, "ok\n");
        check(address, "GET /readyz", NOT, "starting\n");
        // The first question waits still, and takes this answer.
        tell.send(Standing::Ready).unwrap();
        tell.send(Standing::Ready).unwrap();
        check(address, "GET /readyz", OK, "ok\n");
        check(address, "GET /readyz", OK, "ok\n");
        health.stop();
        let silent = readiness(Standing::Ready, SILENCE_MAX + Duration::from_secs(1));
        assert_eq!(silent.unwrap_err(), "the node has not answered for 11 seconds");
    }

    #[test]
    fn a_scrape_that_hangs_keeps_no_probe_waiting() {
        let (health, address, tell) = health::<String>();
        let scrapes: Vec<_> = (0..4).map(|_| std::thread::spawn(move || ask(address, "GET /metrics"))).collect();
        check(address, "GET /healthz", OK, "ok\n");
        check(address, "GET /readyz", OK, "ok\n");
        for scrape in scrapes {
            assert!(scrape.join().unwrap().contains("it may wait for a disk"));
        }
        drop(tell);
        health.stop();
    }
}
