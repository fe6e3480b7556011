//! What an administrator asks of a cluster: its topics and their configurations, and changes to both. Any broker answers;
//! one that is asked for a change passes it on to the controller.
//!
//! One [`Admin`] holds one connection and uses it for one operation at a time. When the connection breaks, the next
//! operation opens another: an operation that failed is never repeated behind the caller's back, since it may have been
//! carried out.

use std::collections::BTreeMap;
use std::time::Duration;

use ottla_vocabulary::{NodeId, TopicId};
use ottla_wire::create_partitions_request::{CreatePartitionsRequest, CreatePartitionsTopic};
use ottla_wire::create_topics_request::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};
use ottla_wire::delete_topics_request::{DeleteTopicState, DeleteTopicsRequest};
use ottla_wire::describe_configs_request::{DescribeConfigsRequest, DescribeConfigsResource};
use ottla_wire::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use ottla_wire::metadata_request::{MetadataRequest, MetadataRequestTopic};
use ottla_wire::{
    CreatePartitionsResponse, CreateTopicsResponse, DeleteTopicsResponse, DescribeClusterRequest,
    DescribeClusterResponse, DescribeConfigsResponse, ErrorCode, IncrementalAlterConfigsResponse, MetadataResponse,
};

use crate::error::ClientError;
use crate::socket::Socket;

/// The resource type of a topic in config requests.
const TOPIC: i8 = 2;
/// Config operations of KIP-339.
const SET: i8 = 0;
const DELETE: i8 = 1;

/// How an [`Admin`] speaks.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Told to brokers, for their logs and quotas.
    pub client_id: String,
    /// The longest wait for a connection, and for each answer.
    pub patience: Duration,
    /// The largest answer that is read. A broker that announces more is refused, so this is what one connection can cost.
    pub answer_bytes_max: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            client_id: "ottla-admin".to_owned(),
            patience: Duration::from_secs(10),
            // As much as a broker takes for a request: the metadata of hundreds of thousands of partitions.
            answer_bytes_max: 100 * 1024 * 1024,
        }
    }
}

/// A cluster as DescribeCluster tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// The cluster's id.
    pub id: String,
    /// The node to which changes go; [`NodeId::NONE`] while there is none.
    pub controller: NodeId,
    /// Brokers that take clients.
    pub brokers: Vec<NodeId>,
}

/// A topic as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: TopicId,
    /// One of the brokers' own.
    pub is_internal: bool,
    /// By their numbers, from 0.
    pub partitions: Vec<Partition>,
}

/// A partition as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its leader; [`NodeId::NONE`] while it has none.
    pub leader: NodeId,
    /// Who holds it, the preferred leader first.
    pub replicas: Vec<NodeId>,
    /// Who of them is in sync.
    pub in_sync: Vec<NodeId>,
}

/// A topic to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// How many partitions; none for the brokers' default.
    pub partitions: Option<i32>,
    /// How many replicas; none for the brokers' default.
    pub replication_factor: Option<i16>,
    /// Its own configuration.
    pub config: BTreeMap<String, String>,
}

/// Where a configuration's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigSource {
    /// Set on the topic itself.
    Topic,
    /// From a broker's configuration or Kafka's default.
    Inherited,
}

/// A configuration of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigEntry {
    /// Its value; none for one that is kept secret.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: ConfigSource,
}

/// One change of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigChange {
    /// To this value.
    Set(String),
    /// Back to what the topic inherits.
    Delete,
}

/// An administrator's connection to a cluster.
#[derive(Debug)]
pub struct Admin {
    bootstrap: Vec<String>,
    settings: Settings,
    socket: Option<Socket>,
}

impl Admin {
    /// Connects to the first of these addresses (`host:port`) that answers.
    ///
    /// # Errors
    /// When none does.
    pub async fn connect(bootstrap: &[String], settings: Settings) -> Result<Admin, ClientError> {
        let mut admin = Admin { bootstrap: bootstrap.to_vec(), settings, socket: None };
        let socket = admin.take_socket().await?;
        admin.put_back(socket);
        Ok(admin)
    }

    /// Who is in the cluster.
    ///
    /// # Errors
    /// As for every operation: see [`ClientError`].
    pub async fn cluster(&mut self) -> Result<Cluster, ClientError> {
        let mut socket = self.take_socket().await?;
        let asked = socket.ask(&DescribeClusterRequest::default()).await?;
        let response: DescribeClusterResponse<'_> = socket.answer(asked)?;
        check("DescribeCluster", response.error_code, response.error_message.as_deref())?;
        let cluster = Cluster {
            id: response.cluster_id.to_string(),
            controller: NodeId(response.controller_id),
            brokers: response.brokers.iter().map(|broker| NodeId(broker.broker_id)).collect(),
        };
        self.put_back(socket);
        Ok(cluster)
    }

