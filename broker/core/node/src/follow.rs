//! Follows the metadata log: what is committed becomes the image that requests see, and the partitions that lie here
//! become what the image says. Replies of the controller go out only after that, so that a client that was told of its
//! topic finds it.

use std::sync::Arc;

use ottla_api::fetch::{Place, Task, TopicKey, Wish};
use ottla_api::init_producer_id;
use ottla_api::list_offsets::Isolation;
use ottla_api::outcome::OFFSETS;
use ottla_commit_log::Files;
use ottla_config::BrokerConfig;
use ottla_metadata::image::{Resource, ResourceType, Topic};
use ottla_metadata::{Delta, Image, Metadata};
use ottla_vocabulary::{Duration, LeaderEpoch, Now, Offset, PartitionIndex, TopicName, TopicPartition};
use ottla_wire::{AllocateProducerIdsRequest, ErrorCode};

use crate::boot::BootError;
use crate::broker::{Due, Stage, controller_registration};
use crate::controller::{Controller, OwnReply, Settled, Waiter};
use crate::counts::TrafficCounts;
use crate::fetch::plain;
use crate::metadata_log::{METADATA_TOPIC_ID, replay_span};
use crate::node::Node;
use crate::partition::{Partition, Role};
use crate::reconfigure::{Dynamic, InForce, in_force};
use crate::settings;

/// How much of the metadata log one fetch brings.
const FETCH_BYTES: u32 = 1 << 20;

impl<F: Files> Node<F> {
    /// Brings the image up to what is committed, and then answers who waited for that.
    pub(crate) fn settle(&self, now: Now) {
        loop {
            let settled = match self.controller.lock().as_mut() {
                Some(controller) => {
                    if controller.wants_flush() {
                        self.note_sync();
                    }
                    controller.drain()
                }
                None => return,
            };
            if let Err(error) = self.follow(now) {
                tracing::error!("follow the metadata log: {error}");
                // Who is answered finds what the answer says: these wait until the log can be read again.
                if let Some(controller) = self.controller.lock().as_mut() {
                    controller.put_back(settled);
                }
                return;
            }
            if settled.is_empty() {
                return;
            }
            for settled in settled {
                self.answer(settled, now);
            }
        }
    }

    fn answer(&self, settled: Settled, now: Now) {
        match (settled.waiter, settled.failure) {
            (Waiter::Connection(token, answers), None) => self.reply_later(token, plain(answers.committed)),
            (Waiter::Connection(token, answers), Some(code)) => self.answer_later(token, (answers.failed)(code)),
            (Waiter::Own(reply), None) => self.hear(&reply, now),
            (Waiter::Own(OwnReply::Ids(_)), Some(_)) => {
                self.producer_ids.lock().asked = false;
                self.serve_producer_ids();
            }
            (Waiter::Own(OwnReply::Created), Some(_)) => {}
            (Waiter::Own(_), Some(_)) => self.life.lock().on_failed(now.instant),
        }
    }

    fn hear(&self, reply: &OwnReply, now: Now) {
        match reply {
            OwnReply::Registered(response) => self.life.lock().on_registered(response, now.instant),
            OwnReply::Heard(response) => {
                let interval = self.config.load().session.heartbeat_interval;
                self.life.lock().on_heard(response, interval, now.instant);
            }
            OwnReply::Ids(response) => {
                self.producer_ids.lock().on_block(response);
                self.serve_producer_ids();
            }
            OwnReply::Created => {}
        }
        self.note_deadline();
    }

    /// Answers everybody who waits for a producer id: who gets none, because no block came or it was too small, is told
    /// to come again, as while a coordinator loads.
    pub(crate) fn serve_producer_ids(&self) {
        let served = self.producer_ids.lock().serve();
        for (token, late, id) in served {
            let id = id.ok_or(ErrorCode::CoordinatorLoadInProgress);
            self.answer_later(token, init_producer_id::answer(late.head, id));
        }
    }

