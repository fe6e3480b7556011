//! Kubernetes' quantities: `10Gi`, `0.5`, `500m`. Users write them in many ways and the API server rewrites them, so they
//! are compared by what they mean.

use serde_json::Value;

/// A quantity as a number of its unit; nothing when the text is none.
pub(crate) fn parse(text: &str) -> Option<f64> {
    const SUFFIXES: [(&str, f64); 16] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("Ei", 1_152_921_504_606_846_976.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
        ("E", 1e18),
        ("", 1.0),
    ];
    // `1e3` ends in no suffix and is read by the last row; `1E` ends in one.
    let (digits, factor) = SUFFIXES.iter().find_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?, *factor)))?;
    let plain = |letter: char| letter.is_ascii_digit() || matches!(letter, '.' | '+' | '-' | 'e' | 'E');
    if digits.is_empty() || !digits.chars().all(plain) {
        return None;
    }
    digits.parse::<f64>().ok().map(|number| number * factor)
}

/// Whether two texts are quantities of the same worth.
pub(crate) fn same(left: &str, right: &str) -> bool {
    match (parse(left), parse(right)) {
        (Some(left), Some(right)) => (left - right).abs() <= left.abs().max(right.abs()) * 1e-9,
        _ => false,
    }
}

/// A quantity as manifests of all ages write it: a text or a number.
pub(crate) fn text(value: &Value) -> Option<String> {
    let text = crate::document::plain_text(value)?;
    parse(&text).map(|_| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_the_same_worth_are_the_same() {
        for (left, right) in
            [("1", "1000m"), ("0.5", "500m"), ("1Gi", "1024Mi"), ("1e3", "1k"), ("64Gi", "64Gi"), ("1E", "1000P")]
        {
            assert!(same(left, right), "{left} {right}");
        }
        for (left, right) in
            [("1G", "1Gi"), ("1", "1001m"), ("", ""), ("x", "x"), ("infinity", "infinity"), ("NaN", "NaN")]
        {
            assert!(!same(left, right), "{left} {right}");
        }
    }
}
