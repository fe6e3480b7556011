// What Apache Kafka itself makes of records: builds batches, reads them, and appends them to a log of its own as the
// leader of a partition does on Produce. Asked by the Rust tests beside this file over standard input and output:
// each question is one byte and its fields, each answer four bytes of length and then the answer.

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.ScheduledFuture;

import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.compress.GzipCompression;
import org.apache.kafka.common.compress.Lz4Compression;
import org.apache.kafka.common.compress.ZstdCompression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.FileRecords;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.common.requests.ProduceRequest;
import org.apache.kafka.common.requests.ProduceResponse.RecordError;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.common.RequestLocal;
import org.apache.kafka.server.util.Scheduler;
import org.apache.kafka.storage.internals.log.AppendOrigin;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.apache.kafka.storage.internals.log.LogDirFailureChannel;
import org.apache.kafka.storage.internals.log.ProducerStateManagerConfig;
import org.apache.kafka.storage.internals.log.RecordValidationException;
import org.apache.kafka.storage.internals.log.UnifiedLog;
import org.apache.kafka.storage.internals.log.VerificationGuard;
import org.apache.kafka.storage.log.metrics.BrokerTopicStats;

public final class RecordsOracle {
    /** Where every append begins, so that what the leader sets in a batch is seen. */
    private static final long LOG_START = 100;
    private static final int LEADER_EPOCH = 7;

    private final DataInputStream in;
    private final DataOutputStream out;
    private final ToldTime time = new ToldTime();
    private final UnifiedLog log;

    private RecordsOracle(DataInputStream in, DataOutputStream out, File folder) throws IOException {
        this.in = in;
        this.out = out;
        File partition = new File(folder, "checked-0");
        Files.createDirectories(partition.toPath());
        this.log = UnifiedLog.create(partition, config(""), 0, 0, new NowScheduler(), new BrokerTopicStats(), time,
            3_600_000, new ProducerStateManagerConfig(86_400_000, false), 600_000, new LogDirFailureChannel(1), true,
            Optional.empty());
        log.truncateFullyAndStartAt(LOG_START, Optional.empty());
    }

    public static void main(String[] arguments) throws IOException {
        var in = new DataInputStream(new BufferedInputStream(System.in));
        var out = new DataOutputStream(new BufferedOutputStream(System.out));
        var oracle = new RecordsOracle(in, out, new File(arguments[0]));
        while (true) {
            int question = in.read();
            if (question < 0) {
                return;
            }
            byte[] answer = oracle.answer(question);
            out.writeInt(answer.length);
            out.write(answer);
            out.flush();
        }
    }

    private byte[] answer(int question) throws IOException {
        return switch (question) {
            case 'B' -> build();
            case 'R' -> read();
            case 'P' -> produce();
            default -> throw new EOFException("unknown question " + question);
        };
    }

    private byte[] build() throws IOException {
        var codec = CompressionType.forId(in.readByte());
        var compression = compression(codec, in.readInt());
        var timestampType = in.readBoolean() ? TimestampType.LOG_APPEND_TIME : TimestampType.CREATE_TIME;
        long baseOffset = in.readLong();
        long appendTime = in.readLong();
        long producerId = in.readLong();
        short producerEpoch = in.readShort();
        int baseSequence = in.readInt();
        boolean isTransactional = in.readBoolean();
        boolean isControl = in.readBoolean();
        int epoch = in.readInt();
        long deleteHorizon = in.readLong();
        var stream = new org.apache.kafka.common.utils.internals.ByteBufferOutputStream(1024);
        var builder = new MemoryRecordsBuilder(stream, RecordBatch.MAGIC_VALUE_V2, compression, timestampType, baseOffset,
            appendTime, producerId, producerEpoch, baseSequence, isTransactional, isControl, epoch, Integer.MAX_VALUE,
            deleteHorizon);
        int count = in.readInt();
        for (int index = 0; index < count; index++) {
            long offset = in.readLong();
            var record = new SimpleRecord(in.readLong(), bytes(), bytes(), headers());
            if (isControl) {
                builder.appendControlRecordWithOffset(offset, record);
            } else {
                builder.appendWithOffset(offset, record);
            }
        }
        return rest(builder.build().buffer());
    }

