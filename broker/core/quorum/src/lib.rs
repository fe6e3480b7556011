//! KRaft without input and output: who leads the metadata log and what of it is committed.
