// kafkajs behind the two commands of the README one folder up.
'use strict';

const readline = require('node:readline');
const { CompressionTypes, CompressionCodecs, Kafka, logLevel } = require('kafkajs');

const PATIENCE_MS = 60000;
const IDLE_MS = 2000;
const BATCH = 500;

CompressionCodecs[CompressionTypes.Snappy] = require('kafkajs-snappy');

const CODECS = { none: CompressionTypes.None, gzip: CompressionTypes.GZIP, snappy: CompressionTypes.Snappy };

function kafka(bootstrap) {
  return new Kafka({ clientId: 'kafkajs-client', brokers: bootstrap.split(','), logLevel: logLevel.ERROR, retry: { retries: 12 } });
}

async function produce(bootstrap, topic, codec = 'none') {
  if (!(codec in CODECS)) throw new Error(`kafkajs has no codec ${codec}`);
  const producer = kafka(bootstrap).producer({ idempotent: true });
  await producer.connect();
  let acknowledged = 0;
  let messages = [];
  const send = async () => {
    if (messages.length === 0) return;
    await producer.send({ topic, acks: -1, compression: CODECS[codec], messages });
    acknowledged += messages.length;
    messages = [];
  };
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { key, value, headers } = JSON.parse(line);
    messages.push({ key, value, headers: Object.fromEntries(headers || []) });
    if (messages.length === BATCH) await send();
  }
  await send();
  await producer.disconnect();
  console.log(JSON.stringify({ acknowledged }));
}

async function consume(bootstrap, topic, group, count) {
  const consumer = kafka(bootstrap).consumer({ groupId: group, sessionTimeout: 10000, heartbeatInterval: 1000, maxWaitTimeInMs: 200 });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  let seen = 0;
  let last = Date.now();
  let joined = false;
  consumer.on(consumer.events.GROUP_JOIN, () => { joined = true; last = Date.now(); });
  await new Promise((resolve, reject) => {
    const patience = count > 0 ? PATIENCE_MS : IDLE_MS;
    const clock = setInterval(() => {
      if (count === 0 && !joined) last = Date.now();
      if (Date.now() - last > patience || (count > 0 && seen >= count)) { clearInterval(clock); resolve(); }
    }, 50);
    consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch, resolveOffset, commitOffsetsIfNecessary, uncommittedOffsets, heartbeat }) => {
        for (const message of batch.messages) {
          if (count > 0 && seen >= count) break;
          console.log(JSON.stringify(render(batch.partition, message)));
          resolveOffset(message.offset);
          seen += 1;
          last = Date.now();
        }
        await commitOffsetsIfNecessary(uncommittedOffsets());
        await heartbeat();
      },
    }).catch(reject);
  });
  await consumer.disconnect();
  if (seen < count) throw new Error(`saw ${seen} of ${count} records`);
}

function render(partition, message) {
  const text = (data) => (data === null || data === undefined ? null : data.toString());
  const headers = Object.entries(message.headers || {}).flatMap(([name, value]) => [].concat(value).map((one) => [name, text(one)]));
  return { partition, offset: Number(message.offset), timestamp: Number(message.timestamp), key: text(message.key), value: text(message.value), headers };
}

async function main() {
  const [command, bootstrap, topic, ...rest] = process.argv.slice(2);
  if (command === 'produce') await produce(bootstrap, topic, ...rest);
  else await consume(bootstrap, topic, rest[0], Number(rest[1]));
  process.exit(0);
}

main().catch((error) => { console.error(error); process.exit(1); });
