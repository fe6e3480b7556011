//! Which value of a topic's configuration holds, and where it comes from: the topic, this broker's dynamic
//! configuration, the default of all brokers, the file, or the table.

use ottla_config::catalogue;
use ottla_config::key::Key;
use ottla_vocabulary::TopicName;

use super::Context;
use crate::image::{Resource, Settings};

/// Where a value comes from: Kafka's number in answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Set for the topic.
    Topic = 1,
    /// Set dynamically for this broker.
    Broker = 2,
    /// Set dynamically for all brokers.
    AllBrokers = 3,
    /// Set in the file.
    File = 4,
    /// Set by nobody.
    Default = 5,
}

/// The value of one key for a topic, as text; `None` where the key has none.
pub fn effective_topic_value(context: Context<'_>, topic: &TopicName, name: &str) -> Option<String> {
    let set = context.image.configs.get(&Resource::topic(topic.as_str()));
    let key = catalogue::topic_key(name)?;
    effective(context, key, set.map(|set| &**set)).0
}

/// The value of a key where a topic sets these, and where it comes from.
pub fn effective(context: Context<'_>, key: &Key, topic: Option<&Settings>) -> (Option<String>, Source) {
    if let Some(value) = topic.and_then(|settings| settings.get(key.name)) {
        return (Some(value.clone()), Source::Topic);
    }
    let configs = &context.image.configs;
    let own = configs.get(&Resource::broker(context.config.node_id));
    let all = configs.get(&Resource::all_brokers());
    let file = &context.config.layers.file;
    let found = |get: &dyn Fn(&str) -> Option<String>| {
        key.broker_synonyms.iter().find_map(|name| get(name).map(|text| in_millis(name, text)))
    };
    if let Some(value) = found(&|name| own?.get(name).cloned()) {
        return (Some(value), Source::Broker);
    }
    if let Some(value) = found(&|name| all?.get(name).cloned()) {
        return (Some(value), Source::AllBrokers);
    }
    if let Some(value) = found(&|name| file.get(name).map(str::to_owned)) {
        return (Some(value), Source::File);
    }
    (key.default_value().answer(), Source::Default)
}

/// A broker's value in hours or minutes, as the topic's key counts it.
fn in_millis(name: &str, text: String) -> String {
    let factor = match name {
        _ if name.ends_with(".hours") => 3_600_000,
        _ if name.ends_with(".minutes") => 60_000,
        _ => return text,
    };
    match text.trim().parse::<i64>() {
        Ok(count) => count.saturating_mul(factor).to_string(),
        Err(_) => text,
    }
}
