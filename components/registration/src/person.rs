//! Who a member is: the personal data, which only the store `people` holds, sealed.

use std::collections::BTreeMap;

use domain::snapshot::Member;
use domain::time::is_day;
use domain::{Id, Instant};
use edge::wire::{self, bounded};
use edge::{ActiveProgram, Problem, from_store, identity, people, sealing};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Personal data of a member.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Person {
    pub external_id: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub card: Option<String>,
    pub telegram: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub birthday: Option<String>,
    #[serde(default)]
    pub dates: Vec<ImportantDate>,
    #[serde(default)]
    pub consents: BTreeMap<String, bool>,
    #[serde(default)]
    pub attributes: BTreeMap<String, Value>,
    pub accepted_rules: Option<AcceptedRules>,
    /// The code with which the member came.
    pub referred_with: Option<String>,
    /// The answer to the enrolment, for its repeats.
    pub answer: Option<String>,
}

/// A date that the member gave: a child's birthday.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ImportantDate {
    pub name: String,
    pub date: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct AcceptedRules {
    pub rules_version: String,
    pub at: String,
}

impl Person {
    /// Fills what is not known with what a merged membership of the same person knew.
    pub fn take_over(&mut self, earlier: Self) {
        let fields = [
            (&mut self.external_id, earlier.external_id),
            (&mut self.phone, earlier.phone),
            (&mut self.email, earlier.email),
            (&mut self.card, earlier.card),
            (&mut self.telegram, earlier.telegram),
            (&mut self.first_name, earlier.first_name),
            (&mut self.last_name, earlier.last_name),
            (&mut self.birthday, earlier.birthday),
        ];
        for (own, other) in fields {
            *own = own.take().or(other);
        }
        if self.dates.is_empty() {
            self.dates = earlier.dates;
        }
        // who said no anywhere has said no; a yes is not carried over to where this member never answered
        for (channel, _) in earlier.consents.into_iter().filter(|(_, granted)| !granted) {
            self.consents.insert(channel, false);
        }
        for (name, value) in earlier.attributes {
            self.attributes.entry(name).or_insert(value);
        }
    }
}

/// Body of `POST /v1/members`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberBody {
    external_id: Option<String>,
    phone: Option<String>,
    email: Option<String>,
    card: Option<String>,
    telegram: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    birthday: Option<String>,
    dates: Option<Vec<ImportantDate>>,
    pub channel: String,
    referral_code: Option<String>,
    accepts: Option<Accepts>,
    consents: Option<BTreeMap<String, bool>>,
    attributes: Option<BTreeMap<String, Value>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Accepts {
    rules_version: Value,
}

/// Channels that a consent can be for.
const CONSENT_CHANNELS: [&str; 4] = ["email", "sms", "messenger", "push"];

