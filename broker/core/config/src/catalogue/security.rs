//! Keys of security.

use super::DISTINCT;
use crate::bounds::Bounds;
use crate::key::{Key, Kind, boolean, class, list, long, string, unset};

pub(super) const BROKER: &[Key] = &[
    string("authorizer.class.name", "").bounds(Bounds::NonNull).low(),
    long("connections.max.reauth.ms", "0"),
    long("delegation.token.expiry.check.interval.ms", "3600000").at_least(1).low(),
    long("delegation.token.expiry.time.ms", "86400000").at_least(1),
    long("delegation.token.max.lifetime.ms", "604800000").at_least(1),
    unset("delegation.token.secret.key", Kind::Password),
    class("principal.builder.class", "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder")
        .per_broker(),
    string("security.inter.broker.protocol", "PLAINTEXT").one_of(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]),
    unset("security.providers", Kind::String).low(),
    boolean("ssl.allow.dn.changes", false).low(),
    boolean("ssl.allow.san.changes", false).low(),
    list("ssl.cipher.suites", "").bounds(DISTINCT).per_broker(),
    string("ssl.client.auth", "none").one_of(&["required", "requested", "none"]).per_broker(),
    list("ssl.enabled.protocols", "TLSv1.2,TLSv1.3").bounds(DISTINCT).per_broker(),
    string("ssl.endpoint.identification.algorithm", "https").low().per_broker(),
    unset("ssl.engine.factory.class", Kind::Class).low().per_broker(),
    unset("ssl.key.password", Kind::Password).per_broker(),
    string("ssl.keymanager.algorithm", "SunX509").per_broker(),
    unset("ssl.keystore.certificate.chain", Kind::Password).per_broker(),
    unset("ssl.keystore.key", Kind::Password).per_broker(),
    unset("ssl.keystore.location", Kind::String).per_broker(),
    unset("ssl.keystore.password", Kind::Password).per_broker(),
    string("ssl.keystore.type", "JKS").per_broker(),
    string("ssl.principal.mapping.rules", "DEFAULT").low(),
    string("ssl.protocol", "TLSv1.3").per_broker(),
    unset("ssl.provider", Kind::String).per_broker(),
    unset("ssl.secure.random.implementation", Kind::String).low().per_broker(),
    string("ssl.trustmanager.algorithm", "PKIX").per_broker(),
    unset("ssl.truststore.certificates", Kind::Password).per_broker(),
    unset("ssl.truststore.location", Kind::String).per_broker(),
    unset("ssl.truststore.password", Kind::Password).per_broker(),
    string("ssl.truststore.type", "JKS").per_broker(),
];
