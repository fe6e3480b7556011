//! One file for each Kafka API: authorize, check, and say what must happen.
