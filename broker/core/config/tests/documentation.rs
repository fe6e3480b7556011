//! `docs/configuration/` is what the table says at this commit.

use std::path::Path;

#[test]
fn the_pages_are_fresh() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/configuration");
    for (name, expected) in ottla_config::document::pages() {
        let written = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(written == expected, "{name} is stale; write it with: cargo run -p ottla-config --example document");
    }
}
