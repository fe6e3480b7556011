//! One voter from an empty directory to a committed log, and back after a restart.

use super::*;
use crate::describe::ReplicaState;
use crate::log_view::tests::Epochs;
use ottla_vocabulary::{Timestamp, Uuid};

pub(super) fn voter(id: i32) -> Voter {
    Voter {
        key: ReplicaKey::new(NodeId(id), Uuid([id as u8; 16])),
        endpoints: vec![],
        kraft_version_min: 0,
        kraft_version_max: 1,
    }
}

fn now(millis: u64) -> Now {
    Now { instant: Instant::from_millis(millis), wall: Timestamp(1_000_000 + millis as i64) }
}

fn open(stored: Option<ElectionState>, log: &Epochs, offset: i64) -> (Quorum, Vec<Action>) {
    Quorum::open(voter(1), Timeouts::default(), Voters::new([voter(1)], Offset(offset)), stored, now(0), 0, log)
}

#[test]
fn one_voter_alone_leads_at_once_and_commits_what_is_synced() {
    let mut log = Epochs::default();
    let (mut quorum, actions) = open(None, &log, -1);
    assert!(quorum.is_leader());
    let [.., persist, append, changed] = &actions[..] else { panic!("{actions:?}") };
    let leading = ElectionState { epoch: LeaderEpoch(1), leader: Some(NodeId(1)), voted: None };
    assert_eq!(persist, &Action::Persist(leading));
    let start = EpochStart {
        epoch: LeaderEpoch(1),
        voters: vec![NodeId(1)],
        granting: vec![NodeId(1)],
        write_voters: Some(quorum.voters().clone()),
    };
    assert_eq!(append, &Action::AppendEpochStart(start), "voters of the formatting snapshot go into the log");
    assert_eq!(changed, &Action::LeaderChanged(Standing { epoch: LeaderEpoch(1), leader: Some(NodeId(1)) }));
    assert_eq!((quorum.high_watermark(), quorum.next_timeout()), (None, None));

    log.0.extend([1, 1, 1]);
    let actions = quorum.step(now(5), 0, &log, Event::Synced { end: Offset(3) });
    assert_eq!(actions, [Action::AdvanceHighWatermark(Offset(3))]);
    assert_eq!(quorum.step(now(5), 0, &log, Event::Synced { end: Offset(3) }), []);
    let actions = quorum.step(now(6), 0, &log, Event::VotersChanged(Voters::new([voter(1)], Offset(2))));
    assert_eq!(actions, []);
}

#[test]
fn after_a_restart_it_leads_a_new_epoch() {
    let log = Epochs(vec![1, 1, 1]);
    let stored = ElectionState { epoch: LeaderEpoch(1), leader: Some(NodeId(1)), voted: None };
    let (quorum, actions) = open(Some(stored), &log, 1);
    assert!(quorum.is_leader());
    assert_eq!(quorum.epoch(), LeaderEpoch(2));
    let starts = actions.iter().filter_map(|action| match action {
        Action::AppendEpochStart(start) => Some(start.write_voters.clone()),
        _ => None,
    });
    assert_eq!(starts.collect::<Vec<_>>(), [None], "the log names the voters already");
}

#[test]
fn a_lost_quorum_state_file_never_takes_an_epoch_again() {
    let (quorum, _) = open(None, &Epochs(vec![1, 4, 4]), 1);
    assert_eq!(quorum.epoch(), LeaderEpoch(5));
}

