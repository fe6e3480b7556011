//! Topics against an API server and brokers that are a few lines each: what is asked of them, and what is not.

use std::sync::Mutex;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use ottla_wire::api_versions_response::{ApiVersion, ApiVersionsResponse};
use ottla_wire::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResponse, DescribeConfigsResult,
};
use ottla_wire::frame::response_frame;
use ottla_wire::metadata_response::{MetadataResponse, MetadataResponsePartition, MetadataResponseTopic};
use ottla_wire::{ApiKey, IncrementalAlterConfigsResponse, Reader, RequestHeader};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::metrics::Metrics;
use crate::settings::Settings;

type Seen<T> = Arc<Mutex<Vec<T>>>;

/// An API server that takes every patch; gives what was written.
async fn api_server() -> (Context, Seen<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let patches: Seen<Value> = Arc::default();
    let seen = Arc::clone(&patches);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let seen = Arc::clone(&seen);
            let answer = service_fn(move |request: Request<Incoming>| {
                let seen = Arc::clone(&seen);
                async move {
                    let body = request.into_body().collect().await?.to_bytes();
                    seen.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
                    let topic = json!({"metadata": {"name": "my-topic", "namespace": "a"}}).to_string();
                    Ok::<_, hyper::Error>(Response::new(Full::new(Bytes::from(topic))))
                }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
    let config = kube::Config::new(format!("http://{address}").parse().unwrap());
    let client = kube::Client::try_from(config).unwrap();
    let settings = Settings::from_environment(&|_| None).unwrap();
    (Context::new(client.clone(), client, settings, Arc::new(Metrics::new())), patches)
}

/// A broker with one topic of one partition and one setting, which takes every change of it and keeps what it has.
async fn stubborn_broker() -> (String, Seen<ApiKey>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked: Seen<ApiKey> = Arc::default();
    let seen = Arc::clone(&asked);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        while let Ok(length) = stream.read_u32().await {
            let mut frame = vec![0; length as usize];
            stream.read_exact(&mut frame).await.unwrap();
            let (api, header) = RequestHeader::read_frame(&mut Reader::new(&frame)).unwrap();
            seen.lock().unwrap().push(api);
            let answer = answer(api, header.request_api_version, header.correlation_id);
            stream.write_all(&answer).await.unwrap();
        }
    });
    (address, asked)
}

fn answer(api: ApiKey, version: i16, correlation: i32) -> Vec<u8> {
    let framed = match api {
        ApiKey::ApiVersions => {
            let keys = [ApiKey::Metadata, ApiKey::DescribeConfigs, ApiKey::IncrementalAlterConfigs];
            let api = |key: ApiKey| ApiVersion { api_key: key.key(), min_version: 0, max_version: i16::MAX };
            let api_keys: Vec<ApiVersion> = keys.into_iter().map(api).collect();
            response_frame(
                &ApiVersionsResponse { api_keys: api_keys.into(), ..Default::default() },
                version,
                correlation,
            )
        }
        ApiKey::Metadata => {
            let partition = MetadataResponsePartition { replica_nodes: vec![0].into(), ..Default::default() };
            let partitions = vec![partition].into();
            let topic = MetadataResponseTopic { name: Some("my-topic".into()), partitions, ..Default::default() };
            response_frame(&MetadataResponse { topics: vec![topic].into(), ..Default::default() }, version, correlation)
        }
        ApiKey::DescribeConfigs => {
            let config = DescribeConfigsResourceResult {
                name: "retention.ms".into(),
                value: Some("5".into()),
                config_source: 1,
                ..Default::default()
            };
            let result = DescribeConfigsResult { configs: vec![config].into(), ..Default::default() };
            let response = DescribeConfigsResponse { results: vec![result].into(), ..Default::default() };
            response_frame(&response, version, correlation)
        }
        ApiKey::IncrementalAlterConfigs => {
            response_frame(&IncrementalAlterConfigsResponse::default(), version, correlation)
        }
        other => panic!("{other:?} is not asked of brokers here"),
    };
    framed.unwrap().into_bytes()
}

fn topic(retention: &str) -> KafkaTopic {
    let mut topic = KafkaTopic::new("a", "my-topic", json!({"partitions": 1, "config": {"retention.ms": retention}}));
    topic.metadata.labels = Some([(names::CLUSTER.to_owned(), "my-cluster".to_owned())].into());
    topic.metadata.finalizers = Some(vec![names::TOPIC_FINALIZER.to_owned()]);
    topic
}

fn leaving(mut topic: KafkaTopic) -> KafkaTopic {
    topic.metadata.deletion_timestamp = serde_json::from_value(json!("2026-01-01T00:00:00Z")).unwrap();
    topic
}

