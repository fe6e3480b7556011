import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Kafka's own Java client, idempotent as it is by default, behind the two commands of the README beside this folder. */
public class Client {
    static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] arguments) throws Exception {
        if (arguments[0].equals("produce")) {
            produce(arguments[1], arguments[2], arguments.length > 3 ? arguments[3] : "none");
        } else {
            consume(arguments[1], arguments[2], arguments[3], Long.parseLong(arguments[4]));
        }
    }

    static void produce(String bootstrap, String topic, String codec) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("compression.type", codec);
        settings.put("linger.ms", "5");
        settings.put("delivery.timeout.ms", "60000");
        settings.put("request.timeout.ms", "20000");
        List<Future<RecordMetadata>> answers = new ArrayList<>();
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
                BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                JsonNode record = JSON.readTree(line);
                ProducerRecord<String, String> sent = new ProducerRecord<>(topic, text(record.get("key")), text(record.get("value")));
                for (JsonNode header : record.withArray("headers")) {
                    sent.headers().add(header.get(0).asText(), header.get(1).asText().getBytes(StandardCharsets.UTF_8));
                }
                answers.add(producer.send(sent));
            }
            producer.flush();
        }
        for (Future<RecordMetadata> answer : answers) {
            answer.get();
        }
        System.out.println("{\"acknowledged\": " + answers.size() + "}");
    }

    static void consume(String bootstrap, String topic, String group, long count) throws Exception {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("group.id", group);
        settings.put("auto.offset.reset", "earliest");
        settings.put("enable.auto.commit", "false");
        settings.put("partition.assignment.strategy", "org.apache.kafka.clients.consumer.RangeAssignor");
        long seen = 0;
        long patience = (count == 0 ? 2 : 60) * 1000;
        long last = System.currentTimeMillis();
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(topic));
            while (count == 0 || seen < count) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
                    System.out.println(render(record));
                    seen++;
                    last = System.currentTimeMillis();
                }
                if (consumer.assignment().isEmpty() && count == 0) {
                    last = System.currentTimeMillis(); // still joining
                }
                if (System.currentTimeMillis() - last > patience) {
                    break;
                }
            }
            consumer.commitSync();
        }
        if (seen < count) {
            throw new IllegalStateException("saw " + seen + " of " + count + " records");
        }
    }

    static String render(ConsumerRecord<String, String> record) throws Exception {
        ObjectNode node = JSON.createObjectNode();
        node.put("partition", record.partition());
        node.put("offset", record.offset());
        node.put("timestamp", record.timestamp());
        node.put("key", record.key());
        node.put("value", record.value());
        ArrayNode headers = node.putArray("headers");
        for (Header header : record.headers()) {
            headers.addArray().add(header.key()).add(new String(header.value(), StandardCharsets.UTF_8));
        }
        return JSON.writeValueAsString(node);
    }

    static String text(JsonNode node) {
        return node == null || node.isNull() ? null : node.asText();
    }
}
