// Apache Kafka's own classes on metadata: fills a cluster through its clients, loads a metadata log and a snapshot and
// compares the images, and tells what a cluster shows to clients.
//
//   populate BOOTSTRAP            makes records of every kind that a client can cause
//   compare DIRECTORY OFFSET EPOCH CHECKPOINT-DIRECTORY
//                                 the image of the log in DIRECTORY against that of the snapshot OFFSET-EPOCH
//   describe BOOTSTRAP            topics, configurations and features, as lines

import java.io.File;
import java.nio.file.Path;
import java.util.*;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.acl.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.quota.*;
import org.apache.kafka.common.record.internal.*;
import org.apache.kafka.common.resource.*;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.internals.LogContext;
import org.apache.kafka.common.utils.internals.BufferSupplier;
import org.apache.kafka.image.*;
import org.apache.kafka.metadata.MetadataRecordSerde;
import org.apache.kafka.raft.Batch;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.OffsetAndEpoch;
import org.apache.kafka.snapshot.*;

public class MetadataOracle {
    public static void main(String[] arguments) throws Exception {
        switch (arguments[0]) {
            case "populate" -> populate(arguments[1]);
            case "compare" -> compare(arguments);
            case "describe" -> describe(arguments[1]);
            default -> throw new IllegalArgumentException(arguments[0]);
        }
        System.exit(0);
    }

    static Admin admin(String bootstrap) {
        return Admin.create(Map.of("bootstrap.servers", bootstrap));
    }

