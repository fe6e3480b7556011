//! What the log says of things that are not served yet: access rules, SCRAM credentials, client quotas and delegation
//! tokens. They are kept as the records they came in, so that a snapshot writes them again and nothing of another's
//! cluster is lost.

use std::collections::BTreeMap;

use ottla_vocabulary::Uuid;
use ottla_wire::client_quota_record::EntityData;
use ottla_wire::{
    AccessControlEntryRecord, Array, ClientQuotaRecord, DelegationTokenRecord, UserScramCredentialRecord,
};

/// What a quota is for: pairs of a kind (`user`, `client-id`, `ip`) and a name, or no name for the default.
pub type QuotaEntity = Vec<(String, Option<String>)>;

/// All that is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// Access rules by their id.
    pub acls: BTreeMap<Uuid, AccessControlEntryRecord<'static>>,
    /// SCRAM credentials by mechanism and user.
    pub scram: BTreeMap<(i8, String), UserScramCredentialRecord<'static>>,
    /// Client quotas by entity and key.
    pub quotas: BTreeMap<QuotaEntity, BTreeMap<String, f64>>,
    /// Delegation tokens by their id.
    pub tokens: BTreeMap<String, DelegationTokenRecord<'static>>,
}

impl Kept {
    pub(crate) fn keep_acl(&mut self, record: &AccessControlEntryRecord<'_>) {
        let owned = AccessControlEntryRecord {
            id: record.id,
            resource_type: record.resource_type,
            resource_name: record.resource_name.to_string().into(),
            pattern_type: record.pattern_type,
            principal: record.principal.to_string().into(),
            host: record.host.to_string().into(),
            operation: record.operation,
            permission_type: record.permission_type,
        };
        self.acls.insert(record.id, owned);
    }

    pub(crate) fn keep_scram(&mut self, record: &UserScramCredentialRecord<'_>) {
        let owned = UserScramCredentialRecord {
            name: record.name.to_string().into(),
            mechanism: record.mechanism,
            salt: record.salt.to_vec().into(),
            stored_key: record.stored_key.to_vec().into(),
            server_key: record.server_key.to_vec().into(),
            iterations: record.iterations,
        };
        self.scram.insert((record.mechanism, record.name.to_string()), owned);
    }

    pub(crate) fn keep_token(&mut self, record: &DelegationTokenRecord<'_>) {
        let owned = DelegationTokenRecord {
            owner: record.owner.to_string().into(),
            requester: record.requester.to_string().into(),
            renewers: record.renewers.iter().map(|renewer| renewer.into_owned().into()).collect(),
            issue_timestamp: record.issue_timestamp,
            max_timestamp: record.max_timestamp,
            expiration_timestamp: record.expiration_timestamp,
            token_id: record.token_id.to_string().into(),
        };
        self.tokens.insert(record.token_id.to_string(), owned);
    }

    pub(crate) fn keep_quota(&mut self, record: &ClientQuotaRecord<'_>) {
        let mut entity: QuotaEntity = record
            .entity
            .iter()
            .map(|part| (part.entity_type.into_owned(), part.entity_name.map(|name| name.into_owned())))
            .collect();
        entity.sort();
        if !record.remove {
            self.quotas.entry(entity).or_default().insert(record.key.to_string(), record.value);
        } else if let Some(quotas) = self.quotas.get_mut(&entity) {
            quotas.remove(record.key.as_ref());
            if quotas.is_empty() {
                self.quotas.remove(&entity);
            }
        }
    }

    /// The quotas as records.
    pub(crate) fn quota_records(&self) -> impl Iterator<Item = ClientQuotaRecord<'static>> {
        self.quotas.iter().flat_map(|(entity, quotas)| {
            let parts = |(kind, name): &(String, Option<String>)| EntityData {
                entity_type: kind.clone().into(),
                entity_name: name.clone().map(Into::into),
            };
            quotas.iter().map(move |(key, value)| ClientQuotaRecord {
                entity: entity.iter().map(parts).collect::<Array<'_, _>>(),
                key: key.clone().into(),
                value: *value,
                remove: false,
            })
        })
    }
}
