//! `status`: what runs, what does not, and how to use it.

use anyhow::Result;

use super::access::Access;
use super::layout::{Layout, Shape};
use super::processes::Processes;
use super::state::State;

/// Prints the state of both clusters.
pub fn print() -> Result<()> {
    for (shape, title) in [(Shape::Whole, "Kubernetes"), (Shape::ControlPlane, "control plane alone")] {
        let layout = Layout::new(shape)?;
        let Some(state) = State::read(&layout) else {
            println!("{title}: none");
            continue;
        };
        match state.nodes {
            0 => println!("{title}:"),
            nodes => println!("{title}: {nodes} node{}", if nodes == 1 { "" } else { "s" }),
        }
        let processes = Processes::of(&layout.run);
        for name in processes.names() {
            match processes.alive(&name) {
                Some(record) => println!("  {name:<20} process {}", record.pid),
                None => println!("  {name:<20} ended; its log is {}", processes.log(&name).display()),
            }
        }
        let access = Access::local(&layout)?;
        if shape == Shape::Whole {
            match access.ask(&["get", "nodes", "--no-headers"]) {
                Ok(nodes) => nodes.lines().for_each(|node| println!("  {node}")),
                Err(error) => println!("  the API server does not answer: {error:#}"),
            }
        }
        println!("  {}", access.shell_setup());
    }
    Ok(())
}
