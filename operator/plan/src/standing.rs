//! What stands of a cluster for which nothing is planned, because it is paused or refused: its topics are served all the
//! same, so a new operator has to know where its brokers are.

use ottla_crds::Kafka;

use crate::document::Document;
use crate::finding::Findings;
use crate::model::TopicController;
use crate::names;
use crate::object::ObjectKind;
use crate::settings::Settings;
use crate::validate;
use crate::world::{self, World};

/// A cluster as it was made some time ago.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// Where the operator reaches the brokers; nothing when no listener is open, as nothing is served then.
    pub operator_bootstrap: Option<String>,
    /// The controller of topics, where the resource asks for one now.
    pub topics: Option<TopicController>,
}

/// What stands of a cluster: known by the service that leads to its brokers, if that is of this very resource's making.
pub fn standing(kafka: &Kafka, world: &World, settings: &Settings) -> Option<Standing> {
    let name = names::bootstrap_service(kafka.name());
    let service = world.named(ObjectKind::Service, &name)?;
    let uid = kafka.metadata.uid.as_deref().unwrap_or_default();
    if !world::is_owned_by(service, uid) || world::is_terminating(service) {
        return None;
    }
    let ports = service["spec"]["ports"].as_array().into_iter().flatten();
    let is_open = ports.into_iter().any(|port| port["port"] != names::REPLICATION_PORT);
    let address = format!("{name}.{}.svc:{}", kafka.namespace(), names::REPLICATION_PORT);
    let document = Document::new("spec", &kafka.spec);
    let topics = validate::topics(kafka, &document.place(), settings, &mut Findings::default());
    Some(Standing { operator_bootstrap: is_open.then_some(address), topics })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Action, plan_kafka};
    use serde_json::{Value, json};

    fn kafka(replicas: &Value) -> Kafka {
        let listener = json!({"name": "plain", "port": 9092, "type": "internal", "tls": false});
        let part = json!({"replicas": replicas, "listeners": [listener], "storage": {"type": "ephemeral"}});
        let spec = json!({"kafka": part, "entityOperator": {"topicOperator": {"watchedNamespace": "other"}}});
        let mut kafka = Kafka::new("streams", "my-cluster", spec);
        kafka.metadata.uid = Some("u".to_owned());
        kafka
    }

    #[test]
    fn a_refused_or_paused_cluster_is_known_by_what_was_planned_before() {
        let settings = Settings { watched_namespaces: true, ..Settings::default() };
        let before = plan_kafka(&kafka(&json!(1)), &[], &World::default(), &settings, Default::default());
        let mut world = World::default();
        assert_eq!(standing(&kafka(&json!(1)), &world, &settings), None);
        for action in before.actions {
            let Action::Apply(object) = action else { panic!("nothing stands yet") };
            world.insert(object);
        }
        let expected = Standing { operator_bootstrap: before.operator_bootstrap, topics: before.topics };
        assert!(expected.operator_bootstrap.is_some() && expected.topics.is_some());
        assert_eq!(standing(&kafka(&json!("many")), &world, &settings), Some(expected.clone()));
        let mut paused = kafka(&json!(1));
        paused.metadata.annotations = Some(names::keys([(names::PAUSE, "true")]));
        assert_eq!(standing(&paused, &world, &settings), Some(expected));
        let mut another = kafka(&json!(1));
        another.metadata.uid = Some("v".to_owned());
        assert_eq!(standing(&another, &world, &settings), None, "it is of another's making");
    }
}
