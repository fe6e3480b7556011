//! SASL: mechanisms, logins, Kerberos and OAUTHBEARER.

use super::DISTINCT;
use crate::bounds::Bounds;
use crate::key::{Key, Kind, boolean, class, double, int, list, long, short, string, unset};

pub(super) const BROKER: &[Key] = &[
    unset("sasl.client.callback.handler.class", Kind::Class)
        .not_yet("SASL")
        .doc("A class that answers the questions of this node's SASL client side."),
    list("sasl.enabled.mechanisms", "GSSAPI")
        .bounds(DISTINCT)
        .per_broker()
        .not_yet("SASL")
        .doc("The mechanisms that clients may authenticate by. It can also be set for one listener."),
    unset("sasl.jaas.config", Kind::Password)
        .per_broker()
        .not_yet("SASL")
        .doc("The login of a mechanism in Java's JAAS notation. On brokers it is set for one listener and mechanism."),
    string("sasl.kerberos.kinit.cmd", "/usr/bin/kinit")
        .per_broker()
        .not_yet("Kerberos")
        .doc("The path of the kinit command."),
    long("sasl.kerberos.min.time.before.relogin", "60000")
        .per_broker()
        .not_yet("Kerberos")
        .doc("The shortest time between two Kerberos logins, in milliseconds."),
    list("sasl.kerberos.principal.to.local.rules", "DEFAULT")
        .bounds(DISTINCT)
        .per_broker()
        .not_yet("Kerberos")
        .doc("Rules that make a short name of a Kerberos principal; the first that matches counts."),
    unset("sasl.kerberos.service.name", Kind::String)
        .per_broker()
        .not_yet("Kerberos")
        .doc("The Kerberos service name that the brokers run under."),
    double("sasl.kerberos.ticket.renew.jitter", "0.05")
        .per_broker()
        .not_yet("Kerberos")
        .doc("The random part of the time at which a ticket is renewed, as a fraction."),
    double("sasl.kerberos.ticket.renew.window.factor", "0.8")
        .per_broker()
        .not_yet("Kerberos")
        .doc("After which fraction of its life a ticket is renewed."),
    unset("sasl.login.callback.handler.class", Kind::Class)
        .not_yet("SASL")
        .doc("A class that answers the questions of a login."),
    unset("sasl.login.class", Kind::Class).not_yet("SASL").doc("A class that logs in."),
    unset("sasl.login.connect.timeout.ms", Kind::Int)
        .low()
        .not_yet("OAUTHBEARER")
        .doc("How long a connection to the identity provider may take to be made."),
    unset("sasl.login.read.timeout.ms", Kind::Int)
        .low()
        .not_yet("OAUTHBEARER")
        .doc("How long the identity provider may take to answer."),
    short("sasl.login.refresh.buffer.seconds", "300")
        .per_broker()
        .not_yet("OAUTHBEARER")
        .doc("How many seconds before its end a token is refreshed at the latest."),
    short("sasl.login.refresh.min.period.seconds", "60")
        .per_broker()
        .not_yet("OAUTHBEARER")
        .doc("How many seconds a token is kept at least before it is refreshed."),
    double("sasl.login.refresh.window.factor", "0.8")
        .per_broker()
        .not_yet("OAUTHBEARER")
        .doc("After which fraction of its life a token is refreshed."),
    double("sasl.login.refresh.window.jitter", "0.05")
        .per_broker()
        .not_yet("OAUTHBEARER")
        .doc("The random part of the time at which a token is refreshed, as a fraction of its life."),
    long("sasl.login.retry.backoff.max.ms", "10000")
        .low()
        .not_yet("OAUTHBEARER")
        .doc("The longest wait between two attempts to get a token."),
    long("sasl.login.retry.backoff.ms", "100")
        .low()
        .not_yet("OAUTHBEARER")
        .doc("The first wait between two attempts to get a token."),
    string("sasl.mechanism.controller.protocol", "GSSAPI")
        .high()
        .not_yet("SASL")
        .doc("The mechanism by which nodes authenticate to controllers."),
    string("sasl.mechanism.inter.broker.protocol", "GSSAPI")
        .per_broker()
        .not_yet("SASL")
        .doc("The mechanism by which brokers authenticate to each other."),
    boolean("sasl.oauthbearer.allow.unverified.audience", false)
        .not_yet("OAUTHBEARER")
        .doc("Whether tokens are accepted although no expected audience is configured to hold them against."),
    boolean("sasl.oauthbearer.allow.unverified.issuer", false)
        .not_yet("OAUTHBEARER")
        .doc("Whether tokens are accepted although no expected issuer is configured to hold them against."),
    string("sasl.oauthbearer.assertion.algorithm", "RS256")
        .bounds(Bounds::OneOfAnyCase(&["ES256", "RS256"]))
        .not_yet("OAUTHBEARER")
        .doc("The algorithm that signs the assertion by which this node asks for a token."),
    unset("sasl.oauthbearer.assertion.claim.aud", Kind::String)
        .not_yet("OAUTHBEARER")
        .doc("The audience claim of that assertion."),
    int("sasl.oauthbearer.assertion.claim.exp.seconds", "300")
        .between(0, 86_400)
        .low()
        .not_yet("OAUTHBEARER")
        .doc("How many seconds after its making that assertion expires."),
    unset("sasl.oauthbearer.assertion.claim.iss", Kind::String)
        .not_yet("OAUTHBEARER")
        .doc("The issuer claim of that assertion."),
    boolean("sasl.oauthbearer.assertion.claim.jti.include", false)
        .not_yet("OAUTHBEARER")
        .doc("Whether that assertion gets an id of its own."),
    int("sasl.oauthbearer.assertion.claim.nbf.seconds", "60")
        .between(0, 3_600)
        .low()
        .not_yet("OAUTHBEARER")
        .doc("How many seconds before its making that assertion already counts."),
    unset("sasl.oauthbearer.assertion.claim.sub", Kind::String)
        .not_yet("OAUTHBEARER")
        .doc("The subject claim of that assertion."),
    unset("sasl.oauthbearer.assertion.file", Kind::String)
        .not_yet("OAUTHBEARER")
        .doc("A file that holds a ready assertion."),
    unset("sasl.oauthbearer.assertion.private.key.file", Kind::String)
        .not_yet("OAUTHBEARER")
        .doc("The file of the key that signs the assertion."),
    unset("sasl.oauthbearer.assertion.private.key.passphrase", Kind::Password)
        .not_yet("OAUTHBEARER")
        .doc("The passphrase of that key."),
    unset("sasl.oauthbearer.assertion.template.file", Kind::String)
        .not_yet("OAUTHBEARER")
        .doc("A file with further headers and claims of the assertion."),
    unset("sasl.oauthbearer.client.credentials.client.id", Kind::String)
        .not_yet("OAUTHBEARER")
        .doc("The client id by which this node asks for a token."),
    unset("sasl.oauthbearer.client.credentials.client.secret", Kind::Password)
        .not_yet("OAUTHBEARER")
        .doc("The secret that belongs to the client id."),
    int("sasl.oauthbearer.clock.skew.seconds", "30")
        .low()
        .not_yet("OAUTHBEARER")
        .doc("By how many seconds the identity provider's clock may differ."),
    list("sasl.oauthbearer.expected.audience", "")
        .bounds(DISTINCT)
        .high()
        .not_yet("OAUTHBEARER")
        .doc("The audiences of which a token must name one."),
    unset("sasl.oauthbearer.expected.issuer", Kind::String)
        .high()
        .not_yet("OAUTHBEARER")
        .doc("The issuer that a token must name."),
    long("sasl.oauthbearer.jwks.endpoint.refresh.ms", "3600000")
        .low()
        .not_yet("OAUTHBEARER")
        .doc("How often the identity provider's keys are fetched anew."),
    long("sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", "10000")
        .low()
        .not_yet("OAUTHBEARER")
        .doc("The longest wait between two attempts to fetch the keys."),
    long("sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", "100")
        .low()
        .not_yet("OAUTHBEARER")
        .doc("The first wait between two attempts to fetch the keys."),
    unset("sasl.oauthbearer.jwks.endpoint.url", Kind::String)
        .not_yet("OAUTHBEARER")
        .doc("Where the identity provider's keys are."),
    class("sasl.oauthbearer.jwt.retriever.class", "org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever")
        .not_yet("OAUTHBEARER")
        .doc("The class that gets tokens."),
    class("sasl.oauthbearer.jwt.validator.class", "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator")
        .not_yet("OAUTHBEARER")
        .doc("The class that checks tokens."),
    unset("sasl.oauthbearer.scope", Kind::String)
        .not_yet("OAUTHBEARER")
        .doc("The scope that this node asks a token for."),
    string("sasl.oauthbearer.scope.claim.name", "scope")
        .low()
        .not_yet("OAUTHBEARER")
        .doc("The claim that holds a token's scope."),
    string("sasl.oauthbearer.sub.claim.name", "sub")
        .low()
        .not_yet("OAUTHBEARER")
        .doc("The claim that holds a token's subject."),
    unset("sasl.oauthbearer.token.endpoint.url", Kind::String)
        .not_yet("OAUTHBEARER")
        .doc("Where tokens are asked for."),
    unset("sasl.server.callback.handler.class", Kind::Class).not_yet("SASL").doc(
        "A class that answers the questions of the server side of a mechanism. It is set for one listener and \
         mechanism.",
    ),
    int("sasl.server.max.receive.size", "524288")
        .not_yet("SASL")
        .doc("The largest request that is read before a client has authenticated."),
];
