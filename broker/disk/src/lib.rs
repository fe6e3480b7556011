//! Real files behind the commit log's seam.
