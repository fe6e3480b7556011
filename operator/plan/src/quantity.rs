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
    digits.parse::<f64>().ok().map(|number| number * factor).filter(|number| number.is_finite())
}

/// Whether two texts are quantities of the same worth. The API server rounds up to thousandths, and so does this.
pub(crate) fn same(left: &str, right: &str) -> bool {
    match (parse(left), parse(right)) {
        (Some(left), Some(right)) => {
            (left - right).abs() <= left.abs().max(right.abs()) * 1e-9 || up(left * 1000.0) == up(right * 1000.0)
        }
        _ => false,
    }
}

/// The larger of two quantities, the first where they are the same.
pub(crate) fn larger<'a>(one: &'a str, other: &'a str) -> &'a str {
    if parse(one) < parse(other) && !same(one, other) { other } else { one }
}

/// A quantity of a resource in what that resource is counted in: CPU in thousandths, all else (bytes) in whole ones. What
/// is finer is rounded up, as Kubernetes would do behind our back; what is not stays as it was written.
pub(crate) fn rounded(resource: &str, text: &str) -> String {
    let (parts, suffix) = if resource == "cpu" { (1000.0, "m") } else { (1.0, "") };
    match parse(text).map(|number| number * parts) {
        Some(number) if 1e-6 < (up(number) - number).abs() => format!("{:.0}{suffix}", up(number)),
        _ => text.to_owned(),
    }
}

/// The next whole number; what lies above one by no more than a double's own fault is that one.
fn up(number: f64) -> f64 {
    (number - 1e-6).ceil()
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
        for (left, right) in [
            ("1", "1000m"),
            ("0.5", "500m"),
            ("0.0625", "63m"),
            ("0.1", "100m"),
            ("1e300", "1e300"),
            ("1Gi", "1024Mi"),
            ("1e3", "1k"),
            ("64Gi", "64Gi"),
            ("1E", "1000P"),
        ] {
            assert!(same(left, right), "{left} {right}");
        }
        for (left, right) in [
            ("0.0625", "62m"),
            ("1e999", "1e999"),
            ("1G", "1Gi"),
            ("1", "1001m"),
            ("", ""),
            ("x", "x"),
            ("infinity", "infinity"),
            ("NaN", "NaN"),
        ] {
            assert!(!same(left, right), "{left} {right}");
        }
    }

    #[test]
    fn what_is_too_fine_is_rounded_up_and_the_rest_stays_as_written() {
        for (resource, text, expected) in [
            ("cpu", "0.0625", "63m"),
            ("cpu", "0.5", "0.5"),
            ("cpu", "0.1", "0.1"),
            ("cpu", "62500u", "63m"),
            ("cpu", "2", "2"),
            ("memory", "0.5", "1"),
            ("memory", "1.5Gi", "1.5Gi"),
            ("memory", "1.3Gi", "1395864372"),
            ("memory", "1500m", "2"),
            ("storage", "100Gi", "100Gi"),
            ("storage", "8Ei", "8Ei"),
            ("cpu", "much", "much"),
        ] {
            assert_eq!(rounded(resource, text), expected, "{resource} {text}");
        }
    }
}
