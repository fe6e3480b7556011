//! Replies that wait until the log is committed up to the offset they saw.
//!
//! Given: replies with an offset, a deadline and the code to answer when it passes; then commits, the clock, and lost
//! leadership. Gives: the replies whose wait is over, and how it ended. Whom a reply goes to is inside the reply.

use std::collections::BTreeMap;

use ottla_vocabulary::{Instant, Offset};

/// The waiting replies of one log. `Code` is Kafka's error to answer instead when the deadline passes.
#[derive(Debug)]
pub struct Waiting<Reply, Code> {
    /// By the offset waited for, then by arrival: who came first is answered first.
    by_offset: BTreeMap<(Offset, u64), Waiter<Reply, Code>>,
    by_deadline: BTreeMap<(Instant, u64), Offset>,
    arrivals: u64,
    committed: Offset,
    count_max: usize,
}

#[derive(Debug)]
struct Waiter<Reply, Code> {
    reply: Reply,
    code: Code,
    deadline: Instant,
}

/// There is no room for another waiting reply; it comes back to be refused.
#[derive(Debug, PartialEq, Eq)]
pub struct Full<Reply>(pub Reply);

impl<Reply, Code> Waiting<Reply, Code> {
    /// Nobody waits yet. `count_max` bounds the memory that requests can hold while the log makes no progress.
    pub fn new(count_max: usize) -> Waiting<Reply, Code> {
        Waiting {
            by_offset: BTreeMap::new(),
            by_deadline: BTreeMap::new(),
            arrivals: 0,
            committed: Offset::ZERO,
            count_max,
        }
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.by_offset.len()
    }

    /// Whether nobody waits.
    pub fn is_empty(&self) -> bool {
        self.by_offset.is_empty()
    }

    /// When [`Waiting::on_time`] is next of use.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.by_deadline.first_key_value().map(|((deadline, _), _)| *deadline)
    }

    /// Lets a reply wait until everything before `until` is committed. `Ok(Some(reply))` when it already is.
    ///
    /// # Errors
    /// [`Full`] when as many wait as may.
    pub fn park(
        &mut self,
        until: Offset,
        deadline: Instant,
        code: Code,
        reply: Reply,
    ) -> Result<Option<Reply>, Full<Reply>> {
        if until <= self.committed {
            return Ok(Some(reply));
        }
        if self.count_max <= self.by_offset.len() {
            return Err(Full(reply));
        }
        let arrival = self.arrivals;
        self.arrivals += 1;
        self.by_offset.insert((until, arrival), Waiter { reply, code, deadline });
        self.by_deadline.insert((deadline, arrival), until);
        Ok(None)
    }

    /// The log is now committed before `offset`: the replies that may go out, in order.
    pub fn on_committed(&mut self, offset: Offset) -> Vec<Reply> {
        self.committed = self.committed.max(offset);
        let later = self.by_offset.split_off(&(self.committed.next(), 0));
        let ready = core::mem::replace(&mut self.by_offset, later);
        ready
            .into_iter()
            .map(|((_, arrival), waiter)| {
                self.by_deadline.remove(&(waiter.deadline, arrival));
                waiter.reply
            })
            .collect()
    }

    /// It is now this late: the replies whose deadline has passed, each with the code to answer. What they announced
    /// may still come to be: that is what Kafka's REQUEST_TIMED_OUT means.
    pub fn on_time(&mut self, now: Instant) -> Vec<(Reply, Code)> {
        let mut expired = Vec::new();
        while let Some(entry) = self.by_deadline.first_entry().filter(|entry| entry.key().0 <= now) {
            let ((_, arrival), until) = entry.remove_entry();
            let waiter = self.by_offset.remove(&(until, arrival)).expect("a deadline belongs to a waiting reply");
            expired.push((waiter.reply, waiter.code));
        }
        expired
    }

    /// This node no longer leads the log: nothing that waits will be confirmed here. The next leadership begins with
    /// what it finds committed.
    pub fn on_leadership_lost(&mut self) -> Vec<Reply> {
        self.by_deadline.clear();
        core::mem::take(&mut self.by_offset).into_values().map(|waiter| waiter.reply).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn three() -> Waiting<&'static str, i16> {
        let mut waiting = Waiting::new(3);
        assert_eq!(waiting.park(Offset(5), at(30), 7, "b"), Ok(None));
        assert_eq!(waiting.park(Offset(3), at(20), 7, "a"), Ok(None));
        assert_eq!(waiting.park(Offset(5), at(10), 41, "c"), Ok(None));
        waiting
    }

    #[test]
    fn a_commit_frees_replies_in_the_order_of_their_arrival() {
        let mut waiting = three();
        assert_eq!(waiting.on_committed(Offset(2)), Vec::<&str>::new());
        assert_eq!(waiting.on_committed(Offset(4)), ["a"]);
        assert_eq!(waiting.on_committed(Offset(9)), ["b", "c"]);
        assert_eq!((waiting.len(), waiting.next_deadline()), (0, None));
    }

    #[test]
    fn what_is_committed_does_not_wait() {
        let mut waiting = three();
        let _ = waiting.on_committed(Offset(5));
        assert_eq!(waiting.park(Offset(5), at(1), 7, "d"), Ok(Some("d")));
        assert!(waiting.is_empty());
    }

    #[test]
    fn a_deadline_answers_with_its_code_and_only_once() {
        let mut waiting = three();
        assert_eq!(waiting.next_deadline(), Some(at(10)));
        assert_eq!(waiting.on_time(at(20)), [("c", 41), ("a", 7)]);
        assert_eq!(waiting.on_time(at(20)), []);
        assert_eq!(waiting.on_committed(Offset(9)), ["b"]);
    }

    #[test]
    fn the_queue_is_bounded_and_gives_the_reply_back() {
        let mut waiting = three();
        assert_eq!(waiting.park(Offset(9), at(1), 7, "d"), Err(Full("d")));
    }

    #[test]
    fn lost_leadership_frees_everyone() {
        let mut waiting = three();
        assert_eq!(waiting.on_leadership_lost(), ["a", "b", "c"]);
        assert_eq!(waiting.on_time(at(99)), []);
    }
}