#[test]
fn observers_are_described_and_forgotten_when_idle() {
    let mut log = Epochs(vec![]);
    let (mut quorum, _) = open(None, &log, -1);
    log.0.extend([1, 1]);
    quorum.step(now(0), 0, &log, Event::Synced { end: Offset(2) });
    let observer = ReplicaKey::new(NodeId(7), Uuid([7; 16]));
    let fetch = |replica, offset| {
        let epoch = LeaderEpoch(1);
        Event::FetchRequest(FetchRequest {
            replica,
            epoch,
            offset: Offset(offset),
            last_epoch: LeaderEpoch(offset.min(1) as i32),
        })
    };
    quorum.step(now(10), 0, &log, fetch(observer, 0));
    let behind = quorum.describe(Timestamp(9)).unwrap();
    let state = |log_end_offset, last_fetch, last_caught_up| ReplicaState {
        key: observer,
        log_end_offset: Offset(log_end_offset),
        last_fetch: Timestamp(last_fetch),
        last_caught_up: Timestamp(last_caught_up),
    };
    assert_eq!(behind.observers, [state(0, 1_000_010, -1)]);
    assert_eq!(behind.voters[0].last_caught_up, Timestamp(9), "the leader is always caught up");
    quorum.step(now(20), 0, &log, fetch(observer, 2));
    assert_eq!(quorum.describe(Timestamp(9)).unwrap().observers, [state(2, 1_000_020, 1_000_020)]);
    let other = ReplicaKey::new(NodeId(8), Uuid([8; 16]));
    quorum.step(now(20 + 300_000), 0, &log, fetch(other, 0));
    let left: Vec<_> = quorum.describe(Timestamp(9)).unwrap().observers.iter().map(|replica| replica.key).collect();
    assert_eq!(left, [other]);
}

#[test]
fn no_message_uses_up_the_epochs() {
    let (mut quorum, _) = open(None, &Epochs::default(), -1);
    let request = Event::BeginEpochRequest { leader: NodeId(2), epoch: LeaderEpoch(i32::MAX), voter: None };
    let actions = quorum.step(now(1), 0, &Epochs::default(), request);
    assert!(matches!(actions[..], [Action::Answer(Answer::Epoch(_, Some(Refusal::InvalidRequest)))]), "{actions:?}");
    assert!(quorum.is_leader());
}

/// One of three voters, with this log and this file.
fn open_of_three(stored: Option<ElectionState>, log: &Epochs) -> Quorum {
    let voters = Voters::new([voter(1), voter(2), voter(3)], Offset(0));
    Quorum::open(voter(1), Timeouts::default(), voters, stored, now(0), 0, log).0
}

fn granted(epoch: i32) -> VoteAnswer {
    VoteAnswer { standing: Standing { epoch: LeaderEpoch(epoch), leader: None }, granted: true, refusal: None }
}

#[test]
fn what_older_leaders_wrote_is_committed_only_with_a_record_of_ones_own() {
    // Raft, figure 8: a majority that has an old record is no proof that no later leader can be without it.
    let mut log = Epochs(vec![1, 1]);
    let mut quorum = open_of_three(None, &log);
    quorum.step(now(5000), 0, &log, Event::Time);
    quorum.step(now(5000), 0, &log, Event::VoteAnswer { from: NodeId(2), answer: granted(1) });
    quorum.step(now(5000), 0, &log, Event::VoteAnswer { from: NodeId(2), answer: granted(2) });
    assert!(quorum.is_leader());
    let fetch = |offset, last_epoch| {
        let (epoch, replica) = (LeaderEpoch(2), voter(2).key);
        Event::FetchRequest(FetchRequest {
            replica,
            epoch,
            offset: Offset(offset),
            last_epoch: LeaderEpoch(last_epoch),
        })
    };
    quorum.step(now(5001), 0, &log, Event::Synced { end: Offset(2) });
    quorum.step(now(5001), 0, &log, fetch(2, 1));
    assert_eq!(quorum.high_watermark(), None);
    log.0.push(2);
    quorum.step(now(5002), 0, &log, Event::Synced { end: Offset(3) });
    quorum.step(now(5002), 0, &log, fetch(3, 2));
    assert_eq!(quorum.high_watermark(), Some(Offset(3)));
}

