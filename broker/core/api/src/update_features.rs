//! UpdateFeatures: raises and lowers finalized features. Needs Alter on the cluster.

use std::borrow::Cow;

use ottla_metadata::decide::Refusal;
use ottla_metadata::decide::features::{FeatureUpdate, UpgradeType};
use ottla_vocabulary::Duration;
use ottla_wire::update_features_response::UpdatableFeatureResult;
use ottla_wire::{Budget, ErrorCode, UpdateFeaturesRequest, UpdateFeaturesResponse, WireError};

use crate::authorizer::{Operation, Resource};
use crate::command::{Answers, Command};
use crate::context::Context;
use crate::outcome::Outcome;
use crate::response::{Encoded, Head};

/// Levels to change, all or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The levels.
    pub updates: Vec<FeatureUpdate>,
    /// Only say whether it could be done.
    pub validate_only: bool,
    /// How long the client waits.
    pub timeout: Duration,
}

pub(crate) fn handle<'a>(
    context: &Context<'a>,
    request: &UpdateFeaturesRequest<'a>,
    budget: &mut Budget,
) -> Result<Outcome<'a>, WireError> {
    if !context.allows(Operation::Alter, Resource::Cluster) {
        let refusal = Refusal::of(ErrorCode::ClusterAuthorizationFailed);
        return Ok(Outcome::Reply(encode(context.head, &[], Some(&refusal))?));
    }
    let updates = request.feature_updates.collect(budget)?.into_iter().map(|update| {
        // Version 0 could only say whether a downgrade was allowed.
        let upgrade = match (context.version(), update.allow_downgrade) {
            (0, true) => UpgradeType::SafeDowngrade,
            (0, false) => UpgradeType::Upgrade,
            _ => UpgradeType::from_code(update.upgrade_type),
        };
        FeatureUpdate { name: update.feature.into_owned(), level: update.max_version_level, upgrade }
    });
    let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
    let task = Task { updates: updates.collect(), validate_only: request.validate_only, timeout };
    Ok(Outcome::Controller(Command::UpdateFeatures(task)))
}

/// The answer.
///
/// # Errors
/// When it cannot be encoded.
pub fn answer(head: Head, task: Task, decided: &Result<(), Refusal>) -> Result<Answers, WireError> {
    let names: Vec<String> = task.updates.into_iter().map(|update| update.name).collect();
    let refused = decided.as_ref().err().map(|refusal| Refusal {
        code: refusal.code,
        message: refusal.message.as_ref().map(|why| {
            format!("The update failed for all features since the following feature had an error: {why}").into()
        }),
    });
    let committed = encode(head, &names, refused.as_ref())?;
    let failed = move |code: ErrorCode| encode(head, &names, Some(&Refusal::of(code)));
    Ok(Answers { committed, failed: Box::new(failed) })
}

/// A refusal is the request's as a whole; only a success is told feature by feature, and only before version 2.
fn encode(head: Head, names: &[String], refusal: Option<&Refusal>) -> Result<Encoded, WireError> {
    let results = names.iter().filter(|_| refusal.is_none() && head.version < 2).map(|name| UpdatableFeatureResult {
        feature: Cow::Borrowed(name),
        error_code: ErrorCode::None.code(),
        error_message: None,
    });
    head.encode(&UpdateFeaturesResponse {
        throttle_time_ms: head.throttle(),
        error_code: refusal.map_or(ErrorCode::None, |refusal| refusal.code).code(),
        error_message: refusal.and_then(|refusal| refusal.message.clone()),
        results: results.collect(),
    })
}
