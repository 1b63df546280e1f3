//! Members who may be one person: told to the staff, who merge them. Nothing is merged by itself.

use std::collections::BTreeSet;

use domain::Id;
use edge::{Call, Problem, Reply, Scope, authorize, books, from_store, people};
use serde_json::{Value, json};

/// `GET /v1/members/duplicates`: groups of members of one name and birthday. A page may have fewer groups than asked for, where
/// some were merged or changed meanwhile.
pub async fn list(call: &Call) -> Result<Reply, Problem> {
    let limit = call.limit()?;
    authorize(call, &[Scope::Staff]).await?;
    let after = call.parameter("cursor").unwrap_or_default();
    let groups = store::alike(&people(), after, limit).await.map_err(|error| from_store(&error))?;
    let versions: Vec<(Id, Id)> = groups.iter().flat_map(|group| group.versions.iter().copied()).collect();
    let standing: BTreeSet<Id> =
        store::standing_versions(&books(), &versions).await.map_err(|error| from_store(&error))?.into_iter().collect();
    let whole_page = i64::try_from(groups.len()).is_ok_and(|found| found == limit);
    let next = groups.last().filter(|_| whole_page).map(|last| last.likeness.clone());
    let items: Vec<Value> = groups
        .iter()
        .filter_map(|group| {
            let standing = group.versions.iter().filter(|(version, _)| standing.contains(version));
            let members: BTreeSet<Id> = standing.map(|(_, member)| *member).collect();
            let ids: Vec<String> = members.iter().map(|member| member.external("mem")).collect();
            (ids.len() > 1).then(|| json!({"reason": "same_name_and_birthday", "member_ids": ids}))
        })
        .collect();
    Ok(Reply::ok(&json!({"items": items, "next_cursor": next})))
}
