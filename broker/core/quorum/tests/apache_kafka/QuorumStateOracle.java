// Apache Kafka's own class for the file `quorum-state`: writes states, and reads files that others wrote.
//
//   write FILE EPOCH LEADER VOTED DIRECTORY     -1 for no leader and no vote, "-" for no directory
//   read FILE                                   prints what it says

import java.io.File;
import java.util.*;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.raft.*;
import org.apache.kafka.server.common.KRaftVersion;

public class QuorumStateOracle {
    public static void main(String[] arguments) throws Exception {
        FileQuorumStateStore store = new FileQuorumStateStore(new File(arguments[1]));
        if (arguments[0].equals("read")) {
            ElectionState state = store.readElectionState().orElseThrow();
            System.out.println(state.epoch() + " " + state.leaderIdOrSentinel() + " "
                + state.optionalVotedKey().map(key -> key.id() + " " + key.directoryId().map(Uuid::toString).orElse("-")).orElse("-1 -"));
            return;
        }
        int epoch = Integer.parseInt(arguments[2]);
        int leader = Integer.parseInt(arguments[3]);
        int voted = Integer.parseInt(arguments[4]);
        Uuid directory = arguments[5].equals("-") ? ReplicaKey.NO_DIRECTORY_ID : Uuid.fromString(arguments[5]);
        Optional<ReplicaKey> key = voted < 0 ? Optional.empty() : Optional.of(ReplicaKey.of(voted, directory));
        ElectionState state = leader >= 0
            ? ElectionState.withElectedLeader(epoch, leader, key, Set.of(1, 2, 3))
            : key.map(vote -> ElectionState.withVotedCandidate(epoch, vote, Set.of(1, 2, 3)))
                .orElseGet(() -> ElectionState.withUnknownLeader(epoch, Set.of(1, 2, 3)));
        store.writeElectionState(state, KRaftVersion.KRAFT_VERSION_1);
    }
}
