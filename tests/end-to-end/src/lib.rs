//! The whole product on a real Kubernetes, as a user has it: the local Kubernetes of `cargo xtask kubernetes`, the images of
//! `cargo xtask images`, the chart, manifests, and unchanged clients.
//!
//! [`kubernetes`] is the cluster with the operator on it, made once for all tests of a run; [`namespace`] is a test's own part
//! of it. A machine that cannot have a Kubernetes fails the tests; nothing is skipped.

pub mod kubernetes;
pub mod namespace;

pub use kubernetes::Kubernetes;
pub use namespace::Namespace;