    /// Sends what the broker's life has due.
    pub(crate) fn live(&self, now: Now) {
        let config = self.config.load_full();
        let image = self.image.load_full();
        let mut life = self.life.lock();
        let Some(due) = life.take_due(config.session.heartbeat_interval, now.instant) else { return };
        let mut guard = self.controller.lock();
        let Some(controller) = guard.as_mut() else { return };
        match due {
            Due::Registration => {
                let request = life.registration(&config, &self.identity.cluster_id, &image);
                controller.register_own(&config, &request, now);
            }
            Due::Heartbeat(epoch) => {
                let request = life.heartbeat(&config, epoch, &image);
                controller.heartbeat_own(&config, &request, now);
            }
        }
    }

    /// Asks the controller for a block of producer ids, if somebody waits for one; `false` when it cannot be asked.
    pub(crate) fn ask_for_producer_ids(&self, now: Now) -> bool {
        let Some(epoch) = self.life.lock().epoch else { return false };
        let config = self.config.load_full();
        let mut guard = self.controller.lock();
        let Some(controller) = guard.as_mut() else { return false };
        let must_ask = self.producer_ids.lock().ask();
        if must_ask {
            let request = AllocateProducerIdsRequest { broker_id: self.identity.node_id.0, broker_epoch: epoch.0 };
            controller.allocate_own(&config, &request, now);
        }
        true
    }

    /// Registers this node's controller under the incarnation of its broker.
    pub(crate) fn register_controller(&self, now: Now) {
        let config = self.config.load_full();
        let incarnation = self.life.lock().incarnation;
        let request = controller_registration(&config, incarnation, &self.follower.lock());
        if let Some(controller) = self.controller.lock().as_mut() {
            controller.register_controller(&config, &request, now);
        }
    }

    /// Syncs the metadata log for all that was appended meanwhile. May take as long as a disk does.
    pub fn sync_metadata(&self, now: Now) {
        let work = self.controller.lock().as_mut().and_then(|controller| controller.begin_flush(now.instant));
        if let Some(work) = work {
            let outcome = work.run();
            let config = self.config.load_full();
            if let Some(controller) = self.controller.lock().as_mut() {
                controller.finish_flush(&config, outcome, now);
            }
        }
        self.note_deadline(); // of the next attempt, if this one must be made again
        self.settle(now);
    }

    /// Fetches and replays what is committed, and publishes the image.
    fn follow(&self, now: Now) -> Result<(), BootError> {
        let mut metadata = self.follower.lock();
        let before = self.image.load_full();
        // A snapshot alone may know topics that were deleted since, and not those that took their names.
        let has_caught_up = self.controller.lock().as_ref().is_none_or(Controller::has_caught_up);
        if before.end == Offset::ZERO && !has_caught_up {
            return Ok(());
        }
        if metadata.image().end == Offset::ZERO {
            self.load_snapshot(&mut metadata)?;
        }
        loop {
            let span = {
                let mut guard = self.controller.lock();
                let Some(controller) = guard.as_mut() else { return Ok(()) };
                if controller.high_watermark() <= metadata.image().end {
                    break;
                }
                let fetched = controller.fetch(&fetch_of(metadata.image().end));
                fetched.map(|(_, span)| span)
            };
            let folder = std::path::Path::new(ottla_api::create_topics::METADATA_TOPIC);
            let Ok(Some(span)) = span else {
                return Err(BootError::Damaged(folder.to_owned(), "what is committed cannot be read".to_owned()));
            };
            replay_span(&mut metadata, &span.read()?, folder, &mut |_, _| {})?;
        }
        let image = metadata.published();
        if image.end != before.end {
            let image = Arc::new(image.clone());
            self.publish(&before, image, now);
        }
        Ok(())
    }

