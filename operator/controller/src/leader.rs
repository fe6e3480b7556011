//! One of several operators works, the others stand by: who holds the lease works.
//!
//! Given the election's settings, a [`Candidate`] waits until it is elected, then keeps the lease until it fails to; a process
//! that has lost its lease ends, and comes back as one that stands by.
//!
//! Two rules make it safe. Every write names the version of the lease that was read, so of two that try one fails. And nobody
//! compares the clocks of two machines: a lease has run out when *this* process has seen no change of it for its whole
//! duration; whoever holds it gives up earlier than that, by its own clock, when it could not renew it.

use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff;
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::kubernetes;
use crate::settings::Election;

/// This process's part in the election.
pub(crate) struct Candidate {
    leases: Api<Lease>,
    election: Election,
    seen: Option<Seen>,
    /// When the last successful renewal was begun.
    renewed: Instant,
}

/// The lease as it was read last.
struct Seen {
    lease: Lease,
    /// When it was first read in this state.
    since: Instant,
}

/// What one try came to.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    Leads,
    StandsBy,
}

impl Candidate {
    /// Stands for election, as soon as the API server answers.
    ///
    /// # Errors
    /// When the lease cannot be read: the rights are missing, or the namespace.
    pub(crate) async fn stand(client: &Client, election: &Election) -> Result<Candidate> {
        let namespace = match election.namespace.as_str() {
            "" => client.default_namespace(),
            namespace => namespace,
        };
        let leases = Api::namespaced(client.clone(), namespace);
        let mut candidate = Candidate { leases, election: election.clone(), seen: None, renewed: Instant::now() };
        let what = || format!("read the Lease {namespace}/{}", election.lease);
        loop {
            match in_time(election.renew_deadline, candidate.look()).await {
                Ok(()) => return Ok(candidate),
                Err(error) if is_hopeless(&error) => return Err(error).with_context(what),
                // To end would be to come back later and later, and to be late when it is there again.
                Err(error) => tracing::warn!(%error, "{} was not possible; trying again", what()),
            }
            sleep(election.retry).await;
        }
    }

    /// Returns once this process leads.
    pub(crate) async fn elected(&mut self) {
        loop {
            let began = Instant::now();
            match in_time(self.election.renew_deadline, self.attempt()).await {
                Ok(Standing::Leads) => {
                    self.renewed = began;
                    return;
                }
                Ok(Standing::StandsBy) => {}
                Err(error) => tracing::warn!(%error, lease = %self.election.lease, "the lease cannot be had"),
            }
            sleep(self.election.retry).await;
        }
    }

    /// Keeps the lease. Returns once this process leads no more: another holds the lease, or it could not be renewed for so
    /// long that another may soon.
    pub(crate) async fn lost(&mut self) {
        loop {
            sleep(self.election.retry).await;
            let began = Instant::now();
            let deadline = self.renewed + self.election.renew_deadline;
            // So that a connection on which nothing comes back any more leaves time for another.
            let attempt = in_time(self.election.renew_deadline / 2, self.attempt());
            match timeout_at(deadline, attempt).await {
                Ok(Ok(Standing::Leads)) => self.renewed = began,
                Ok(Ok(Standing::StandsBy)) => return,
                Ok(Err(error)) => tracing::warn!(%error, lease = %self.election.lease, "the lease was not renewed"),
                Err(_) => return,
            }
            if deadline <= Instant::now() && self.renewed < began {
                return;
            }
        }
    }

    /// Gives the lease up, so that another need not wait for its end.
    pub(crate) async fn resign(mut self) {
        if let Err(error) = in_time(self.election.renew_deadline, self.give_up()).await {
            tracing::warn!(%error, "the lease could not be given up; another will wait for its end");
        }
    }

    /// Reads the lease, and takes or renews it when it may be.
    async fn attempt(&mut self) -> kube::Result<Standing> {
        self.look().await?;
        let now = Instant::now();
        let identity = &self.election.identity;
        if self.seen.as_ref().is_some_and(|seen| !seen.may_be_had(identity, now)) {
            return Ok(Standing::StandsBy);
        }
        let before = self.seen.as_ref().map(|seen| &seen.lease);
        match self.write(self.claim(before)).await {
            Ok(()) => Ok(Standing::Leads),
            // Somebody else was quicker.
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(Standing::StandsBy),
            Err(error) => Err(error),
        }
    }

    async fn give_up(&mut self) -> kube::Result<()> {
        self.look().await?;
        let Some(seen) = &self.seen else { return Ok(()) };
        if seen.holder() != Some(&self.election.identity) {
            return Ok(());
        }
        let mut lease = seen.lease.clone();
        if let Some(spec) = &mut lease.spec {
            spec.holder_identity = None;
            // Free at once for whoever looks next, and for those that have no notion of a lease without a holder.
            spec.lease_duration_seconds = Some(1);
        }
        self.write(lease).await
    }

    /// Reads the lease, and notes since when it is as it is.
    async fn look(&mut self) -> kube::Result<()> {
        let found = match self.leases.get(&self.election.lease).await {
            Ok(lease) => Some(lease),
            Err(error) if kubernetes::is_absent(&error) => None,
            Err(error) => return Err(error),
        };
        match found {
            Some(lease) => self.note(lease),
            None => self.seen = None,
        }
        Ok(())
    }

    fn note(&mut self, lease: Lease) {
        let is_known = self.seen.as_ref().is_some_and(|seen| seen.lease.spec == lease.spec);
        let since = match &self.seen {
            Some(seen) if is_known => seen.since,
            _ => Instant::now(),
        };
        self.seen = Some(Seen { lease, since });
    }

