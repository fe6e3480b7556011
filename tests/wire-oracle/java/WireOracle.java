// Kafka's own message classes behind standard input and output, one question a line, one answer a line.
//
//   convert <tab> NAME <tab> FROM <tab> TO <tab> JSON    reads JSON of version FROM, answers `=` and the bytes of
//                                                        version TO in hexadecimal, or `!` and why there are none
//   metadata <tab> VALUE                                 reads a record's value in hexadecimal, answers `=`, what it
//                                                        is, and the value as Kafka writes it
//   group <tab> KEY <tab> VALUE                          the same for a key and value of a coordinator's topic;
//                                                        `transaction` and `share` likewise
//   versions <tab> NAME                                  answers `=LOWEST HIGHEST KEY`
//   apis                                                 answers `=` and one text for each API
//   errors                                               answers `=` and one text for each error
//
// The messages' converters from JSON go by field names, so names, types, defaults and versions are all compared.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.errors.InvalidMetadataException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.message.ApiMessageType.ListenerType;
import org.apache.kafka.common.message.ApiVersionsResponseData.ApiVersion;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.coordinator.common.runtime.CoordinatorRecord;
import org.apache.kafka.coordinator.common.runtime.CoordinatorRecordSerde;
import org.apache.kafka.coordinator.group.GroupCoordinatorRecordSerde;
import org.apache.kafka.coordinator.share.ShareCoordinatorRecordSerde;
import org.apache.kafka.coordinator.transaction.TransactionCoordinatorRecordSerde;
import org.apache.kafka.metadata.MetadataRecordSerde;
import org.apache.kafka.server.common.ApiMessageAndVersion;

public final class WireOracle {
    private static final String[] PACKAGES = {
        "org.apache.kafka.common.message",
        "org.apache.kafka.common.metadata",
        "org.apache.kafka.coordinator.group.generated",
        "org.apache.kafka.coordinator.transaction.generated",
        "org.apache.kafka.coordinator.share.generated",
        "org.apache.kafka.raft.generated",
        "org.apache.kafka.server.log.remote.metadata.storage.generated",
    };

    private record Codec(Class<?> message, Method fromJson) {}

