//! `GET /v1/members/{id}/card.svg`: what a till scans. It says the number of the member's card, or the member's id where
//! there is no card: a till sends what begins with `mem_` as `{"id": ...}`, and anything else as `{"card": ...}`.

use edge::{Call, Problem, Reply, from_refusal, person, read};
use ledger::Refusal;
use store::Load;

use crate::members::{OWN_READERS, named};
use crate::qr;

pub async fn show(call: &Call, id: &str) -> Result<Reply, Problem> {
    let load = Load { member: Some(named(call, id).await?), ..Load::default() };
    let shop = read(call, &OWN_READERS, load).await?;
    let member = shop.snapshot.member.as_ref().ok_or_else(|| from_refusal(&Refusal::MemberNotFound, shop.program.scale()))?;
    let card = person::behind(member).await?.card.unwrap_or_else(|| member.id.external("mem"));
    let headers = vec![("content-type", "image/svg+xml".to_owned())];
    Ok(Reply { headers, ..Reply::new(200, qr::svg(&card)?) })
}
