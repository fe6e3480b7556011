//! The broker process: sockets, timers, signals, metrics around a node.