#[test]
fn a_leader_that_restarts_neither_leads_nor_votes_in_that_epoch_again() {
    let log = Epochs(vec![3]);
    let stored = ElectionState { epoch: LeaderEpoch(3), leader: Some(NodeId(1)), voted: None };
    let mut quorum = open_of_three(Some(stored), &log);
    assert_eq!(quorum.role().name(), "resigned");
    let request = |epoch| {
        let last = LogEnd::new(LeaderEpoch(3), Offset(9));
        let (candidate, epoch) = (voter(2).key, LeaderEpoch(epoch));
        Event::VoteRequest(VoteRequest { candidate, voter: None, epoch, last, pre_vote: false })
    };
    // A candidate whose log already has the epoch's records cannot want to lead that epoch.
    let actions = quorum.step(now(1), 0, &log, request(3));
    let refused = |action: &Action| matches!(action, Action::Answer(Answer::Vote(VoteAnswer { granted: false, .. })));
    assert!(actions.iter().all(refused), "{actions:?}");
    quorum.step(now(5000), 0, &log, Event::Time);
    assert_eq!((quorum.role().name(), quorum.epoch()), ("unattached", LeaderEpoch(4)));
}

#[test]
fn a_vote_survives_the_candidates_return_and_excludes_another() {
    let log = Epochs(vec![1]);
    let mut quorum = open_of_three(None, &log);
    let ask = |quorum: &mut Quorum, id: i32, epoch: i32, pre_vote| {
        let last = LogEnd::new(LeaderEpoch(1), Offset(1));
        let request = VoteRequest { candidate: voter(id).key, voter: None, epoch: LeaderEpoch(epoch), last, pre_vote };
        let actions = quorum.step(now(1), 0, &log, Event::VoteRequest(request));
        actions.iter().any(|action| matches!(action, Action::Answer(Answer::Vote(VoteAnswer { granted: true, .. }))))
    };
    assert!(ask(&mut quorum, 2, 2, false));
    assert!(!ask(&mut quorum, 3, 2, false), "the vote is given");
    assert!(ask(&mut quorum, 3, 2, true), "a pre-vote promises nothing");
    let stored = ElectionState::from_file(&quorum.election_state().to_file()).unwrap();
    let mut again = open_of_three(Some(stored), &log);
    assert!(ask(&mut again, 2, 2, false), "its answer may have been lost");
    assert!(!ask(&mut again, 3, 2, false));
}

#[test]
fn an_observer_that_is_made_a_voter_may_be_elected_and_one_that_is_removed_may_not() {
    let log = Epochs(vec![1]);
    let others = || Voters::new([voter(2), voter(3)], Offset(0));
    let all = || Voters::new([voter(1), voter(2), voter(3)], Offset(1));
    let mut quorum = Quorum::open(voter(1), Timeouts::default(), others(), None, now(0), 0, &log).0;
    assert_eq!((quorum.is_voter(), quorum.next_timeout()), (false, None), "an observer waits for no election");
    quorum.step(now(5), 0, &log, Event::VotersChanged(all()));
    assert_eq!(quorum.next_timeout(), Some(Instant::from_millis(1005)));
    quorum.step(now(2000), 0, &log, Event::Time);
    assert_eq!(quorum.role().name(), "prospective");
    quorum.step(now(2001), 0, &log, Event::VotersChanged(others()));
    assert_eq!((quorum.role().name(), quorum.next_timeout()), ("unattached", None));
    quorum.step(now(2002), 0, &log, Event::VotersChanged(Voters::new([voter(1)], Offset(2))));
    assert!(quorum.is_leader(), "it is the only one now");
}

#[test]
fn an_observer_follows_whom_it_hears_of_and_never_stands() {
    let log = Epochs::default();
    let others = Voters::new([voter(2), voter(3)], Offset(0));
    let mut quorum = Quorum::open(voter(1), Timeouts::default(), others, None, now(0), 0, &log).0;
    let standing = Standing { epoch: LeaderEpoch(4), leader: Some(NodeId(3)) };
    let refusal = Some(Refusal::NotLeaderOrFollower);
    let answer = FetchAnswer { standing, refusal, high_watermark: None, diverging: None };
    let actions = quorum.step(now(1), 0, &log, Event::FetchAnswer(answer));
    assert_eq!(actions.last(), Some(&Action::LeaderChanged(standing)));
    assert_eq!((quorum.role().name(), quorum.next_timeout()), ("follower", None));
    quorum.step(now(1_000_000), 0, &log, Event::Time);
    assert_eq!((quorum.role().name(), quorum.epoch()), ("follower", LeaderEpoch(4)));
}

