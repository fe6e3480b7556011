//! The custom resources in every API version that ever was, as types and as YAML.
