//! Why a reconciliation did not come to its end, and how long until the next try.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

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
    #[error(
        "{object} does not stay as it is written: {field} is changed on its way, by a webhook or the API server itself"
    )]
    Rewritten {
        /// Which object.
        object: String,
        /// The first field that is not as it was written.
        field: String,
    },
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

    /// Whether the API server understood, and refused or did otherwise: somebody has to mend something.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Error::Rewritten { .. } => true,
            Error::Kubernetes { error, .. } => matches!(&**error, kube::Error::Api(status)
                if (400..500).contains(&status.code) && !matches!(status.code, 409 | 429)),
            Error::Kafka { .. } | Error::TimedOut(_) => false,
        }
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
        wait_after(*count)
    }

    /// Notes that it went well, or that the resource is gone.
    pub(crate) fn settled(&self, resource: &str) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(resource);
    }
}

/// Objects that did not stay as they were written. Each write of such an object is a change of it, which wakes the next
/// reconciliation, which would write it again.
#[derive(Debug, Default)]
pub(crate) struct Rewrites {
    held: Mutex<BTreeMap<String, Held>>,
}

/// An object that is not written for a while.
#[derive(Debug)]
struct Held {
    /// What was written: something else is written at once.
    wanted: String,
    count: u32,
    until: Instant,
    field: String,
}

impl Rewrites {
    /// Notes that an object is not what was written, and in which field.
    pub(crate) fn note(&self, object: &str, wanted: &str, field: &str, now: Instant) {
        let mut held = self.held();
        // What nobody has tried to write for so long is gone, or is wanted no more.
        held.retain(|_, held| now < held.until + 10 * RETRY_LONGEST);
        let before = held.get(object).filter(|before| before.wanted == wanted).map_or(0, |before| before.count);
        let count = before.saturating_add(1);
        let (wanted, field, until) = (wanted.to_owned(), field.to_owned(), now + wait_after(count));
        held.insert(object.to_owned(), Held { wanted, count, until, field });
    }

    /// The field for whose sake the object is not written now.
    pub(crate) fn field(&self, object: &str, wanted: &str, now: Instant) -> Option<String> {
        let held = self.held();
        let held = held.get(object).filter(|held| held.wanted == wanted && now < held.until)?;
        Some(held.field.clone())
    }

    /// Notes that an object stays as it was written.
    pub(crate) fn settled(&self, object: &str) {
        self.held().remove(object);
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<String, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The wait after so many failures in a row, the first being 1.
fn wait_after(count: u32) -> Duration {
    doubled(RETRY_FIRST, count.saturating_sub(1), RETRY_LONGEST)
}

/// A wait doubled so many times, and no longer than the longest.
pub(crate) fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    first.saturating_mul(1 << times.min(16)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rewritten_is_written_again_later_and_later_and_at_once_when_it_is_something_else() {
        let (rewrites, start) = (Rewrites::default(), Instant::now());
        let later = |seconds| start + Duration::from_secs(seconds);
        rewrites.note("Service a", "1", "spec.x", start);
        assert_eq!(rewrites.field("Service a", "1", later(0)).as_deref(), Some("spec.x"));
        assert_eq!(rewrites.field("Service a", "2", later(0)), None);
        assert_eq!(rewrites.field("Service b", "1", later(0)), None);
        assert_eq!(rewrites.field("Service a", "1", later(1)), None);
        rewrites.note("Service a", "1", "spec.x", later(1));
        assert!(rewrites.field("Service a", "1", later(2)).is_some());
        assert_eq!(rewrites.field("Service a", "1", later(3)), None);
        rewrites.settled("Service a");
        rewrites.note("Service a", "1", "spec.x", later(3));
        assert_eq!(rewrites.field("Service a", "1", later(4)), None, "it begins anew");
    }

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