    /// Every topic that there is.
    ///
    /// # Errors
    /// As for every operation: see [`ClientError`].
    pub async fn topics(&mut self) -> Result<Vec<Topic>, ClientError> {
        Ok(self.metadata(None).await?.into_iter().filter_map(Result::ok).collect())
    }

    /// One topic; none when there is no such topic.
    ///
    /// # Errors
    /// As for every operation: see [`ClientError`].
    pub async fn topic(&mut self, name: &str) -> Result<Option<Topic>, ClientError> {
        match self.metadata(Some(name)).await?.pop() {
            Some(Ok(topic)) => Ok(Some(topic)),
            Some(Err(ErrorCode::UnknownTopicOrPartition)) | None => Ok(None),
            Some(Err(code)) => Err(refused("Metadata", code, None)),
        }
    }

    async fn metadata(&mut self, name: Option<&str>) -> Result<Vec<Result<Topic, ErrorCode>>, ClientError> {
        let topics =
            name.map(|name| vec![MetadataRequestTopic { name: Some(name.into()), ..Default::default() }].into());
        let request = MetadataRequest { topics, allow_auto_topic_creation: false, ..Default::default() };
        let mut socket = self.take_socket().await?;
        let asked = socket.ask(&request).await?;
        let response: MetadataResponse<'_> = socket.answer(asked)?;
        check("Metadata", response.error_code, None)?;
        let described = response.topics.iter().map(|topic| {
            if topic.error_code != 0 {
                return Err(ErrorCode::from(topic.error_code));
            }
            let nodes = |ids: &ottla_wire::Array<'_, i32>| ids.iter().map(NodeId).collect();
            let mut partitions: Vec<_> = topic.partitions.iter().collect();
            partitions.sort_by_key(|partition| partition.partition_index);
            let partitions = partitions.into_iter().map(|partition| Partition {
                leader: NodeId(partition.leader_id),
                replicas: nodes(&partition.replica_nodes),
                in_sync: nodes(&partition.isr_nodes),
            });
            let name = topic.name.unwrap_or_default().into_owned();
            Ok(Topic {
                name,
                id: TopicId(topic.topic_id),
                is_internal: topic.is_internal,
                partitions: partitions.collect(),
            })
        });
        let described = described.collect();
        self.put_back(socket);
        Ok(described)
    }

    /// Makes a topic.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with Kafka's code, `TopicAlreadyExists` among them.
    pub async fn create_topic(&mut self, topic: &NewTopic) -> Result<(), ClientError> {
        let configs = topic.config.iter();
        let configs =
            configs.map(|(name, value)| CreatableTopicConfig { name: name.into(), value: Some(value.into()) });
        let creatable = CreatableTopic {
            name: (&topic.name).into(),
            num_partitions: topic.partitions.unwrap_or(-1),
            replication_factor: topic.replication_factor.unwrap_or(-1),
            configs: configs.collect(),
            ..Default::default()
        };
        let request = CreateTopicsRequest {
            topics: vec![creatable].into(),
            timeout_ms: self.server_patience(),
            ..Default::default()
        };
        let mut socket = self.take_socket().await?;
        let asked = socket.ask(&request).await?;
        let response: CreateTopicsResponse<'_> = socket.answer(asked)?;
        for result in &response.topics {
            check("CreateTopics", result.error_code, result.error_message.as_deref())?;
        }
        self.put_back(socket);
        Ok(())
    }

    /// Deletes a topic with all its records.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with Kafka's code, `UnknownTopicOrPartition` among them.
    pub async fn delete_topic(&mut self, name: &str) -> Result<(), ClientError> {
        let mut socket = self.take_socket().await?;
        // Which of the two fields the broker's version reads is known only here: brokers before 2.8 know no ids.
        let by_state = socket.serves::<DeleteTopicsRequest<'_>>(6);
        let timeout_ms = self.server_patience();
        let request = if by_state {
            let state = DeleteTopicState { name: Some(name.into()), ..Default::default() };
            DeleteTopicsRequest { topics: vec![state].into(), timeout_ms, ..Default::default() }
        } else {
            DeleteTopicsRequest { topic_names: vec![name.into()].into(), timeout_ms, ..Default::default() }
        };
        let asked = socket.ask(&request).await?;
        let response: DeleteTopicsResponse<'_> = socket.answer(asked)?;
        for result in &response.responses {
            check("DeleteTopics", result.error_code, result.error_message.as_deref())?;
        }
        self.put_back(socket);
        Ok(())
    }

