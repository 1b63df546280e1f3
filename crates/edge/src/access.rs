//! Who calls: keys and their scopes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Id;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use store::Caller;

use crate::call::{Call, hex};
use crate::problem::Problem;

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
}

impl Scope {
    pub const ALL: [Self; 5] = [Self::Storefront, Self::Till, Self::Staff, Self::Jobs, Self::Admin];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Storefront => "storefront",
            Self::Till => "till",
            Self::Staff => "staff",
            Self::Jobs => "jobs",
            Self::Admin => "admin",
        }
    }
}

/// The key that came with a call: the shop's first one, or one whose hash the store may know.
#[derive(Clone, Debug)]
pub enum Access {
    Admin,
    Hashed(String),
}

impl Access {
    /// Reads the key of a call.
    ///
    /// # Errors
    /// 401 without a key; 500 when the shop has no admin key.
    pub async fn of(call: &Call) -> Result<Self, Problem> {
        let key = call.key.as_deref().ok_or_else(Problem::unauthorized)?;
        let admin_key = admin_key().await?;
        // comparing digests takes the same time wherever the keys differ
        Ok(if Sha256::digest(key) == Sha256::digest(&admin_key) { Self::Admin } else { Self::Hashed(hash_of_key(key)) })
    }

    /// The hash to look the caller up by; none for the first key.
    #[must_use]
    pub fn hash(&self) -> Option<String> {
        match self {
            Self::Admin => None,
            Self::Hashed(hash) => Some(hash.clone()),
        }
    }

    /// The caller, who must have one of the scopes.
    ///
    /// # Errors
    /// 401 for an unknown key, 403 for a missing scope.
    pub fn permit(&self, call: &Call, known: Option<Caller>, allowed: &[Scope]) -> Result<Caller, Problem> {
        if let Self::Admin = self {
            call.permitted.set(true);
            return Ok(Caller { id: Id(0), scopes: vec![Scope::Admin.word().to_owned()], store: None });
        }
        let caller = known.ok_or_else(Problem::unauthorized)?;
        let may = |scope: &Scope| caller.scopes.iter().any(|word| word == scope.word());
        if may(&Scope::Admin) || allowed.iter().any(may) {
            call.permitted.set(true);
            return Ok(caller);
        }
        let words: Vec<&str> = allowed.iter().chain(&[Scope::Admin]).map(|scope| scope.word()).collect();
        Err(Problem::new(403, "scope_missing", format!("This call needs a key with the scope {}", words.join(" or "))))
    }
}

/// The secret of a key made by `POST /v1/keys`: it follows from the shop's first key and the key's id, so that the stored
/// answer need not hold it.
///
/// # Errors
/// 500 when the shop has no admin key.
pub async fn secret_of_key(id: Id) -> Result<String, Problem> {
    let mut mac = Hmac::<Sha256>::new_from_slice(admin_key().await?.as_bytes())
        .map_err(|_| Problem::new(500, "internal_error", "The admin key can't be used"))?;
    mac.update(b"kopilka key ");
    mac.update(&id.0.to_be_bytes());
    Ok(format!("kk_{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())))
}

/// What the store keeps of a key. Keys are long and random, so that a plain hash does.
#[must_use]
pub fn hash_of_key(key: &str) -> String {
    hex(&Sha256::digest(key))
}

async fn admin_key() -> Result<String, Problem> {
    variable("admin_key").await
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
