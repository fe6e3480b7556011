//! What is known of one configuration key: a row of the table in [`crate::catalogue`].
//!
//! Rows are written as constants by chained `const fn`s, so that a row reads like a sentence and costs no start-up work.
//! Parsing a text by a row is in [`crate::value`], the check of its bounds in [`crate::bounds`].

use crate::bounds::Bounds;

/// One configuration key of Kafka 4.4.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The name in `server.properties`, in a topic's or in a group's configuration.
    pub name: &'static str,
    /// What a value is.
    pub kind: Kind,
    /// What holds when nobody says otherwise.
    pub default: Default,
    /// Which values of the kind are allowed.
    pub bounds: Bounds,
    /// How much Kafka thinks an operator should care.
    pub importance: Importance,
    /// Whether and how it changes on a running broker.
    pub update: Update,
    /// Kafka hides it from descriptions unless it is set, and promises nothing about it.
    pub internal: bool,
    /// For a topic's or group's key: the broker keys that stand in for it when it is not set, nearest first.
    pub broker_synonyms: &'static [&'static str],
    /// Which code of ours honours it.
    pub honoured: Honoured,
    /// What it does, in a sentence or two.
    pub documentation: &'static str,
}

/// What a value is: Kafka's types of configuration values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`, in any case.
    Boolean,
    /// Text without surrounding blanks.
    String,
    /// 32 bits.
    Int,
    /// 16 bits.
    Short,
    /// 64 bits.
    Long,
    /// A floating-point number as Java writes it.
    Double,
    /// Texts separated by commas.
    List,
    /// The name of a Java class.
    Class,
    /// Text that is never shown.
    Password,
}

/// The value of a key that nobody set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// There is none: the key must be set.
    Required,
    /// Unset, which is not the same as empty.
    Null,
    /// This text, parsed like any other.
    Text(&'static str),
}

impl Default {
    /// The text, if there is one.
    pub const fn text(self) -> Option<&'static str> {
        match self {
            Default::Text(text) => Some(text),
            Default::Required | Default::Null => None,
        }
    }
}

/// How much Kafka thinks an operator should care about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Importance {
    /// Seldom touched.
    Low,
    /// Touched when tuning.
    Medium,
    /// Worth a thought on every cluster.
    High,
}

/// Whether and how a key changes on a running broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// Only by a restart.
    ReadOnly,
    /// By altering the one broker's configuration.
    PerBroker,
    /// By altering the cluster's default or one broker's configuration. Topic, group and client-metrics keys are all so.
    ClusterWide,
}

