//! What callers tell of a person, on enrolling and later: checked, and written in one way.

use std::collections::BTreeMap;

use domain::Instant;
use domain::time::is_day;
use edge::wire::bounded;
use edge::{Problem, identity};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use edge::person::{ImportantDate, Person};

/// Body of `POST /v1/members` and `PATCH /v1/members/{id}`. A change leaves out what stays; null takes away.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProfileBody {
    #[serde(deserialize_with = "told")]
    external_id: Option<Option<String>>,
    #[serde(deserialize_with = "told")]
    phone: Option<Option<String>>,
    #[serde(deserialize_with = "told")]
    email: Option<Option<String>>,
    #[serde(deserialize_with = "told")]
    card: Option<Option<String>>,
    #[serde(deserialize_with = "told")]
    telegram: Option<Option<String>>,
    #[serde(deserialize_with = "told")]
    first_name: Option<Option<String>>,
    #[serde(deserialize_with = "told")]
    last_name: Option<Option<String>>,
    #[serde(deserialize_with = "told")]
    birthday: Option<Option<String>>,
    /// All of them: what is not among them is taken away.
    dates: Option<Vec<ImportantDate>>,
    /// By name: null takes one away.
    attributes: Option<BTreeMap<String, Value>>,
    pub channel: Option<String>,
    pub referral_code: Option<String>,
    /// What tells the member's own device from others; the books keep a keyed hash of it.
    device: Option<String>,
    pub accepts: Option<Accepts>,
    pub consents: Option<BTreeMap<String, bool>>,
}

/// `{rules_version}`, a text or a whole number.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepts {
    rules_version: Value,
}

impl Accepts {
    /// The version as a text.
    ///
    /// # Errors
    /// 422 at `pointer`.
    pub fn version(&self, pointer: &str) -> Result<String, Problem> {
        let version = match &self.rules_version {
            Value::String(text) => text.clone(),
            Value::Number(number) if number.is_u64() => number.to_string(),
            _ => return Err(Problem::field(pointer, "invalid", "must be a text or a whole number")),
        };
        bounded(&version, 100, pointer)?;
        Ok(version)
    }
}

/// Channels that a consent can be for.
pub const CONSENT_CHANNELS: [&str; 4] = ["email", "sms", "messenger", "push"];

/// A channel of messages.
///
/// # Errors
/// 422 at `pointer`.
pub fn consent_channel(channel: &str, pointer: &str) -> Result<(), Problem> {
    if CONSENT_CHANNELS.contains(&channel) {
        return Ok(());
    }
    Err(Problem::field(pointer, "unknown_channel", format!("is none of {}", CONSENT_CHANNELS.join(", "))))
}

impl ProfileBody {
    /// What is told only on enrolling has calls of its own later.
    ///
    /// # Errors
    /// 422 at what can't be changed so.
    pub fn is_a_change(&self) -> Result<(), Problem> {
        let elsewhere = [
            (self.consents.is_some(), "/consents", "are changed by POST /v1/members/{id}/consents, which keeps their history"),
            (self.accepts.is_some(), "/accepts", "is told by POST /v1/members/{id}/acceptances"),
            (self.channel.is_some(), "/channel", "is where the member enrolled, and stays"),
            (self.referral_code.is_some(), "/referral_code", "counts on enrolling only"),
            (self.device.is_some(), "/device", "counts on enrolling and with orders only"),
        ];
        match elsewhere.into_iter().find(|(told, ..)| *told) {
            None => Ok(()),
            Some((_, pointer, detail)) => Err(Problem::field(pointer, "not_changed_here", detail)),
        }
    }

    /// Whether a phone or the like is told, which may be somebody's already.
    pub fn names_somebody(&self) -> bool {
        let told = [&self.external_id, &self.phone, &self.email, &self.card, &self.telegram];
        told.into_iter().flatten().any(Option::is_some)
    }

