//! Whether somebody may do something: asked in every API, answered by an [`Authorizer`].
//!
//! The operations and kinds of resources are Kafka's, with Kafka's codes. Which API asks for what stands in that API's
//! file. Evaluating access rules is `security`'s matter; [`AllowAll`] is a node without an authorizer.

use std::net::IpAddr;

use ottla_vocabulary::Principal;

/// What is to be done. The numbers are those of the protocol's `AclOperation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "Kafka's words, explained in its documentation")]
pub enum Operation {
    Read = 3,
    Write = 4,
    Create = 5,
    Delete = 6,
    Alter = 7,
    Describe = 8,
    ClusterAction = 9,
    DescribeConfigs = 10,
    AlterConfigs = 11,
    IdempotentWrite = 12,
    CreateTokens = 13,
    DescribeTokens = 14,
    TwoPhaseCommit = 15,
}

/// On what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource<'a> {
    /// A topic by its name.
    Topic(&'a str),
    /// A group.
    Group(&'a str),
    /// The cluster as a whole.
    Cluster,
    /// A transactional id.
    TransactionalId(&'a str),
}

impl Resource<'_> {
    /// The operations that make sense on it: what "authorized operations" in answers are chosen from.
    pub const fn operations(self) -> &'static [Operation] {
        use Operation::{
            Alter, AlterConfigs, ClusterAction, Create, Delete, Describe, DescribeConfigs, IdempotentWrite, Read,
            TwoPhaseCommit, Write,
        };
        match self {
            Resource::Topic(_) => &[Read, Write, Create, Describe, Delete, Alter, DescribeConfigs, AlterConfigs],
            Resource::Group(_) => &[Read, Describe, Delete, DescribeConfigs, AlterConfigs],
            Resource::Cluster => {
                &[Create, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite, Alter, Describe]
            }
            Resource::TransactionalId(_) => &[Describe, Write, TwoPhaseCommit],
        }
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// As whom.
    pub principal: &'a Principal,
    /// From where.
    pub host: IpAddr,
    /// By which request, for the audit.
    pub request: &'static str,
}

/// Decides who may do what.
pub trait Authorizer: Send + Sync {
    /// Whether the asker may do this.
    fn allows(&self, asker: &Asker<'_>, operation: Operation, resource: Resource<'_>) -> bool;

    /// Whether the asker may do this to any topic at all.
    fn allows_on_any_topic(&self, asker: &Asker<'_>, operation: Operation) -> bool;
}

/// Everybody may do everything: a node on which no authorizer is configured.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllowAll;

impl Authorizer for AllowAll {
    fn allows(&self, _asker: &Asker<'_>, _operation: Operation, _resource: Resource<'_>) -> bool {
        true
    }

    fn allows_on_any_topic(&self, _asker: &Asker<'_>, _operation: Operation) -> bool {
        true
    }
}
