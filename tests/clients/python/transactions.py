"""Two transactions of three records each by librdkafka, the first committed and the second aborted: BOOTSTRAP TOPIC."""

import sys

from confluent_kafka import Producer

bootstrap, topic = sys.argv[1:]
producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": "two-transactions", "transaction.timeout.ms": 10000})
producer.init_transactions(30)
for outcome in ["kept", "dropped"]:
    producer.begin_transaction()
    for number in range(3):
        producer.produce(topic, value=f"{outcome}-{number}")
    producer.flush(30)
    if outcome == "kept":
        producer.commit_transaction(30)
    else:
        producer.abort_transaction(30)
