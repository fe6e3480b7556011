//! Fetch sessions (KIP-227): a client names its partitions once and afterwards only what changes, and is answered only
//! with what changed.
//!
//! Given the session fields and the partitions of a request, [`FetchSessions::begin`] says which partitions to read;
//! given what was read, [`FetchSessions::select`] says which of them to answer. Reading is `fetch`'s matter. The cache
//! is bounded: when it is full, a session gives way by Kafka's rules or the client is served without one.

use std::collections::BTreeMap;

use ottla_api::fetch::{Place as FetchPlace, Wish as FetchWish};
use ottla_vocabulary::{Duration, Instant, Map, Offset};
use ottla_wire::ErrorCode;

/// Kafka's `max.incremental.fetch.session.cache.slots` has its own bound for what a slot may hold; without one, a client
/// could keep its largest frame in each of a thousand slots. Past this sum, clients are served without a session.
const PLACES_MAX: usize = 500_000;

/// Which session a request continues, by its two fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionFields {
    pub(crate) id: i32,
    pub(crate) epoch: i32,
}

const FINAL_EPOCH: i32 = -1;
const INITIAL_EPOCH: i32 = 0;

/// How a request is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Everything asked for is answered and nothing is remembered.
    Sessionless,
    /// Everything asked for is answered, under a new session.
    New { id: i32 },
    /// Only what changed is answered.
    Incremental { id: i32 },
}

impl Scope {
    /// The session id of the answer.
    pub(crate) fn id(self) -> i32 {
        match self {
            Scope::Sessionless => 0,
            Scope::New { id } | Scope::Incremental { id } => id,
        }
    }
}

/// What a partition's answer says that a session remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) high_watermark: Offset,
    pub(crate) log_start: Offset,
    /// Whether the answer must be sent whatever was told before: it has records, an error, or a diverging epoch.
    pub(crate) must_tell: bool,
    pub(crate) has_error: bool,
}

#[derive(Debug)]
struct Remembered {
    wish: FetchWish,
    told: Option<(Offset, Offset)>,
}

#[derive(Debug)]
struct Session {
    by_id: bool,
    epoch: i32,
    created: Instant,
    used: Instant,
    /// Places in the order in which they are read; one that gave records goes to the end, so that a busy partition
    /// starves no other.
    order: BTreeMap<u64, FetchPlace>,
    places: BTreeMap<FetchPlace, (u64, Remembered)>,
    next_order: u64,
}

impl Session {
    fn put(&mut self, wish: FetchWish) {
        match self.places.get_mut(&wish.place) {
            Some((_, remembered)) => remembered.wish = wish,
            None => {
                self.order.insert(self.next_order, wish.place.clone());
                self.places.insert(wish.place.clone(), (self.next_order, Remembered { wish, told: None }));
                self.next_order += 1;
            }
        }
    }

    fn remove(&mut self, place: &FetchPlace) {
        if let Some((order, _)) = self.places.remove(place) {
            self.order.remove(&order);
        }
    }

    fn wishes(&self) -> Vec<FetchWish> {
        self.order.values().filter_map(|place| self.places.get(place)).map(|(_, place)| place.wish.clone()).collect()
    }
}

/// All sessions of a broker.
#[derive(Debug)]
pub(crate) struct FetchSessions {
    sessions: Map<i32, Session>,
    slots_max: usize,
    places_max: usize,
    eviction: Duration,
    places: usize,
    next_id: i32,
    evicted: u64,
}

impl FetchSessions {
    /// `first_id` is random, so that a session of before a restart is not taken for one of after it.
    pub(crate) fn new(slots_max: usize, eviction: Duration, first_id: i32) -> FetchSessions {
        FetchSessions {
            sessions: Map::default(),
            slots_max,
            places_max: PLACES_MAX,
            eviction,
            places: 0,
            next_id: first_id.max(1),
            evicted: 0,
        }
    }

