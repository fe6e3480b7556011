//! The group coordinator: membership, assignment hand-over and committed offsets.
