//! The broker's process over real sockets: frames of every wrong kind, answers in order, and that nobody else is harmed.

#![expect(clippy::unwrap_used, reason = "a test may fail by it")]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use clap::Parser;
use ottla_server::boot::{Running, start};
use ottla_server::logging::{self, Levels};
use ottla_server::options::{LogFormat, Options, Serve};
use ottla_wire::frame::request_frame;
use ottla_wire::incremental_alter_configs_request::{AlterConfigsResource, AlterableConfig};
use ottla_wire::{
    ApiKey, ApiVersionsRequest, ApiVersionsResponse, ErrorCode, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse, Message, MetadataRequest, MetadataResponse, Reader, ResponseHeader,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn levels() -> &'static Levels {
    static LEVELS: OnceLock<Levels> = OnceLock::new();
    LEVELS.get_or_init(|| logging::start("warn", LogFormat::Text).unwrap())
}

fn free_ports() -> [u16; 3] {
    let sockets: Vec<_> = (0..3).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    [0, 1, 2].map(|place: usize| sockets[place].local_addr().unwrap().port())
}

struct Broker {
    running: Running,
    address: SocketAddr,
    controller: SocketAddr,
    http: SocketAddr,
}

fn options(folder: &Path, [listen, controller, http]: [u16; 3], more: &[&str]) -> Serve {
    let data = folder.display().to_string();
    let [listen, controller, http] = [listen, controller, http].map(|port| format!("127.0.0.1:{port}"));
    let fixed = ["ottla-broker", "--dev", "--data-dir", &data, "--listen", &listen, "--controller-listen", &controller];
    Options::try_parse_from([&fixed[..], &["--metrics", &http], more].concat()).unwrap().serve
}

async fn broker(folder: &Path, more: &[&str]) -> Broker {
    let ports = free_ports();
    let running = start(&options(folder, ports, more), levels()).await.unwrap();
    let [address, controller, http] = ports.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    Broker { running, address, controller, http }
}

/// Sends bytes and answers what comes back until the connection ends, or nothing more comes for a while.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The broker may close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut received = Vec::new();
    let ended = tokio::time::timeout(Duration::from_millis(500), stream.read_to_end(&mut received)).await.is_ok();
    (received, ended)
}

async fn ask<'a, M: Message<'a>>(stream: &mut TcpStream, request: &M, version: i16, correlation_id: i32) {
    let frame = request_frame(request, version, correlation_id, Some("test")).unwrap().into_bytes();
    stream.write_all(&frame).await.unwrap();
}

async fn hear(stream: &mut TcpStream) -> Vec<u8> {
    let length = stream.read_u32().await.unwrap();
    let mut frame = vec![0; length as usize];
    stream.read_exact(&mut frame).await.unwrap();
    frame
}

