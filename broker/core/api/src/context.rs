//! What every API is given apart from its request: who asks, and what the broker knows.

use ottla_config::BrokerConfig;
use ottla_metadata::Image;
use ottla_vocabulary::{NodeId, Now};

use crate::authorizer::{Asker, Authorizer, Operation, Resource};
use crate::configs::Loggers;
use crate::peer::{ListenerRole, Peer};
use crate::quotas::Quotas;
use crate::response::Head;

/// What the broker knows, as of one moment.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The cluster's metadata, committed.
    pub image: &'a Image,
    /// The broker's configuration.
    pub config: &'a BrokerConfig,
    /// Whom to ask what is allowed.
    pub authorizer: &'a dyn Authorizer,
    /// Whom to ask how long to wait.
    pub quotas: &'a dyn Quotas,
    /// The levels of this process' loggers.
    pub loggers: &'a dyn Loggers,
    /// The cluster's id.
    pub cluster_id: &'a str,
    /// This node.
    pub node_id: NodeId,
    /// Who leads the metadata log, if somebody does.
    pub controller: Option<NodeId>,
}

/// One request's circumstances.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// When it came.
    pub now: Now,
    /// Its API, version and number.
    pub head: Head,
    /// Who sent it.
    pub peer: &'a Peer,
    /// What the client calls itself.
    pub client_id: Option<&'a str>,
    /// What the broker knows.
    pub view: View<'a>,
}

/// Kafka's "not asked for" in fields of authorized operations.
pub(crate) const OPERATIONS_NOT_ASKED: i32 = i32::MIN;

impl<'a> Context<'a> {
    /// The version that is spoken.
    pub fn version(&self) -> i16 {
        self.head.version
    }

    /// Whether the request came over a controller's listener.
    pub fn is_at_controller(&self) -> bool {
        self.peer.listener.role == ListenerRole::Controller
    }

    /// Whether the peer may do this.
    pub fn allows(&self, operation: Operation, resource: Resource<'_>) -> bool {
        self.view.authorizer.allows(&self.asker(), operation, resource)
    }

    /// Whether the peer may do this to some topic.
    pub fn allows_on_any_topic(&self, operation: Operation) -> bool {
        self.view.authorizer.allows_on_any_topic(&self.asker(), operation)
    }

    /// The operations that the peer may do on a resource, as the bits of answers.
    pub fn operations_on(&self, resource: Resource<'_>) -> i32 {
        let allowed = resource.operations().iter().filter(|operation| self.allows(**operation, resource));
        allowed.fold(0, |bits, operation| bits | 1 << *operation as i32)
    }

    fn asker(&self) -> Asker<'a> {
        Asker { principal: &self.peer.principal, host: self.peer.address.ip(), request: self.head.api.name() }
    }
}

/// What is kept of a request that is answered late: its circumstances without its frame.
#[derive(Clone, Debug)]
pub struct Late {
    /// Its API, version and number.
    pub head: Head,
    /// Who sent it.
    pub peer: Peer,
    /// What the client calls itself.
    pub client_id: Option<String>,
}

impl Late {
    /// Of a request that is going to wait.
    pub fn of(context: &Context<'_>) -> Late {
        Late { head: context.head, peer: context.peer.clone(), client_id: context.client_id.map(str::to_owned) }
    }

    /// The circumstances when it is answered: with what the broker knows then.
    pub fn context<'a>(&'a self, now: Now, view: View<'a>) -> Context<'a> {
        Context { now, head: self.head, peer: &self.peer, client_id: self.client_id.as_deref(), view }
    }
}
