//! LeaveGroup: members go by themselves, or an administrator removes static ones by their names.

use ottla_vocabulary::{GroupId, MemberId, Now};
use ottla_wire::ErrorCode;

use crate::group::Group;
use crate::request::{Leaving, Reply};
use crate::shard::{Out, Shard};

impl<To> Shard<To> {
    pub(crate) fn leave(&mut self, now: Now, group: &GroupId, members: Vec<Leaving>, to: To) {
        let reply = if group.as_str().is_empty() {
            Err(ErrorCode::InvalidGroupId)
        } else {
            let mut answers: Vec<_> = members.into_iter().map(|member| (member, ErrorCode::UnknownMemberId)).collect();
            self.with_group(now, group, |group, out| {
                for (leaving, code) in &mut answers {
                    *code = group.leave(leaving, out);
                }
            });
            Ok(answers)
        };
        self.out(now).reply(to, Reply::Leave(reply));
    }
}

impl<To> Group<To> {
    fn leave(&mut self, leaving: &Leaving, out: &mut Out<'_, To>) -> ErrorCode {
        let id = match self.find_leaving(leaving) {
            Ok(id) => id,
            Err(error) => return error,
        };
        if self.forget_pending(&id, out.timers) {
            self.maybe_complete(out);
        } else {
            self.let_go(&id, out);
        }
        ErrorCode::None
    }

    /// Whom a member of the request means: itself by id, or a static one by name, where the id may be left out.
    fn find_leaving(&self, leaving: &Leaving) -> Result<MemberId, ErrorCode> {
        let Leaving { member, instance } = leaving;
        if let Some(known) = instance.as_ref().and_then(|instance| self.instances.get(instance))
            && member.as_str().is_empty()
        {
            return Ok(known.clone());
        }
        if self.pending.contains_key(member) {
            return if instance.is_some() { Err(ErrorCode::UnknownMemberId) } else { Ok(member.clone()) };
        }
        self.check_member(member, instance.as_deref())?;
        Ok(member.clone())
    }
}
