//! The memory that decoding takes, counted by the allocator: a frame of a stranger takes none when it is read, and no
//! more than twice itself and a mebibyte when all of it is collected; honest large frames pass.
//!
//! One test, because the allocator counts for the whole process.

use std::alloc::System;

use cap::Cap;
use ottla_wire::metadata_request::MetadataRequestTopic;
use ottla_wire::{Array, Budget, Element, FetchRequest, Message, MetadataRequest, ProduceRequest, Reader, WireError};

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

#[test]
fn decoding_takes_no_more_memory_than_its_budget() {
    six_bytes_that_claim_two_billion_elements();
    twenty_million_tagged_fields();
    arrays_of_tiny_elements_are_not_collected_beyond_the_budget();
    ten_thousand_topics_pass();
    a_large_fetch_passes();
}

fn six_bytes_that_claim_two_billion_elements() {
    // A count of 2^31 - 1 topics, in the form of version 0; another library asks for 154 GB here and is aborted.
    let bytes = [0x7f, 0xff, 0xff, 0xff, 0, 1];
    let (took, result) = allocated(|| MetadataRequest::from_bytes(&bytes, 0).map(|_| ()));
    assert!(matches!(result, Err(WireError::Count { count: 0x7fff_ffff, left: 2, .. })), "{result:?}");
    assert_eq!(took, 0);
    let bytes = [0xff, 0xff, 0xff, 0xff, 0x07, 1];
    let (took, result) = allocated(|| MetadataRequest::from_bytes(&bytes, 12).map(|_| ()));
    assert!(matches!(result, Err(WireError::Count { .. })), "{result:?}");
    assert_eq!(took, 0);
}

fn twenty_million_tagged_fields() {
    const COUNT: usize = 20_000_000;
    // No topics, no flags, then the tagged fields: each an unknown number and a size of zero.
    let mut bytes = vec![1, 0, 0, 0x80, 0xda, 0xc4, 0x09];
    assert_eq!(Reader::new(&bytes[3..]).unsigned_varint(), Ok(COUNT as u32));
    bytes.resize(bytes.len() + 2 * COUNT, 0);
    for field in bytes[7..].chunks_exact_mut(2) {
        field[0] = 100;
    }
    let (took, result) = allocated(|| MetadataRequest::from_bytes(&bytes, 12).map(|request| request.topics.is_some()));
    assert_eq!(result, Ok(true));
    assert_eq!(took, 0, "an unknown tagged field is no object of ours");
}

fn arrays_of_tiny_elements_are_not_collected_beyond_the_budget() {
    // Empty strings take one byte each here and 24 in memory.
    let count = 8 << 20;
    let mut bytes = vec![0x81, 0x80, 0x80, 0x04];
    assert_eq!(Reader::new(&bytes).unsigned_varint(), Ok(count + 1));
    bytes.resize(bytes.len() + count as usize, 1);
    let form = ottla_wire::Form { version: 0, flexible: true };
    let array: Array<'_, std::borrow::Cow<'_, str>> = Reader::new(&bytes).array(form).expect("they are strings");
    let (took, result) = allocated(|| array.collect(&mut Budget::for_frame(bytes.len())).map(|all| all.len()));
    assert!(matches!(result, Err(WireError::Budget { .. })), "{result:?}");
    assert_eq!(took, 0, "refused before it is allocated");
}

fn ten_thousand_topics_pass() {
    let topics = (0..10_000)
        .map(|index| MetadataRequestTopic { name: Some(format!("topic-{index}").into()), ..Default::default() })
        .collect();
    let request = MetadataRequest { topics: Some(topics), ..Default::default() };
    for version in [1, 13] {
        let frame = request.to_bytes(version).expect("it has a place in all versions");
        let mut budget = Budget::for_frame(frame.len());
        let (took, count) = allocated(|| {
            let read = MetadataRequest::from_bytes(&frame, version).expect("we wrote it");
            collect(&read.topics.expect("topics were sent"), &mut budget)
        });
        assert_eq!(count, 10_000);
        assert!(took <= 2 * frame.len() + (1 << 20), "{took} bytes for a frame of {}", frame.len());
    }
}

fn a_large_fetch_passes() {
    use ottla_wire::fetch_request::{FetchPartition, FetchTopic};
    let partitions = |partition| vec![FetchPartition { partition, ..Default::default() }].into();
    let topics = (0..10_000).map(|topic| FetchTopic { partitions: partitions(topic), ..Default::default() }).collect();
    let request = FetchRequest { topics, ..Default::default() };
    for version in [4, 13, 18] {
        let frame = request.to_bytes(version).expect("it has a place in all versions");
        let mut budget = Budget::for_frame(frame.len());
        let (took, count) = allocated(|| {
            let read = FetchRequest::from_bytes(&frame, version).expect("we wrote it");
            let topics = read.topics.collect(&mut budget).expect("an honest frame is within its budget");
            topics.iter().map(|topic| collect(&topic.partitions, &mut budget)).sum::<usize>()
        });
        assert_eq!(count, 10_000);
        assert!(took <= 2 * frame.len() + (1 << 20), "{took} bytes for a frame of {}", frame.len());
    }
    // Nothing is kept of a produce request but where its records lie.
    let produce = ProduceRequest::default().to_bytes(13).expect("a default is written in any version");
    let (took, _) = allocated(|| ProduceRequest::from_bytes(&produce, 13).map(|_| ()));
    assert_eq!(took, 0);
}

fn collect<'a, T: Element<'a>>(array: &Array<'a, T>, budget: &mut Budget) -> usize {
    array.collect(budget).expect("an honest frame is within its budget").len()
}

/// How many bytes `act` asked the allocator for in all.
fn allocated<T>(act: impl FnOnce() -> T) -> (usize, T) {
    let before = ALLOCATOR.total_allocated();
    let result = act();
    (ALLOCATOR.total_allocated() - before, result)
}
