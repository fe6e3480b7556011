//! Storage: what is asked for, and what is kept of it. Nodes that exist keep the storage they were made with unless the
//! change is one that can be made: growing, adding a volume, what happens to claims at the end.

use serde_json::Value;

use crate::document::Place;
use crate::finding::{Findings, Reason, Subject};
use crate::model::{Pool, Storage, Volume, VolumeSource};
use crate::names;
use crate::object::ObjectKind;
use crate::quantity;
use crate::world::{self, World};

/// The storage of a pool; `None` when what is asked for is refused.
pub(super) fn read(
    place: &Place<'_>,
    subject: &Subject,
    world: &World,
    cluster: &str,
    pool: &str,
    findings: &mut Findings,
) -> Option<Storage> {
    let wanted = read_wanted(place, subject, findings)?;
    warn_of_loss(&wanted, place, subject, findings);
    match remembered(world, cluster, pool) {
        Some(present) => Some(keep(present, wanted, place, subject, findings)),
        None => Some(wanted),
    }
}

/// The storage that a pool's nodes were made with: what their stateful set says, as it is what makes them. A stateful set
/// that is being replaced, or that somebody deleted, is gone for a while with its pods left; then the pool's configuration
/// says it, which was written before and is never replaced.
fn remembered(world: &World, cluster: &str, pool: &str) -> Option<Storage> {
    let stateful_set = world.named(ObjectKind::StatefulSet, &names::pool(cluster, pool));
    let config = world.named(ObjectKind::ConfigMap, &names::pool_config(cluster, pool));
    let read =
        |body: &Value| Storage::from_value(&serde_json::from_str(world::annotation(body, names::STORAGE)?).ok()?);
    [stateful_set, config].into_iter().flatten().filter(|body| world::is_marked_ours(body, cluster)).find_map(read)
}

/// Stands where the storage was refused; nothing is made of it.
pub(super) fn none() -> Storage {
    Storage { volumes: vec![Volume { id: None, source: VolumeSource::Ephemeral { size_limit: None } }], metadata: 0 }
}

fn read_wanted(place: &Place<'_>, subject: &Subject, findings: &mut Findings) -> Option<Storage> {
    let kind = place.field("type");
    if kind.text()? != "jbod" {
        // The only volume holds the metadata log anyway.
        place.field("kraftMetadata").take();
        let source = read_source(place, subject, findings)?;
        return Some(Storage { volumes: vec![Volume { id: None, source }], metadata: 0 });
    }
    let elements = place.field("volumes").elements();
    if elements.is_empty() {
        findings.refuse(subject, place.field("volumes").path(), "names no volume");
        return None;
    }
    let mut volumes = Vec::new();
    let mut marked = Vec::new();
    for element in &elements {
        let id = element.field("id");
        let Some(number) = id.whole() else {
            findings.refuse(subject, id.path(), "is missing: each volume of jbod needs an id of its own");
            return None;
        };
        if volumes.iter().any(|volume: &Volume| volume.id == Some(number)) {
            findings.refuse(subject, id.path(), format!("is {number}, as that of another volume"));
        }
        if element.field("type").peek().is_some_and(|kind| kind == "jbod") {
            findings.refuse(subject, element.field("type").path(), "must be ephemeral or persistent-claim within jbod");
            return None;
        }
        element.field("type").take();
        if element.field("kraftMetadata").text().is_some() {
            marked.push(number);
        }
        volumes.push(Volume { id: Some(number), source: read_source(element, subject, findings)? });
    }
    if 1 < marked.len() {
        findings.refuse(subject, place.field("volumes").path(), "marks several volumes with kraftMetadata: one may be");
    }
    volumes.sort_by_key(|volume| volume.id);
    let metadata = volumes.iter().position(|volume| marked.first().copied() == volume.id).unwrap_or(0);
    Some(Storage { volumes, metadata })
}

