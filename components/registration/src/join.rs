//! The page where people join, which the operator names in the Spin variable `join_url`: with a member's code it brings a
//! friend, with a store's id it hangs on that shop's counter. Both also as QR codes.

use edge::{Access, Call, Problem, Reply, from_refusal, optional_variable, read};
use ledger::Refusal;
use store::Load;

use crate::members::{OWN_READERS, READERS, named};
use crate::qr;

/// The link with which a member brings friends; none where the shop has named no page.
pub async fn link_of(referral_code: &str) -> Option<String> {
    Some(with(&optional_variable("join_url").await?, "referral_code", referral_code))
}

/// `GET /v1/members/{id}/referral.svg`: the link with which the member brings friends.
pub async fn friend(call: &Call, id: &str) -> Result<Reply, Problem> {
    let load = Load { member: Some(named(call, id).await?), ..Load::default() };
    let shop = read(call, &OWN_READERS, load).await?;
    let member = shop.snapshot.member.as_ref().ok_or_else(|| from_refusal(&Refusal::MemberNotFound, shop.program.scale()))?;
    if member.is_erased() {
        return Err(from_refusal(&Refusal::MemberErased, shop.program.scale()));
    }
    code(&link_of(&member.referral_code).await.ok_or_else(no_page)?)
}

/// `GET /v1/join.svg`: for the counter of a store. A till's key is of its own store.
pub async fn counter(call: &Call) -> Result<Reply, Problem> {
    let access = Access::of(call).await?;
    let caller = access.permit(call, access.known().await?, &READERS)?;
    let page = optional_variable("join_url").await.ok_or_else(no_page)?;
    let store = caller.store.or_else(|| call.parameter("store").map(str::to_owned));
    code(&store.map_or(page.clone(), |store| with(&page, "store", &store)))
}

fn code(link: &str) -> Result<Reply, Problem> {
    Ok(Reply { headers: vec![("content-type", "image/svg+xml".to_owned())], ..Reply::new(200, qr::svg(link)?) })
}

fn no_page() -> Problem {
    Problem::not_found("join_page_missing", "the shop has no page to join on: set the Spin variable join_url to its address")
}

/// An address with one more parameter, before its fragment.
fn with(page: &str, name: &str, value: &str) -> String {
    let (page, fragment) = page.split_once('#').map_or((page, None), |(page, fragment)| (page, Some(fragment)));
    let joint = if page.contains('?') { '&' } else { '?' };
    let parameter = form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
    format!("{page}{joint}{parameter}{}", fragment.map_or_else(String::new, |fragment| format!("#{fragment}")))
}
