//! Why a reconciliation did not come to its end, and how long until the next try.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ottla_client::ClientError;

/// The wait after the first failure; it doubles with each further one.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// Longer than this nobody wants to wait after having mended something outside.
const RETRY_LONGEST: Duration = Duration::from_secs(60);

/// Why a reconciliation did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The API server did not do what was asked.
    #[error("{attempt}: {error}")]
    Kubernetes {
        /// What was asked, and of what.
        attempt: String,
        /// What it said.
        error: Box<kube::Error>,
    },
    /// The brokers did not do what was asked.
    #[error("{attempt}: {error}")]
    Kafka {
        /// What was asked, and of what.
        attempt: String,
        /// What they said.
        error: ClientError,
    },
    /// Something else changes an object as it is written, such as a webhook.
    #[error("{0} does not stay as it is written: something changes it on its way")]
    Rewritten(String),
    /// It took longer than one reconciliation may.
    #[error("not done after {} s", .0.as_secs())]
    TimedOut(Duration),
}

impl Error {
    /// Whether somebody else wrote at the same time, which the next look settles.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, Error::Kubernetes { error, .. } if matches!(&**error, kube::Error::Api(status) if status.code == 409))
    }

    /// Whether the namespace is on its way out, and everything in it with it: nothing is to be mended.
    pub(crate) fn is_of_ending_namespace(&self) -> bool {
        let Error::Kubernetes { error, .. } = self else { return false };
        let kube::Error::Api(status) = &**error else { return false };
        let mut causes = status.details.iter().flat_map(|details| &details.causes);
        causes.any(|cause| cause.reason == "NamespaceTerminating")
    }

    /// Whether the API server understood, and refused: somebody has to mend something.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Error::Kubernetes { error, .. }
            if matches!(&**error, kube::Error::Api(status) if (400..500).contains(&status.code) && !matches!(status.code, 409 | 429)))
    }
}

/// Says of an error what was attempted.
pub(crate) trait Attempt<T> {
    /// Adds what was attempted.
    fn attempt(self, attempt: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T> Attempt<T> for Result<T, kube::Error> {
    fn attempt(self, attempt: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|error| Error::Kubernetes { attempt: attempt(), error: Box::new(error) })
    }
}

impl<T> Attempt<T> for Result<T, ClientError> {
    fn attempt(self, attempt: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|error| Error::Kafka { attempt: attempt(), error })
    }
}

/// How often each resource has failed in a row. As large as the number of resources that fail.
#[derive(Debug, Default)]
pub(crate) struct Retries {
    failures: Mutex<BTreeMap<String, u32>>,
}

impl Retries {
    /// Notes a failure and gives the wait until the next try.
    pub(crate) fn failed(&self, resource: &str) -> Duration {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let count = failures.entry(resource.to_owned()).or_default();
        *count = count.saturating_add(1);
        RETRY_FIRST.saturating_mul(1 << (*count - 1).min(6)).min(RETRY_LONGEST)
    }

    /// Notes that it went well, or that the resource is gone.
    pub(crate) fn settled(&self, resource: &str) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound_and_begin_anew_after_a_success() {
        let retries = Retries::default();
        let waits: Vec<u64> = (0..9).map(|_| retries.failed("a").as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(retries.failed("b").as_secs(), 1);
        retries.settled("a");
        assert_eq!(retries.failed("a").as_secs(), 1);
    }
}
