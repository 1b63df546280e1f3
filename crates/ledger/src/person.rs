//! What a member says about messages and rules, a change of the person behind the member, and the person's going. The person's
//! data are elsewhere: the books know only which version of them stands, and keyed hashes.

use domain::Id;
use domain::plan::{Erasure, Identity, Message, NewAcceptance, NewConsent, Plan, ProfileUpdate};
use domain::snapshot::{Member, Snapshot};
use serde_json::json;

use crate::refusal::Refusal;

/// What a member says about a channel of messages: the last word stands, all words are kept.
///
/// # Errors
/// [`Refusal::MemberNotFound`], [`Refusal::MemberErased`].
pub fn consent(snapshot: &Snapshot, channel: &str, granted: bool, source: &str) -> Result<Plan, Refusal> {
    let member_id = present(snapshot)?.id;
    let consent = NewConsent { member_id, channel: channel.to_owned(), granted, source: source.to_owned() };
    let payload = json!({"channel": channel, "granted": granted, "source": source});
    let told = Message { member_id: Some(member_id), kind: "member.consented", payload };
    Ok(Plan { consents: vec![consent], outbox: vec![told], ..Plan::default() })
}

/// A member accepts a version of the program's rules.
///
/// # Errors
/// As [`consent`].
pub fn accept(snapshot: &Snapshot, rules_version: &str) -> Result<Plan, Refusal> {
    let member_id = present(snapshot)?.id;
    let acceptance = NewAcceptance { member_id, rules_version: rules_version.to_owned() };
    let payload = json!({"rules_version": rules_version});
    let told = Message { member_id: Some(member_id), kind: "member.accepted_rules", payload };
    Ok(Plan { acceptances: vec![acceptance], outbox: vec![told], ..Plan::default() })
}

/// Identities that a change of a person takes away and gives.
#[derive(Clone, Debug, Default)]
pub struct Identities {
    /// Kinds of which no identity leads to the member any more but those added: a merge may have left several.
    pub kinds: Vec<&'static str>,
    /// (kind, keyed hash).
    pub added: Vec<(&'static str, String)>,
}

/// Another version of the person's data stands, the one under the command's id, if it was made of the one that stands now.
///
/// # Errors
/// As [`consent`].
pub fn change_profile(snapshot: &Snapshot, identities: Identities) -> Result<Plan, Refusal> {
    let member = present(snapshot)?;
    let profile = ProfileUpdate { member_id: member.id, from: member.profile, kinds: identities.kinds };
    let added = identities.added.into_iter().map(|(kind, hash)| Identity { hash, kind, member_id: member.id });
    let told = Message { member_id: Some(member.id), kind: "member.updated", payload: json!({}) };
    Ok(Plan { profiles: vec![profile], identities: added.collect(), outbox: vec![told], ..Plan::default() })
}

/// The person goes: nobody is found by what they were known by, and nothing is written of the member any more but what
/// follows from orders and time. Entries, lots, orders and statistics stay.
///
/// # Errors
/// As [`consent`].
pub fn erase(snapshot: &Snapshot, caller_id: Id) -> Result<Plan, Refusal> {
    let member_id = present(snapshot)?.id;
    let told = Message { member_id: Some(member_id), kind: "member.erased", payload: json!({}) };
    Ok(Plan { erasures: vec![Erasure { member_id, caller_id }], outbox: vec![told], ..Plan::default() })
}

/// The member, whose person is still there.
fn present(snapshot: &Snapshot) -> Result<&Member, Refusal> {
    let member = snapshot.member.as_ref().ok_or(Refusal::MemberNotFound)?;
    if member.is_erased() { Err(Refusal::MemberErased) } else { Ok(member) }
}