impl MemberBody {
    /// The person, with identities in their one way of writing, and the keyed hashes of those: (kind, hash).
    ///
    /// # Errors
    /// 422 with a pointer.
    pub async fn person(&self, now: Instant) -> Result<(Person, Vec<(&'static str, String)>), Problem> {
        bounded(&self.channel, 100, "/channel")?;
        for (pointer, text) in
            [("/first_name", &self.first_name), ("/last_name", &self.last_name), ("/referral_code", &self.referral_code)]
        {
            if let Some(text) = text {
                bounded(text, 200, pointer)?;
            }
        }
        if let Some(day) = &self.birthday {
            past_day(day, now, "/birthday")?;
        }
        let (dates, consents) = (self.dates.clone().unwrap_or_default(), self.consents.clone().unwrap_or_default());
        let attributes = self.attributes.clone().unwrap_or_default();
        if dates.len() > 20 || attributes.len() > 100 {
            let (pointer, most) = if dates.len() > 20 { ("/dates", 20) } else { ("/attributes", 100) };
            return Err(Problem::field(pointer, "out_of_range", format!("has at most {most} items")));
        }
        for (index, date) in dates.iter().enumerate() {
            bounded(&date.name, 200, &format!("/dates/{index}/name"))?;
            if !is_day(&date.date) {
                return Err(Problem::field(format!("/dates/{index}/date"), "not_a_day", "is no day like \"1990-02-28\""));
            }
        }
        if let Some(channel) = consents.keys().find(|channel| !CONSENT_CHANNELS.contains(&channel.as_str())) {
            let detail = format!("is none of {}", CONSENT_CHANNELS.join(", "));
            return Err(Problem::field(format!("/consents/{channel}"), "unknown_channel", detail));
        }
        let mut hashes = Vec::new();
        let mut normalized: [Option<String>; 5] = Default::default();
        let given = [&self.external_id, &self.phone, &self.email, &self.card, &self.telegram];
        for ((kind, text), place) in identity::KINDS.into_iter().zip(given).zip(&mut normalized) {
            if let Some(text) = text {
                let written = identity::normalize(kind, text, &format!("/{kind}")).await?;
                hashes.push((kind, identity::keyed_hash(kind, &written).await?));
                *place = Some(written);
            }
        }
        if hashes.is_empty() {
            return Err(Problem::field("", "identity_required", format!("give at least one of {}", identity::KINDS.join(", "))));
        }
        let [external_id, phone, email, card, telegram] = normalized;
        let person = Person {
            external_id,
            phone,
            email,
            card,
            telegram,
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            birthday: self.birthday.clone(),
            dates,
            consents,
            attributes,
            accepted_rules: self.accepted(now)?,
            referred_with: self.referral_code.clone(),
            answer: None,
        };
        Ok((person, hashes))
    }

    fn accepted(&self, now: Instant) -> Result<Option<AcceptedRules>, Problem> {
        let Some(accepts) = &self.accepts else { return Ok(None) };
        let rules_version = match &accepts.rules_version {
            Value::String(text) => text.clone(),
            Value::Number(number) if number.is_u64() => number.to_string(),
            _ => return Err(Problem::field("/accepts/rules_version", "invalid", "must be a text or a whole number")),
        };
        bounded(&rules_version, 100, "/accepts/rules_version")?;
        Ok(Some(AcceptedRules { rules_version, at: now.to_string() }))
    }
}

/// `Member` of the API.
#[must_use]
pub fn member_json(member: &Member, person: &Person, program: &ActiveProgram, now: Instant) -> Value {
    let standing = program.standing(member, now);
    json!({
        "id": member.id.external("mem"), "external_id": person.external_id, "phone": person.phone, "email": person.email,
        "card": person.card, "telegram": person.telegram, "first_name": person.first_name, "last_name": person.last_name,
        "birthday": person.birthday, "dates": person.dates, "channel": member.channel, "status": member.status,
        "referral_code": member.referral_code, "tier": wire::standing(&standing, member, program),
        "segments": member.segments, "joined_at": member.joined_at.to_string(), "consents": person.consents, "attributes": person.attributes,
        "accepted_rules": person.accepted_rules,
        "merged": member.merged.iter().map(|id| id.external("mem")).collect::<Vec<_>>(),
    })
}

/// A member's personal data; none for a member without any.
///
/// # Errors
/// 503 when the store does not answer, 500 when the data can't be opened.
pub async fn find(member: Id) -> Result<Option<Person>, Problem> {
    let Some(sealed) = store::person(&people(), member).await.map_err(|error| from_store(&error))? else { return Ok(None) };
    let text = sealing::open(member, &sealed).await?;
    let person =
        serde_json::from_str(&text).map_err(|_| Problem::new(500, "people_unreadable", "Personal data can't be read"))?;
    Ok(Some(person))
}

/// Seals a person and writes it under the member's id.
///
/// # Errors
/// As the store's or the sealing's.
pub async fn write(member: Id, person: &Person, now: Instant) -> Result<(), edge::Failed> {
    let text = serde_json::to_string(person).map_err(|_| Problem::new(500, "internal_error", "A person can't be written"))?;
    let sealed = sealing::seal(member, &text).await?;
    store::write_person(&people(), member, &sealed, now).await?;
    Ok(())
}

fn past_day(text: &str, now: Instant, pointer: &str) -> Result<(), Problem> {
    // days are compared as texts: both are written year first
    let today = now.to_string();
    if !is_day(text) {
        return Err(Problem::field(pointer, "not_a_day", "is no day like \"1990-02-28\""));
    }
    if text > today.get(..10).unwrap_or_default() {
        return Err(Problem::field(pointer, "in_the_future", "lies in the future"));
    }
    Ok(())
}