#[test]
fn the_first_successor_of_a_leader_that_goes_stands_at_once() {
    let log = Epochs(vec![1]);
    let mut quorum = open_of_three(None, &log);
    let begin = Event::BeginEpochRequest { leader: NodeId(3), epoch: LeaderEpoch(2), voter: Some(voter(1).key) };
    quorum.step(now(10), 0, &log, begin);
    assert_eq!((quorum.leader(), quorum.next_timeout()), (Some(NodeId(3)), Some(Instant::from_millis(2010))));
    let end = |leader: i32, successors: &[i32]| Event::EndEpochRequest {
        leader: NodeId(leader),
        epoch: LeaderEpoch(2),
        successors: successors.iter().map(|id| voter(*id).key).collect(),
    };
    let actions = quorum.step(now(20), 0, &log, end(2, &[1]));
    assert!(matches!(actions[..], [Action::Answer(Answer::Epoch(_, Some(Refusal::InvalidRequest)))]), "not the leader");
    quorum.step(now(20), 0, &log, end(3, &[2, 1]));
    assert_eq!(quorum.next_timeout(), Some(Instant::from_millis(520)), "the second waits half the longest");
    quorum.step(now(20), 0, &log, end(3, &[1, 2]));
    quorum.step(now(20), 0, &log, Event::Time);
    assert_eq!(quorum.role().name(), "prospective");
}

#[test]
fn requests_of_other_epochs_and_for_other_replicas_are_refused_with_kafkas_codes() {
    let mut log = Epochs::default();
    let mut quorum = open(None, &log, -1).0;
    log.0.push(1);
    quorum.step(now(1), 0, &log, Event::Synced { end: Offset(1) });
    let mut fetch = |epoch, offset, last_epoch| {
        let (replica, epoch) = (voter(9).key, LeaderEpoch(epoch));
        let (offset, last_epoch) = (Offset(offset), LeaderEpoch(last_epoch));
        let request = Event::FetchRequest(FetchRequest { replica, epoch, offset, last_epoch });
        match &quorum.step(now(2), 0, &log, request)[..] {
            [Action::Answer(Answer::Fetch(_, Err(refusal)))] => refusal.code(),
            [Action::Answer(Answer::Fetch(_, Ok(_)))] => 0,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!([fetch(0, 0, 0), fetch(2, 0, 0), fetch(1, -1, 0), fetch(1, 1, 2), fetch(1, 1, 1)], [74, 75, 42, 42, 0]);
    let vote = |quorum: &mut Quorum, id: i32, epoch, voter: Option<ReplicaKey>, last: LogEnd| {
        let candidate = ReplicaKey::new(NodeId(id), Uuid::ZERO);
        let request = VoteRequest { candidate, voter, epoch: LeaderEpoch(epoch), last, pre_vote: false };
        match quorum.step(now(3), 0, &log, Event::VoteRequest(request)).last() {
            Some(Action::Answer(Answer::Vote(answer))) => answer.refusal.map_or(0, Refusal::code),
            other => panic!("{other:?}"),
        }
    };
    let end = LogEnd::new(LeaderEpoch(1), Offset(1));
    assert_eq!(vote(&mut quorum, 2, 0, None, LogEnd::default()), 42, "a log of the epoch that one wants to lead");
    assert_eq!(vote(&mut quorum, 2, 1, None, end), 42);
    assert_eq!(vote(&mut quorum, -1, 2, None, end), 42);
    assert_eq!(vote(&mut quorum, 2, 2, Some(voter(8).key), end), 125);
    assert_eq!(vote(&mut quorum, 2, 1, None, LogEnd::default()), 74, "the epoch went on with the request before");
}
