//! A request that asked several shards, and the replies that have come so far.

use std::sync::Arc;

use ottla_api::Late;
use ottla_api::group::{Answer, Told};
use ottla_wire::ErrorCode;
use parking_lot::Mutex;

use crate::reply::Token;

/// A request whose shards have all replied: to be encoded by [`Answer::encode`] and sent.
#[derive(Debug)]
pub(crate) struct Answered {
    /// The request.
    pub(crate) token: Token,
    /// Its circumstances.
    pub(crate) late: Late,
    /// What makes the answer.
    pub(crate) answer: Answer,
    /// In the order of the questions.
    pub(crate) told: Vec<Told>,
}

/// A request that waits for shards.
#[derive(Debug)]
pub(crate) struct Gathering {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Taken when the last reply has come.
    request: Option<(Token, Late, Answer)>,
    /// What each question came to; empty until it is told.
    told: Vec<Option<Vec<Told>>>,
    /// How many are not told yet.
    untold: usize,
}

impl Gathering {
    pub(crate) fn new(token: Token, late: Late, answer: Answer, questions: usize) -> Arc<Gathering> {
        let told = (0..questions).map(|_| None).collect();
        Arc::new(Gathering {
            state: Mutex::new(State { request: Some((token, late, answer)), told, untold: questions }),
        })
    }
}

/// Whom a shard replies to: one question of a request.
#[derive(Clone, Debug)]
pub(crate) struct To {
    pub(crate) gathering: Arc<Gathering>,
    pub(crate) place: usize,
}

impl To {
    /// Takes the reply; the whole request is added to `answered` when it was the last.
    pub(crate) fn tell(self, told: Told, answered: &mut Vec<Answered>) {
        self.tell_many(vec![told], answered);
    }

    /// The same for a question that went to every shard.
    pub(crate) fn tell_many(self, told: Vec<Told>, answered: &mut Vec<Answered>) {
        let mut state = self.gathering.state.lock();
        debug_assert!(state.told[self.place].is_none(), "a question is answered once");
        state.told[self.place] = Some(told);
        state.untold = state.untold.saturating_sub(1);
        if state.untold == 0
            && let Some((token, late, answer)) = state.request.take()
        {
            let told = std::mem::take(&mut state.told).into_iter().flatten().flatten().collect();
            answered.push(Answered { token, late, answer, told });
        }
    }
}

/// Kafka's code for what a coordinator could not do because of its log: what a client shall make of the error is to look
/// for the coordinator again, or to wait.
pub(crate) fn coordinator_code(code: ErrorCode) -> ErrorCode {
    match code {
        ErrorCode::UnknownTopicOrPartition | ErrorCode::NotEnoughReplicas | ErrorCode::RequestTimedOut => {
            ErrorCode::CoordinatorNotAvailable
        }
        ErrorCode::NotLeaderOrFollower | ErrorCode::KafkaStorageError => ErrorCode::NotCoordinator,
        ErrorCode::MessageTooLarge | ErrorCode::RecordListTooLarge => ErrorCode::UnknownServerError,
        other => other,
    }
}
