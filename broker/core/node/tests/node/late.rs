//! Who waits for an answer gets one, or sees the connection end: nobody waits for ever.

use ottla_node::{Close, Token};
use ottla_wire::{DescribeGroupsRequest, ErrorCode, InitProducerIdRequest, InitProducerIdResponse};

use crate::world::{World, later, read, whole};

#[test]
fn who_waits_for_a_producer_id_that_does_not_come_is_told_to_come_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "");
    let request = InitProducerIdRequest { producer_id: -1, producer_epoch: -1, ..InitProducerIdRequest::default() };
    let request = InitProducerIdRequest { transactional_id: None, ..request };
    let token = later(&world.send(&request, 5));
    // The disk does not sync, so the block is not committed in the time that a broker's own commands have.
    world.pass(29_000);
    assert!(world.node.effects().unwrap().replies.is_empty());
    world.pass(2000);
    let replies = world.node.effects().unwrap().replies;
    let answer = replies.iter().find(|(other, _)| *other == token).map(|(_, reply)| whole(reply));
    let answer = answer.expect("it is answered without any other request");
    let code = read::<InitProducerIdResponse>(&answer, 5).error_code;
    assert_eq!(code, ErrorCode::CoordinatorLoadInProgress.code());
    assert_eq!(world.late(Token(0)), None, "it is answered once");
    let token = later(&world.send(&request, 5));
    let answer = world.late(token).expect("the disk syncs again");
    assert_eq!(read::<InitProducerIdResponse>(&answer, 5).error_code, 0);
}

#[test]
fn a_late_answer_that_cannot_be_written_ends_its_connection() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(folder.path(), "");
    assert_eq!(world.create("__consumer_offsets", 1), 0);
    // The answer says `Group … not found.` around a name that is already as long as a text can be.
    let name = "g".repeat(32_767);
    let request = DescribeGroupsRequest { groups: vec![name.into()].into(), ..DescribeGroupsRequest::default() };
    let token = later(&world.send(&request, 6));
    let closes = world.node.effects().unwrap().closes;
    assert!(matches!(closes.as_slice(), [(closed, Close::Unwritable(_))] if *closed == token), "{closes:?}");
}