    /// How many sessions there are, how many partitions they hold, and how many gave way.
    pub(crate) fn measure(&self) -> (usize, usize, u64) {
        (self.sessions.len(), self.places, self.evicted)
    }

    /// Which partitions a request is about, in the order in which to read them.
    pub(crate) fn begin(
        &mut self,
        now: Instant,
        fields: SessionFields,
        by_id: bool,
        asked: Vec<FetchWish>,
        forgotten: &[FetchPlace],
    ) -> Result<(Scope, Vec<FetchWish>), ErrorCode> {
        match fields.epoch {
            FINAL_EPOCH | INITIAL_EPOCH => {
                self.drop_session(fields.id);
                let scope =
                    if fields.epoch == INITIAL_EPOCH { self.create(now, by_id, &asked) } else { Scope::Sessionless };
                Ok((scope, asked))
            }
            _ => self.resume(now, fields, by_id, asked, forgotten),
        }
    }

    fn resume(
        &mut self,
        now: Instant,
        fields: SessionFields,
        by_id: bool,
        asked: Vec<FetchWish>,
        forgotten: &[FetchPlace],
    ) -> Result<(Scope, Vec<FetchWish>), ErrorCode> {
        let session = self.sessions.get_mut(&fields.id).ok_or(ErrorCode::FetchSessionIdNotFound)?;
        if session.epoch != fields.epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        if session.by_id != by_id {
            return Err(ErrorCode::FetchSessionTopicIdError);
        }
        let before = session.places.len();
        for wish in asked {
            session.put(wish);
        }
        for place in forgotten {
            session.remove(place);
        }
        let after = session.places.len();
        self.places = self.places - before + after;
        if before < after && self.places_max < self.places {
            // The client begins anew and is then served without a session, if there is still no room.
            self.drop_session(fields.id);
            self.evicted += 1;
            return Err(ErrorCode::FetchSessionIdNotFound);
        }
        session.used = now;
        session.epoch = if session.epoch == i32::MAX { 1 } else { session.epoch + 1 };
        if session.places.is_empty() {
            self.drop_session(fields.id);
            return Ok((Scope::Sessionless, Vec::new()));
        }
        Ok((Scope::Incremental { id: fields.id }, session.wishes()))
    }

    fn create(&mut self, now: Instant, by_id: bool, asked: &[FetchWish]) -> Scope {
        if asked.is_empty() || self.slots_max == 0 || self.places_max < self.places + asked.len() {
            return Scope::Sessionless;
        }
        if self.slots_max <= self.sessions.len() && !self.make_room(now, asked.len()) {
            return Scope::Sessionless;
        }
        let id = self.draw_id();
        let mut session = Session {
            by_id,
            epoch: 1,
            created: now,
            used: now,
            order: BTreeMap::new(),
            places: BTreeMap::new(),
            next_order: 0,
        };
        for wish in asked {
            session.put(wish.clone());
        }
        self.places += session.places.len();
        self.sessions.insert(id, session);
        Scope::New { id }
    }

    /// No id is used again soon: the client of a session that gave way must not take another's for its own.
    fn draw_id(&mut self) -> i32 {
        loop {
            let id = self.next_id;
            self.next_id = if id == i32::MAX { 1 } else { id + 1 };
            if !self.sessions.contains_key(&id) {
                return id;
            }
        }
    }

    /// Kafka's rules: one that was not used for the eviction time gives way to any; one that has lived that long gives
    /// way to a larger one.
    fn make_room(&mut self, now: Instant, size: usize) -> bool {
        let unused = self.sessions.iter().min_by_key(|(id, session)| (session.used, **id));
        let unused = unused.filter(|(_, session)| self.eviction < now.since(session.used));
        let smaller = || {
            let old = self.sessions.iter().filter(|(_, session)| self.eviction < now.since(session.created));
            let smallest = old.min_by_key(|(id, session)| (session.places.len(), **id));
            smallest.filter(|(_, session)| session.places.len() < size)
        };
        let Some(id) = unused.or_else(smaller).map(|(id, _)| *id) else { return false };
        self.drop_session(id);
        self.evicted += 1;
        true
    }

