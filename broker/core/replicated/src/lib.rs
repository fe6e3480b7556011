//! The shape of all replicated state: a request makes records and a reply, only replay changes state.