fn read<'a, M: Message<'a>>(frame: &'a [u8], version: i16) -> (i32, M) {
    let mut reader = Reader::new(frame);
    let header = ResponseHeader::read_frame(&mut reader, ApiKey::from_key(M::KEY).unwrap(), version).unwrap();
    (header.correlation_id, M::read(&mut reader, version).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_frames_end_their_connection_and_harm_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let broker = broker(folder.path(), &[]).await;
    let mut bystander = TcpStream::connect(broker.address).await.unwrap();
    let mut random = vec![0u8; 4096];
    let mut state = 7u64;
    for byte in &mut random {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        *byte = (state >> 56) as u8;
    }
    let header =
        |key: i16, version: i16| [&key.to_be_bytes()[..], &version.to_be_bytes(), &[0, 0, 0, 9, 0xff, 0xff]].concat();
    let framed = |body: &[u8]| [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat();
    let bomb = [header(3, 0), vec![0x7f, 0xff, 0xff, 0xff, 0, 1]].concat();
    for (bytes, what) in [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), "HTTP"),
        (vec![0x16, 3, 1, 2, 0, 1, 0, 1], "TLS"),
        (vec![0x7f, 0xff, 0xff, 0xff, 0, 0], "a frame of two gigabytes"),
        (vec![0xff; 8], "a frame of negative length"),
        (framed(&[]), "an empty frame"),
        (framed(&[0, 3]), "half a header"),
        (framed(&header(999, 0)), "an unknown API"),
        (framed(&header(3, 99)), "an unknown version"),
        (framed(&header(0, 2)), "a produce of a version that is only advertised"),
        (framed(&header(62, 4)), "an API of the controller's listener"),
        (framed(&bomb), "an array of 2^31 elements"),
        (framed(&random), "random bytes"),
    ] {
        let (received, ended) = exchange(broker.address, &bytes).await;
        assert!(ended && received.is_empty(), "{what}: {received:?}");
    }
    // A frame that is cut off waits for its rest; its connection is the only one that does.
    let (received, ended) = exchange(broker.address, &[0, 0, 0, 50, 0, 3]).await;
    assert!(!ended && received.is_empty());
    ask(&mut bystander, &MetadataRequest::default(), 12, 3).await;
    let frame = hear(&mut bystander).await;
    let (correlation_id, metadata) = read::<MetadataResponse<'_>>(&frame, 12);
    assert_eq!((correlation_id, metadata.brokers.len()), (3, 1));
    assert!(broker.running.is_serving());
    broker.running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_come_at_once_are_answered_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let broker = broker(folder.path(), &[]).await;
    let mut stream = TcpStream::connect(broker.address).await.unwrap();
    let mut bytes = Vec::new();
    for correlation_id in 0..200 {
        let request = MetadataRequest { topics: None, ..MetadataRequest::default() };
        bytes.extend(request_frame(&request, 12, correlation_id, Some("test")).unwrap().into_bytes());
    }
    stream.write_all(&bytes).await.unwrap();
    for correlation_id in 0..200 {
        let frame = hear(&mut stream).await;
        assert_eq!(read::<MetadataResponse<'_>>(&frame, 12).0, correlation_id);
    }
    broker.running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_told_to_whoever_asks_in_whatever_version() {
    let folder = tempfile::tempdir().unwrap();
    let broker = broker(folder.path(), &[]).await;
    for address in [broker.address, broker.controller] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        for version in 0..=5 {
            let request = ApiVersionsRequest {
                client_software_name: "test".into(),
                client_software_version: "1.0".into(),
                ..ApiVersionsRequest::default()
            };
            ask(&mut stream, &request, version, 1).await;
            let frame = hear(&mut stream).await;
            let (_, told) = read::<ApiVersionsResponse<'_>>(&frame, version);
            let produce =
                told.api_keys.iter().find(|api| api.api_key == 0).map(|api| (api.min_version, api.max_version));
            assert_eq!(produce, (address == broker.address).then_some((0, 13)), "version {version}");
            assert_eq!(told.error_code, 0);
        }
        let cases: [(&str, &str, Option<&str>, i32, ErrorCode); 5] = [
            ("", "1", None, -1, ErrorCode::InvalidRequest),
            ("a b", "1", None, -1, ErrorCode::InvalidRequest),
            ("-a", "1", None, -1, ErrorCode::InvalidRequest),
            ("a", "1", Some("another-cluster"), -1, ErrorCode::RebootstrapRequired),
            ("a", "1", None, 77, ErrorCode::RebootstrapRequired),
        ];
        for (name, software, cluster, node_id, code) in cases {
            let request = ApiVersionsRequest {
                client_software_name: name.into(),
                client_software_version: software.into(),
                cluster_id: cluster.map(Into::into),
                node_id,
            };
            ask(&mut stream, &request, 5, 1).await;
            let frame = hear(&mut stream).await;
            assert_eq!(
                read::<ApiVersionsResponse<'_>>(&frame, 5).1.error_code,
                code.code(),
                "{name} {cluster:?} {node_id}"
            );
        }
    }
    broker.running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_broker_does_not_start_on_the_same_directory() {
    let folder = tempfile::tempdir().unwrap();
    let broker = broker(folder.path(), &[]).await;
    let second = start(&options(folder.path(), free_ports(), &[]), levels()).await;
    assert!(format!("{:#}", second.unwrap_err()).contains("lock"));
    assert!(broker.running.is_serving());
    broker.running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_asks_for_security_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let secure = ["--override", "listener.security.protocol.map=PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT"];
    let refused = start(&options(folder.path(), free_ports(), &secure), levels()).await.unwrap_err();
    assert!(format!("{refused:#}").contains("SASL_PLAINTEXT"), "{refused:#}");
}

/// Asks from a thread without a runtime.
fn get(address: SocketAddr, path: &str) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_start_that_still_opens_its_logs_is_alive_and_not_ready() {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    // Logs are opened on the one thread that may wait for disks, which is taken until the test gives it back.
    let runtime = builder.worker_threads(1).max_blocking_threads(1).enable_all().build().unwrap();
    let (give_back, taken) = std::sync::mpsc::channel::<()>();
    runtime.spawn_blocking(move || taken.recv());
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path(), free_ports(), &[]);
    let http = options.metrics.unwrap();
    let starting = runtime.spawn(async move { start(&options, levels()).await });
    while std::net::TcpStream::connect(http).is_err() {
        assert!(!starting.is_finished(), "it ended before it listened");
        std::thread::yield_now();
    }
    assert!(get(http, "/healthz").starts_with("HTTP/1.1 200"));
    let ready = get(http, "/readyz");
    assert!(ready.starts_with("HTTP/1.1 503") && ready.contains("recovers their logs"), "{ready}");
    let metrics = get(http, "/metrics");
    assert!(metrics.contains("kafka_server_kafkaserver_brokerstate 1\n"), "{metrics}");
    assert!(!starting.is_finished(), "it has not opened them yet");
    drop(give_back);
    let running = runtime.block_on(starting).unwrap().unwrap();
    assert!(get(http, "/readyz").starts_with("HTTP/1.1 200"));
    runtime.block_on(running.stop()).unwrap();
    assert!(std::net::TcpStream::connect(http).is_err(), "what has stopped leaves nothing behind");
}

#[tokio::test(flavor = "current_thread")]
async fn busy_workers_keep_no_probe_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let broker = broker(folder.path(), &[]).await;
    // The one thread of the runtime that serves connections is here, and waits for the answers.
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert!(get(broker.http, path).starts_with("HTTP/1.1 200"), "{path}");
    }
    broker.running.stop().await.unwrap();
}