    private byte[] read() throws IOException {
        byte[] bytes = bytes();
        var text = new StringBuilder();
        try {
            for (MutableRecordBatch batch : MemoryRecords.readableRecords(ByteBuffer.wrap(bytes)).batches()) {
                batch.ensureValid();
                describe(batch, text);
                for (Record record : batch) {
                    describe(record, text);
                }
            }
        } catch (RuntimeException error) {
            text.append("refused: ").append(error).append('\n');
        }
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    private byte[] produce() throws IOException {
        short version = in.readShort();
        time.now = in.readLong();
        log.updateConfig(config(new String(bytes(), StandardCharsets.UTF_8)));
        var records = MemoryRecords.readableRecords(ByteBuffer.wrap(bytes()));
        byte[] answer;
        try {
            ProduceRequest.validateRecords(version, records);
            log.appendAsLeader(records, LEADER_EPOCH, AppendOrigin.CLIENT, RequestLocal.noCaching(),
                VerificationGuard.SENTINEL, (short) 0);
            FileRecords stored = log.activeSegment().log();
            var written = ByteBuffer.allocate(3 + stored.sizeInBytes());
            written.put("ok\n".getBytes(StandardCharsets.UTF_8));
            var content = ByteBuffer.allocate(stored.sizeInBytes());
            stored.readInto(content, 0);
            answer = written.put(content).array();
            // Indexes come into being when first asked for, and only what exists can be deleted.
            log.activeSegment().offsetIndex();
            log.activeSegment().timeIndex();
            log.truncateFullyAndStartAt(LOG_START, Optional.empty());
        } catch (RecordValidationException error) {
            var text = new StringBuilder(refusal(error.invalidException()));
            for (RecordError record : error.recordErrors()) {
                text.append(record.batchIndex).append(": ").append(record.message).append('\n');
            }
            answer = text.toString().getBytes(StandardCharsets.UTF_8);
        } catch (RuntimeException error) {
            answer = refusal(error).getBytes(StandardCharsets.UTF_8);
        }
        return answer;
    }

    private static String refusal(RuntimeException error) {
        return "refused " + Errors.forException(error).code() + " " + error.getClass().getSimpleName() + "\n"
            + String.valueOf(error.getMessage()).replace('\n', ' ') + "\n";
    }

    private static void describe(RecordBatch batch, StringBuilder text) {
        text.append("batch ").append(batch.baseOffset()).append("..").append(batch.lastOffset())
            .append(" bytes ").append(batch.sizeInBytes())
            .append(" epoch ").append(batch.partitionLeaderEpoch())
            .append(" codec ").append(batch.compressionType().id)
            .append(' ').append(batch.timestampType())
            .append(" max ").append(batch.maxTimestamp())
            .append(" producer ").append(batch.producerId()).append('/').append(batch.producerEpoch())
            .append(" sequences ").append(batch.baseSequence()).append("..").append(batch.lastSequence())
            .append(" count ").append(batch.countOrNull())
            .append(batch.isTransactional() ? " transactional" : "")
            .append(batch.isControlBatch() ? " control" : "");
        batch.deleteHorizonMs().ifPresent(horizon -> text.append(" horizon ").append(horizon));
        text.append('\n');
    }

    private static void describe(Record record, StringBuilder text) {
        text.append(record.offset()).append(" @").append(record.timestamp())
            .append(' ').append(hex(record.key())).append('=').append(hex(record.value()));
        for (Header header : record.headers()) {
            text.append(' ').append(hex(ByteBuffer.wrap(header.key().getBytes(StandardCharsets.UTF_8))));
            text.append(':').append(header.value() == null ? "null" : hex(ByteBuffer.wrap(header.value())));
        }
        text.append('\n');
    }

    private static String hex(ByteBuffer bytes) {
        return bytes == null ? "null" : HexFormat.of().formatHex(rest(bytes));
    }

    private static byte[] rest(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }

    private static Compression compression(CompressionType codec, int level) {
        if (level == Integer.MIN_VALUE) {
            return Compression.of(codec).build();
        }
        return switch (codec) {
            case GZIP -> new GzipCompression.Builder().level(level).build();
            case LZ4 -> new Lz4Compression.Builder().level(level).build();
            case ZSTD -> new ZstdCompression.Builder().level(level).build();
            default -> Compression.of(codec).build();
        };
    }

    /** Lines of key=value over Kafka's defaults. */
    private static LogConfig config(String lines) throws IOException {
        var properties = new Properties();
        properties.load(new java.io.StringReader(lines));
        return new LogConfig(properties);
    }

    private byte[] bytes() throws IOException {
        int length = in.readInt();
        return length < 0 ? null : in.readNBytes(length);
    }

    private Header[] headers() throws IOException {
        var headers = new Header[in.readInt()];
        for (int index = 0; index < headers.length; index++) {
            headers[index] = new RecordHeader(new String(bytes(), StandardCharsets.UTF_8), bytes());
        }
        return headers;
    }

    private static final class ToldTime implements Time {
        private long now = 0;

        @Override
        public long milliseconds() {
            return now;
        }

        @Override
        public long nanoseconds() {
            return now * 1_000_000;
        }

        @Override
        public void sleep(long ms) {
            throw new UnsupportedOperationException();
        }
    }

    /** Deletes files at once, and does nothing else. */
    private static final class NowScheduler implements Scheduler {
        @Override
        public void startup() {
        }

        @Override
        public void shutdown() {
        }

        @Override
        public ScheduledFuture<?> schedule(String name, Runnable task, long delayMs, long periodMs) {
            if (name.equals("delete-file")) {
                task.run();
            }
            return null;
        }

        @Override
        public void resizeThreadPool(int size) {
        }
    }
}
