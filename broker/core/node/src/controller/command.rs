//! A client's command: decided, appended, and its answers left to wait.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

use ottla_api::command::{Answers, Command};
use ottla_api::{Context, create_partitions, create_topics, registration, update_features};
use ottla_commit_log::Files;
use ottla_config::BrokerConfig;
use ottla_metadata::decide::Refusal;
use ottla_metadata::decide::configs::{decide_alter_configs, decide_incremental_alter_configs};
use ottla_metadata::decide::create_partitions::decide_create_partitions;
use ottla_metadata::decide::create_topics::{self as topics, decide_create_topics};
use ottla_metadata::decide::delete_topics::decide_delete_topics;
use ottla_metadata::decide::features::decide_update_features;
use ottla_vocabulary::Now;
use ottla_wire::create_topics_response::CreatableTopicResult;
use ottla_wire::{ErrorCode, WireError};

use super::{Controller, OWN_TIMEOUT, OwnReply, Waiter, context_of};
use crate::reply::Token;

/// The configurations of so many new topics are told in one answer, which are some mebibytes: a topic is named by a few bytes
/// and its configuration told by thousands. The others are made all the same.
const DESCRIBED_MAX: usize = 1000;

/// Says of topics whose configuration is left out for that reason that it is not for a want of rights.
fn tell_undescribed(decided: &mut [CreatableTopicResult<'static>], hidden: &BTreeSet<String>) {
    let unseen = ErrorCode::TopicAuthorizationFailed.code();
    let undescribed = decided.iter_mut().filter(|topic| topic.topic_config_error_code == unseen);
    for topic in undescribed.filter(|topic| !hidden.contains(topic.name.as_ref())) {
        topic.topic_config_error_code = ErrorCode::PolicyViolation.code();
    }
}

impl<F: Files> Controller<F> {
    /// Decides on a client's command; `false` when this node does not lead, and so cannot.
    pub(crate) fn command(
        &mut self,
        asker: &Context<'_>,
        token: Token,
        command: Command<'_>,
    ) -> Result<bool, WireError> {
        let config = asker.view.config;
        let (head, now) = (asker.head, asker.now);
        if self.sessions.is_none() {
            return Ok(false);
        }
        let context = context_of(&self.state, config, &self.cluster_id, self.kraft_version);
        let entropy = Arc::clone(&self.entropy);
        let mut random = || entropy.draw();
        let default_timeout = config.network.request_timeout;
        let (records, answers, timeout) = match command {
            Command::CreateTopics(task) => {
                let described = Cell::new(0);
                let may_describe = |name: &str| {
                    let is_seen = !task.hidden.contains(name);
                    described.set(described.get() + usize::from(is_seen));
                    is_seen && described.get() <= DESCRIBED_MAX
                };
                let decision =
                    decide_create_topics(context, &task.topics, task.validate_only, &may_describe, &mut random);
                let mut decided = decision.reply.unwrap_or_else(|refusal| {
                    let refused = |topic: &ottla_wire::create_topics_request::CreatableTopic<'_>| {
                        topics::refused(&topic.name, refusal.clone())
                    };
                    task.topics.iter().map(refused).collect()
                });
                tell_undescribed(&mut decided, &task.hidden);
                (decision.records, create_topics::answer(head, task.refused, decided)?, task.timeout)
            }
            Command::DeleteTopics(task) => {
                let decision = decide_delete_topics(context, &task.ids());
                let timeout = task.timeout;
                (decision.records, task.answer(head, &decision.reply)?, timeout)
            }
            Command::CreatePartitions(task) => {
                let decision = decide_create_partitions(context, &task.topics, task.validate_only, &mut random);
                let names = task.topics.iter().map(|topic| topic.name.clone().into_owned()).collect();
                let answers = create_partitions::answer(head, names, task.refused, &decision.reply)?;
                (decision.records, answers, task.timeout)
            }
            Command::AlterConfigs(task) => {
                use ottla_api::configs::alter::{Recorded, answer};
                let resources = task.recorded.resources();
                let decision = match &task.recorded {
                    Recorded::Incremental(changes) => {
                        decide_incremental_alter_configs(context, changes, task.validate_only, true)
                    }
                    Recorded::Whole(settings) => decide_alter_configs(context, settings, task.validate_only, true),
                };
                let tried = resources.into_iter().zip(decision.reply).collect();
                (decision.records, answer(head, tried, task.refused)?, default_timeout)
            }
            Command::UpdateFeatures(task) => {
                let decision = decide_update_features(context, &task.updates, task.validate_only);
                let timeout = task.timeout;
                (decision.records, update_features::answer(head, task, &decision.reply)?, timeout)
            }
            Command::Register(request) => {
                let response = self.register(config, &request, 3 <= head.version, now);
                let answers = typed(head, response, registration::registered)?;
                self.answer(Waiter::Connection(token, answers), default_timeout, now);
                return Ok(true);
            }
            Command::Heartbeat(request) => {
                let response = self.heartbeat(config, &request, now);
                let answers = typed(head, response, registration::heard)?;
                self.answer(Waiter::Connection(token, answers), default_timeout, now);
                return Ok(true);
            }
            Command::AllocateProducerIds(request) => {
                let (records, response) = self.allocate(config, &request);
                (records, typed(head, response, registration::allocated)?, default_timeout)
            }
            // Questions, which the node answers without a decision.
            Command::DescribeQuorum(_) | Command::FetchMetadata(_) => return Ok(false),
        };
        self.append(&records, now);
        self.answer(Waiter::Connection(token, answers), timeout, now);
        Ok(true)
    }

    /// Makes topics on the way of another request, whose client asks again.
    pub(crate) fn create_on_the_way(&mut self, config: &BrokerConfig, new: &[ottla_api::outcome::NewTopic], now: Now) {
        if self.sessions.is_none() {
            return;
        }
        let context = context_of(&self.state, config, &self.cluster_id, self.kraft_version);
        let asked: Vec<_> = new.iter().map(create_topics::on_the_way).collect();
        let entropy = Arc::clone(&self.entropy);
        let decision = decide_create_topics(context, &asked, false, &|_| false, &mut || entropy.draw());
        for topic in decision.reply.iter().flatten().filter(|topic| topic.error_code != 0) {
            // Two clients may ask at once; the second finds the first one's topic.
            if topic.error_code != ErrorCode::TopicAlreadyExists.code() {
                let why = topic.error_message.as_deref().unwrap_or_default();
                tracing::warn!(topic = %topic.name, "cannot make a topic that a client asked for: {why}");
            }
        }
        self.append(&decision.records, now);
        self.answer(Waiter::Own(OwnReply::Created), OWN_TIMEOUT, now);
    }
}

/// The answers of a command whose response is one message of numbers.
fn typed<T: 'static, M: ottla_wire::Message<'static> + 'static>(
    head: ottla_api::Head,
    decided: Result<T, Refusal>,
    response: fn(Result<T, Refusal>) -> M,
) -> Result<Answers, WireError> {
    let committed = head.encode(&response(decided))?;
    Ok(Answers { committed, failed: Box::new(move |code| head.encode(&response(Err(Refusal::of(code))))) })
}
