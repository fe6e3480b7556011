//! The scenarios in `scenarios/*.txt`: commands to a controller in, the records and replies that each makes out, as a
//! golden transcript. They are the specification of the decisions; a changed line is a changed behaviour.
//!
//! After every command the laws are checked: replay of the log gives the state in memory, every record survives its
//! bytes, and the image survives a snapshot.

mod controller;
mod show;

use controller::Controller;

#[test]
fn scenarios() {
    insta::glob!("scenarios/*.txt", |path| {
        let script = std::fs::read_to_string(path).expect("a scenario is readable");
        let mut controller = Controller::new();
        let mut transcript = String::new();
        for line in script.lines() {
            transcript.push_str(line);
            transcript.push('\n');
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            for answer in controller.perform(line) {
                transcript.push_str(&format!("    {answer}\n"));
            }
        }
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(transcript);
        });
    });
}
