//! The table as documentation: the pages of `docs/configuration/`, in Markdown.
//!
//! `cargo run -p ottla-config --example document` writes them; a test holds the files against these texts.

use core::fmt::Write;

use crate::catalogue;
use crate::key::{Default, Honoured, Key};
use crate::ottla;

/// Every page: the name of its file and its text.
pub fn pages() -> Vec<(&'static str, String)> {
    vec![
        ("README.md", overview()),
        ("broker.md", broker()),
        ("topic.md", one_table(TOPIC, catalogue::TOPIC, true)),
        ("group.md", one_table(GROUP, catalogue::GROUP, true)),
        ("client-metrics.md", one_table(CLIENT_METRICS, catalogue::CLIENT_METRICS, false)),
    ]
}

const GENERATED: &str = "<!-- Written by `cargo run -p ottla-config --example document`; edit the table in broker/core/config/src/catalogue. -->\n\n";

const TOPIC: &str = "# Topic configuration

What a topic can set for itself. What it does not set comes from the broker keys in the last column, the first that is set,
or else from their defaults.
";

const GROUP: &str = "# Group configuration

What a group can set for itself. What it does not set comes from the broker key in the last column.
";

const CLIENT_METRICS: &str = "# Client-metrics configuration

What a client-metrics subscription can set.
";

fn overview() -> String {
    let all = || {
        let tables = [catalogue::TOPIC, catalogue::GROUP, catalogue::CLIENT_METRICS];
        catalogue::broker_keys().chain(tables.into_iter().flatten())
    };
    let count = |wanted: fn(&Honoured) -> bool| all().filter(|key| wanted(&key.honoured)).count();
    format!(
        "{GENERATED}# Configuration

The broker takes Kafka's `server.properties`. Every key of Kafka 4.4 is known, with its type, default, bounds and way to
change it; the last column of each table says which part of the product honours the key, or why it has no effect. A value
that is wrong refuses the start and names key, value and what is allowed. A key that has no effect, is unknown, or was
removed from Kafka gives a warning when it is set.

| Page | Keys |
|---|--:|
| [Broker](broker.md) | {} |
| [Topic](topic.md) | {} |
| [Group](group.md) | {} |
| [Client metrics](client-metrics.md) | {} |

Of these, {} are honoured, {} have no effect for a lasting reason, and {} wait for a part that is not built.

In the column *Changes*: **restart** needs one; **broker** changes while the broker runs, for one broker; **cluster** changes
while brokers run, for all or for one. Keys marked † are internal to Kafka: it hides them unless they are set.

A key of one listener is written `listener.name.<name in lower case>.<key>`.

## Keys of our own

{}",
        catalogue::broker_keys().count(),
        catalogue::TOPIC.len(),
        catalogue::GROUP.len(),
        catalogue::CLIENT_METRICS.len(),
        count(|honoured| matches!(honoured, Honoured::By(_))),
        count(|honoured| matches!(honoured, Honoured::NoEffect(_))),
        count(|honoured| matches!(honoured, Honoured::NotYet(_))),
        own_keys(),
    )
}

fn own_keys() -> String {
    let mut text = String::from("| Key | Allowed | Default | What it does |\n|---|---|---|---|\n");
    for (name, allowed, default, documentation) in ottla::KEYS {
        write_row(&mut text, &[&format!("`{name}`"), allowed, default, documentation]);
    }
    text
}

fn broker() -> String {
    let mut text = format!("{GENERATED}# Broker configuration\n");
    for (subject, rows) in catalogue::BROKER_SUBJECTS {
        let _ = write!(text, "\n## {subject}\n\n");
        text += "| Key | Type | Default | Allowed | Changes | What it does | Honoured by |\n|---|---|---|---|---|---|---|\n";
        for key in *rows {
            let [name, kind, default, allowed] = facts(key);
            let changes = match key.update.name() {
                "read-only" => "restart",
                "per-broker" => "broker",
                _ => "cluster",
            };
            write_row(&mut text, &[&name, &kind, &default, &allowed, changes, key.documentation, &honoured(key)]);
        }
    }
    text
}

fn one_table(head: &str, rows: &[Key], with_synonyms: bool) -> String {
    let mut text = format!("{GENERATED}{head}\n| Key | Type | Default | Allowed | What it does | Honoured by |");
    text += if with_synonyms { " Broker's keys |\n" } else { "\n" };
    text += if with_synonyms { "|---|---|---|---|---|---|---|\n" } else { "|---|---|---|---|---|---|\n" };
    for key in rows {
        let [name, kind, default, allowed] = facts(key);
        let honoured = honoured(key);
        let synonyms = key.broker_synonyms.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let cells = [&name, &kind, &default, &allowed, key.documentation, &honoured, &synonyms];
        write_row(&mut text, if with_synonyms { &cells } else { &cells[..6] });
    }
    text
}

fn facts(key: &Key) -> [String; 4] {
    let mark = if key.internal { " †" } else { "" };
    let default = match key.default {
        Default::Required => "**required**".to_owned(),
        Default::Null => "unset".to_owned(),
        Default::Text("") => "empty".to_owned(),
        Default::Text(text) => format!("`{text}`"),
    };
    [format!("`{}`{mark}", key.name), key.kind.name().to_owned(), default, allowed(key)]
}

fn allowed(key: &Key) -> String {
    use crate::bounds::Bounds;
    match key.bounds {
        Bounds::Any | Bounds::Distinct { entries: [], empty: true, .. } => String::new(),
        Bounds::AtLeast(least) => format!("≥ {least}"),
        Bounds::Between(least, most) => format!("{least} … {most}"),
        Bounds::Fraction(least, most) => format!("{least} … {most}"),
        Bounds::BetweenOr(least, most, other) => format!("{least} … {most}, or {other}"),
        Bounds::OneOf(texts) | Bounds::OneOfAnyCase(texts) => code_list(texts),
        Bounds::Distinct { entries: [], .. } => "at least one".to_owned(),
        Bounds::Distinct { entries, .. } => code_list(entries),
        Bounds::NonNull => String::new(),
        Bounds::NonEmpty => "not empty".to_owned(),
        Bounds::Voters => "`id@host:port`".to_owned(),
        Bounds::BootstrapServers => "`host:port`".to_owned(),
        Bounds::ThrottledReplicas => "`*`, or `partition:broker`".to_owned(),
        Bounds::ShareStart => "`latest`, `earliest`, `by_duration:PnDTnHnMn.nS`".to_owned(),
    }
}

fn code_list(texts: &[&str]) -> String {
    texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ")
}

fn honoured(key: &Key) -> String {
    match key.honoured {
        Honoured::By(part) => part.to_owned(),
        Honoured::NoEffect(why) => format!("*no effect:* {why}"),
        Honoured::NotYet(what) => format!("*not yet:* {what}"),
    }
}

fn write_row(text: &mut String, cells: &[&str]) {
    for cell in cells {
        debug_assert!(!cell.contains(['|', '\n']));
        let _ = write!(text, "| {cell} ");
    }
    *text += "|\n";
}