    /// The channel of an enrolment.
    ///
    /// # Errors
    /// 422 without one.
    pub fn channel(&self) -> Result<&str, Problem> {
        let detail = "name where the member enrols, like \"site\"";
        let channel = self.channel.as_deref().ok_or_else(|| Problem::field("/channel", "required", detail))?;
        bounded(channel, 100, "/channel")?;
        Ok(channel)
    }

    /// The device on which a member enrols.
    ///
    /// # Errors
    /// 422 for one that is too long, or empty.
    pub fn device(&self) -> Result<Option<&str>, Problem> {
        self.device.as_deref().map(|device| bounded(device, 200, "/device").map(|()| device)).transpose()
    }

    /// What a new member says about channels of messages.
    ///
    /// # Errors
    /// 422 for an unknown channel.
    pub fn consents(&self) -> Result<Vec<(String, bool)>, Problem> {
        let consents = self.consents.clone().unwrap_or_default();
        for channel in consents.keys() {
            consent_channel(channel, &format!("/consents/{channel}"))?;
        }
        Ok(consents.into_iter().collect())
    }

    /// The person as it is with what was told, identities written in their one way.
    ///
    /// # Errors
    /// 422 with a pointer.
    pub async fn applied_to(&self, before: &Person, now: Instant) -> Result<Person, Problem> {
        let mut person = before.clone();
        let names =
            [("/first_name", &self.first_name, &mut person.first_name), ("/last_name", &self.last_name, &mut person.last_name)];
        for (pointer, told, field) in names {
            if let Some(name) = told {
                name.as_deref().map_or(Ok(()), |name| bounded(name, 200, pointer))?;
                field.clone_from(name);
            }
        }
        if let Some(code) = &self.referral_code {
            bounded(code, 200, "/referral_code")?;
            person.referred_with = Some(code.clone());
        }
        if let Some(birthday) = &self.birthday
            && *birthday != person.birthday
        {
            birthday.as_deref().map_or(Ok(()), |day| past_day(day, now, "/birthday"))?;
            person.birthday.clone_from(birthday);
            person.birthday_told_at = birthday.as_ref().map(|_| now.to_string());
        }
        if let Some(dates) = &self.dates {
            check_dates(dates)?;
            if *dates != person.dates {
                person.dates_told_at = Some(now.to_string());
            }
            person.dates.clone_from(dates);
        }
        for (name, value) in self.attributes.iter().flatten() {
            bounded(name, 100, "/attributes")?;
            if value.to_string().len() > 4_000 {
                return Err(Problem::field(format!("/attributes/{name}"), "out_of_range", "has at most 4000 characters"));
            }
            if value.is_null() {
                person.attributes.remove(name);
            } else {
                person.attributes.insert(name.clone(), value.clone());
            }
        }
        if person.attributes.len() > 100 {
            return Err(Problem::field("/attributes", "out_of_range", "has at most 100 items"));
        }
        let told = [&self.external_id, &self.phone, &self.email, &self.card, &self.telegram];
        let fields = [&mut person.external_id, &mut person.phone, &mut person.email, &mut person.card, &mut person.telegram];
        for ((kind, told), field) in identity::KINDS.into_iter().zip(told).zip(fields) {
            match told {
                None => {}
                Some(None) => *field = None,
                Some(Some(text)) => *field = Some(identity::normalize(kind, text, &format!("/{kind}")).await?),
            }
        }
        if person.identities().iter().all(|(_, value)| value.is_none()) {
            return Err(Problem::field("", "identity_required", format!("give at least one of {}", identity::KINDS.join(", "))));
        }
        Ok(person)
    }
}

fn check_dates(dates: &[ImportantDate]) -> Result<(), Problem> {
    if dates.len() > 20 {
        return Err(Problem::field("/dates", "out_of_range", "has at most 20 items"));
    }
    for (index, date) in dates.iter().enumerate() {
        bounded(&date.name, 200, &format!("/dates/{index}/name"))?;
        if !is_day(&date.date) {
            return Err(Problem::field(format!("/dates/{index}/date"), "not_a_day", "is no day like \"1990-02-28\""));
        }
    }
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

/// Tells null from what is left out.
fn told<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