    private static final Map<String, Codec> CODECS = new HashMap<>();
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] arguments) throws Exception {
        PrintStream answers = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = questions.readLine(); line != null; line = questions.readLine()) {
            String[] words = line.split("\t", 5);
            String answer;
            try {
                answer = "=" + switch (words[0]) {
                    case "convert" -> convert(words[1], Short.parseShort(words[2]), Short.parseShort(words[3]), words[4]);
                    case "metadata" -> metadata(words[1]);
                    case "group" -> coordinator(new GroupCoordinatorRecordSerde(), words[1], words[2]);
                    case "transaction" -> coordinator(new TransactionCoordinatorRecordSerde(), words[1], words[2]);
                    case "share" -> coordinator(new ShareCoordinatorRecordSerde(), words[1], words[2]);
                    case "versions" -> versions(words[1]);
                    case "apis" -> apis();
                    case "errors" -> errors();
                    default -> throw new IllegalArgumentException(words[0]);
                };
            } catch (InvocationTargetException exception) {
                answer = "!json: " + exception.getCause();
            } catch (Exception exception) {
                answer = "!" + exception;
            }
            answers.println(answer.replace('\n', ' '));
            answers.flush();
        }
    }

    private static String convert(String name, short from, short to, String json) throws Exception {
        JsonNode tree = JSON.readTree(json);
        Message message = (Message) codec(name).fromJson.invoke(null, tree, from);
        byte[] bytes = write(message, to);
        Message again = (Message) codec(name).message.getConstructor().newInstance();
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        again.read(new ByteBufferAccessor(buffer), to);
        if (buffer.hasRemaining() || !Arrays.equals(bytes, write(again, to))) {
            throw new IllegalStateException("Kafka does not read what it wrote");
        }
        return HexFormat.of().formatHex(bytes);
    }

    private static byte[] write(Message message, short version) {
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
        message.write(new ByteBufferAccessor(buffer), cache, version);
        return buffer.array();
    }

    private static String metadata(String value) {
        MetadataRecordSerde serde = new MetadataRecordSerde();
        byte[] bytes = HexFormat.of().parseHex(value);
        ApiMessageAndVersion record = serde.read(new ByteBufferAccessor(ByteBuffer.wrap(bytes)), bytes.length);
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buffer = ByteBuffer.allocate(serde.recordSize(record, cache));
        serde.write(record, cache, new ByteBufferAccessor(buffer));
        return record.message().getClass().getSimpleName() + " " + HexFormat.of().formatHex(buffer.array());
    }

    private static String coordinator(CoordinatorRecordSerde serde, String key, String value) {
        CoordinatorRecord record = serde.deserialize(
            ByteBuffer.wrap(HexFormat.of().parseHex(key)), ByteBuffer.wrap(HexFormat.of().parseHex(value)));
        return record.key().getClass().getSimpleName() + " " + record.value().message().getClass().getSimpleName()
            + " " + HexFormat.of().formatHex(serde.serializeKey(record))
            + " " + HexFormat.of().formatHex(serde.serializeValue(record));
    }

    private static String versions(String name) throws Exception {
        Message message = (Message) codec(name).message.getConstructor().newInstance();
        int key = message instanceof ApiMessage ? ((ApiMessage) message).apiKey() : -1;
        return message.lowestSupportedVersion() + " " + message.highestSupportedVersion() + " " + key;
    }

    /** `id name lowest highest advertised-lowest advertised-highest broker controller`, then a header pair a version. */
    private static String apis() throws Exception {
        List<String> texts = new ArrayList<>();
        for (ApiKeys api : ApiKeys.values()) {
            if (!api.hasValidVersion()) continue;
            ApiVersion advertised = null;
            for (ListenerType listener : ListenerType.values()) {
                if (api.inScope(listener)) {
                    advertised = api.toApiVersionForApiResponse(false, listener).orElse(advertised);
                }
            }
            StringBuilder text = new StringBuilder(String.join(" ", Arrays.asList(
                "" + api.id, api.name, "" + api.oldestVersion(), "" + api.messageType.highestSupportedVersion(true),
                "" + advertised.minVersion(), "" + advertised.maxVersion(),
                "" + api.inScope(ListenerType.BROKER), "" + api.inScope(ListenerType.CONTROLLER))));
            for (short version : api.allVersions()) {
                text.append(" " + api.requestHeaderVersion(version) + "/" + api.responseHeaderVersion(version));
            }
            texts.add(text.toString());
        }
        return JSON.writeValueAsString(texts);
    }

    /** `code|name|retriable|refreshes|message`. */
    private static String errors() throws Exception {
        List<String> texts = new ArrayList<>();
        for (Errors error : Arrays.stream(Errors.values()).sorted(Comparator.comparing(Errors::code)).toList()) {
            boolean retriable = error.exception() instanceof RetriableException;
            boolean refreshes = error.exception() instanceof InvalidMetadataException;
            String message = error == Errors.NONE ? "" : error.message();
            texts.add(error.code() + "|" + error.name() + "|" + retriable + "|" + refreshes + "|" + message);
        }
        return JSON.writeValueAsString(texts);
    }

    private static Codec codec(String name) throws Exception {
        Codec known = CODECS.get(name);
        if (known != null) return known;
        for (String place : PACKAGES) {
            for (String suffix : new String[] {"Data", ""}) {
                try {
                    Class<?> message = Class.forName(place + "." + name + suffix);
                    Class<?> converter = Class.forName(message.getName() + "JsonConverter");
                    Codec codec = new Codec(message, converter.getMethod("read", JsonNode.class, short.class));
                    CODECS.put(name, codec);
                    return codec;
                } catch (ClassNotFoundException exception) {
                    // The next package, perhaps.
                }
            }
        }
        throw new ClassNotFoundException("no class of Kafka's is called " + name);
    }
}
