//! The operator as a function: custom resources and the observed world in, a plan out.