fn paused(mut topic: KafkaTopic) -> KafkaTopic {
    topic.metadata.annotations = Some([(names::PAUSE.to_owned(), "true".to_owned())].into());
    topic
}

fn link(bootstrap: &str) -> Link {
    Link::new(Some(bootstrap.to_owned()), None, true)
}

#[tokio::test]
async fn a_topic_on_which_nothing_is_to_be_done_is_not_looked_at_again_and_again() {
    let (context, patches) = api_server().await;
    let (bootstrap, asked) = stubborn_broker().await;
    let paused = paused(leaving(topic("5")));
    let sooner = rounds(&context, &link(&bootstrap), &bootstrap, paused, &[]).await.unwrap();
    assert_eq!((sooner, patches.lock().unwrap().len()), (None, 0));
    assert_eq!(*asked.lock().unwrap(), [ApiKey::ApiVersions, ApiKey::Metadata, ApiKey::DescribeConfigs]);
}

#[tokio::test]
async fn a_value_that_the_brokers_keep_otherwise_is_named_and_not_written_for_ever() {
    let (context, patches) = api_server().await;
    let (bootstrap, asked) = stubborn_broker().await;
    let sooner = rounds(&context, &link(&bootstrap), &bootstrap, topic("7"), &[]).await.unwrap();
    assert_eq!(sooner, None, "the usual interval is soon enough");
    let condition = patches.lock().unwrap().last().unwrap()["status"]["conditions"][0].clone();
    assert_eq!((&condition["type"], &condition["status"]), (&json!("Ready"), &json!("False")));
    assert!(condition["message"].as_str().unwrap().contains("retention.ms"), "{condition}");
    let alterations = asked.lock().unwrap().iter().filter(|api| **api == ApiKey::IncrementalAlterConfigs).count();
    assert!(alterations <= ROUNDS_MAX, "{alterations}");
}

#[test]
fn brokers_are_not_asked_where_no_answer_could_matter() {
    let is_asked = |topic: &KafkaTopic, siblings: &[KafkaTopic]| !without_asking(topic, siblings).commands.is_empty();
    assert!(is_asked(&topic("5"), &[]) && is_asked(&leaving(topic("5")), &[]));
    assert!(!is_asked(&paused(topic("5")), &[]) && !is_asked(&paused(leaving(topic("5"))), &[]));
    let mut unmanaged = leaving(topic("5"));
    unmanaged.metadata.annotations = Some([(names::MANAGED.to_owned(), "false".to_owned())].into());
    let mut misnamed = leaving(topic("5"));
    misnamed.spec["topicName"] = json!("no name!");
    let mut renamed = misnamed.clone();
    renamed.status = json!({"topicName": "my-topic"});
    let mut heir = topic("5");
    heir.metadata.name = Some("heir".to_owned());
    heir.spec["topicName"] = json!("my-topic");
    let superseded = (leaving(topic("5")), vec![heir]);
    for (topic, siblings) in [(unmanaged, vec![]), (misnamed, vec![]), (renamed, vec![]), superseded] {
        let plan = without_asking(&topic, &siblings);
        assert!(plan.commands.is_empty(), "{topic:?}");
        assert_eq!(plan.finalizer, ottla_plan::topics::FinalizerChange::Remove, "{topic:?}");
    }
}

/// Time stands still but for waits.
#[tokio::test(start_paused = true)]
async fn a_cluster_that_swallows_packets_holds_one_topic_and_the_others_say_why_they_wait() {
    let (context, patches) = api_server().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bootstrap = silent.local_addr().unwrap().to_string();
    let link = link(&bootstrap);
    let work = || rounds(&context, &link, &bootstrap, topic("5"), &[]);
    let first = std::pin::pin!(work());
    let mut first = first;
    assert!(futures::poll!(&mut first).is_pending());
    for _ in 0..100 {
        let futures::task::Poll::Ready(turned_away) = futures::poll!(std::pin::pin!(work())) else {
            panic!("a topic waits for another's turn");
        };
        assert!(turned_away.unwrap().unwrap() < Duration::from_secs(1));
    }
    let error = first.await.unwrap_err().to_string();
    assert!(error.contains(&bootstrap), "{error}");
    patches.lock().unwrap().clear();
    let wait = work().await.unwrap().unwrap();
    assert!(Duration::from_millis(900) < wait, "{wait:?}");
    let said = patches.lock().unwrap()[0]["status"]["conditions"][0]["message"].to_string();
    assert!(said.contains(&bootstrap), "{said}");
}
