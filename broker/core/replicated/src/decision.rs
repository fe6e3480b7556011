//! What a request makes of the state: records to append, and what to answer once they are committed.

use ottla_vocabulary::Offset;

/// Records, which are appended together or not at all, and a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a decision does nothing until its records are appended and its reply is sent"]
pub struct Decision<Record, Reply> {
    /// To be appended in this order, as one.
    pub records: Vec<Record>,
    /// The answer, true once [`Decision::waits_for`] is committed.
    pub reply: Reply,
}

impl<Record, Reply> Decision<Record, Reply> {
    /// Records and the reply that they make true.
    pub fn new(records: Vec<Record>, reply: Reply) -> Decision<Record, Reply> {
        Decision { records, reply }
    }

    /// A reply that changes nothing: a refusal, or a repetition of what is so already.
    pub fn reply(reply: Reply) -> Decision<Record, Reply> {
        Decision { records: Vec::new(), reply }
    }

    /// The offset up to which the log must be committed before the reply may go out, when the log ended at `end` as
    /// this was decided. Without records of its own too: the decision saw everything before `end`, and some of that may
    /// not be committed yet ("topic exists" must not be told of a topic that a new leader has never heard of).
    pub fn waits_for(&self, end: Offset) -> Offset {
        Offset(end.0 + self.records.len() as i64)
    }

    /// The same decision with another form of its reply.
    pub fn map<Other>(self, form: impl FnOnce(Reply) -> Other) -> Decision<Record, Other> {
        Decision { records: self.records, reply: form(self.reply) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_waits_for_what_it_saw() {
        let refusal: Decision<(), &str> = Decision::reply("already exists");
        assert_eq!(refusal.waits_for(Offset(7)), Offset(7));
        assert_eq!(Decision::new(vec![(), ()], "made").waits_for(Offset(7)), Offset(9));
        assert_eq!(Decision::new(vec![1], 2).map(|reply| reply + 1), Decision::new(vec![1], 3));
    }
}
