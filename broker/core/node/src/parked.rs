//! Fetches that wait for enough records, each until its deadline.
//!
//! A parked fetch is known to every partition that it reads, so an append wakes only those who wait for it, and to the
//! table here, by which its time runs out or its connection ends. Whoever takes its state out answers it; so it is
//! answered once.

use std::collections::BTreeMap;
use std::sync::Arc;

use ottla_api::Late;
use ottla_api::fetch::Task;
use ottla_commit_log::Files;
use ottla_vocabulary::{Instant, Map};
use parking_lot::Mutex;

use crate::fetch::Target;
use crate::fetch_session::Scope;
use crate::reply::Token;

/// One waiting fetch.
#[derive(Debug)]
pub(crate) struct Parked<F: Files> {
    pub(crate) token: Token,
    pub(crate) deadline: Instant,
    /// Gone once it is answered.
    pub(crate) fetch: Mutex<Option<Waiting<F>>>,
}

/// What it waits with.
#[derive(Debug)]
pub(crate) struct Waiting<F: Files> {
    pub(crate) late: Late,
    pub(crate) task: Task,
    pub(crate) scope: Scope,
    pub(crate) targets: Vec<Target<F>>,
}

/// All that wait; as many as there are connections at the most.
#[derive(Debug)]
pub(crate) struct ParkedFetches<F: Files> {
    table: Mutex<Table<F>>,
}

#[derive(Debug)]
struct Table<F: Files> {
    by_token: Map<Token, Arc<Parked<F>>>,
    by_deadline: BTreeMap<(Instant, Token), Arc<Parked<F>>>,
}

impl<F: Files> ParkedFetches<F> {
    pub(crate) fn new() -> ParkedFetches<F> {
        ParkedFetches { table: Mutex::new(Table { by_token: Map::default(), by_deadline: BTreeMap::new() }) }
    }

    pub(crate) fn len(&self) -> usize {
        self.table.lock().by_token.len()
    }

    /// Notes one; answers whether its deadline is now the earliest.
    pub(crate) fn insert(&self, parked: &Arc<Parked<F>>) -> bool {
        let mut table = self.table.lock();
        table.by_token.insert(parked.token, Arc::clone(parked));
        table.by_deadline.insert((parked.deadline, parked.token), Arc::clone(parked));
        table.by_deadline.first_key_value().is_some_and(|(first, _)| *first == (parked.deadline, parked.token))
    }

    /// Forgets this one; its connection may have parked its next one under the same token already.
    pub(crate) fn remove(&self, parked: &Arc<Parked<F>>) {
        let mut table = self.table.lock();
        let key = (parked.deadline, parked.token);
        if table.by_token.get(&parked.token).is_some_and(|found| Arc::ptr_eq(found, parked)) {
            table.by_token.remove(&parked.token);
        }
        if table.by_deadline.get(&key).is_some_and(|found| Arc::ptr_eq(found, parked)) {
            table.by_deadline.remove(&key);
        }
    }

    pub(crate) fn of(&self, token: Token) -> Option<Arc<Parked<F>>> {
        self.table.lock().by_token.get(&token).cloned()
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.table.lock().by_deadline.first_key_value().map(|((deadline, _), _)| *deadline)
    }

    pub(crate) fn due(&self, now: Instant) -> Vec<Arc<Parked<F>>> {
        let table = self.table.lock();
        table
            .by_deadline
            .iter()
            .take_while(|((deadline, _), _)| *deadline <= now)
            .map(|(_, parked)| Arc::clone(parked))
            .collect()
    }
}
