"""kafka-python behind the two commands of the README one folder up."""

import time

from kafka import KafkaConsumer, KafkaProducer
from kafka.coordinator.assignors.range import RangePartitionAssignor

import records


def produce(bootstrap, topic, codec):
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", compression_type=None if codec == "none" else codec, linger_ms=5)
    answers = [producer.send(topic, key=key, value=value, headers=headers) for key, value, headers in records.read()]
    producer.flush()
    for answer in answers:
        answer.get(timeout=records.PATIENCE_SECONDS)
    producer.close()
    records.acknowledged(len(answers))


def consume(bootstrap, topic, group, count):
    consumer = KafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest",
                             enable_auto_commit=False, partition_assignment_strategy=[RangePartitionAssignor])
    # It joins without waiting for metadata; a leader that knows no partitions yet assigns none and does not look again.
    consumer.partitions_for_topic(topic)
    began = time.monotonic()
    seen = 0
    last = time.monotonic()
    patience = records.PATIENCE_SECONDS if count else records.IDLE_SECONDS
    while count == 0 or seen < count:
        for batch in consumer.poll(timeout_ms=200).values():
            for record in batch:
                records.write(record.partition, record.offset, record.timestamp, record.key, record.value, record.headers)
                seen += 1
                last = time.monotonic()
        if count == 0 and not consumer.assignment():
            last = time.monotonic()  # still joining
            if last - began > records.PATIENCE_SECONDS:
                raise TimeoutError(f"group {group} assigned nothing")
        if time.monotonic() - last > patience:
            break
    if seen:
        consumer.commit()
    consumer.close()
    return seen


records.main(produce, consume)