    fn load_snapshot(&self, metadata: &mut Metadata) -> Result<(), BootError> {
        let snapshot = match self.controller.lock().as_ref() {
            Some(controller) => controller.snapshot()?,
            None => None,
        };
        if let Some((id, bytes)) = snapshot {
            let read = ottla_metadata::snapshot::read_snapshot(id, &bytes);
            *metadata = read.map_err(|error| BootError::Damaged(id.file_name().into(), error.to_string()))?.0;
        }
        Ok(())
    }

    /// Makes what lies here what the image says, and shows the image.
    fn publish(&self, before: &Image, image: Arc<Image>, now: Now) {
        let delta = Delta::between(before, &image);
        if delta.configs.iter().any(|resource| resource.kind == ResourceType::BROKER) {
            self.reconfigure(&image);
        }
        let config = self.config.load_full();
        for topic in &delta.deleted {
            for index in topic.partitions.keys() {
                self.remove_partition(topic, *index, now);
            }
            if let Some(counts) = self.topic_counts.write().remove(&topic.name) {
                self.counts.absorb(counts.read());
            }
        }
        for topic in &delta.created {
            for (index, partition) in &topic.partitions {
                self.place(&config, &image, topic, *index, partition, now);
            }
        }
        for changed in &delta.partitions {
            self.place(&config, &image, &changed.topic, changed.index, &changed.now, now);
        }
        for resource in delta.configs.iter().filter(|resource| resource.kind == ResourceType::TOPIC) {
            if let Some(topic) = image.topics.by_text(&resource.name) {
                self.resettle(&config, &image, topic);
            }
        }
        self.image.store(image);
        let deleted: Vec<TopicName> = delta.deleted.iter().map(|topic| topic.name.clone()).collect();
        if !deleted.is_empty() {
            self.finish(now, self.coordinators.on_topics_deleted(now, &deleted));
            self.note_deadline();
        }
    }

    /// The broker's own dynamic configuration changed.
    fn reconfigure(&self, image: &Image) {
        let dynamic = Dynamic {
            cluster: image.configs.properties(&Resource::all_brokers()),
            broker: image.configs.properties(&Resource::broker(self.identity.node_id)),
        };
        match in_force(&self.config.load(), dynamic.clone()) {
            Ok(InForce { config, warnings, left_out }) => {
                for (name, why) in left_out {
                    tracing::error!("the dynamic value of {name} is passed over: {why}");
                }
                // What the file brings was said at the start.
                for warning in warnings.iter().filter(|warning| dynamic.contains(&warning.key)) {
                    tracing::warn!("{warning}");
                }
                self.config.store(Arc::new(config));
                let config = self.config.load_full();
                for topic in image.topics.iter() {
                    self.resettle(&config, image, topic);
                }
            }
            Err(errors) => {
                tracing::error!("the dynamic configuration contradicts itself, the former one stays: {errors}");
            }
        }
    }

    fn resettle(&self, config: &BrokerConfig, image: &Image, topic: &Topic) {
        let settings = settings::of_topic(config, image, &topic.name);
        for index in topic.partitions.keys() {
            if let Ok(partition) = self.partition(topic.id, *index) {
                partition.set_settings(settings.clone());
            }
        }
    }

    /// Puts a partition into the state that the image describes.
    fn place(
        &self,
        config: &BrokerConfig,
        image: &Image,
        topic: &Topic,
        index: PartitionIndex,
        described: &ottla_metadata::image::Partition,
        now: Now,
    ) {
        if !described.replicas.contains(&self.identity.node_id) || self.stage() == Stage::ShuttingDown {
            return;
        }
        let role = Role::of(self.identity.node_id, described);
        if let Ok(partition) = self.partition(topic.id, index) {
            let waiting = partition.set_role(role);
            self.wake(now, waiting);
            self.coordinate(&partition, now);
            return;
        }
        let name = TopicPartition::new(topic.name.clone(), index);
        let settings = settings::of_topic(config, image, &topic.name);
        let wanted = described.directory_of(self.identity.node_id);
        match self.open_or_create(&name, topic.id, wanted, &settings, now) {
            Ok((directory, log)) => {
                let counts = self.counts_of(&topic.name);
                let partition = Partition::new(
                    name,
                    (directory, Arc::clone(&self.healths[directory])),
                    settings,
                    counts,
                    log,
                    role,
                );
                let partition = Arc::new(partition);
                self.partitions.write().insert((topic.id, index), Arc::clone(&partition));
                self.unopened.lock().remove(&(topic.id, index));
                self.coordinate(&partition, now);
            }
            Err((directory, error)) => {
                tracing::error!(partition = %name, "open the partition's log: {error}");
                self.healths[directory].on_refusal(&error);
                self.unopened.lock().insert((topic.id, index));
            }
        }
    }