fn read_source(place: &Place<'_>, subject: &Subject, findings: &mut Findings) -> Option<VolumeSource> {
    if place.field("type").text()? == "ephemeral" {
        let size_limit = place.field("sizeLimit").text().map(str::to_owned);
        return Some(VolumeSource::Ephemeral { size_limit });
    }
    let size = place.field("size");
    match size.text() {
        None => {
            findings.refuse(subject, size.path(), "is missing: a persistent claim needs a size");
            None
        }
        Some(text) if quantity::parse(text).is_none_or(|bytes| bytes <= 0.0) => {
            findings.refuse(subject, size.path(), format!("must be a quantity such as 100Gi, and is \"{text}\""));
            None
        }
        Some(text) => Some(VolumeSource::Claim {
            size: quantity::rounded("storage", text),
            class: place.field("class").text().map(str::to_owned),
            attributes_class: place.field("volumeAttributesClass").text().map(str::to_owned),
            selector: place.field("selector").keys(),
            delete_claim: place.field("deleteClaim").flag().unwrap_or(false),
        }),
    }
}

fn warn_of_loss(wanted: &Storage, place: &Place<'_>, subject: &Subject, findings: &mut Findings) {
    if wanted.volumes.iter().any(|volume| matches!(volume.source, VolumeSource::Ephemeral { .. })) {
        let message = format!(
            "{} is ephemeral, and the cluster has one node: its records and its metadata are lost whenever its pod is restarted",
            place.path()
        );
        findings.warn(subject, Reason::KafkaStorage, message);
    }
}

/// Says which claims are larger than what is asked for: somebody made them grow by hand, and no claim can shrink.
pub(super) fn warn_of_larger(
    pool: &Pool,
    place: &Place<'_>,
    subject: &Subject,
    world: &World,
    findings: &mut Findings,
) {
    for (node, volume) in
        pool.nodes.iter().flat_map(|node| pool.storage.volumes.iter().map(move |volume| (node, volume)))
    {
        let VolumeSource::Claim { size, .. } = &volume.source else { continue };
        let name = names::claim(&names::volume(volume.id), &node.pod);
        let present = world.named(ObjectKind::PersistentVolumeClaim, &name).and_then(world::claimed);
        if let Some(present) = present.filter(|present| quantity::larger(size, present) != size) {
            let message = format!(
                "{} asks for {size}, and the claim {name} has {present} already: a claim cannot shrink, so it stays",
                place.path()
            );
            findings.warn(subject, Reason::KafkaStorage, message);
        }
    }
}

/// What a pool that has nodes may make of the storage that is asked for: all of it, or nothing.
fn keep(present: Storage, wanted: Storage, place: &Place<'_>, subject: &Subject, findings: &mut Findings) -> Storage {
    let kept = |volume: &Volume| wanted.volumes.iter().find(|other| other.id == volume.id);
    let refused = present.volumes.iter().find_map(|volume| match kept(volume) {
        None => Some(format!("removes the volume {}", names::volume(volume.id))),
        Some(other) => why_not(&volume.source, &other.source),
    });
    let moved = present.volumes[present.metadata].id != wanted.volumes[wanted.metadata].id;
    let refused = refused.or_else(|| moved.then(|| "moves the metadata log to another volume".to_owned()));
    match refused {
        None => wanted,
        Some(why) => {
            let message = format!(
                "{} {why}, which cannot be done to nodes that exist: their storage stays as it is",
                place.path()
            );
            findings.warn(subject, Reason::KafkaStorage, message);
            present
        }
    }
}

fn why_not(present: &VolumeSource, wanted: &VolumeSource) -> Option<String> {
    match (present, wanted) {
        (VolumeSource::Ephemeral { .. }, VolumeSource::Ephemeral { .. }) => None,
        (
            VolumeSource::Claim { size, class, selector, .. },
            VolumeSource::Claim { size: size_wanted, class: class_wanted, selector: selector_wanted, .. },
        ) => {
            if quantity::parse(size_wanted) < quantity::parse(size) {
                Some(format!("shrinks a claim from {size} to {size_wanted}"))
            } else if class != class_wanted {
                Some("changes the class of a claim".to_owned())
            } else if selector != selector_wanted {
                Some("changes the selector of a claim".to_owned())
            } else {
                None
            }
        }
        _ => Some("changes the type of a volume".to_owned()),
    }
}