/// Which code of ours honours a key; the truth at this commit, printed in the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Honoured {
    /// Honoured; the text names the part of the product.
    By(&'static str),
    /// Accepted and without effect, for this lasting reason.
    NoEffect(&'static str),
    /// Accepted and without effect until the named part is built.
    NotYet(&'static str),
}

const fn key(name: &'static str, kind: Kind, default: Default) -> Key {
    Key {
        name,
        kind,
        default,
        bounds: Bounds::Any,
        importance: Importance::Medium,
        update: Update::ReadOnly,
        internal: false,
        broker_synonyms: &[],
        honoured: Honoured::NotYet("not looked at"),
        documentation: "",
    }
}

pub(crate) const fn boolean(name: &'static str, default: bool) -> Key {
    key(name, Kind::Boolean, Default::Text(if default { "true" } else { "false" }))
}

pub(crate) const fn string(name: &'static str, default: &'static str) -> Key {
    key(name, Kind::String, Default::Text(default))
}

pub(crate) const fn int(name: &'static str, default: &'static str) -> Key {
    key(name, Kind::Int, Default::Text(default))
}

pub(crate) const fn short(name: &'static str, default: &'static str) -> Key {
    key(name, Kind::Short, Default::Text(default))
}

pub(crate) const fn long(name: &'static str, default: &'static str) -> Key {
    key(name, Kind::Long, Default::Text(default))
}

pub(crate) const fn double(name: &'static str, default: &'static str) -> Key {
    key(name, Kind::Double, Default::Text(default))
}

pub(crate) const fn list(name: &'static str, default: &'static str) -> Key {
    key(name, Kind::List, Default::Text(default))
}

pub(crate) const fn class(name: &'static str, default: &'static str) -> Key {
    key(name, Kind::Class, Default::Text(default))
}

/// A key of any kind that is unset by default.
pub(crate) const fn unset(name: &'static str, kind: Kind) -> Key {
    key(name, kind, Default::Null)
}

/// A key of any kind that must be set.
pub(crate) const fn required(name: &'static str, kind: Kind) -> Key {
    key(name, kind, Default::Required)
}

impl Key {
    pub(crate) const fn bounds(mut self, bounds: Bounds) -> Key {
        self.bounds = bounds;
        self
    }

    pub(crate) const fn at_least(self, least: i64) -> Key {
        self.bounds(Bounds::AtLeast(least))
    }

    pub(crate) const fn between(self, least: i64, most: i64) -> Key {
        self.bounds(Bounds::Between(least, most))
    }

    pub(crate) const fn one_of(self, allowed: &'static [&'static str]) -> Key {
        self.bounds(Bounds::OneOf(allowed))
    }

    pub(crate) const fn low(mut self) -> Key {
        self.importance = Importance::Low;
        self
    }

    pub(crate) const fn high(mut self) -> Key {
        self.importance = Importance::High;
        self
    }

    pub(crate) const fn per_broker(mut self) -> Key {
        self.update = Update::PerBroker;
        self
    }

    pub(crate) const fn cluster_wide(mut self) -> Key {
        self.update = Update::ClusterWide;
        self
    }

    pub(crate) const fn internal(mut self) -> Key {
        self.internal = true;
        self
    }

    pub(crate) const fn falls_back_to(mut self, synonyms: &'static [&'static str]) -> Key {
        self.broker_synonyms = synonyms;
        self
    }

    pub(crate) const fn by(mut self, part: &'static str) -> Key {
        self.honoured = Honoured::By(part);
        self
    }

    pub(crate) const fn no_effect(mut self, reason: &'static str) -> Key {
        self.honoured = Honoured::NoEffect(reason);
        self
    }

    pub(crate) const fn not_yet(mut self, part: &'static str) -> Key {
        self.honoured = Honoured::NotYet(part);
        self
    }

    pub(crate) const fn doc(mut self, documentation: &'static str) -> Key {
        self.documentation = documentation;
        self
    }

    /// Whether its values are kept out of every answer and every log.
    pub fn is_sensitive(&self) -> bool {
        self.kind == Kind::Password
    }
}

impl Kind {
    /// Kafka's name of the type, as its documentation and error messages write it.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Boolean => "boolean",
            Kind::String => "string",
            Kind::Int => "int",
            Kind::Short => "short",
            Kind::Long => "long",
            Kind::Double => "double",
            Kind::List => "list",
            Kind::Class => "class",
            Kind::Password => "password",
        }
    }

    /// The `ConfigType` of a DescribeConfigs response.
    pub const fn code(self) -> i8 {
        match self {
            Kind::Boolean => 1,
            Kind::String => 2,
            Kind::Int => 3,
            Kind::Short => 4,
            Kind::Long => 5,
            Kind::Double => 6,
            Kind::List => 7,
            Kind::Class => 8,
            Kind::Password => 9,
        }
    }
}

impl Importance {
    /// Kafka's word.
    pub const fn name(self) -> &'static str {
        match self {
            Importance::Low => "low",
            Importance::Medium => "medium",
            Importance::High => "high",
        }
    }
}

impl Update {
    /// Kafka's word.
    pub const fn name(self) -> &'static str {
        match self {
            Update::ReadOnly => "read-only",
            Update::PerBroker => "per-broker",
            Update::ClusterWide => "cluster-wide",
        }
    }
}
