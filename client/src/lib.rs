//! A Kafka client: what the operator and the command line speak to brokers with.
