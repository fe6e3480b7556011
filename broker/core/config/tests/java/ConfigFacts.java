import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.*;
import org.apache.kafka.common.config.*;
import org.apache.kafka.common.config.ConfigDef.ConfigKey;
import org.apache.kafka.common.config.types.Password;
import org.apache.kafka.common.message.DescribeConfigsRequestData;
import org.apache.kafka.common.message.DescribeConfigsResponseData;
import org.apache.kafka.coordinator.group.GroupConfig;
import org.apache.kafka.metadata.ConfigRepository;
import org.apache.kafka.metadata.MetadataCache;
import org.apache.kafka.server.config.*;
import org.apache.kafka.server.metrics.ClientMetricsConfigs;
import org.apache.kafka.storage.internals.log.LogConfig;

/**
 * What Apache Kafka itself says of its configuration, for the test that compares our table with it.
 *
 * Reads tab-separated commands from standard input and answers each with one line (a value's tabs, line ends and
 * backslashes are escaped, null is \0):
 *   table                     every key: "key", kind, name, type, default, validator, importance, update mode, internal
 *   synonyms                  the broker keys that a topic's or a group's key falls back to
 *   probe KIND NAME VALUE     the value after Kafka's parsing and validation, or its complaint
 *   load TEXT                 a server.properties through KafkaConfig: "ok" or its complaint
 *   topic BEFORE TEXT         topic configs, and those before an alteration, as a controller checks them, on a broker
 *                             with defaults: "ok" or its complaint
 *   properties TEXT           the text through java.util.Properties: "entry", key, value for each, sorted
 *   dynamic SCOPE TEXT        a dynamic change of a broker ("broker") or of all ("cluster"): "ok" or its complaint
 *   describe KIND FILE CLUSTER BROKER RESOURCE
 *                             what DescribeConfigs answers of a topic, broker, cluster, group or client-metrics whose own
 *                             settings are RESOURCE: "entry", name, value, read-only, source, sensitive, type, synonyms
 *                             (name=value@source, by commas), whether documented
 * "properties" and "describe" end their answers with a line "end".
 */
