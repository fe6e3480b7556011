"""A record as a line of JSON, and the two commands: what the Python clients share. See the README one folder up."""

import json
import sys

PATIENCE_SECONDS = 60
IDLE_SECONDS = 2


def read():
    """The records of standard input: (key, value, headers) as bytes, each None where JSON says null."""
    for line in sys.stdin:
        record = json.loads(line)
        headers = [(name, text.encode()) for name, text in record.get("headers", [])]
        yield encode(record.get("key")), encode(record.get("value")), headers


def write(partition, offset, timestamp, key, value, headers):
    """One consumed record to standard output."""
    record = {
        "partition": partition,
        "offset": offset,
        "timestamp": timestamp,
        "key": decode(key),
        "value": decode(value),
        "headers": [[name, decode(text)] for name, text in headers or []],
    }
    print(json.dumps(record, ensure_ascii=False))


def acknowledged(count):
    print(json.dumps({"acknowledged": count}))


def encode(text):
    return None if text is None else text.encode()


def decode(data):
    return None if data is None else bytes(data).decode()


def main(produce, consume):
    """Calls produce(bootstrap, topic, codec) or consume(bootstrap, topic, group, count) as the command line says."""
    command, bootstrap, topic, *rest = sys.argv[1:]
    if command == "produce":
        produce(bootstrap, topic, rest[0] if rest else "none")
    else:
        seen = consume(bootstrap, topic, rest[0], int(rest[1]))
        if seen < int(rest[1]):
            sys.exit(f"saw {seen} of {rest[1]} records")
