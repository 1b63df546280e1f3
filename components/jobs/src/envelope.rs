//! What an endpoint is sent of a message: the fact, and the person only where the endpoint is meant to get it. Nothing of it is
//! written anywhere.

use domain::{Id, Instant, amount};
use edge::messaging::NamedValue;
use edge::person::{Person, Persons};
use edge::{ActiveProgram, Problem};
use ledger::dispatches::Channel;
use serde_json::{Map, Value, json};
use store::{Addressee, Cause, Outgoing};

use crate::notify;

/// What a message is sent as.
pub enum Envelope {
    Body(String),
    /// Nobody has any use of it any more, and why.
    Nothing(&'static str),
    /// Nobody is to be disturbed before then.
    Later(Instant),
}

/// The code of a problem that another try does not solve: the program's words can't say what happened.
pub const UNWRITABLE: &str = "template_failed";

/// Puts a message into the words of Standard Webhooks. What points expire is said as it is now.
///
/// # Errors
/// 500 when the person or the code can't be opened, or a template can't say what happened.
pub fn put_into(
    message: &Outgoing,
    persons: &Persons,
    program: Option<&ActiveProgram>,
    now: Instant,
) -> Result<Envelope, Problem> {
    let person = match &message.person {
        Some(addressee) => Some((persons.behind(addressee.profile, &addressee.merged_profiles)?, addressee)),
        None => None,
    };
    let (payload, is_code) = match &message.cause {
        Some(cause) => (&cause.payload, cause.payload.contains_key("code")),
        None => (&message.payload, message.payload.contains_key("code")),
    };
    let scale = message.points_scale.unwrap_or_default();
    let mut data = told(payload, scale);
    let ends = payload.get("expires_at").and_then(Value::as_str).and_then(|at| Instant::parse(at).ok());
    let is_over = ends.is_some_and(|ends| ends <= now);
    if is_code && is_over {
        return Ok(Envelope::Nothing("the code is over"));
    }
    if let Some(left) = message.left {
        // a notice of annulment comes late rather than never: its points end after it
        let kind = message.cause.as_ref().map_or(&message.kind, |cause| &cause.kind);
        if left == 0 || is_over && kind == "points.expiring" {
            return Ok(Envelope::Nothing("the points were spent, or are over"));
        }
        data.insert("points".to_owned(), amount::format(left, scale).into());
    }
    if let Some(sealed) = data.remove("code") {
        // whoever does not get the person can't pass the code on
        if let (Some(_), Some(member), Some(sealed)) = (&person, message.member_id, sealed.as_str()) {
            data.insert("code".to_owned(), persons.sealer.open(member, sealed)?.into());
        }
    }
    if let Some(cause) = &message.cause {
        let (Some((person, addressee)), Some(program)) = (&person, program) else {
            return Ok(Envelope::Nothing("there is nobody to write to"));
        };
        // since it was decided the member may have said no, gone elsewhere, or gone to bed
        match notify::may_go(message, cause, person, addressee, program, now) {
            Ok(None) => {}
            Ok(Some(until)) => return Ok(Envelope::Later(until)),
            Err(why) => return Ok(Envelope::Nothing(why)),
        }
        let available = amount::format(message.available.unwrap_or_default(), scale);
        let Some(letter) = letter(message, cause, person, program, said(&data, person, available))? else {
            return Ok(Envelope::Nothing("the program has no words for it any more"));
        };
        data = letter;
    }
    if let Some(member) = message.member_id {
        data.insert("member_id".to_owned(), member.external("mem").into());
    }
    if let (Some((person, addressee)), None) = (&person, &message.cause) {
        data.insert("recipient".to_owned(), recipient(person, addressee));
    }
    let body = json!({"type": message.kind, "timestamp": message.at.to_string(), "data": data});
    Ok(Envelope::Body(body.to_string()))
}

/// What the provider needs to send a letter; none where the program has no words for it.
fn letter(
    message: &Outgoing,
    cause: &Cause,
    person: &Person,
    program: &ActiveProgram,
    values: Vec<NamedValue>,
) -> Result<Option<Map<String, Value>>, Problem> {
    let channel = message.payload.get("channel").and_then(Value::as_str).and_then(Channel::of);
    let channel = channel.ok_or_else(|| Problem::new(500, "internal_error", "A letter has no channel"))?;
    let words = notify::words(program, &cause.kind, cause.of_id.as_deref(), channel, person, values);
    let words = words.map_err(|why| Problem::new(500, UNWRITABLE, format!("The template of {}: {why}", cause.kind)))?;
    let Some(words) = words else { return Ok(None) };
    let letter = json!({
        "message_id": cause.id.external("msg"), "kind": cause.kind, "channel": channel.word(),
        "to": notify::address(person, channel), "language": words.language, "subject": words.subject, "text": words.text,
    });
    Ok(letter.as_object().cloned())
}

/// What a template may say, as texts: what happened, a promo code that goes with it, and the member's own.
fn said(data: &Map<String, Value>, person: &Person, available: String) -> Vec<NamedValue> {
    let text = |name: &str, value: &Value| {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        Some(NamedValue { name: name.to_owned(), value })
    };
    let own = data.iter().filter_map(|(name, value)| text(name, value));
    let voucher = data.get("voucher").and_then(Value::as_object).into_iter().flatten();
    let voucher = voucher.filter_map(|(name, value)| text(&format!("voucher_{name}"), value));
    let mut said: Vec<NamedValue> = own.chain(voucher).collect();
    said.push(NamedValue { name: "available".to_owned(), value: available });
    said.extend(person.first_name.clone().map(|value| NamedValue { name: "first_name".to_owned(), value }));
    said
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
