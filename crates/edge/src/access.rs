//! Who calls: keys and their scopes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Id;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use store::{Asking, Caller, Known, StoreError};

use crate::call::{Call, hex};
use crate::database::books;
use crate::limits::{Limits, Subjects};
use crate::platform::now;
use crate::problem::{Problem, from_store};
use crate::token;

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Quotes, orders, redemptions, members.
    Storefront,
    /// The same, in its own store.
    Till,
    /// Adjustments, merges, programs, figures.
    Staff,
    /// Scheduled work.
    Jobs,
    /// Everything.
    Admin,
    /// A member's own token: it reads what is the member's. No key has it.
    Member,
}

impl Scope {
    /// Scopes of keys.
    pub const ALL: [Self; 5] = [Self::Storefront, Self::Till, Self::Staff, Self::Jobs, Self::Admin];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Storefront => "storefront",
            Self::Till => "till",
            Self::Staff => "staff",
            Self::Jobs => "jobs",
            Self::Admin => "admin",
            Self::Member => "member",
        }
    }
}

/// What came with a call: the shop's first key, one whose hash the store may know, or a member's token; and where it came from.
#[derive(Clone, Debug)]
pub struct Access {
    /// Under which name the caller is looked up and counted; none for the first key.
    key: Option<String>,
    /// Whose own token it is.
    member: Option<Id>,
    /// Why whoever calls is nobody, where that is known without the store. It is said when the call is counted: what was sent may
    /// be a guess.
    refused: Option<Problem>,
    address: Option<String>,
    limits: Limits,
}

impl Access {
    /// Reads the key of a call. One without a key, and one with a token that is none or is over, is refused by
    /// [`permit`](Self::permit).
    ///
    /// # Errors
    /// 500 when the shop has no admin key.
    pub async fn of(call: &Call) -> Result<Self, Problem> {
        let key = call.key.as_deref().unwrap_or_default();
        let (member, refused) = match &call.key {
            None => (None, Some(Problem::unauthorized())),
            Some(key) if key.starts_with(token::PREFIX) => match token::member_of(key, now()).await {
                Ok(member) => (Some(member), None),
                Err(problem) if problem.status == 401 => (None, Some(problem)),
                Err(problem) => return Err(problem),
            },
            Some(_) => (None, None),
        };
        let admin_key = admin_key().await?;
        // comparing digests takes the same time wherever the keys differ
        let is_first = Sha256::digest(key) == Sha256::digest(&admin_key);
        // an address is personal data: the store knows its keyed hash
        let address =
            call.client.map(|client| keyed(&admin_key, b"kopilka address ", client.text().as_bytes()).map(|mac| hex(&mac)));
        // a member is counted under one name, however many tokens there are
        let name = member.map_or_else(|| hash_of_key(key), |member| format!("member {}", member.0));
        Ok(Self {
            key: (!is_first).then_some(name),
            member,
            refused,
            address: address.transpose()?,
            limits: Limits::of_deployment().await?,
        })
    }

    /// The member whose own token it is.
    #[must_use]
    pub fn member(&self) -> Option<Id> {
        self.member
    }

    /// What the store is asked of the caller.
    #[must_use]
    pub fn asking(&self) -> Asking {
        Asking { key: self.key.clone(), address: self.address.clone() }
    }

    /// What the store knows of the caller, for a call that needs nothing else of it. A store without tables knows nobody.
    ///
    /// # Errors
    /// 503 when the store does not answer.
    pub async fn known(&self) -> Result<Known, Problem> {
        let asking = self.asking();
        if asking == Asking::default() {
            return Ok(Known::default());
        }
        match store::known(&books(), &asking).await {
            Err(StoreError::NotMigrated) => Ok(Known::default()),
            known => known.map_err(|error| from_store(&error)),
        }
    }

    /// The caller, who must have one of the scopes.
    ///
    /// # Errors
    /// 401 for a key that is unknown or over, 403 for a missing scope, 429 for whoever asked too much.
    pub fn permit(&self, call: &Call, known: Known, allowed: &[Scope]) -> Result<Caller, Problem> {
        let own = |member| Caller { id: member, scopes: vec![Scope::Member.word().to_owned()], store: None, expires_at: None };
        let known = Known { key: self.member.map(own).or_else(|| known.key.filter(in_force)), ..known };
        if call.subjects.borrow().is_none() {
            Subjects::new(self.limits, self.asking(), call.client).check(call, &known)?;
        }
        if let Some(problem) = &self.refused {
            return Err(problem.clone());
        }
        if self.key.is_none() {
            call.permitted.set(true);
            return Ok(Caller { id: Id(0), scopes: vec![Scope::Admin.word().to_owned()], store: None, expires_at: None });
        }
        let caller = known.key.ok_or_else(Problem::unauthorized)?;
        let may = |scope: &Scope| caller.scopes.iter().any(|word| word == scope.word());
        if may(&Scope::Admin) || allowed.iter().any(may) {
            call.permitted.set(true);
            return Ok(caller);
        }
        let of_keys = allowed.iter().filter(|scope| **scope != Scope::Member);
        let words: Vec<&str> = of_keys.chain(&[Scope::Admin]).map(|scope| scope.word()).collect();
        Err(Problem::new(403, "scope_missing", format!("This call needs a key with the scope {}", words.join(" or "))))
    }
}

/// Whether the key's time is not over.
fn in_force(caller: &Caller) -> bool {
    caller.expires_at.is_none_or(|end| now() < end)
}

/// The secret of a key made by `POST /v1/keys`: it follows from the shop's first key and the key's id, so that the stored
/// answer need not hold it.
///
/// # Errors
/// 500 when the shop has no admin key.
pub async fn secret_of_key(id: Id) -> Result<String, Problem> {
    let mac = keyed(&admin_key().await?, b"kopilka key ", &id.0.to_be_bytes())?;
    Ok(format!("kk_{}", URL_SAFE_NO_PAD.encode(mac)))
}

fn keyed(admin_key: &str, purpose: &[u8], what: &[u8]) -> Result<Vec<u8>, Problem> {
    let mut mac = Hmac::<Sha256>::new_from_slice(admin_key.as_bytes())
        .map_err(|_| Problem::new(500, "internal_error", "The admin key can't be used"))?;
    mac.update(purpose);
    mac.update(what);
    Ok(mac.finalize().into_bytes().to_vec())
}

/// What the store keeps of a key. Keys are long and random, so that a plain hash does.
#[must_use]
pub fn hash_of_key(key: &str) -> String {
    hex(&Sha256::digest(key))
}

pub(crate) async fn admin_key() -> Result<String, Problem> {
    variable("admin_key").await
}

/// A Spin variable that need not be set; empty is not set.
pub async fn optional_variable(name: &str) -> Option<String> {
    spin_sdk::variables::get(name).await.ok().filter(|value| !value.is_empty())
}

/// A secret Spin variable.
///
/// # Errors
/// 500 when it is not set.
pub(crate) async fn variable(name: &str) -> Result<String, Problem> {
    match spin_sdk::variables::get(name).await {
        Ok(value) if !value.is_empty() => Ok(value),
        _ => Err(Problem::new(500, "not_configured", format!("The Spin variable {name} is not set"))),
    }
}