    /// Grows a topic to this many partitions.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with Kafka's code, `InvalidPartitions` when it has as many already.
    pub async fn create_partitions(&mut self, name: &str, count: i32) -> Result<(), ClientError> {
        let topic = CreatePartitionsTopic { name: name.into(), count, assignments: None };
        let request = CreatePartitionsRequest {
            topics: vec![topic].into(),
            timeout_ms: self.server_patience(),
            validate_only: false,
        };
        let mut socket = self.take_socket().await?;
        let asked = socket.ask(&request).await?;
        let response: CreatePartitionsResponse<'_> = socket.answer(asked)?;
        for result in &response.results {
            check("CreatePartitions", result.error_code, result.error_message.as_deref())?;
        }
        self.put_back(socket);
        Ok(())
    }

    /// A topic's configuration, with what it inherits.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with Kafka's code, `UnknownTopicOrPartition` among them.
    pub async fn topic_config(&mut self, name: &str) -> Result<BTreeMap<String, ConfigEntry>, ClientError> {
        /// Kafka's source of a value that was set on the topic.
        const DYNAMIC_TOPIC_CONFIG: i8 = 1;
        let resource =
            DescribeConfigsResource { resource_type: TOPIC, resource_name: name.into(), configuration_keys: None };
        let request = DescribeConfigsRequest { resources: vec![resource].into(), ..Default::default() };
        let mut socket = self.take_socket().await?;
        let asked = socket.ask(&request).await?;
        let response: DescribeConfigsResponse<'_> = socket.answer(asked)?;
        let mut entries = BTreeMap::new();
        for result in &response.results {
            check("DescribeConfigs", result.error_code, result.error_message.as_deref())?;
            for config in &result.configs {
                let own = config.config_source == DYNAMIC_TOPIC_CONFIG;
                let source = if own { ConfigSource::Topic } else { ConfigSource::Inherited };
                let value = config.value.map(|value| value.into_owned());
                entries.insert(config.name.into_owned(), ConfigEntry { value, source });
            }
        }
        self.put_back(socket);
        Ok(entries)
    }

    /// Changes some of a topic's configuration and leaves the rest as it is.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with Kafka's code, `InvalidConfig` among them.
    pub async fn alter_topic_config(
        &mut self,
        name: &str,
        changes: &BTreeMap<String, ConfigChange>,
    ) -> Result<(), ClientError> {
        let configs = changes.iter().map(|(key, change)| match change {
            ConfigChange::Set(value) => {
                AlterableConfig { name: key.into(), config_operation: SET, value: Some(value.into()) }
            }
            ConfigChange::Delete => AlterableConfig { name: key.into(), config_operation: DELETE, value: None },
        });
        let resource =
            AlterConfigsResource { resource_type: TOPIC, resource_name: name.into(), configs: configs.collect() };
        let request = IncrementalAlterConfigsRequest { resources: vec![resource].into(), validate_only: false };
        let mut socket = self.take_socket().await?;
        let asked = socket.ask(&request).await?;
        let response: IncrementalAlterConfigsResponse<'_> = socket.answer(asked)?;
        for result in &response.responses {
            check("IncrementalAlterConfigs", result.error_code, result.error_message.as_deref())?;
        }
        self.put_back(socket);
        Ok(())
    }

    /// What the broker is told to wait at most: less than we do, so that its own answer comes first.
    fn server_patience(&self) -> i32 {
        i32::try_from(self.settings.patience.as_millis() * 3 / 4).unwrap_or(i32::MAX)
    }

    fn put_back(&mut self, mut socket: Socket) {
        socket.rest();
        self.socket = Some(socket);
    }

    /// The connection, taken out: an operation puts it back once it has read its answer, so that one which broke, or whose
    /// operation was dropped half-way, is never used again.
    async fn take_socket(&mut self) -> Result<Socket, ClientError> {
        if let Some(socket) = self.socket.take() {
            return Ok(socket);
        }
        let mut failure = None;
        for address in &self.bootstrap {
            match Socket::connect(address, &self.settings).await {
                Ok(socket) => return Ok(socket),
                Err(error) => {
                    tracing::debug!(%address, %error, "a bootstrap address does not answer");
                    failure = Some(error);
                }
            }
        }
        Err(failure.unwrap_or_else(|| ClientError::Unreachable {
            address: "none was given".to_owned(),
            error: std::io::ErrorKind::InvalidInput.into(),
        }))
    }
}

fn check(request: &'static str, code: i16, message: Option<&str>) -> Result<(), ClientError> {
    if code == 0 { Ok(()) } else { Err(refused(request, ErrorCode::from(code), message)) }
}

fn refused(request: &'static str, code: ErrorCode, message: Option<&str>) -> ClientError {
    let message = message.map_or_else(|| code.message().to_owned(), str::to_owned);
    ClientError::Refused { request, code, message }
}
