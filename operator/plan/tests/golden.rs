//! What is made of the users' manifests and of small cases, as text that a reviewer reads line by line.
//!
//! A case is a folder in `cases/`; its file `base`, if there is one, names the case that it differs from, and then only
//! the difference is kept. `cargo insta review` shows what a change changes.

mod support;

use std::path::{Path, PathBuf};

use ottla_plan::topics::plan_topic;
use ottla_plan::{Plan, inspect};
use similar::TextDiff;
use support::{NOW, Namespace, Resources};

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The plan of a cluster of which nothing stands yet; every plan is inspected before it is compared.
fn plan(resources: &Resources) -> Plan {
    let kafka = resources.kafkas.first().expect("a case has a Kafka");
    let mut namespace = Namespace::default();
    // The default names the release, and a release is no reason to read all of these again.
    namespace.settings.image = "localhost/ottla/broker:of-this-release".to_owned();
    let plan = namespace.plan(kafka, &resources.pools);
    let faults = inspect::inspect(&plan.objects);
    assert!(faults.is_empty(), "{faults:#?}");
    plan
}

/// The head of a plan's text, without the objects.
fn summary(plan: &Plan) -> String {
    plan.to_string().lines().take_while(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect()
}

fn text_of_case(name: &str) -> String {
    let folder = folder("tests/cases").join(name);
    let text = plan(&Resources::of_folder(&folder)).to_string();
    let Ok(base) = std::fs::read_to_string(folder.join("base")) else { return text };
    let base =
        plan(&Resources::of_folder(&folder.parent().expect("cases have a folder").join(base.trim()))).to_string();
    TextDiff::from_lines(&base, &text).unified_diff().context_radius(3).to_string()
}

#[test]
fn cases() {
    let mut names: Vec<String> = std::fs::read_dir(folder("tests/cases"))
        .expect("the cases are there")
        .flatten()
        .map(|case| case.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert!(8 <= names.len(), "{names:?}");
    for name in names {
        insta::assert_snapshot!(format!("case-{name}"), text_of_case(&name));
    }
}

#[test]
fn manifests() {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder("../../tests/manifests"))
        .expect("the manifests are there")
        .flatten()
        .map(|file| file.path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect();
    files.sort();
    assert!(10 < files.len(), "{files:?}");
    for file in files {
        let name = file.file_stem().expect("files have names").to_string_lossy().into_owned();
        let resources = Resources::read(&std::fs::read_to_string(&file).expect("it can be read"));
        let mut text = String::new();
        if !resources.kafkas.is_empty() {
            text.push_str(&summary(&plan(&resources)));
        }
        for topic in &resources.topics {
            let plan = plan_topic(topic, &[], None, NOW);
            text.push_str(&format!("# KafkaTopic {}: {:?}\n", topic.name(), plan.commands));
        }
        insta::assert_snapshot!(format!("manifest-{name}"), text);
    }
}

/// Every manifest that is not refused reaches a state in which nothing is left to be done.
#[test]
fn every_manifest_settles() {
    for file in std::fs::read_dir(folder("../../tests/manifests")).expect("they are there").flatten() {
        let path = file.path();
        if path.extension().is_none_or(|end| end != "yaml") {
            continue;
        }
        let mut resources = Resources::read(&std::fs::read_to_string(&path).expect("it can be read"));
        if let Some(kafka) = resources.kafkas.first_mut() {
            Namespace::default().converge(kafka, &mut resources.pools);
        }
    }
}
