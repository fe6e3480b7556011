//! Roads on which data could be lost: whatever becomes of the objects that remember it, nodes keep the storage that they
//! were made with, and claims go with their cluster only.

mod support;

use ottla_crds::Kafka;
use ottla_plan::{Action, ObjectKind};
use serde_json::{Value, json};
use support::{Namespace, built, labelled, messages, shown, smallest, state, with, write};

#[test]
fn storage_that_cannot_be_changed_stays_and_says_so() {
    let (mut namespace, mut kafka) = built(&smallest());
    let before = shown(&namespace.world);
    for (storage, why) in [
        (json!({"type": "ephemeral"}), "changes the type"),
        (json!({"type": "persistent-claim", "size": "1Gi"}), "shrinks a claim from 10Gi to 1Gi"),
        (json!({"type": "persistent-claim", "size": "10Gi", "class": "fast"}), "changes the class"),
        (
            json!({"type": "jbod", "volumes": [{"id": 0, "type": "persistent-claim", "size": "10Gi"}]}),
            "removes the volume data",
        ),
    ] {
        kafka.spec["kafka"]["storage"] = storage;
        namespace.converge(&mut kafka, &mut []);
        assert_eq!(shown(&namespace.world), before, "{why}");
        assert_eq!(state(&kafka.status), "Ready");
        assert!(messages(&kafka.status).iter().any(|message| message.contains(why)), "{why}: {:#}", kafka.status);
    }
}

/// Storage that was refused once must be refused for ever, whatever becomes of the objects that remember it.
#[test]
fn a_refused_change_of_storage_is_never_carried_out_later() {
    type Accident = fn(&mut Namespace, &mut Kafka);
    fn lose(namespace: &mut Namespace, kind: ObjectKind, name: &str) {
        namespace.world.remove(&kind.named(name)).expect("it was there");
    }
    let accidents: [(&str, Accident); 7] = [
        ("nothing", |_, _| {}),
        ("a new label", |_, kafka| *kafka = labelled(kafka, &[("team", "a")])),
        ("a label goes", |_, kafka| kafka.metadata.labels = None),
        ("the stateful set is deleted with its pod", |namespace, _| {
            lose(namespace, ObjectKind::StatefulSet, "my-cluster-kafka");
            lose(namespace, ObjectKind::Pod, "my-cluster-kafka-0");
        }),
        ("the stateful set is deleted and its pod stays", |namespace, _| {
            let key = ObjectKind::StatefulSet.named("my-cluster-kafka");
            let uid = ottla_plan::world::uid(namespace.world.get(&key).unwrap()).to_owned();
            namespace.act(&Action::Replace { key, uid, because: String::new() });
        }),
        ("the configuration is deleted", |namespace, _| {
            lose(namespace, ObjectKind::ConfigMap, "my-cluster-kafka-config");
        }),
        ("a claim's labels change", |_, kafka| {
            let template = json!({"persistentVolumeClaim": {"metadata": {"labels": {"a": "b"}}}});
            *kafka = with(kafka, "/kafka/template", template);
        }),
    ];
    let claim = |id: i64| json!({"id": id, "type": "persistent-claim", "size": "1Gi"});
    let jbod = json!({"type": "jbod", "volumes": [claim(0), claim(1)]});
    for (made, refused) in [
        (json!({"type": "persistent-claim", "size": "10Gi"}), json!({"type": "ephemeral"})),
        (jbod, json!({"type": "jbod", "volumes": [claim(0)]})),
    ] {
        let (start, kafka) = built(&labelled(&with(&smallest(), "/kafka/storage", made), &[("tier", "b")]));
        let volumes = |namespace: &Namespace| {
            let set = namespace.world.named(ObjectKind::StatefulSet, "my-cluster-kafka").unwrap();
            let pod = namespace.world.named(ObjectKind::Pod, "my-cluster-kafka-0").unwrap();
            let claims = namespace.world.of_kind(ObjectKind::PersistentVolumeClaim).map(|(name, _)| name.to_owned());
            (
                set["spec"]["volumeClaimTemplates"].clone(),
                pod["spec"]["containers"][0]["volumeMounts"].clone(),
                claims.collect::<Vec<_>>(),
            )
        };
        let before = volumes(&start);
        for (name, accident) in &accidents {
            for (second, other) in &accidents {
                let (mut namespace, mut kafka) = (start.clone(), kafka.clone());
                kafka.spec["kafka"]["storage"] = refused.clone();
                namespace.converge(&mut kafka, &mut []);
                for accident in [accident, other] {
                    accident(&mut namespace, &mut kafka);
                    namespace.converge(&mut kafka, &mut []);
                    assert_eq!(volumes(&namespace), before, "{name}, then {second}");
                    let said = messages(&kafka.status);
                    assert!(
                        said.iter().any(|message| message.contains("cannot be done to nodes that exist")),
                        "{said:#?}"
                    );
                }
            }
        }
    }
}

