//! Record batches: reading, checking, building, compressing.