/// A broker in a process of its own, which ends with the test.
struct Process(std::process::Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Kafka's `AlterConfigOp`s.
const SET: i8 = 0;
const DELETE: i8 = 1;

/// Sets or unsets the level of a logger, as Kafka's tools do.
async fn set_level(stream: &mut TcpStream, logger: &str, level: Option<&str>) {
    let config_operation = if level.is_some() { SET } else { DELETE };
    let config = AlterableConfig { name: logger.into(), config_operation, value: level.map(Into::into) };
    let resource = AlterConfigsResource {
        resource_type: 8, // BROKER_LOGGER
        resource_name: "1".into(),
        configs: vec![config].into(),
    };
    let request = IncrementalAlterConfigsRequest { resources: vec![resource].into(), validate_only: false };
    ask(stream, &request, 1, 1).await;
    let frame = hear(stream).await;
    let answer = read::<IncrementalAlterConfigsResponse<'_>>(&frame, 1).1;
    assert!(answer.responses.iter().all(|response| response.error_code == 0), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_level_that_is_changed_makes_lines_appear_and_cease() {
    let folder = tempfile::tempdir().unwrap();
    let ports = free_ports();
    let [listen, controller, http] = ports.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    let log = folder.path().join("log");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ottla-broker"));
    command.args(["--dev", "--log", "info", "--listen", &listen.to_string(), "--metrics", &http.to_string()]);
    command.args(["--controller-listen", &controller.to_string()]).arg("--data-dir").arg(folder.path().join("data"));
    let _broker = Process(command.stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap());
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    let mut client = loop {
        match TcpStream::connect(listen).await {
            Ok(client) => break client,
            Err(error) => assert!(std::time::Instant::now() < deadline, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    // What is no HTTP is worth a line of level DEBUG, which names the peer.
    let wrong = async || {
        let mut stream = TcpStream::connect(http).await.unwrap();
        stream.write_all(b"\0\r\n\r\n").await.unwrap();
        let own = format!("peer={}\n", stream.local_addr().unwrap());
        let _ = stream.read_to_end(&mut Vec::new()).await;
        own
    };
    let lines = || std::fs::read_to_string(&log).unwrap();
    let before = wrong().await;
    set_level(&mut client, "ottla_server", Some("DEBUG")).await;
    let during = wrong().await;
    while !lines().contains(&during) {
        assert!(std::time::Instant::now() < deadline, "no line of {during} in {}", lines());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    set_level(&mut client, "ottla_server", None).await;
    let after = wrong().await;
    // A line of level INFO, written after whatever there was to write of the others.
    let (_, ended) = exchange(listen, &[0xff; 8]).await;
    assert!(ended);
    while !lines().contains("is announced") {
        assert!(std::time::Instant::now() < deadline, "no line in {}", lines());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let lines = lines();
    assert!(!lines.contains(&before) && lines.contains(&during) && !lines.contains(&after), "{lines}");
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_and_the_dashboards_names_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let [plain, replication, controller] = free_ports();
    let listeners = format!(
        "listeners=PLAIN-9092://127.0.0.1:{plain},REPLICATION-9091://127.0.0.1:{replication},\
         CONTROLLER://127.0.0.1:{controller}"
    );
    let protocols =
        "listener.security.protocol.map=PLAIN-9092:PLAINTEXT,REPLICATION-9091:PLAINTEXT,CONTROLLER:PLAINTEXT";
    let quorum = format!("controller.quorum.bootstrap.servers=127.0.0.1:{controller}");
    let inner = "inter.broker.listener.name=REPLICATION-9091";
    let more = [&listeners, protocols, inner, &quorum].map(|line| ["--override", line]).concat();
    let broker = broker(folder.path(), &more).await;
    let mut client = TcpStream::connect(("127.0.0.1", plain)).await.unwrap();
    ask(&mut client, &ApiVersionsRequest::default(), 0, 1).await;
    hear(&mut client).await;
    assert!(get(broker.http, "/readyz").starts_with("HTTP/1.1 200"));
    assert!(get(broker.http, "/healthz").starts_with("HTTP/1.1 200"));
    let metrics = get(broker.http, "/metrics");
    for name in [
        "kafka_server_replicamanager_leadercount",
        "kafka_server_replicamanager_partitioncount",
        "kafka_server_replicamanager_underreplicatedpartitions",
        "kafka_server_replicamanager_underminisrpartitioncount",
        "kafka_cluster_partition_underminisr",
        "kafka_cluster_partition_atminisr",
        "kafka_cluster_partition_replicascount",
        "kafka_controller_kafkacontroller_activecontrollercount 1",
        "kafka_controller_kafkacontroller_offlinepartitionscount",
        "kafka_controller_controllerstats_uncleanleaderelections_total",
        "kafka_log_logmanager_offlinelogdirectorycount 0",
        "kafka_log_log_size",
        "kafka_server_brokertopicmetrics_bytesin_total",
        "kafka_server_brokertopicmetrics_bytesout_total",
        "kafka_server_brokertopicmetrics_messagesin_total",
        "kafka_server_brokertopicmetrics_totalproducerequests_total",
        "kafka_server_brokertopicmetrics_failedproducerequests_total",
        "kafka_server_brokertopicmetrics_totalfetchrequests_total",
        "kafka_server_brokertopicmetrics_failedfetchrequests_total",
        "kafka_network_socketserver_networkprocessoravgidle_percent{networkProcessor=\"0\"}",
        "kafka_server_kafkarequesthandlerpool_requesthandleravgidle_percent",
        "kafka_server_kafkaserver_linux_disk_read_bytes",
        "kafka_server_kafkaserver_linux_disk_write_bytes",
        "kafka_server_socket_server_metrics_connection_count{listener=\"PLAIN-9092\",networkProcessor=\"0\"} 1\n",
        "kafka_server_socket_server_metrics_connection_count{listener=\"REPLICATION-9091\",networkProcessor=\"0\"} 0\n",
        "kafka_server_socket_server_metrics_connection_count{listener=\"CONTROLLER\",networkProcessor=\"0\"} 0\n",
        "process_open_fds",
        "process_resident_memory_bytes",
        "kafka_server_raftmetrics_current_leader",
        "kafka_server_raftmetrics_current_vote",
        "kafka_server_raftmetrics_current_epoch",
        "kafka_server_raftmetrics_current_state{current_state=\"leader\"} 1",
        "kafka_server_raftmetrics_high_watermark",
        "kafka_server_raftmetrics_log_end_offset",
        "kafka_server_raftmetrics_append_records_rate",
        "kafka_server_raftmetrics_fetch_records_rate",
        "kafka_server_raftmetrics_commit_latency_avg",
        "kafka_server_raftchannelmetrics_incoming_byte_total",
        "kafka_server_raftchannelmetrics_outgoing_byte_total",
        "kafka_server_raftchannelmetrics_request_total",
        "kafka_server_raftchannelmetrics_response_total",
        "kafka_server_kafkaserver_brokerstate 3",
    ] {
        assert!(metrics.contains(name), "{name} is missing");
    }
    broker.running.stop().await.unwrap();
}