    fn drop_session(&mut self, id: i32) {
        if let Some(session) = self.sessions.remove(&id) {
            self.places -= session.places.len();
        }
    }

    /// Which of the partitions read are to be answered; remembers what the client is told by that.
    pub(crate) fn select(&mut self, scope: Scope, read: &[(FetchPlace, Told)]) -> Vec<bool> {
        let (id, incremental) = match scope {
            Scope::Sessionless => return vec![true; read.len()],
            Scope::New { id } => (id, false),
            Scope::Incremental { id } => (id, true),
        };
        let Some(session) = self.sessions.get_mut(&id) else { return vec![true; read.len()] };
        let mut selected = Vec::with_capacity(read.len());
        for (place, told) in read {
            let Some((order, remembered)) = session.places.get_mut(place) else {
                selected.push(true);
                continue;
            };
            let now_told = (told.high_watermark, told.log_start);
            selected.push(!incremental || told.must_tell || remembered.told != Some(now_told));
            // After an error everything is told again.
            remembered.told = (!told.has_error).then_some(now_told);
            if incremental && told.must_tell && !told.has_error {
                session.order.remove(order);
                *order = session.next_order;
                session.order.insert(session.next_order, place.clone());
                session.next_order += 1;
            }
        }
        selected
    }
}

#[cfg(test)]
mod tests {
    use ottla_api::fetch::TopicKey;
    use ottla_vocabulary::{LeaderEpoch, PartitionIndex, Uuid};

    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1000)
    }

    fn wish(partition: i32, offset: i64) -> FetchWish {
        let place = FetchPlace { topic: TopicKey::Id(Uuid::ONE), partition: PartitionIndex(partition) };
        FetchWish {
            place,
            offset: Offset(offset),
            bytes_max: 1000,
            current_epoch: LeaderEpoch::NONE,
            last_fetched_epoch: LeaderEpoch::NONE,
        }
    }

    fn sessions(slots_max: usize) -> FetchSessions {
        FetchSessions::new(slots_max, Duration::from_secs(120), 7)
    }

    fn told(high_watermark: i64, must_tell: bool) -> Told {
        Told { high_watermark: Offset(high_watermark), log_start: Offset::ZERO, must_tell, has_error: false }
    }

    fn open(sessions: &mut FetchSessions, now: Instant, partitions: i32) -> Scope {
        let asked = (0..partitions).map(|partition| wish(partition, 0)).collect();
        sessions.begin(now, SessionFields { id: 0, epoch: 0 }, true, asked, &[]).unwrap().0
    }

    fn resume(sessions: &mut FetchSessions, id: i32, epoch: i32, asked: Vec<FetchWish>) -> Result<Vec<i32>, ErrorCode> {
        let fields = SessionFields { id, epoch };
        let (_, wishes) = sessions.begin(at(1), fields, true, asked, &[])?;
        Ok(wishes.iter().map(|wish| wish.place.partition.0).collect())
    }

    #[test]
    fn a_session_remembers_and_tells_only_what_changed() {
        let mut sessions = sessions(10);
        let scope = open(&mut sessions, at(0), 2);
        assert_eq!(scope, Scope::New { id: 7 });
        let places: Vec<_> = (0..2).map(|partition| wish(partition, 0).place).collect();
        let read = |first, second| vec![(places[0].clone(), first), (places[1].clone(), second)];
        assert_eq!(sessions.select(scope, &read(told(5, true), told(9, false))), [true, true]);
        assert_eq!(resume(&mut sessions, 7, 1, vec![wish(0, 5)]), Ok(vec![0, 1]));
        let scope = Scope::Incremental { id: 7 };
        assert_eq!(sessions.select(scope, &read(told(5, false), told(9, false))), [false, false]);
        assert_eq!(
            sessions.select(scope, &read(told(6, false), told(9, false))),
            [true, false],
            "a new high watermark"
        );
        assert_eq!(sessions.select(scope, &read(told(6, true), told(9, false))), [true, false], "records");
        assert_eq!(resume(&mut sessions, 7, 2, vec![]), Ok(vec![1, 0]), "who gave records is read last");
    }

    #[test]
    fn after_an_error_everything_is_told_again() {
        let mut sessions = sessions(10);
        let scope = open(&mut sessions, at(0), 1);
        let Scope::New { id } = scope else { panic!("no session") };
        let place = wish(0, 0).place;
        sessions.select(scope, &[(place.clone(), Told { has_error: true, ..told(5, true) })]);
        assert_eq!(sessions.select(Scope::Incremental { id }, &[(place, told(5, false))]), [true]);
    }

    #[test]
    fn wrong_sessions_and_epochs_are_refused() {
        let mut sessions = sessions(10);
        open(&mut sessions, at(0), 1);
        assert_eq!(resume(&mut sessions, 99, 1, vec![]), Err(ErrorCode::FetchSessionIdNotFound));
        assert_eq!(resume(&mut sessions, 7, 2, vec![]), Err(ErrorCode::InvalidFetchSessionEpoch));
        let by_name = sessions.begin(at(0), SessionFields { id: 7, epoch: 1 }, false, vec![], &[]);
        assert_eq!(by_name, Err(ErrorCode::FetchSessionTopicIdError));
    }

    #[test]
    fn a_session_that_grows_past_what_all_may_hold_ends() {
        let mut sessions = FetchSessions { places_max: 5, ..sessions(10) };
        assert_eq!(open(&mut sessions, at(0), 2), Scope::New { id: 7 });
        assert_eq!(open(&mut sessions, at(0), 2), Scope::New { id: 8 });
        assert_eq!(resume(&mut sessions, 7, 1, vec![wish(2, 0)]), Ok(vec![0, 1, 2]));
        assert_eq!(resume(&mut sessions, 8, 1, vec![wish(0, 5), wish(1, 5)]), Ok(vec![0, 1]), "it holds these already");
        assert_eq!(resume(&mut sessions, 8, 2, vec![wish(2, 0)]), Err(ErrorCode::FetchSessionIdNotFound));
        assert_eq!(sessions.measure(), (1, 3, 1));
        assert_eq!(resume(&mut sessions, 7, 2, vec![wish(3, 0)]), Ok(vec![0, 1, 2, 3]), "now there is room");
    }

    #[test]
    fn an_emptied_session_ends() {
        let mut sessions = sessions(10);
        open(&mut sessions, at(0), 1);
        let fields = SessionFields { id: 7, epoch: 1 };
        let (scope, wishes) = sessions.begin(at(0), fields, true, vec![], &[wish(0, 0).place]).unwrap();
        assert_eq!((scope, wishes.len(), sessions.measure().0), (Scope::Sessionless, 0, 0));
    }

    #[test]
    fn a_full_cache_gives_way_only_by_the_rules() {
        let mut sessions = sessions(1);
        assert_eq!(open(&mut sessions, at(0), 2), Scope::New { id: 7 });
        assert_eq!(open(&mut sessions, at(60), 9), Scope::Sessionless, "the first is too young to go");
        resume(&mut sessions, 7, 1, vec![]).unwrap();
        assert_eq!(open(&mut sessions, at(121), 2), Scope::Sessionless, "used lately, and not smaller");
        assert_eq!(open(&mut sessions, at(121), 3), Scope::New { id: 8 }, "lived long, and smaller");
        assert_eq!(open(&mut sessions, at(999), 1), Scope::New { id: 9 }, "not used for long");
        assert_eq!(sessions.measure(), (1, 1, 2));
    }
}