/// Templates of claims cannot be changed, so what users lay over claims reaches them without, the first time too.
#[test]
fn claims_carry_the_users_labels_though_their_templates_do_not() {
    let claims = json!({"metadata": {"labels": {"a": "b"}, "annotations": {"e": "f"}}});
    let kafka = with(&smallest(), "/kafka/template", json!({"persistentVolumeClaim": claims}));
    let (mut namespace, mut kafka) = built(&labelled(&kafka, &[("team", "a")]));
    let claim = |namespace: &Namespace| {
        namespace.world.named(ObjectKind::PersistentVolumeClaim, "data-my-cluster-kafka-0").unwrap()["metadata"].clone()
    };
    let metadata = claim(&namespace);
    assert_eq!(metadata["labels"]["team"], "a");
    assert_eq!(metadata["labels"]["a"], "b");
    assert_eq!(metadata["annotations"]["e"], "f");
    write(&mut kafka, &labelled(&smallest(), &[("team", "b")]));
    let plans = namespace.converge(&mut kafka, &mut []);
    let replaces = plans.iter().flat_map(|plan| &plan.actions).any(|action| matches!(action, Action::Replace { .. }));
    assert!(!replaces, "nothing of the templates has changed");
    let metadata = claim(&namespace);
    assert_eq!((&metadata["labels"]["team"], &metadata["labels"]["a"]), (&json!("b"), &Value::Null));
    assert_eq!(metadata["annotations"]["e"], Value::Null);
}

/// Earlier operators put users' labels into the templates of claims, and no fingerprint beside them.
#[test]
fn a_stateful_set_of_an_earlier_operator_is_replaced_once_and_its_pod_stays() {
    let (mut namespace, kafka) = built(&labelled(&smallest(), &[("team", "a")]));
    let uid = |namespace: &Namespace| {
        let pod = namespace.world.named(ObjectKind::Pod, "my-cluster-kafka-0").unwrap();
        ottla_plan::world::uid(pod).to_owned()
    };
    let pod = uid(&namespace);
    let key = ObjectKind::StatefulSet.named("my-cluster-kafka");
    let mut set = namespace.world.get(&key).unwrap().clone();
    drop(set["metadata"]["annotations"].as_object_mut().unwrap().remove("ottla.io/fixed").unwrap());
    let template = &mut set["spec"]["volumeClaimTemplates"][0]["metadata"];
    template["labels"]["team"] = json!("a");
    template["annotations"]["strimzi.io/delete-claim"] = json!("false");
    namespace.world.insert(ottla_plan::Object { key, body: set });
    let key = ObjectKind::ConfigMap.named("my-cluster-kafka-config");
    let mut config = namespace.world.get(&key).unwrap().clone();
    drop(config["metadata"]["annotations"].as_object_mut().unwrap().remove("strimzi.io/storage").unwrap());
    namespace.world.insert(ottla_plan::Object { key, body: config });
    let mut kafka = with(&kafka, "/kafka/storage", json!({"type": "ephemeral"}));
    let plans = namespace.converge(&mut kafka, &mut []);
    let actions = plans.iter().flat_map(|plan| &plan.actions);
    assert_eq!(actions.filter(|action| matches!(action, Action::Replace { .. })).count(), 1);
    let set = namespace.world.named(ObjectKind::StatefulSet, "my-cluster-kafka").unwrap();
    assert_eq!(set["spec"]["volumeClaimTemplates"][0]["metadata"]["name"], "data");
    assert_eq!(uid(&namespace), pod, "its pod stays as it is");
}

