//! The public data that the demonstration sends: flights, earthquakes and stock prices, from the npm package
//! `vega-datasets`. Given its files; gives records with keys and headers, and a checksum that does not depend on the
//! order in which partitions are read.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use ottla_test_clients::Record;
use serde_json::{Value, json};

use crate::program;

/// A data set and the topic it goes to.
pub struct DataSet {
    /// The topic, and what the data set is called.
    pub topic: &'static str,
    /// The file it was read from.
    pub file: &'static str,
    /// In the order of the file.
    pub records: Vec<Record>,
}

/// Records out of the text of a file.
type Parse = fn(&str) -> Result<Vec<Record>>;

/// All three, from the folder `vega-datasets/data`.
pub fn read(folder: &Path) -> Result<Vec<DataSet>> {
    let sources: [(&str, &str, Parse); 3] = [
        ("flights", "flights-20k.json", flights),
        ("earthquakes", "earthquakes.json", earthquakes),
        ("stocks", "stocks.csv", stocks),
    ];
    sources
        .into_iter()
        .map(|(topic, file, parse)| {
            let path = folder.join(file);
            let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
            let records = parse(&text).with_context(|| format!("understand {}", path.display()))?;
            Ok(DataSet { topic, file, records })
        })
        .collect()
}

/// A flight a record, by the airport it leaves.
fn flights(text: &str) -> Result<Vec<Record>> {
    let flights: Vec<Value> = serde_json::from_str(text)?;
    flights
        .iter()
        .map(|flight| {
            let origin = text_of(flight, "/origin")?;
            Ok(record(origin, flight, &[("destination", &text_of(flight, "/destination")?)]))
        })
        .collect()
}

/// An earthquake a record, by the network that reported it.
fn earthquakes(text: &str) -> Result<Vec<Record>> {
    let collection: Value = serde_json::from_str(text)?;
    let features = collection["features"].as_array().context("a feature collection has features")?;
    features
        .iter()
        .map(|feature| {
            let network = text_of(feature, "/properties/net")?;
            let kind = text_of(feature, "/properties/type")?;
            let magnitude = feature["properties"]["mag"].to_string();
            Ok(record(network, feature, &[("type", &kind), ("magnitude", &magnitude)]))
        })
        .collect()
}

/// A price a record, by the company.
fn stocks(text: &str) -> Result<Vec<Record>> {
    let mut lines = text.lines();
    let columns: Vec<&str> = lines.next().context("a table has a heading")?.split(',').collect();
    lines
        .map(|line| {
            let row: serde_json::Map<String, Value> =
                columns.iter().zip(line.split(',')).map(|(column, cell)| ((*column).to_owned(), json!(cell))).collect();
            let row = Value::Object(row);
            Ok(record(text_of(&row, "/symbol")?, &row, &[("currency", "USD")]))
        })
        .collect()
}

fn record(key: String, value: &Value, headers: &[(&str, &str)]) -> Record {
    let headers = headers.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    Record { key: Some(key), value: Some(value.to_string()), headers, ..Record::default() }
}

fn text_of(value: &Value, pointer: &str) -> Result<String> {
    let text = value.pointer(pointer).and_then(Value::as_str);
    Ok(text.with_context(|| format!("no text at {pointer} in {value}"))?.to_owned())
}

/// A SHA-256 over keys, values and headers of `records` in an order of its own. Shortened to what a table has room for.
pub fn checksum<'r>(records: impl IntoIterator<Item = &'r Record>) -> Result<String> {
    let mut lines: Vec<String> = records.into_iter().map(|record| json!(record.content()).to_string()).collect();
    lines.sort_unstable();
    let sum = program::feed(&mut Command::new("sha256sum"), &lines.join("\n"))?;
    sum.get(..16).map(str::to_owned).context("sha256sum gives 64 characters")
}

/// Whether the records of each key come in the order in which they were sent. `read` may be in any order of partitions,
/// as long as each partition is in the order of its offsets.
pub fn is_in_order<'r>(sent: impl IntoIterator<Item = &'r Record>, read: impl IntoIterator<Item = &'r Record>) -> bool {
    by_key(sent) == by_key(read)
}

fn by_key<'r>(records: impl IntoIterator<Item = &'r Record>) -> BTreeMap<&'r Option<String>, Vec<&'r Option<String>>> {
    let mut keys: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for record in records {
        keys.entry(&record.key).or_default().push(&record.value);
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_have_the_keys_and_headers_of_their_file() {
        let flights = flights(r#"[{"delay": 1, "origin": "LAX", "destination": "BNA"}]"#).unwrap();
        assert_eq!(flights[0].key.as_deref(), Some("LAX"));
        assert_eq!(flights[0].headers, [("destination".to_owned(), "BNA".to_owned())]);
        let stocks = stocks("symbol,date,price\nMSFT,Jan 1 2000,39.81\n").unwrap();
        assert_eq!(stocks[0].value.as_deref(), Some(r#"{"date":"Jan 1 2000","price":"39.81","symbol":"MSFT"}"#));
    }

    #[test]
    fn a_checksum_sees_what_changed_and_not_in_which_order_it_came() {
        let sent = stocks("symbol,date,price\nA,1,1\nA,2,2\nB,1,3\n").unwrap();
        let [a1, a2, b1] = [&sent[0], &sent[1], &sent[2]];
        assert_eq!(checksum(&sent).unwrap(), checksum([b1, a1, a2]).unwrap());
        assert_ne!(checksum(&sent).unwrap(), checksum([a1, a2]).unwrap());
        assert!(is_in_order(&sent, [b1, a1, a2]));
        assert!(!is_in_order(&sent, [b1, a2, a1]), "the order within a key");
        assert!(!is_in_order(&sent, [a1, a2]));
    }
}
