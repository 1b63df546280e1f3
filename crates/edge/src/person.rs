//! Who a member is: the personal data, which only the store `people` holds, sealed.

use std::cell::RefCell;
use std::collections::BTreeMap;

use domain::snapshot::{Agreed, Member};
use domain::{Id, Instant};
use ledger::Refusal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Answered, SealedPerson, StoreError};

use crate::call::Reply;
use crate::database::{books, people};
use crate::log::say;
use crate::problem::{Problem, from_refusal, from_store};
use crate::rules::ActiveProgram;
use crate::sealing::Sealer;
use crate::shop::{Failed, replay};
use crate::{identity, wire};

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
    pub attributes: BTreeMap<String, Value>,
    /// When the birthday was told: whoever tells it just before it is greeted from the next year on.
    pub birthday_told_at: Option<String>,
    /// The same of the other dates, which are told together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dates_told_at: Option<String>,
    /// The code with which the member came.
    pub referred_with: Option<String>,
    /// Versions of merged memberships that this one has taken in: what it does not have any more was taken away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absorbed: Vec<Id>,
    /// The answer to the command that wrote this, for its repeats.
    pub answer: Option<String>,
}

/// A date that the member gave: a child's birthday.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ImportantDate {
    pub name: String,
    pub date: String,
}

impl Person {
    /// Fills what is not known with what a merged membership of the same person knew.
    pub fn take_over(&mut self, earlier: Self) {
        if self.birthday.is_none() {
            self.birthday_told_at = earlier.birthday_told_at;
        }
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
            self.dates_told_at = earlier.dates_told_at;
        }
        for (name, value) in earlier.attributes {
            self.attributes.entry(name).or_insert(value);
        }
    }

    /// Whether a field is known: one of a member, or `attributes.` and a name.
    pub fn knows(&self, field: &str) -> bool {
        match field {
            "first_name" => self.first_name.is_some(),
            "last_name" => self.last_name.is_some(),
            "birthday" => self.birthday.is_some(),
            "dates" => !self.dates.is_empty(),
            _ => match field.strip_prefix("attributes.") {
                Some(name) => self.attributes.contains_key(name),
                None => self.identities().iter().any(|(kind, value)| *kind == field && value.is_some()),
            },
        }
    }

    /// Whether all of these are known; never of none.
    #[must_use]
    pub fn fills(&self, fields: &[String]) -> bool {
        !fields.is_empty() && fields.iter().all(|field| self.knows(field))
    }

    /// Whether there is somewhere to send a message to.
    pub fn can_be_sent_a_code(&self) -> bool {
        self.phone.is_some() || self.email.is_some() || self.telegram.is_some()
    }

    /// What the person is known by: (kind, as it is written), in the sequence of [`identity::KINDS`].
    pub fn identities(&self) -> [(&'static str, Option<&String>); 5] {
        let values = [&self.external_id, &self.phone, &self.email, &self.card, &self.telegram];
        std::array::from_fn(|place| (identity::KINDS[place], values[place].as_ref()))
    }

    /// Keyed hashes of the days of the year on which something of this person comes round.
    ///
    /// # Errors
    /// 500 without a usable key.
    pub async fn days(&self) -> Result<Vec<String>, Problem> {
        let mut hashes = Vec::new();
        for (kind, date) in
            self.birthday.iter().map(|day| (BIRTHDAY, day)).chain(self.dates.iter().map(|date| (IMPORTANT_DATE, &date.date)))
        {
            if let Some(day) = day_of_year(date) {
                hashes.push(day_hash(kind, day).await?);
            }
        }
        Ok(hashes)
    }

    /// What two memberships of one person have in common, by keyed hash: name and birthday, however they are written. None
    /// where something of it is not known.
    ///
    /// # Errors
    /// 500 without a usable key.
    pub async fn likeness(&self) -> Result<Option<String>, Problem> {
        let (Some(first), Some(last), Some(birthday)) = (&self.first_name, &self.last_name, &self.birthday) else {
            return Ok(None);
        };
        let plain =
            |text: &String| text.to_lowercase().replace('ё', "е").chars().filter(|c| c.is_alphanumeric()).collect::<String>();
        let mut names = [plain(first), plain(last)];
        // which is the first name and which the family's is often mixed up
        names.sort();
        identity::keyed_hash("likeness", &format!("{} {birthday}", names.join(" "))).await.map(Some)
    }
}

/// What a birthday is told apart by among other dates.
pub const BIRTHDAY: &str = "day of birth";
/// What a date that the member gave is told apart by.
pub const IMPORTANT_DATE: &str = "day of importance";

/// The day of a date without its year: "02-28" of "1990-02-28".
#[must_use]
pub fn day_of_year(date: &str) -> Option<&str> {
    date.get(5..).filter(|day| day.len() == 5)
}

/// The keyed hash by which the store of persons finds a day of the year.
///
/// # Errors
/// 500 without a usable key.
pub async fn day_hash(kind: &str, day: &str) -> Result<String, Problem> {
    identity::keyed_hash(kind, day).await
}

/// `Member` of the API.
#[must_use]
pub fn member_json(member: &Member, person: &Person, agreed: &Agreed, program: &ActiveProgram, now: Instant) -> Value {
    let standing = program.standing(member, now);
    let rules = agreed.rules.as_ref();
    json!({
        "id": member.id.external("mem"), "external_id": person.external_id, "phone": person.phone, "email": person.email,
        "card": person.card, "telegram": person.telegram, "first_name": person.first_name, "last_name": person.last_name,
        "birthday": person.birthday, "dates": person.dates, "channel": member.channel, "status": member.status,
        "referral_code": member.referral_code, "tier": wire::standing(&standing, member, program),
        "segments": member.segments, "joined_at": member.joined_at.to_string(), "consents": agreed.consents,
        "attributes": person.attributes,
        "accepted_rules": rules.map(|rules| json!({"rules_version": rules.rules_version, "at": rules.at.to_string()})),
        "merged": member.merged.iter().map(|id| id.external("mem")).collect::<Vec<_>>(),
    })
}

