//! The committed YAML is what the schema files say, and a server can take it.

use ottla_crds::{Kind, Schema};

fn committed(kind: Kind) -> String {
    let file = format!("{}/yaml/{}.yaml", env!("CARGO_MANIFEST_DIR"), kind.plural());
    std::fs::read_to_string(file).expect("the file is committed")
}

#[test]
fn the_committed_yaml_is_fresh() {
    for kind in Kind::ALL {
        assert!(committed(kind) == kind.to_yaml(), "{} is stale: run `cargo xtask crds`", kind.plural());
    }
}

/// etcd takes requests of 1.5 MiB, and an object travels with the record of who manages its fields; helm keeps every CRD
/// of a chart in one Secret of 1 MiB, compressed.
#[test]
fn a_definition_stays_under_700_kibibytes() {
    for kind in Kind::ALL {
        let bytes = kind.definition().to_string().len();
        assert!(bytes <= 700 * 1024, "{} has {bytes} bytes", kind.plural());
    }
}

#[test]
fn every_version_has_the_same_schema_and_one_is_stored() {
    for kind in Kind::ALL {
        let definition = kind.definition();
        let versions = definition["spec"]["versions"].as_array().expect("a list");
        assert!(versions.iter().all(|version| version["schema"] == versions[0]["schema"]), "{}", kind.name());
        let stored: Vec<_> = versions.iter().filter(|version| version["storage"] == true).collect();
        assert_eq!(stored.len(), 1);
        assert_eq!(stored[0]["name"], "v1");
    }
}

/// A rule that one version has and another lacks would refuse writes of a status to old objects.
#[test]
fn no_rule_reaches_beyond_one_field() {
    for kind in Kind::ALL {
        assert!(!kind.definition().to_string().contains("x-kubernetes-validations"));
    }
}

#[test]
fn every_leaf_allows_its_samples() {
    for kind in Kind::ALL {
        for leaf in kind.schema().leaves() {
            assert!(!leaf.samples.is_empty(), "{} has no sample", leaf.path);
        }
        assert!(matches!(kind.schema(), Schema::Object(_)));
    }
}
