//! A deterministic world for a node: simulated disk, faults from a seed, checkers.
