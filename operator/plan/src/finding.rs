//! What validation has to say about a resource: refusals, which stop the plan, and warnings, which do not. Each names the
//! field by its path, so that a person can mend it without reading our source.

use core::fmt;

use ottla_crds::Path;

/// Why a condition is what it is; the words are Strimzi's where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The resource contradicts its schema or a rule.
    InvalidResource,
    /// The resource is right, and asks for what this version cannot do yet.
    NotSupported,
    /// Something of an expected name belongs to somebody else.
    ForeignObject,
    /// Something in the resource changes nothing, and says why.
    UnsupportedFields,
    /// Fields that no age of the resource has.
    UnknownFields,
    /// A listener that is asked for is not opened.
    ListenerNotOpened,
    /// Keys of the configuration that the operator sets itself.
    ForbiddenConfiguration,
    /// Keys of the configuration that brokers do not know, or do not act on.
    Configuration,
    /// A change of storage that cannot be made, or storage that loses data.
    KafkaStorage,
    /// A version that is not known.
    KafkaVersion,
    /// A metadata version other than the one that clusters are made with.
    KafkaMetadataVersion,
    /// An annotation whose value cannot be read.
    InvalidAnnotation,
}

impl Reason {
    /// The reason as a condition carries it.
    pub const fn name(self) -> &'static str {
        match self {
            Reason::InvalidResource => "InvalidResourceException",
            Reason::NotSupported => "NotSupported",
            Reason::ForeignObject => "ForeignObject",
            Reason::UnsupportedFields => "UnsupportedFields",
            Reason::UnknownFields => "UnknownFields",
            Reason::ListenerNotOpened => "ListenerNotOpened",
            Reason::ForbiddenConfiguration => "ForbiddenConfiguration",
            Reason::Configuration => "KafkaConfiguration",
            Reason::KafkaStorage => "KafkaStorage",
            Reason::KafkaVersion => "KafkaVersion",
            Reason::KafkaMetadataVersion => "KafkaMetadataVersion",
            Reason::InvalidAnnotation => "InvalidAnnotation",
        }
    }
}

/// The resource that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The Kafka resource.
    Kafka,
    /// The pool of this name.
    Pool(String),
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Which resource.
    pub subject: Subject,
    /// Of which sort.
    pub reason: Reason,
    /// In words, with the path.
    pub message: String,
}

/// Everything found while a resource was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// What stops the plan.
    pub refusals: Vec<Finding>,
    /// What does not.
    pub warnings: Vec<Finding>,
}

impl Findings {
    /// Refuses because of what stands at a path.
    pub fn refuse(&mut self, subject: &Subject, path: &Path, why: impl fmt::Display) {
        self.refuse_as(subject, Reason::InvalidResource, format!("{path} {why}"));
    }

    /// Refuses with a reason of its own.
    pub fn refuse_as(&mut self, subject: &Subject, reason: Reason, message: String) {
        self.refusals.push(Finding { subject: subject.clone(), reason, message });
    }

    /// Warns.
    pub fn warn(&mut self, subject: &Subject, reason: Reason, message: String) {
        self.warnings.push(Finding { subject: subject.clone(), reason, message });
    }
}
