//! Committed offsets: how far each group has read, from the commit until nobody can want it any more.

mod commit;
mod delete;
mod expire;
mod fetch;
