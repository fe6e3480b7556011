"""librdkafka, through confluent-kafka, behind the two commands of the README one folder up."""

import sys
import time

from confluent_kafka import Consumer, KafkaError, Producer

import records


def produce(bootstrap, topic, codec):
    failures = []
    producer = Producer({"bootstrap.servers": bootstrap, "compression.type": codec, "enable.idempotence": True,
                         "linger.ms": 5, "message.timeout.ms": 60000})
    count = 0
    for key, value, headers in records.read():
        while True:
            try:
                producer.produce(topic, key=key, value=value, headers=headers,
                                 on_delivery=lambda error, _: error and failures.append(error))
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
        count += 1
    left = producer.flush(60)
    if failures or left:
        sys.exit(f"{left} unanswered; refused: {failures[:3]}")
    records.acknowledged(count)


def consume(bootstrap, topic, group, count):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest",
                         "enable.auto.commit": False, "partition.assignment.strategy": "range"})
    assigned = []
    consumer.subscribe([topic], on_assign=lambda _, partitions: assigned.extend(partitions))
    seen = 0
    last = time.monotonic()
    patience = records.PATIENCE_SECONDS if count else records.IDLE_SECONDS
    while count == 0 or seen < count:
        message = consumer.poll(0.2)
        if message is not None and message.error() is None:
            records.write(message.partition(), message.offset(), message.timestamp()[1], message.key(), message.value(), message.headers())
            seen += 1
            last = time.monotonic()
        elif message is not None and message.error().code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
            sys.exit(str(message.error()))
        if count == 0 and not assigned:
            last = time.monotonic()  # still joining
        if time.monotonic() - last > patience:
            break
    if seen:
        consumer.commit(asynchronous=False)
    consumer.close()
    return seen


records.main(produce, consume)
