//! A node whose process has too many files open for a while.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::sync::Arc;

use ottla_api::{AllowAll, FixedLoggers, Listener, ListenerRole, NoQuotas, Peer};
use ottla_config::{BrokerConfig, Properties};
use ottla_node::{Handled, Node, Setup, Token, format_if_new};
use ottla_simulation::SimulatedDisk;
use ottla_vocabulary::{Instant, Now, Principal, Timestamp};
use ottla_wire::CreateTopicsRequest;
use ottla_wire::create_topics_request::CreatableTopic;
use ottla_wire::frame::request_frame;

const CONFIG: &str = "process.roles=broker,controller\nnode.id=1\nlog.dirs=/data\n\
    listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093\ncontroller.listener.names=CONTROLLER\n\
    controller.quorum.bootstrap.servers=127.0.0.1:9093\n";

fn at(millis: u64) -> Now {
    Now { instant: Instant::from_millis(millis), wall: Timestamp(1_700_000_000_000 + millis as i64) }
}

fn open(disk: &SimulatedDisk) -> Node<SimulatedDisk> {
    let config = BrokerConfig::load(&Properties::parse(CONFIG).unwrap()).unwrap().0;
    format_if_new(disk, &config, 7, at(0)).unwrap();
    let (authorizer, quotas, loggers) = (Box::new(AllowAll), Box::new(NoQuotas), Box::new(FixedLoggers));
    Node::open(Setup { files: disk.clone(), config, seed: 8, authorizer, quotas, loggers }, at(0)).unwrap()
}

/// Sends a request to make a topic; its answer comes under the token.
fn create(node: &Node<SimulatedDisk>, now: Now, token: u64, name: &str) {
    let listener = Arc::new(Listener { name: "PLAINTEXT".to_owned(), role: ListenerRole::Broker });
    let peer = Peer { principal: Principal::anonymous(), address: ([127, 0, 0, 1], 40_000).into(), listener };
    let topic = CreatableTopic {
        name: name.to_owned().into(),
        num_partitions: 1,
        replication_factor: 1,
        ..CreatableTopic::default()
    };
    let request = CreateTopicsRequest { topics: vec![topic].into(), timeout_ms: 60_000, validate_only: false };
    let frame = request_frame(&request, 7, 5, None).unwrap().into_bytes();
    let handled = node.handle(now, &peer, Token(token), &frame[4..]);
    assert!(matches!(handled, Handled::Later), "{name}: {handled:?}, {:?}", node.measure().quorum);
}

/// Does what the effects ask for; answers who is replied to. A sync that cannot be made is asked for a few times at most.
fn settle(node: &Node<SimulatedDisk>, now: Now) -> Vec<u64> {
    let mut replied = Vec::new();
    for _ in 0..10 {
        let Some(effects) = node.effects() else { return replied };
        replied.extend(effects.replies.iter().map(|(token, _)| token.0));
        if effects.sync_metadata {
            node.sync_metadata(now);
        }
    }
    panic!("the sync is tried without a pause");
}

#[test]
fn a_controller_goes_on_when_there_are_descriptors_again() {
    let disk = SimulatedDisk::new(1);
    let node = open(&disk);
    settle(&node, at(0));
    // Appended while there are descriptors, and to be synced when there are none.
    create(&node, at(100), 1, "flights");
    disk.set_opens_fail(true);
    assert_eq!(settle(&node, at(100)), Vec::<u64>::new(), "nobody is told of what is not on disk");
    // What cannot be appended is refused.
    create(&node, at(120), 2, "trains");
    assert_eq!(settle(&node, at(120)), [2]);
    let due = node.next_deadline().unwrap();
    assert!(due <= at(250).instant, "the sync is tried again soon");
    disk.set_opens_fail(false);
    node.tick(at(250));
    assert_eq!(settle(&node, at(250)), [1]);
    create(&node, at(300), 3, "trains");
    assert_eq!(settle(&node, at(300)), [3]);
    let image = node.image();
    assert!(image.topics.by_text("flights").is_some() && image.topics.by_text("trains").is_some());
}
