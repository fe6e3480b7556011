//! TLS, principals, authorization and delegation tokens.

use super::DISTINCT;
use crate::bounds::Bounds;
use crate::key::{Key, Kind, boolean, class, list, long, string, unset};

pub(super) const BROKER: &[Key] = &[
    string("authorizer.class.name", "")
        .bounds(Bounds::NonNull)
        .low()
        .not_yet("authorization")
        .doc("The class that decides who may do what. If empty, everyone may do everything."),
    long("connections.max.reauth.ms", "0").not_yet("SASL").doc(
        "How long a SASL session lasts before the client must authenticate anew or is cut off. Zero means for \
         ever. It can also be set for one listener and mechanism.",
    ),
    long("delegation.token.expiry.check.interval.ms", "3600000")
        .at_least(1)
        .low()
        .not_yet("delegation tokens")
        .doc("How often expired delegation tokens are removed."),
    long("delegation.token.expiry.time.ms", "86400000")
        .at_least(1)
        .not_yet("delegation tokens")
        .doc("How long a delegation token is valid before it must be renewed."),
    long("delegation.token.max.lifetime.ms", "604800000")
        .at_least(1)
        .not_yet("delegation tokens")
        .doc("How long a delegation token can be renewed, counted from its creation."),
    unset("delegation.token.secret.key", Kind::Password).not_yet("delegation tokens").doc(
        "The secret by which delegation tokens are made and checked; the same on all nodes. If unset, there are \
         none.",
    ),
    class("principal.builder.class", "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder")
        .per_broker()
        .not_yet("authentication")
        .doc("The class that makes a principal of what a connection authenticated with."),
    string("security.inter.broker.protocol", "PLAINTEXT")
        .one_of(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"])
        .by("listeners")
        .doc("The security protocol between brokers, where inter.broker.listener.name is not set."),
    unset("security.providers", Kind::String)
        .low()
        .no_effect("there is no Java here whose security providers could be replaced")
        .doc("Classes that provide security algorithms to Java."),
    boolean("ssl.allow.dn.changes", false)
        .low()
        .not_yet("TLS")
        .doc("Whether a new certificate may have another distinguished name than the one it replaces at run time."),
    boolean("ssl.allow.san.changes", false)
        .low()
        .not_yet("TLS")
        .doc("Whether a new certificate may lack alternative names that the one it replaces at run time has."),
    list("ssl.cipher.suites", "")
        .bounds(DISTINCT)
        .per_broker()
        .not_yet("TLS")
        .doc("The cipher suites that are allowed. If empty, all that are supported."),
    string("ssl.client.auth", "none")
        .one_of(&["required", "requested", "none"])
        .per_broker()
        .not_yet("TLS")
        .doc("Whether clients must show a certificate: required, requested or none."),
    list("ssl.enabled.protocols", "TLSv1.2,TLSv1.3")
        .bounds(DISTINCT)
        .per_broker()
        .not_yet("TLS")
        .doc("The versions of TLS that are allowed."),
    string("ssl.endpoint.identification.algorithm", "https")
        .low()
        .per_broker()
        .not_yet("TLS")
        .doc("How a server's name is checked against its certificate: https, or empty for not at all."),
    unset("ssl.engine.factory.class", Kind::Class)
        .low()
        .per_broker()
        .not_yet("TLS")
        .doc("A class that makes Java's TLS engines."),
    unset("ssl.key.password", Kind::Password).per_broker().not_yet("TLS").doc("The password of the private key."),
    string("ssl.keymanager.algorithm", "SunX509")
        .per_broker()
        .no_effect("TLS keys are not managed by Java here")
        .doc("The algorithm of Java's key manager."),
    unset("ssl.keystore.certificate.chain", Kind::Password)
        .per_broker()
        .not_yet("TLS")
        .doc("The certificate chain as PEM text, in place of a key store."),
    unset("ssl.keystore.key", Kind::Password)
        .per_broker()
        .not_yet("TLS")
        .doc("The private key as PEM text, in place of a key store."),
    unset("ssl.keystore.location", Kind::String)
        .per_broker()
        .not_yet("TLS")
        .doc("The file of the key store. It can also be set for one listener."),
    unset("ssl.keystore.password", Kind::Password)
        .per_broker()
        .not_yet("TLS")
        .doc("The password of the key store. PEM files have none."),
    string("ssl.keystore.type", "JKS")
        .per_broker()
        .not_yet("TLS")
        .doc("The format of the key store: JKS, PKCS12 or PEM."),
    string("ssl.principal.mapping.rules", "DEFAULT")
        .low()
        .not_yet("TLS")
        .doc("Rules that make a short principal of a certificate's distinguished name; the first that matches counts."),
    string("ssl.protocol", "TLSv1.3").per_broker().not_yet("TLS").doc("The newest version of TLS to speak."),
    unset("ssl.provider", Kind::String)
        .per_broker()
        .no_effect("there is no Java here whose security providers could be chosen")
        .doc("The name of Java's security provider for TLS."),
    unset("ssl.secure.random.implementation", Kind::String)
        .low()
        .per_broker()
        .no_effect("random numbers come from the operating system")
        .doc("Java's generator of random numbers for TLS."),
    string("ssl.trustmanager.algorithm", "PKIX")
        .per_broker()
        .no_effect("trust is not managed by Java here")
        .doc("The algorithm of Java's trust manager."),
    unset("ssl.truststore.certificates", Kind::Password)
        .per_broker()
        .not_yet("TLS")
        .doc("The trusted certificates as PEM text, in place of a trust store."),
    unset("ssl.truststore.location", Kind::String)
        .per_broker()
        .not_yet("TLS")
        .doc("The file of the trust store. It can also be set for one listener."),
    unset("ssl.truststore.password", Kind::Password)
        .per_broker()
        .not_yet("TLS")
        .doc("The password of the trust store. PEM files have none."),
    string("ssl.truststore.type", "JKS")
        .per_broker()
        .not_yet("TLS")
        .doc("The format of the trust store: JKS, PKCS12 or PEM."),
];
