//! What topics have to know of clusters: where the brokers are, and whether topics are controlled at all.
//!
//! The reconciliation of a Kafka resource tells it here from its plan; those of topics ask, and are woken when it changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ottla_client::Admin;
use ottla_plan::model::TopicController;
use tokio::sync::watch;

/// A cluster as topics see it.
pub(crate) struct Link {
    /// Where its brokers are reached, when they can be.
    pub(crate) bootstrap: Option<String>,
    /// The controller of its topics, where one is asked for.
    pub(crate) topics: Option<TopicController>,
    /// Whether everything of the cluster stands.
    pub(crate) is_ready: bool,
    /// One connection, used by one topic at a time: brokers are asked little, and never by all topics at once.
    pub(crate) admin: tokio::sync::Mutex<Option<Admin>>,
}

impl Link {
    /// A cluster to which nobody has connected yet.
    pub(crate) fn new(bootstrap: Option<String>, topics: Option<TopicController>, is_ready: bool) -> Link {
        Link { bootstrap, topics, is_ready, admin: tokio::sync::Mutex::default() }
    }

    fn says_the_same(&self, other: &Link) -> bool {
        self.bootstrap == other.bootstrap && self.topics == other.topics && self.is_ready == other.is_ready
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

    /// Notes that a cluster is no more.
    pub(crate) fn forget(&self, namespace: &str, name: &str) {
        let forgotten = self.links().remove(&(namespace.to_owned(), name.to_owned()));
        if forgotten.is_some() {
            self.changes.send_replace(());
        }
    }

    /// The cluster to which topics of this namespace belong that name it: one whose controller serves the namespace, or one
    /// of the same namespace that has none.
    pub(crate) fn of_topics(&self, namespace: &str, name: &str) -> Option<Arc<Link>> {
        let links = self.links();
        let named = || links.iter().filter(|((_, cluster), _)| cluster == name);
        let serves = |link: &Link| link.topics.as_ref().is_some_and(|topics| topics.namespace == namespace);
        let mut serving: Vec<_> = named().filter(|(_, link)| serves(link)).collect();
        serving.sort_by_key(|((home, _), _)| home != namespace);
        let own = named().find(|((home, _), link)| home == namespace && link.topics.is_none());
        serving.into_iter().next().or(own).map(|(_, link)| Arc::clone(link))
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
        clusters.learn("b", "one", link(Some("b")));
        let near = clusters.of_topics("b", "one").map(|link| Arc::as_ptr(&link));
        clusters.forget("a", "one");
        assert_eq!(clusters.of_topics("b", "one").map(|link| Arc::as_ptr(&link)), near, "the near one goes first");
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