/// The person behind a member, with what memberships knew that were merged into it. Empty for a member without one.
///
/// # Errors
/// 410 for an erased member, 503 when the store does not answer, 500 when the data can't be opened.
pub async fn behind(member: &Member) -> Result<Person, Problem> {
    if member.is_erased() {
        return Err(from_refusal(&Refusal::MemberErased, 0));
    }
    let versions: Vec<Id> = std::iter::once(&member.profile).chain(&member.merged_profiles).copied().collect();
    Persons::of(&versions).await?.behind(member.profile, &member.merged_profiles)
}

/// Persons of several members, read at once.
pub struct Persons {
    pub sealer: Sealer,
    sealed: Vec<SealedPerson>,
}

impl Persons {
    /// Reads persons as these commands wrote them.
    ///
    /// # Errors
    /// 503 when the store does not answer, 500 without a usable key.
    pub async fn of(versions: &[Id]) -> Result<Self, Problem> {
        let sealed = if versions.is_empty() {
            Vec::new()
        } else {
            store::persons(&people(), versions).await.map_err(|error| from_store(&error))?
        };
        Ok(Self { sealer: Sealer::ready().await?, sealed })
    }

    /// The person as a member's own version has it, with what memberships knew that were merged into it.
    ///
    /// # Errors
    /// 500 when the data can't be opened, or are not there.
    pub fn behind(&self, own: Id, merged: &[Id]) -> Result<Person, Problem> {
        let sealed = |version: &Id| self.sealed.iter().find(|sealed| sealed.id == *version);
        // without the member's own nobody knows what was changed since
        let own = sealed(&own);
        let own = own.ok_or_else(|| Problem::new(500, "people_unreadable", "The person behind this member is missing"))?;
        let mut person = open(&self.sealer, own)?;
        for merged in merged.iter().filter_map(sealed) {
            if !person.absorbed.contains(&merged.id) {
                person.take_over(open(&self.sealer, merged)?);
            }
        }
        Ok(person)
    }
}

/// Opens a person.
///
/// # Errors
/// 500 when it can't be opened.
pub fn open(sealer: &Sealer, sealed: &SealedPerson) -> Result<Person, Problem> {
    let text = sealer.open(sealed.member_id, &sealed.sealed)?;
    serde_json::from_str(&text).map_err(|_| Problem::new(500, "people_unreadable", "Personal data can't be read"))
}

/// The answer of a command whose answer holds personal data: it is kept with the person that the command wrote.
///
/// # Errors
/// 422 for another request under the same key; 410 when the person was erased; as the store's.
pub async fn repeat(answered: &Answered, fingerprint: &str) -> Result<Reply, Problem> {
    let reply = replay(answered, fingerprint)?;
    let kept = store::persons(&people(), &[answered.id]).await.map_err(|error| from_store(&error))?;
    let sealer = Sealer::ready().await?;
    let person = kept.first().map(|sealed| open(&sealer, sealed)).transpose()?;
    let body = person.and_then(|person| person.answer);
    let body = body.ok_or_else(|| Problem::new(410, "person_erased", "The person behind this request was erased"))?;
    Ok(Reply { body, ..reply })
}

/// Persons of tries that the books refused. Of a try without an answer nobody knows; the sweep looks at its person.
#[derive(Default)]
pub struct Written(RefCell<Vec<SealedPerson>>);

impl Written {
    /// Seals a person and writes it under a command's id.
    ///
    /// # Errors
    /// As the store's or the sealing's; stale where the id is another person's, who stays: the next try has another id.
    pub async fn write(&self, id: Id, member: Id, person: &Person, now: Instant) -> Result<(), Failed> {
        let text = serde_json::to_string(person).map_err(|_| Problem::new(500, "internal_error", "A person can't be written"))?;
        let sealed = SealedPerson { id, member_id: member, sealed: Sealer::ready().await?.seal(member, &text)? };
        let written =
            store::write_person(&people(), &sealed, person.likeness().await?.as_deref(), &person.days().await?, now).await;
        // without an answer it may be there all the same
        if written != Err(StoreError::Stale) {
            self.0.borrow_mut().push(sealed);
        }
        Ok(written?)
    }

    /// The command is in the books.
    pub fn stands(&self, id: Id) {
        self.0.borrow_mut().retain(|written| written.id != id);
    }

    /// What became of the command: only what the books refused may be taken back.
    pub fn is_told(&self, id: Id, outcome: &Result<(), StoreError>) {
        if !matches!(outcome, Err(StoreError::Stale | StoreError::Refused(_))) {
            self.stands(id);
        }
    }

    /// Takes back what the books refused. They are asked again, because a refusal may be the answer to a statement that was
    /// repeated after its first answer was lost, and that stands.
    pub async fn settle(self) {
        let refused = self.0.into_inner();
        if refused.is_empty() {
            return;
        }
        let commands: Vec<Id> = refused.iter().map(|written| written.id).collect();
        let removed = match store::strangers(&books(), &commands).await {
            Ok(strangers) if strangers.is_empty() => Ok(()),
            Ok(strangers) => {
                let refused: Vec<_> = refused.into_iter().filter(|written| strangers.contains(&written.id)).collect();
                store::take_back_persons(&people(), &refused).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = removed {
            // a sealed person without a command can't be reached by any call, and the sweep takes it
            say(&json!({"level": "warn", "detail": format!("refused persons are left: {error}")}));
        }
    }
}
