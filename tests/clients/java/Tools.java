import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs Kafka's command-line tools one after the other in one Java machine, as most of a tool's time is the machine's start.
 * A line of input is {"main": class, "arguments": [...], "input": text or null}; a line of output is
 * {"status": number, "output": text, "errors": text}.
 */
public class Tools {
    static final ObjectMapper JSON = new ObjectMapper();

    /** What a tool asked for when it wanted to end the process. */
    static final class Ended extends RuntimeException {
        final int status;

        Ended(int status) {
            super("ended with " + status, null, false, false);
            this.status = status;
        }
    }

    /** A stream whose target changes with the tool that runs: libraries keep the stream that they first saw. */
    static final class Switch extends OutputStream {
        final AtomicReference<ByteArrayOutputStream> target = new AtomicReference<>(new ByteArrayOutputStream());

        @Override
        public void write(int letter) {
            target.get().write(letter);
        }

        @Override
        public void write(byte[] letters, int from, int count) {
            target.get().write(letters, from, count);
        }

        ByteArrayOutputStream renew() {
            ByteArrayOutputStream fresh = new ByteArrayOutputStream();
            target.set(fresh);
            return fresh;
        }
    }

    /** The first exit that the running tool asked for: some catch what is thrown here, complain of it and exit once more. */
    static final AtomicReference<ObjectNode> FIRST_EXIT = new AtomicReference<>();

    public static void main(String[] arguments) throws Exception {
        PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Switch output = new Switch();
        Switch errors = new Switch();
        System.setOut(new PrintStream(output, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(errors, true, StandardCharsets.UTF_8));
        List<Runnable> farewells = new ArrayList<>();
        Exit.Procedure end = (status, message) -> {
            leave(farewells);
            FIRST_EXIT.compareAndSet(null, answer(status, output.target.get(), errors.target.get()));
            throw new Ended(status);
        };
        Exit.setExitProcedure(end);
        Exit.setHaltProcedure(end);
        Exit.setShutdownHookAdder((name, hook) -> farewells.add(hook));
        for (String line = questions.readLine(); line != null; line = questions.readLine()) {
            JsonNode question = JSON.readTree(line);
            ByteArrayOutputStream printed = output.renew();
            ByteArrayOutputStream complained = errors.renew();
            System.setIn(new ByteArrayInputStream(question.path("input").asText("").getBytes(StandardCharsets.UTF_8)));
            FIRST_EXIT.set(null);
            int status = run(question, farewells);
            System.out.flush();
            System.err.flush();
            ObjectNode first = FIRST_EXIT.get();
            answers.println(JSON.writeValueAsString(first == null ? answer(status, printed, complained) : first));
        }
        Runtime.getRuntime().halt(0); // a tool may have left threads behind
    }

    static ObjectNode answer(int status, ByteArrayOutputStream output, ByteArrayOutputStream errors) {
        ObjectNode answer = JSON.createObjectNode();
        answer.put("status", status);
        answer.put("output", output.toString(StandardCharsets.UTF_8));
        answer.put("errors", errors.toString(StandardCharsets.UTF_8));
        return answer;
    }

    /** Runs the tool to its end and gives the status for one that never asked for an exit. */
    static int run(JsonNode question, List<Runnable> farewells) throws Exception {
        String[] arguments = JSON.treeToValue(question.get("arguments"), String[].class);
        int status = 0;
        try {
            Class.forName(question.get("main").asText()).getMethod("main", String[].class).invoke(null, (Object) arguments);
        } catch (InvocationTargetException thrown) {
            if (!(thrown.getCause() instanceof Ended)) {
                thrown.getCause().printStackTrace();
                status = 1;
            }
        }
        leave(farewells);
        return status;
    }

    /** What the tool wanted to be done at its end. */
    static void leave(List<Runnable> farewells) {
        List<Runnable> all = List.copyOf(farewells);
        farewells.clear();
        all.forEach(Runnable::run);
    }
}
