//! Settings that bound each other: what a group may choose lies between a least and a most, and a heartbeat comes more often
//! than a session ends. In Kafka's words.

use crate::error::Complaint;
use crate::values::Values;

use Relation::{AtLeast, AtMost, Below};

/// Everything that is out of its bounds.
pub(super) fn check(values: &Values) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (left, relation, right) in LIMITS {
        let (a, b) = (values.long(left), values.long(right));
        let (holds, words) = match relation {
            AtLeast => (b <= a, "greater than or equal to"),
            AtMost => (a <= b, "less than or equal to"),
            Below => (a < b, "less than"),
        };
        if !holds {
            complaints.push(Complaint::new(*left, format!("{left} must be {words} {right}")));
        }
    }
    for (key, known) in ASSIGNORS {
        for name in values.list(key).iter().filter(|name| !known.contains(&name.as_str())) {
            let message = format!("Invalid value {name} for configuration {key}: Class cannot be found");
            complaints.push(Complaint { allowed: Some(known.join(", ")), ..Complaint::new(*key, message) });
        }
    }
    complaints
}

enum Relation {
    AtLeast,
    AtMost,
    Below,
}

/// Kafka loads other classes as assignors; there is no Java here to load them in.
const ASSIGNORS: &[(&str, &[&str])] = &[
    ("group.consumer.assignors", &["uniform", "range"]),
    ("group.share.assignors", &["simple"]),
    ("group.streams.assignors", &["sticky"]),
];

#[rustfmt::skip] // one rule a line
const LIMITS: &[(&str, Relation, &str)] = &[
    ("group.consumer.max.heartbeat.interval.ms", AtLeast, "group.consumer.min.heartbeat.interval.ms"),
    ("group.consumer.heartbeat.interval.ms", AtLeast, "group.consumer.min.heartbeat.interval.ms"),
    ("group.consumer.heartbeat.interval.ms", AtMost, "group.consumer.max.heartbeat.interval.ms"),
    ("group.consumer.max.session.timeout.ms", AtLeast, "group.consumer.min.session.timeout.ms"),
    ("group.consumer.session.timeout.ms", AtLeast, "group.consumer.min.session.timeout.ms"),
    ("group.consumer.session.timeout.ms", AtMost, "group.consumer.max.session.timeout.ms"),
    ("group.consumer.heartbeat.interval.ms", Below, "group.consumer.session.timeout.ms"),
    ("group.consumer.max.assignment.interval.ms", AtLeast, "group.consumer.min.assignment.interval.ms"),
    ("group.consumer.assignment.interval.ms", AtLeast, "group.consumer.min.assignment.interval.ms"),
    ("group.consumer.assignment.interval.ms", AtMost, "group.consumer.max.assignment.interval.ms"),
    ("group.share.max.heartbeat.interval.ms", AtLeast, "group.share.min.heartbeat.interval.ms"),
    ("group.share.heartbeat.interval.ms", AtLeast, "group.share.min.heartbeat.interval.ms"),
    ("group.share.heartbeat.interval.ms", AtMost, "group.share.max.heartbeat.interval.ms"),
    ("group.share.max.session.timeout.ms", AtLeast, "group.share.min.session.timeout.ms"),
    ("group.share.session.timeout.ms", AtLeast, "group.share.min.session.timeout.ms"),
    ("group.share.session.timeout.ms", AtMost, "group.share.max.session.timeout.ms"),
    ("group.share.heartbeat.interval.ms", Below, "group.share.session.timeout.ms"),
    ("group.share.max.assignment.interval.ms", AtLeast, "group.share.min.assignment.interval.ms"),
    ("group.share.assignment.interval.ms", AtLeast, "group.share.min.assignment.interval.ms"),
    ("group.share.assignment.interval.ms", AtMost, "group.share.max.assignment.interval.ms"),
    ("group.share.delivery.count.limit", AtLeast, "group.share.min.delivery.count.limit"),
    ("group.share.max.delivery.count.limit", AtLeast, "group.share.delivery.count.limit"),
    ("group.share.record.lock.duration.ms", AtLeast, "group.share.min.record.lock.duration.ms"),
    ("group.share.max.record.lock.duration.ms", AtLeast, "group.share.record.lock.duration.ms"),
    ("group.share.partition.max.record.locks", AtLeast, "group.share.min.partition.max.record.locks"),
    ("group.share.max.partition.max.record.locks", AtLeast, "group.share.partition.max.record.locks"),
    ("group.share.max.share.sessions", AtLeast, "group.share.max.size"),
    ("group.streams.max.heartbeat.interval.ms", AtLeast, "group.streams.min.heartbeat.interval.ms"),
    ("group.streams.heartbeat.interval.ms", AtLeast, "group.streams.min.heartbeat.interval.ms"),
    ("group.streams.heartbeat.interval.ms", AtMost, "group.streams.max.heartbeat.interval.ms"),
    ("group.streams.max.session.timeout.ms", AtLeast, "group.streams.min.session.timeout.ms"),
    ("group.streams.session.timeout.ms", AtLeast, "group.streams.min.session.timeout.ms"),
    ("group.streams.session.timeout.ms", AtMost, "group.streams.max.session.timeout.ms"),
    ("group.streams.heartbeat.interval.ms", Below, "group.streams.session.timeout.ms"),
    ("group.streams.max.assignment.interval.ms", AtLeast, "group.streams.min.assignment.interval.ms"),
    ("group.streams.assignment.interval.ms", AtLeast, "group.streams.min.assignment.interval.ms"),
    ("group.streams.assignment.interval.ms", AtMost, "group.streams.max.assignment.interval.ms"),
    ("group.streams.num.standby.replicas", AtMost, "group.streams.max.standby.replicas"),
    ("group.streams.num.warmup.replicas", AtMost, "group.streams.max.warmup.replicas"),
    ("group.streams.task.offset.interval.ms", AtLeast, "group.streams.min.task.offset.interval.ms"),
];
