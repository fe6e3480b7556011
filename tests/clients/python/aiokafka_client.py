"""aiokafka behind the two commands of the README one folder up."""

import asyncio
import time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

import records


async def produce(bootstrap, topic, codec):
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True,
                                compression_type=None if codec == "none" else codec) as producer:
        answers = [await producer.send(topic, value, key=key, headers=headers) for key, value, headers in records.read()]
        await asyncio.wait_for(asyncio.gather(*answers), records.PATIENCE_SECONDS)
    records.acknowledged(len(answers))


async def consume(bootstrap, topic, group, count):
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    try:
        seen = 0
        last = time.monotonic()
        patience = records.PATIENCE_SECONDS if count else records.IDLE_SECONDS
        while count == 0 or seen < count:
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                for record in batch:
                    records.write(record.partition, record.offset, record.timestamp, record.key, record.value, record.headers)
                    seen += 1
                    last = time.monotonic()
            if count == 0 and not consumer.assignment():
                last = time.monotonic()  # still joining
            if time.monotonic() - last > patience:
                break
        if seen:
            await consumer.commit()
        return seen
    finally:
        await consumer.stop()


records.main(lambda *arguments: asyncio.run(produce(*arguments)), lambda *arguments: asyncio.run(consume(*arguments)))