    static void populate(String bootstrap) throws Exception {
        try (Admin admin = admin(bootstrap)) {
            NewTopic flights = new NewTopic("flights", 3, (short) 1)
                .configs(Map.of("retention.ms", "12345", "cleanup.policy", "compact,delete"));
            NewTopic assigned = new NewTopic("a.b", Map.of(0, List.of(1), 1, List.of(1)));
            admin.createTopics(List.of(flights, assigned, new NewTopic("gone", 1, (short) 1))).all().get();
            admin.createPartitions(Map.of("flights", NewPartitions.increaseTo(5))).all().get();
            admin.deleteTopics(List.of("gone")).all().get();
            Map<ConfigResource, Collection<AlterConfigOp>> configs = Map.of(
                resource(ConfigResource.Type.BROKER, ""), set("log.retention.ms", "777"),
                resource(ConfigResource.Type.BROKER, "1"), set("log.cleaner.threads", "2"),
                resource(ConfigResource.Type.GROUP, "g"), set("consumer.session.timeout.ms", "50000"),
                resource(ConfigResource.Type.CLIENT_METRICS, "m"), set("interval.ms", "1000"),
                resource(ConfigResource.Type.TOPIC, "a.b"), set("max.message.bytes", "2000000"));
            admin.incrementalAlterConfigs(configs).all().get();
            admin.incrementalAlterConfigs(Map.of(resource(ConfigResource.Type.TOPIC, "flights"),
                List.of(new AlterConfigOp(new ConfigEntry("retention.ms", null), AlterConfigOp.OpType.DELETE)))).all().get();
            admin.alterClientQuotas(List.of(
                quota(Map.of("user", "alice"), "producer_byte_rate", 1024.0),
                quota(Collections.singletonMap("client-id", null), "request_percentage", 50.5))).all().get();
            admin.alterUserScramCredentials(List.of(new UserScramCredentialUpsertion("alice",
                new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096), "secret"))).all().get();
            AclBinding acl = new AclBinding(new ResourcePattern(ResourceType.TOPIC, "fl", PatternType.PREFIXED),
                new AccessControlEntry("User:alice", "*", AclOperation.READ, AclPermissionType.ALLOW));
            AclBinding removed = new AclBinding(new ResourcePattern(ResourceType.GROUP, "g", PatternType.LITERAL),
                new AccessControlEntry("User:bob", "*", AclOperation.READ, AclPermissionType.DENY));
            admin.createAcls(List.of(acl, removed)).all().get();
            admin.deleteAcls(List.of(removed.toFilter())).all().get();
        }
        Map<String, Object> settings = Map.of("bootstrap.servers", bootstrap, "enable.idempotence", true);
        try (Producer<String, String> producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            producer.send(new ProducerRecord<>("flights", "key", "value")).get();
        }
    }

    static ConfigResource resource(ConfigResource.Type type, String name) {
        return new ConfigResource(type, name);
    }

    static Collection<AlterConfigOp> set(String name, String value) {
        return List.of(new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET));
    }

    static ClientQuotaAlteration quota(Map<String, String> entity, String key, double value) {
        return new ClientQuotaAlteration(new ClientQuotaEntity(entity), List.of(new ClientQuotaAlteration.Op(key, value)));
    }

    static void compare(String[] arguments) throws Exception {
        OffsetAndEpoch id = new OffsetAndEpoch(Long.parseLong(arguments[2]), Integer.parseInt(arguments[3]));
        MetadataImage log = imageOfLog(new File(arguments[1]), id.offset());
        MetadataImage snapshot = imageOfSnapshot(Path.of(arguments[4]), id);
        check("features", log.features(), snapshot.features());
        check("cluster", log.cluster(), snapshot.cluster());
        check("topics", log.topics(), snapshot.topics());
        check("configs", log.configs(), snapshot.configs());
        check("quotas", log.clientQuotas(), snapshot.clientQuotas());
        check("producer ids", log.producerIds(), snapshot.producerIds());
        check("acls", log.acls(), snapshot.acls());
        check("scram", log.scram(), snapshot.scram());
        check("tokens", log.delegationTokens(), snapshot.delegationTokens());
    }

    static void check(String part, Object log, Object snapshot) {
        System.out.println(part + (log.equals(snapshot) ? " same" : " DIFFERS\n  log      " + log + "\n  snapshot " + snapshot));
    }

    static MetadataImage imageOfLog(File directory, long end) throws Exception {
        MetadataDelta delta = new MetadataDelta.Builder().setImage(MetadataImage.EMPTY).build();
        File[] segments = directory.listFiles((folder, name) -> name.endsWith(".log"));
        Arrays.sort(segments);
        for (File segment : segments) {
            try (FileRecords records = FileRecords.open(segment, false)) {
                for (FileLogInputStream.FileChannelRecordBatch batch : records.batches()) {
                    if (batch.isControlBatch() || batch.lastOffset() >= end) continue;
                    for (org.apache.kafka.common.record.internal.Record record : batch) {
                        ApiMessageAndVersion message =
                            MetadataRecordSerde.INSTANCE.read(new ByteBufferAccessor(record.value()), record.valueSize());
                        String name = message.message().getClass().getSimpleName();
                        if (!name.endsWith("TransactionRecord")) delta.replay(message.message());
                    }
                }
            }
        }
        return delta.apply(MetadataProvenance.EMPTY);
    }

    static MetadataImage imageOfSnapshot(Path directory, OffsetAndEpoch id) throws Exception {
        MetadataDelta delta = new MetadataDelta.Builder().setImage(MetadataImage.EMPTY).build();
        RawSnapshotReader raw = FileRawSnapshotReader.open(directory, id);
        try (RecordsSnapshotReader<ApiMessageAndVersion> reader = RecordsSnapshotReader.of(
                raw, MetadataRecordSerde.INSTANCE, BufferSupplier.create(), 8 << 20, true, new LogContext())) {
            System.out.println("last contained timestamp " + reader.lastContainedLogTimestamp());
            while (reader.hasNext()) {
                Batch<ApiMessageAndVersion> batch = reader.next();
                batch.controlRecords().forEach(control -> System.out.println("control " + control.type()));
                for (ApiMessageAndVersion message : batch.records()) delta.replay(message.message());
            }
        }
        return delta.apply(MetadataProvenance.EMPTY);
    }

    static void describe(String bootstrap) throws Exception {
        try (Admin admin = admin(bootstrap)) {
            Set<String> names = new TreeSet<>(admin.listTopics().names().get());
            for (TopicDescription topic : new TreeMap<>(admin.describeTopics(names).allTopicNames().get()).values()) {
                String leaders = topic.partitions().stream()
                    .map(partition -> partition.partition() + ":" + (partition.leader() == null ? "none" : partition.leader().idString()))
                    .collect(Collectors.joining(" "));
                System.out.println("topic " + topic.name() + " " + topic.topicId() + " " + leaders);
            }
            List<ConfigResource> resources = new ArrayList<>(names.stream().map(name -> resource(ConfigResource.Type.TOPIC, name)).toList());
            resources.add(resource(ConfigResource.Type.BROKER, ""));
            Map<ConfigResource, Config> configs = admin.describeConfigs(resources).all().get();
            for (ConfigResource resource : resources) {
                configs.get(resource).entries().stream()
                    .filter(entry -> entry.source() == ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG
                        || entry.source() == ConfigEntry.ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG && resource.name().isEmpty())
                    .map(entry -> "config " + resource.name() + " " + entry.name() + "=" + entry.value())
                    .sorted().forEach(System.out::println);
            }
            new TreeMap<>(admin.describeFeatures().featureMetadata().get().finalizedFeatures())
                .forEach((name, range) -> System.out.println("feature " + name + " " + range.maxVersionLevel()));
            QuorumInfo quorum = admin.describeMetadataQuorum().quorumInfo().get();
            System.out.println("quorum leader=" + quorum.leaderId() + " epoch=" + quorum.leaderEpoch()
                + " voters=" + quorum.voters().stream().map(voter -> voter.replicaId() + "@" + voter.replicaDirectoryId()).toList());
        }
    }
}
