//! What is known of an API before a message of it is read: versions, listeners, and the versions of its headers.
//!
//! The keys and facts are generated ([`ApiKey`]); which APIs a broker really serves is for the crate `api` to say.

use crate::generated::api_key::ApiKey;

/// What the schema says about an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiFacts {
    /// Kafka's name.
    pub name: &'static str,
    /// The oldest version that is served.
    pub version_min: i16,
    /// The newest version.
    pub version_max: i16,
    /// The first flexible version, `i16::MAX` for none.
    pub flexible_min: i16,
    /// Whether the newest version is not yet for everyone.
    pub latest_unstable: bool,
    /// Served on a broker's listeners.
    pub on_broker: bool,
    /// Served on a controller's listener.
    pub on_controller: bool,
}

impl ApiKey {
    /// The API of a key, when Kafka still has it.
    pub fn from_key(key: i16) -> Option<ApiKey> {
        ApiKey::ALL.binary_search_by_key(&key, |api| api.key()).ok().map(|place| ApiKey::ALL[place])
    }

    /// Its number.
    pub const fn key(self) -> i16 {
        self as i16
    }

    /// Kafka's name of it.
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// Whether a request of this version can be served.
    pub const fn serves(self, version: i16) -> bool {
        self.facts().version_min <= version && version <= self.facts().version_max
    }

    /// The oldest version that is advertised. Produce is advertised from 0 although it is served from 3: librdkafka
    /// before 2.11 takes the old versions for a sign of features, and falls back to formats that are gone without
    /// them (KAFKA-18659).
    pub const fn advertised_min(self) -> i16 {
        match self {
            ApiKey::Produce => 0,
            _ => self.facts().version_min,
        }
    }

    /// The newest version that is advertised: an unstable one is not.
    pub const fn advertised_max(self) -> i16 {
        let facts = self.facts();
        if facts.latest_unstable { facts.version_max - 1 } else { facts.version_max }
    }

    /// The version of the header before a request of this version, known or not: a client that is newer than we are
    /// must be understood well enough to be told so.
    pub const fn request_header_version(self, version: i16) -> i16 {
        if self.facts().flexible_min <= version { 2 } else { 1 }
    }

    /// The version of the header before a response of this version. ApiVersions stays at 0, because its client does
    /// not know yet what the broker speaks (KIP-511).
    pub const fn response_header_version(self, version: i16) -> i16 {
        match self {
            ApiKey::ApiVersions => 0,
            _ if self.facts().flexible_min <= version => 1,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_apis_are_each_other() {
        for key in -1..200 {
            assert_eq!(ApiKey::from_key(key).map_or(key, ApiKey::key), key);
        }
        assert_eq!(ApiKey::from_key(4), None, "LeaderAndIsr went with ZooKeeper");
        assert_eq!(ApiKey::from_key(94), Some(ApiKey::UnregisterController));
    }

    #[test]
    fn what_is_advertised_is_what_kafka_advertises() {
        let check = |api: ApiKey, min, max| assert_eq!((api.advertised_min(), api.advertised_max()), (min, max));
        check(ApiKey::Produce, 0, 13);
        check(ApiKey::Fetch, 4, 18);
        check(ApiKey::InitProducerId, 0, 5);
        check(ApiKey::ShareFetch, 1, 2);
        assert!(!ApiKey::Produce.serves(2) && ApiKey::InitProducerId.serves(6));
    }

    #[test]
    fn headers_follow_flexibility_and_api_versions_is_the_exception() {
        assert_eq!(ApiKey::Fetch.request_header_version(11), 1);
        assert_eq!(ApiKey::Fetch.request_header_version(12), 2);
        assert_eq!(ApiKey::Fetch.response_header_version(12), 1);
        assert_eq!(ApiKey::SaslHandshake.request_header_version(1), 1);
        assert_eq!(ApiKey::ApiVersions.request_header_version(99), 2);
        assert_eq!(ApiKey::ApiVersions.response_header_version(4), 0);
    }
}
