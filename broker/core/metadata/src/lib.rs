//! The controller: decisions that make metadata records, and the image that replay builds from them.
