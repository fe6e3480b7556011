//! Writes `docs/configuration/` from the table: `cargo run -p ottla-config --example document`.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/configuration");
    std::fs::create_dir_all(&folder)?;
    for (name, text) in ottla_config::document::pages() {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(())
}
