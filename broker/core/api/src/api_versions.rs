//! ApiVersions: which APIs in which versions, and which features. Every client's first request; needs no right.
//!
//! A version that is not known is answered in version 0 with error 35, so that a newer client learns what to speak.
//! From version 5 on a client says which cluster and node it meant (KIP-1242); behind addresses that are given out
//! again, such as a Kubernetes service's, it may have reached another, and is told to begin anew.

use std::borrow::Cow;

use ottla_metadata::image::features::KRAFT_VERSION;
use ottla_wire::api_versions_response::{ApiVersion, FinalizedFeatureKey, SupportedFeatureKey};
use ottla_wire::{ApiKey, ApiVersionsRequest, ApiVersionsResponse, ErrorCode, WireError};

use crate::context::Context;
use crate::outcome::Outcome;
use crate::response::Encoded;
use crate::served::{SERVED, is_served};

/// The level of kraft.version, which the quorum keeps and not the image: the voters are always in the log.
const KRAFT_LEVEL: i16 = 1;

pub(crate) fn handle<'a>(context: &Context<'a>, request: &ApiVersionsRequest<'a>) -> Result<Outcome<'a>, WireError> {
    let refusal = if 3 <= context.version() && !is_valid(request) {
        Some(ErrorCode::InvalidRequest)
    } else if 5 <= context.version() && is_meant_for_another(context, request) {
        Some(ErrorCode::RebootstrapRequired)
    } else {
        None
    };
    let answer = match refusal {
        Some(code) => ApiVersionsResponse {
            error_code: code.code(),
            throttle_time_ms: context.head.throttle(),
            ..ApiVersionsResponse::default()
        },
        None => describe(context),
    };
    Ok(Outcome::Reply(context.head.encode(&answer)?))
}

/// The answer to a version that is not known.
pub(crate) fn unknown_version(context: &Context<'_>) -> Result<Encoded, WireError> {
    let facts = ApiKey::ApiVersions.facts();
    let own = ApiVersion {
        api_key: ApiKey::ApiVersions.key(),
        min_version: facts.version_min,
        max_version: facts.version_max,
    };
    let answer = ApiVersionsResponse {
        error_code: ErrorCode::UnsupportedVersion.code(),
        api_keys: vec![own].into(),
        ..ApiVersionsResponse::default()
    };
    context.head.encode_in(&answer, 0)
}

/// Letters, digits, dots and dashes, and at both ends a letter or digit. Anything else would end up in metric names.
fn is_valid(request: &ApiVersionsRequest<'_>) -> bool {
    let is_word = |text: &str| {
        let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = text.as_bytes();
        let inner = bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
        inner && ends(bytes.first()) && ends(bytes.last())
    };
    is_word(&request.client_software_name) && is_word(&request.client_software_version)
}

fn is_meant_for_another(context: &Context<'_>, request: &ApiVersionsRequest<'_>) -> bool {
    let other_cluster = request.cluster_id.as_deref().is_some_and(|id| id != context.view.cluster_id);
    let other_node = request.node_id != -1 && request.node_id != context.view.node_id.0;
    other_cluster || other_node
}

fn describe(context: &Context<'_>) -> ApiVersionsResponse<'static> {
    let here = SERVED.iter().filter(|api| is_served(**api, context.peer.listener.role));
    let api_keys = here.map(|api| ApiVersion {
        api_key: api.key(),
        min_version: api.advertised_min(),
        max_version: api.advertised_max(),
    });
    let image = context.view.image;
    let supported = image.features.supported().into_iter().map(|(name, range)| SupportedFeatureKey {
        name: Cow::Owned(name),
        // Before version 4 a minimum of 0 could not be read by clients (KAFKA-17011): Kafka leaves those features out.
        min_version: range.min,
        max_version: range.max,
    });
    let supported = supported.filter(|feature| 4 <= context.version() || feature.min_version != 0);
    let finalized = |name: &str, level: i16| FinalizedFeatureKey {
        name: Cow::Owned(name.to_owned()),
        max_version_level: level,
        min_version_level: level,
    };
    let mut finalized_features: Vec<_> =
        image.features.levels.iter().map(|(name, level)| finalized(name, *level)).collect();
    if let Some(version) = image.features.metadata_version {
        finalized_features.push(finalized(ottla_metadata::image::features::METADATA_VERSION, version.0));
        finalized_features.push(finalized(KRAFT_VERSION, KRAFT_LEVEL));
    }
    ApiVersionsResponse {
        error_code: ErrorCode::None.code(),
        api_keys: api_keys.collect(),
        throttle_time_ms: context.head.throttle(),
        supported_features: supported.collect(),
        // Kafka's epoch of the finalized features is the offset up to which the image goes.
        finalized_features_epoch: image.end.0 - 1,
        finalized_features: finalized_features.into(),
        zk_migration_ready: false,
    }
}