#[test]
fn a_claim_that_was_made_larger_by_hand_stays_and_stops_nothing() {
    let (mut namespace, mut kafka) = built(&smallest());
    let key = ObjectKind::PersistentVolumeClaim.named("data-my-cluster-kafka-0");
    let mut claim = namespace.world.get(&key).unwrap().clone();
    claim["spec"]["resources"]["requests"]["storage"] = json!("200Gi");
    namespace.world.insert(ottla_plan::Object { key: key.clone(), body: claim });
    kafka.spec["kafka"]["config"] = json!({"num.partitions": 3});
    namespace.converge(&mut kafka, &mut []);
    assert_eq!(state(&kafka.status), "Ready");
    let claim = namespace.world.get(&key).unwrap();
    assert_eq!(claim["spec"]["resources"]["requests"]["storage"], "200Gi");
    let expected = "spec.kafka.storage asks for 10Gi, and the claim data-my-cluster-kafka-0 has 200Gi already: a claim cannot shrink, so it stays";
    assert!(messages(&kafka.status).contains(&expected.to_owned()), "{:#}", kafka.status);
    // Once the resource asks for more than that, it is asked for.
    kafka.spec["kafka"]["storage"]["size"] = json!("0.3Ti");
    namespace.converge(&mut kafka, &mut []);
    let claim = namespace.world.get(&key).unwrap();
    assert_eq!(claim["spec"]["resources"]["requests"]["storage"], "329853488333");
}

/// Data goes with the resource that asked for it, volume by volume, and with nothing else.
#[test]
fn claims_that_are_to_be_deleted_belong_to_the_resource_and_to_no_stateful_set() {
    let claim =
        |id: i64, delete: bool| json!({"id": id, "type": "persistent-claim", "size": "1Gi", "deleteClaim": delete});
    let jbod = |deletes: [bool; 2]| json!({"type": "jbod", "volumes": [claim(0, deletes[0]), claim(1, deletes[1])]});
    let (mut namespace, mut kafka) = built(&with(&smallest(), "/kafka/storage", jbod([true, false])));
    for deletes in [[true, false], [false, true], [true, true], [false, false]] {
        kafka.spec["kafka"]["storage"] = jbod(deletes);
        namespace.converge(&mut kafka, &mut []);
        assert_eq!(state(&kafka.status), "Ready");
        for (id, delete) in deletes.into_iter().enumerate() {
            let name = format!("data-{id}-my-cluster-kafka-0");
            let claim = namespace.world.named(ObjectKind::PersistentVolumeClaim, &name).unwrap();
            assert_eq!(ottla_plan::world::is_owned_by(claim, support::UID), delete, "{deletes:?} {claim:#}");
            assert_eq!(claim["metadata"]["annotations"]["strimzi.io/delete-claim"], delete.to_string());
        }
        let set = namespace.world.named(ObjectKind::StatefulSet, "my-cluster-kafka").unwrap();
        let retained = json!({"whenDeleted": "Retain", "whenScaled": "Retain"});
        assert_eq!(set["spec"]["persistentVolumeClaimRetentionPolicy"], retained);
    }
}

#[test]
fn a_cluster_made_again_over_its_claims_finds_its_id() {
    let (mut namespace, kafka) = built(&smallest());
    let keys: Vec<_> = namespace.world.iter().map(|(key, _)| key.clone()).collect();
    keys.iter()
        .filter(|key| key.kind != ObjectKind::PersistentVolumeClaim)
        .for_each(|key| drop(namespace.world.remove(key)));
    let mut again = smallest();
    again.metadata.uid = Some("11111111-2222-4333-8444-555555555555".to_owned());
    namespace.converge(&mut again, &mut []);
    assert_eq!(again.status["clusterId"], kafka.status["clusterId"]);
    assert_eq!(state(&again.status), "Ready");
}
