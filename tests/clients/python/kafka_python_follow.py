"""kafka-python behind the command `follow` of the README one folder up."""

import json
import logging
import sys
import threading
import time

from kafka import ConsumerRebalanceListener, KafkaConsumer
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import KafkaError

import records


class Announce(ConsumerRebalanceListener):
    """Tells which partitions are read. When they are given away, inside poll, all that was read is committed already."""

    def on_partitions_revoked(self, revoked):
        pass

    def on_partitions_assigned(self, assigned):
        say({"assigned": sorted([one.topic, one.partition] for one in assigned)})


def commit(consumer):
    try:
        consumer.commit()
    except KafkaError as error:
        # The coordinator is away or a rebalance is under way: the next commit says the same.
        logging.warning("not committed: %s", error)


def poll(consumer):
    try:
        return consumer.poll(timeout_ms=200)
    except KafkaError as error:
        # The broker is away: it comes back, and so do we.
        logging.warning("not polled: %s", error)
        time.sleep(0.5)
        return {}


def say(line):
    print(json.dumps(line, ensure_ascii=False), flush=True)


def follow(bootstrap, topics, group):
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False,
                             partition_assignment_strategy=[RangePartitionAssignor], session_timeout_ms=10000, heartbeat_interval_ms=1000)
    consumer.subscribe(topics, listener=Announce())
    while not ended.is_set():
        batches = poll(consumer)
        for partition, batch in batches.items():
            for record in batch:
                headers = [[name, records.decode(text)] for name, text in record.headers or []]
                say({"topic": partition.topic, "partition": partition.partition, "offset": record.offset, "timestamp": record.timestamp,
                     "key": records.decode(record.key), "value": records.decode(record.value), "headers": headers})
        if batches:
            commit(consumer)
    consumer.close()


command, bootstrap, topics, group = sys.argv[1:]
assert command == "follow", command
follow(bootstrap, topics.split(","), group)