public class ConfigFacts {
    private static final PrintStream OUT = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);

    public static void main(String[] arguments) throws Exception {
        // Kafka logs to standard output by default; only answers may stand there.
        System.setOut(System.err);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split("\t", -1);
            for (int i = 0; i < words.length; i++) {
                words[i] = unescape(words[i]);
            }
            switch (words[0]) {
                case "table": table(); break;
                case "synonyms": synonyms(); break;
                case "probe": answer(() -> probe(words[1], words[2], words[3])); break;
                case "load": answer(() -> load(words[1])); break;
                case "topic": answer(() -> topic(words[1], words[2])); break;
                case "properties": properties(words[1]).entrySet().stream()
                    .map(entry -> escape((String) entry.getKey()) + "\t" + escape((String) entry.getValue()))
                    .sorted().forEach(entry -> print("entry", entry)); print("end"); break;
                case "dynamic": answer(() -> dynamic(words[1], words[2])); break;
                case "describe": describe(words[1], words[2], words[3], words[4], words[5]); print("end"); break;
                default: throw new IllegalArgumentException("unknown command " + words[0]);
            }
        }
        OUT.flush();
    }

    private static ConfigDef definition(String kind) {
        switch (kind) {
            case "broker": return AbstractKafkaConfig.CONFIG_DEF;
            case "topic": return LogConfig.configDefCopy();
            case "group": return GroupConfig.CONFIG_DEF;
            case "client-metrics": return ClientMetricsConfigs.configDef();
            case "replication-quota": return QuotaConfig.brokerQuotaConfigs();
            default: throw new IllegalArgumentException("unknown kind " + kind);
        }
    }

    private static void table() {
        Map<String, String> modes = DynamicBrokerConfig.dynamicConfigUpdateModes();
        for (String kind : List.of("broker", "topic", "group", "client-metrics", "replication-quota")) {
            Map<String, ConfigKey> keys = new TreeMap<>(definition(kind).configKeys());
            for (ConfigKey key : keys.values()) {
                String mode = kind.equals("broker") ? modes.getOrDefault(key.name, "read-only") : "cluster-wide";
                Object value = key.defaultValue;
                String text = value == ConfigDef.NO_DEFAULT_VALUE ? "required"
                    : escape(ConfigDef.convertToString(value, key.type));
                print("key", kind, key.name, key.type.toString().toLowerCase(Locale.ROOT), text,
                    escape(key.validator == null ? null : key.validator.toString()),
                    key.importance.toString().toLowerCase(Locale.ROOT), mode, Boolean.toString(key.internalConfig));
            }
        }
    }

    private static void synonyms() {
        new TreeMap<>(ServerTopicConfigSynonyms.ALL_TOPIC_CONFIG_SYNONYMS).forEach((topic, list) -> {
            List<String> names = new ArrayList<>();
            list.forEach(synonym -> names.add(synonym.name()));
            print("synonym", "topic", topic, String.join(",", names),
                escape(ServerTopicConfigSynonyms.TOPIC_CONFIG_SYNONYMS.get(topic)));
        });
        new TreeMap<>(GroupConfig.ALL_GROUP_CONFIG_SYNONYMS).forEach((group, broker) ->
            print("synonym", "group", group, broker.orElse(""), escape(broker.orElse(null))));
    }

    private static String probe(String kind, String name, String value) {
        ConfigKey key = definition(kind).configKeys().get(name);
        Object parsed = new ConfigDef().define(key).parse(Collections.singletonMap(name, value)).get(name);
        if (parsed instanceof Password) {
            return ((Password) parsed).value();
        }
        return ConfigDef.convertToString(parsed, key.type);
    }

    private static String load(String text) throws IOException {
        kafka.server.KafkaConfig.fromProps(properties(text));
        return "";
    }

    private static String topic(String before, String text) throws IOException {
        kafka.server.KafkaConfig broker = kafka.server.KafkaConfig.fromProps(properties(String.join("\n",
            "process.roles=broker,controller", "node.id=1", "controller.listener.names=CONTROLLER",
            "listeners=PLAINTEXT://:9092,CONTROLLER://:9093", "controller.quorum.voters=1@localhost:9093")));
        LogConfig.validate(map(before), map(text), broker.extractLogConfigMap(), false);
        return "";
    }

    private static String dynamic(String scope, String text) throws IOException {
        DynamicBrokerConfig.validateConfigs(new Properties(), properties(text), scope.equals("broker"));
        return "";
    }

    private static void describe(String kind, String file, String cluster, String broker, String resource)
            throws Exception {
        kafka.server.KafkaConfig config = kafka.server.KafkaConfig.fromProps(properties(file));
        config.dynamicConfig().initialize(scala.Option.empty());
        config.dynamicConfig().updateDefaultConfig(properties(cluster), false);
        config.dynamicConfig().updateBrokerConfig(config.brokerId(), properties(broker), false);
        Properties own = properties(resource);
        MetadataCache everyTopic = answering(MetadataCache.class, true);
        ConfigRepository settings = answering(ConfigRepository.class, own);
        ConfigResource.Type type = ConfigResource.Type.valueOf(
            kind.equals("cluster") ? "BROKER" : kind.toUpperCase(Locale.ROOT).replace('-', '_'));
        String name = kind.equals("cluster") ? "" : kind.equals("broker") ? "" + config.brokerId() : "some";
        DescribeConfigsRequestData.DescribeConfigsResource asked = new DescribeConfigsRequestData.DescribeConfigsResource()
            .setResourceType(type.id()).setResourceName(name).setConfigurationKeys(null);
        List<DescribeConfigsResponseData.DescribeConfigsResult> results = scala.jdk.javaapi.CollectionConverters.asJava(
            new kafka.server.ConfigHelper(everyTopic, config, settings).describeConfigs(
                scala.jdk.javaapi.CollectionConverters.asScala(List.of(asked)).toList(), true, true));
        DescribeConfigsResponseData.DescribeConfigsResult result = results.get(0);
        if (result.errorCode() != 0) {
            throw new IllegalStateException(result.errorMessage());
        }
        result.configs().stream().sorted(Comparator.comparing(entry -> entry.name())).forEach(entry -> {
            List<String> synonyms = new ArrayList<>();
            entry.synonyms().forEach(s -> synonyms.add(s.name() + "=" + escape(s.value()) + "@" + s.source()));
            print("entry", entry.name(), escape(entry.value()), "" + entry.readOnly(), "" + entry.configSource(),
                "" + entry.isSensitive(), "" + entry.configType(), String.join(",", synonyms),
                entry.documentation() == null ? "undocumented" : "documented");
        });
    }

    /** Something whose every method gives the same answer. */
    private static <T> T answering(Class<T> type, Object answer) {
        return type.cast(java.lang.reflect.Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type},
            (self, method, arguments) -> answer));
    }

    private static Map<String, String> map(String text) throws IOException {
        Map<String, String> map = new HashMap<>();
        properties(text).forEach((key, value) -> map.put((String) key, (String) value));
        return map;
    }

    private static Properties properties(String text) throws IOException {
        Properties properties = new Properties();
        properties.load(new StringReader(text));
        return properties;
    }

    private interface Question {
        String ask() throws Exception;
    }

    private static void answer(Question question) {
        try {
            print("ok", escape(question.ask()));
        } catch (Throwable e) {
            print("error", escape(e.getMessage()));
        }
    }

    private static void print(String... words) {
        OUT.print(String.join("\t", words) + "\n");
    }

    private static String escape(String text) {
        if (text == null) {
            return "\\0";
        }
        return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r");
    }

    private static String unescape(String text) {
        if (text.equals("\\0")) {
            return null;
        }
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\\') {
                i++;
                c = text.charAt(i);
                c = c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c;
            }
            out.append(c);
        }
        return out.toString();
    }
}