    /// The lease as it is to be while this process holds it.
    fn claim(&self, before: Option<&Lease>) -> Lease {
        let now = MicroTime(jiff::Timestamp::now());
        let mut lease = before.cloned().unwrap_or_else(|| Lease {
            metadata: ObjectMeta { name: Some(self.election.lease.clone()), ..ObjectMeta::default() },
            ..Lease::default()
        });
        let spec = lease.spec.get_or_insert_with(LeaseSpec::default);
        if spec.holder_identity.as_ref() != Some(&self.election.identity) {
            spec.holder_identity = Some(self.election.identity.clone());
            spec.acquire_time = Some(now.clone());
            spec.lease_transitions = Some(spec.lease_transitions.map_or(0, |count| count.saturating_add(1)));
        }
        spec.lease_duration_seconds = Some(i32::try_from(self.election.duration.as_secs()).unwrap_or(i32::MAX));
        spec.renew_time = Some(now);
        lease
    }

    /// Writes the lease over the version that it was read in, or makes it.
    async fn write(&mut self, lease: Lease) -> kube::Result<()> {
        let params = PostParams { field_manager: Some(kubernetes::FIELD_MANAGER.to_owned()), ..PostParams::default() };
        let written = match lease.metadata.resource_version {
            Some(_) => self.leases.replace(&self.election.lease, &params, &lease).await?,
            None => self.leases.create(&params, &lease).await?,
        };
        self.note(written);
        Ok(())
    }
}

/// Ends what takes too long: a connection may be dead without anybody having said so.
async fn in_time<T>(patience: Duration, work: impl Future<Output = kube::Result<T>>) -> kube::Result<T> {
    timeout(patience, work).await.unwrap_or_else(|late| Err(kube::Error::Service(Box::new(late))))
}

/// Whether trying again will not help until somebody has given a right or made a namespace.
fn is_hopeless(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if matches!(status.code, 401 | 403 | 404))
}

impl Seen {
    fn holder(&self) -> Option<&String> {
        self.lease.spec.as_ref()?.holder_identity.as_ref().filter(|holder| !holder.is_empty())
    }

    /// Whether the lease is this process's, nobody's, or has run out.
    fn may_be_had(&self, identity: &String, now: Instant) -> bool {
        let seconds = self.lease.spec.as_ref().and_then(|spec| spec.lease_duration_seconds).unwrap_or(0);
        let duration = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        self.holder().is_none_or(|holder| holder == identity) || self.since + duration <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    fn seen(holder: Option<&str>, since: Instant) -> Seen {
        let spec = LeaseSpec {
            holder_identity: holder.map(str::to_owned),
            lease_duration_seconds: Some(15),
            ..LeaseSpec::default()
        };
        Seen { lease: Lease { spec: Some(spec), ..Lease::default() }, since }
    }

    #[test]
    fn a_lease_is_had_by_its_holder_by_anybody_when_free_and_by_others_when_unchanged_for_its_duration() {
        let since = Instant::now();
        let me = "me".to_owned();
        let later = |seconds| since + Duration::from_secs(seconds);
        assert!(seen(Some("me"), since).may_be_had(&me, since));
        assert!(seen(None, since).may_be_had(&me, since));
        assert!(seen(Some(""), since).may_be_had(&me, since));
        assert!(!seen(Some("other"), since).may_be_had(&me, later(14)));
        assert!(seen(Some("other"), since).may_be_had(&me, later(15)));
    }

    fn election() -> Election {
        Election {
            lease: "lease".to_owned(),
            namespace: "a".to_owned(),
            identity: "me".to_owned(),
            duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry: Duration::from_secs(2),
        }
    }

    async fn server() -> (TcpListener, Client) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let client = Client::try_from(kube::Config::new(address.parse().unwrap())).unwrap();
        (listener, client)
    }

    /// Takes connections and never answers; ends when it was tried so often.
    async fn swallow(listener: &TcpListener, count: usize) {
        let mut connections = Vec::new();
        while connections.len() < count {
            connections.push(listener.accept().await.unwrap());
        }
    }

    /// Time stands still but for waits.
    #[tokio::test(start_paused = true)]
    async fn an_api_server_that_does_not_answer_is_asked_again() {
        let ((listener, client), election) = (server().await, election());
        tokio::select! {
            _ = Candidate::stand(&client, &election) => panic!("nobody answered"),
            () = swallow(&listener, 3) => {}
        }
        let leases = Api::namespaced(client, "a");
        let mut candidate = Candidate { leases, election, seen: None, renewed: Instant::now() };
        tokio::select! {
            () = candidate.elected() => panic!("nobody answered"),
            () = swallow(&listener, 3) => {}
        }
        candidate.renewed = Instant::now();
        tokio::join!(candidate.lost(), swallow(&listener, 2));
        let begin = Instant::now();
        candidate.resign().await;
        assert!(begin.elapsed() <= Duration::from_secs(11), "{:?}", begin.elapsed());
    }

    #[tokio::test]
    async fn whoever_may_not_read_the_lease_does_not_stand() {
        let ((listener, client), election) = (server().await, election());
        let refuse = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            // A connection on which more is said than was asked is a broken one.
            let _ = stream.read(&mut [0; 4096]).await.unwrap();
            let body =
                r#"{"kind": "Status", "status": "Failure", "message": "no", "reason": "Forbidden", "code": 403}"#;
            let head = format!("HTTP/1.1 403 Forbidden\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            stream
        };
        let (candidate, _stream) = tokio::join!(Candidate::stand(&client, &election), refuse);
        assert!(candidate.err().expect("it is refused").to_string().contains("read the Lease a/lease"));
    }
}
