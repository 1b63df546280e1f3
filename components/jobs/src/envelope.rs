//! What an endpoint is sent of a message: the fact, and the person only where the endpoint is meant to get it. Nothing of it is
//! written anywhere.

use domain::{Id, Instant, amount};
use edge::Problem;
use edge::person::{Person, Persons};
use serde_json::{Map, Value, json};
use store::{Addressee, Outgoing};

/// What a message is sent as.
pub enum Envelope {
    Body(String),
    /// Nobody has any use of it any more, and why.
    Nothing(&'static str),
}

/// Puts a message into the words of Standard Webhooks.
///
/// # Errors
/// 500 when the person or the code can't be opened.
pub fn put_into(message: &Outgoing, persons: &Persons, now: Instant) -> Result<Envelope, Problem> {
    let mut data = told(&message.payload, message.points_scale.unwrap_or_default());
    if let Some(sealed) = data.remove("code") {
        let ends = message.payload.get("expires_at").and_then(Value::as_str).and_then(|at| Instant::parse(at).ok());
        if ends.is_some_and(|ends| ends <= now) {
            return Ok(Envelope::Nothing("the code is over"));
        }
        // whoever does not get the person can't pass the code on
        if let (Some(_), Some(member), Some(sealed)) = (&message.person, message.member_id, sealed.as_str()) {
            data.insert("code".to_owned(), persons.sealer.open(member, sealed)?.into());
        }
    }
    if let Some(member) = message.member_id {
        data.insert("member_id".to_owned(), member.external("mem").into());
    }
    if let Some(addressee) = &message.person {
        let person = persons.behind(addressee.profile, &addressee.merged_profiles)?;
        data.insert("recipient".to_owned(), recipient(&person, addressee));
    }
    let body = json!({"type": message.kind, "timestamp": message.at.to_string(), "data": data});
    Ok(Envelope::Body(body.to_string()))
}

/// Where the person is reached, and what they allowed.
fn recipient(person: &Person, addressee: &Addressee) -> Value {
    let mut recipient = json!({
        "phone": person.phone, "email": person.email, "telegram": person.telegram, "first_name": person.first_name,
        "consents": addressee.consents,
    });
    if let Some(language) = person.attributes.get("language").filter(|language| language.is_string()) {
        recipient["language"] = language.clone();
    }
    recipient
}

/// A payload in the API's words: what statements of the store wrote has numbers for ids, amounts and moments.
fn told(payload: &Map<String, Value>, scale: u8) -> Map<String, Value> {
    let word = |(name, value): (&String, &Value)| {
        let told = match (name.as_str(), value.as_i64()) {
            ("points", Some(points)) => amount::format(points, scale).into(),
            ("lot", Some(id)) => Id(id).external("lot").into(),
            ("entry", Some(id)) => Id(id).external("ent").into(),
            (name, Some(at)) if name.ends_with("_at") => Instant(at).to_string().into(),
            _ => value.clone(),
        };
        (name.clone(), told)
    };
    payload.iter().map(word).collect()
}
