//! What topics have to know of clusters: where the brokers are, and whether topics are controlled at all.
//!
//! The reconciliation of a Kafka resource tells it here from its plan; those of topics ask, and are woken when it changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ottla_client::Admin;
use ottla_plan::model::TopicController;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::doubled;

/// A cluster as topics see it.
pub(crate) struct Link {
    /// Where its brokers are reached, when they can be.
    pub(crate) bootstrap: Option<String>,
    /// The controller of its topics, where one is asked for.
    pub(crate) topics: Option<TopicController>,
    /// Whether everything of the cluster stands.
    pub(crate) is_ready: bool,
    /// One connection, used by one topic at a time: brokers are asked little, and never by all topics at once.
    admin: tokio::sync::Mutex<Option<Admin>>,
    queue: Mutex<Queue>,
}

/// Who comes when.
#[derive(Default)]
struct Queue {
    /// The last appointment that was given.
    last: Option<Instant>,
    silence: Option<Silence>,
}

/// A cluster that was not reached.
struct Silence {
    until: Instant,
    failures: u32,
    why: String,
}

/// Why it is not a topic's turn.
#[derive(Debug)]
pub(crate) enum Away {
    /// Another topic has the connection.
    Busy {
        /// When to come again.
        wait: Duration,
    },
    /// The brokers were not reached a moment ago, and are left alone for a while.
    Silent {
        /// When to come again.
        wait: Duration,
        /// What was wrong.
        why: String,
    },
}

/// Topics that find the connection in use come again one after the other. Nobody waits meanwhile: a topic that waits takes a
/// place among those that are worked on, and a cluster that swallows packets would take them all.
const PACE: Duration = Duration::from_millis(5);
/// The least that is left to the topic that has the connection; most are done by then.
const BUSY: Duration = Duration::from_millis(50);
/// How long a cluster is left alone that was not reached; it doubles with each further time.
const SILENCE_FIRST: Duration = Duration::from_secs(1);
/// Longer than this nobody wants to wait after having mended something.
const SILENCE_LONGEST: Duration = Duration::from_secs(30);

impl Link {
    /// A cluster to which nobody has connected yet.
    pub(crate) fn new(bootstrap: Option<String>, topics: Option<TopicController>, is_ready: bool) -> Link {
        Link { bootstrap, topics, is_ready, admin: tokio::sync::Mutex::default(), queue: Mutex::default() }
    }

    /// The connection, if it is free and there is hope that somebody is at its other end.
    pub(crate) fn turn(&self) -> Result<tokio::sync::MutexGuard<'_, Option<Admin>>, Away> {
        let now = Instant::now();
        let mut queue = self.queue();
        let silence = queue.silence.as_ref().filter(|silence| now < silence.until);
        if let Some((until, why)) = silence.map(|silence| (silence.until, silence.why.clone())) {
            return Err(Away::Silent { wait: queue.appointment(until, now), why });
        }
        self.admin.try_lock().map_err(|_| Away::Busy { wait: queue.appointment(now + BUSY, now) })
    }

    /// Notes that the brokers were not reached, and why.
    pub(crate) fn unreached(&self, why: String) {
        let mut queue = self.queue();
        let failures = queue.silence.as_ref().map_or(0, |silence| silence.failures);
        let wait = doubled(SILENCE_FIRST, failures, SILENCE_LONGEST);
        queue.silence = Some(Silence { until: Instant::now() + wait, failures: failures.saturating_add(1), why });
    }

    /// Notes that the brokers answered, whatever they said.
    pub(crate) fn reached(&self) {
        self.queue().silence = None;
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn says_the_same(&self, other: &Link) -> bool {
        self.bootstrap == other.bootstrap && self.topics == other.topics && self.is_ready == other.is_ready
    }
}

impl Queue {
    /// How long until the next appointment that is not taken yet.
    fn appointment(&mut self, earliest: Instant, now: Instant) -> Duration {
        let next = self.last.map_or(earliest, |last| earliest.max(last)) + PACE;
        self.last = Some(next);
        next.duration_since(now)
    }
}

/// Namespace and name of a Kafka resource.
type Key = (String, String);

/// All clusters that were reconciled since the process was started.
pub(crate) struct Clusters {
    links: Mutex<BTreeMap<Key, Arc<Link>>>,
    changes: watch::Sender<()>,
}

impl Default for Clusters {
    fn default() -> Clusters {
        Clusters { links: Mutex::default(), changes: watch::channel(()).0 }
    }
}

impl Clusters {
    /// Notes what a cluster is like.
    pub(crate) fn learn(&self, namespace: &str, name: &str, link: Link) {
        let key = (namespace.to_owned(), name.to_owned());
        let mut links = self.links();
        if !links.get(&key).is_some_and(|known| known.says_the_same(&link)) {
            links.insert(key, Arc::new(link));
            drop(links);
            self.changes.send_replace(());
        }
    }

