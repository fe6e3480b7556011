//! What a client-metrics subscription may say (KIP-714).

use ottla_config::{Properties, catalogue};
use ottla_wire::ErrorCode;

use super::Refusal;

/// What a subscription can match clients by.
const PARAMETERS: [&str; 6] = [
    "client_instance_id",
    "client_id",
    "client_software_name",
    "client_software_version",
    "client_source_address",
    "client_source_port",
];

/// Checks all that a subscription would set.
pub(super) fn check_client_metrics(name: &str, after: &Properties) -> Result<(), Refusal> {
    if name.is_empty() {
        return Err(Refusal::new(ErrorCode::InvalidRequest, "Subscription name can't be empty"));
    }
    for (key, text) in after.iter() {
        let Some(row) = catalogue::client_metrics_key(key) else {
            let message = format!("Unknown client metrics configuration: {key}");
            return Err(Refusal::new(ErrorCode::InvalidRequest, message));
        };
        row.parse(text).map_err(|complaint| Refusal::new(ErrorCode::InvalidConfig, complaint.message))?;
    }
    if let Some(interval) = after.get("interval.ms").and_then(|text| text.trim().parse::<i64>().ok())
        && !(100..=3_600_000).contains(&interval)
    {
        let message =
            format!("Invalid value {interval} for interval.ms, interval must be between 100 and 3600000 (1 hour)");
        return Err(Refusal::new(ErrorCode::InvalidRequest, message));
    }
    let patterns = after.get("match").unwrap_or_default().split(',').map(str::trim);
    for pattern in patterns.filter(|pattern| !pattern.is_empty()) {
        let is_right = pattern.split_once('=').is_some_and(|(parameter, value)| {
            PARAMETERS.contains(&parameter.trim()) && !value.is_empty() && !value.contains('=')
        });
        if !is_right {
            let message = format!("Illegal client matching pattern: {pattern}");
            return Err(Refusal::new(ErrorCode::InvalidConfig, message));
        }
    }
    Ok(())
}
