//! One broker and controller without an operating system.