    /// Whether anything was noted of a cluster.
    pub(crate) fn knows(&self, namespace: &str, name: &str) -> bool {
        self.links().contains_key(&(namespace.to_owned(), name.to_owned()))
    }

    /// Notes that a cluster is no more.
    pub(crate) fn forget(&self, namespace: &str, name: &str) {
        let forgotten = self.links().remove(&(namespace.to_owned(), name.to_owned()));
        if forgotten.is_some() {
            self.changes.send_replace(());
        }
    }

    /// The cluster to which topics of this namespace belong that name it: the one of the same namespace, unless its
    /// controller serves another; where there is none, one whose controller serves this namespace.
    pub(crate) fn of_topics(&self, namespace: &str, name: &str) -> Option<Arc<Link>> {
        let links = self.links();
        let named = || links.iter().filter(|((_, cluster), _)| cluster == name);
        let serves = |link: &Link| link.topics.as_ref().is_some_and(|topics| topics.namespace == namespace);
        let found = match named().find(|((home, _), _)| home == namespace) {
            Some((_, own)) => Some(own).filter(|own| own.topics.is_none() || serves(own)),
            None => named().map(|(_, link)| link).find(|link| serves(link)),
        };
        found.map(Arc::clone)
    }

    /// Yields whenever something has changed.
    pub(crate) fn changes(&self) -> impl futures::Stream<Item = ()> + Send + use<> {
        let mut changes = self.changes.subscribe();
        changes.mark_unchanged();
        futures::stream::unfold(changes, |mut changes| async move {
            changes.changed().await.ok()?;
            Some(((), changes))
        })
    }

    fn links(&self) -> MutexGuard<'_, BTreeMap<Key, Arc<Link>>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(served: Option<&str>) -> Link {
        let topics = served.map(|namespace| TopicController { namespace: namespace.to_owned(), interval_ms: 1 });
        Link::new(Some("a:1".to_owned()), topics, true)
    }

    #[test]
    fn topics_belong_to_the_cluster_whose_controller_serves_their_namespace() {
        let clusters = Clusters::default();
        clusters.learn("a", "one", link(Some("b")));
        clusters.learn("b", "two", link(None));
        assert!(clusters.of_topics("a", "one").is_none(), "its topics are looked for elsewhere");
        assert!(clusters.of_topics("b", "one").is_some());
        assert!(clusters.of_topics("b", "two").is_some_and(|link| link.topics.is_none()));
        clusters.learn("b", "one", link(None));
        let own = clusters.of_topics("b", "one");
        assert!(
            own.is_some_and(|link| link.topics.is_none()),
            "its own cluster has the say, though it serves no topics"
        );
        clusters.learn("b", "one", link(Some("b")));
        let near = clusters.of_topics("b", "one").map(|link| Arc::as_ptr(&link));
        clusters.forget("a", "one");
        assert_eq!(clusters.of_topics("b", "one").map(|link| Arc::as_ptr(&link)), near, "the near one goes first");
    }

    #[test]
    fn nobody_waits_for_a_connection_in_use_and_all_come_again_one_after_the_other() {
        let link = link(None);
        let turn = link.turn().unwrap();
        let waits: Vec<Duration> = (0..3)
            .map(|_| match link.turn() {
                Err(Away::Busy { wait }) => wait,
                other => panic!("it is in use: {other:?}"),
            })
            .collect();
        assert!(waits.is_sorted() && waits[2] - waits[0] < 3 * PACE, "{waits:?}");
        drop(turn);
        assert!(link.turn().is_ok());
    }

    #[test]
    fn a_cluster_that_was_not_reached_is_left_alone_longer_and_longer_until_it_answers() {
        let link = link(None);
        let wait = || match link.turn() {
            Err(Away::Silent { wait, why }) => (wait.as_secs_f64().round() as u64, why),
            other => panic!("it was not reached: {other:?}"),
        };
        let waits = (0..7).map(|_| {
            link.unreached("away".to_owned());
            wait().0
        });
        assert_eq!(waits.collect::<Vec<_>>(), [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(wait().1, "away");
        link.reached();
        assert!(link.turn().is_ok());
    }

    #[test]
    fn only_what_is_new_wakes_topics() {
        let clusters = Clusters::default();
        clusters.learn("a", "one", link(Some("a")));
        let mut changes = clusters.changes.subscribe();
        changes.mark_unchanged();
        clusters.learn("a", "one", link(Some("a")));
        assert!(!changes.has_changed().unwrap());
        clusters.learn("a", "one", link(None));
        assert!(changes.has_changed().unwrap());
    }
}