    /// Tries again to open the logs that the disk refused.
    pub(crate) fn place_unopened(&self, now: Now) {
        let unopened = self.unopened.lock().clone();
        if unopened.is_empty() {
            return;
        }
        // What is published comes one after the other, and so does this.
        let _follower = self.follower.lock();
        let (config, image) = (self.config.load_full(), self.image.load_full());
        for (id, index) in unopened {
            let found = image.topics.get(id).and_then(|topic| Some((topic, topic.partitions.get(&index)?)));
            match found {
                Some((topic, described)) => self.place(&config, &image, topic, index, described, now),
                None => drop(self.unopened.lock().remove(&(id, index))),
            }
        }
    }

    /// Coordinates the groups of a partition of `__consumer_offsets` while it is led here.
    fn coordinate(&self, partition: &Arc<Partition<F>>, now: Now) {
        if partition.name.topic.as_str() != OFFSETS {
            return;
        }
        let role = partition.lock().role().clone();
        let done = if role.is_leader {
            self.coordinators.lead(now, partition, role.epoch)
        } else {
            self.coordinators.resign(now, partition.name.partition)
        };
        self.finish(now, done);
    }

    pub(crate) fn counts_of(&self, topic: &TopicName) -> Arc<TrafficCounts> {
        if let Some(counts) = self.topic_counts.read().get(topic) {
            return Arc::clone(counts);
        }
        Arc::clone(self.topic_counts.write().entry(topic.clone()).or_default())
    }

    fn remove_partition(&self, topic: &Topic, index: PartitionIndex, now: Now) {
        self.unopened.lock().remove(&(topic.id, index));
        let Some(partition) = self.partitions.write().remove(&(topic.id, index)) else { return };
        if partition.name.topic.as_str() == OFFSETS {
            self.finish(now, self.coordinators.resign(now, index));
        }
        let (log, waiting) = {
            let mut state = partition.lock();
            (state.log.take(), std::mem::take(&mut state.waiting))
        };
        if let Some(log) = log {
            let unique = self.entropy.uuid();
            let mut directories = self.directories.lock();
            let deleted = directories[partition.directory].delete_log(&partition.name, log, unique);
            match deleted {
                Ok(folder) => self.upkeep.lock().doom(partition.directory, folder),
                Err(error) => {
                    tracing::error!(partition = %partition.name, "delete the partition: {error}");
                    partition.health.on_refusal(&error);
                }
            }
        }
        // Who waited for it learns that it is gone.
        self.wake(now, waiting);
    }
}

/// The broker's fetch of the metadata log.
fn fetch_of(offset: Offset) -> Task {
    let place = Place { topic: TopicKey::Id(METADATA_TOPIC_ID.0), partition: PartitionIndex(0) };
    let wish = Wish {
        place,
        offset,
        bytes_max: FETCH_BYTES,
        current_epoch: LeaderEpoch::NONE,
        last_fetched_epoch: LeaderEpoch::NONE,
    };
    Task {
        replica: None,
        cluster_id: None,
        isolation: Isolation::ReadUncommitted,
        wait_max: Duration::ZERO,
        bytes_min: 0,
        bytes_max: FETCH_BYTES,
        session_id: 0,
        session_epoch: -1,
        by_id: true,
        asked: vec![wish],
        forgotten: Vec::new(),
    }
}
