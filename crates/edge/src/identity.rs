//! By what a member is known: written in one way, then hashed with a key, so that the books hold no phone or e-mail.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::access::variable;
use crate::call::hex;
use crate::problem::Problem;
use crate::sealing::lasting_key;

/// The kinds of identities, by the names of the API.
pub const KINDS: [&str; 5] = ["external_id", "phone", "email", "card", "telegram"];

/// The longest identity that is taken.
const LONGEST: usize = 200;

/// An identity as it is kept: a phone in E.164, an e-mail and a messenger's name in lower case, a card's digits and letters.
///
/// # Errors
/// 422 at `pointer` for what is no such identity.
pub async fn normalize(kind: &str, text: &str, pointer: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.chars().count() > LONGEST {
        return Err(Problem::field(pointer, "out_of_range", format!("has at most {LONGEST} characters")));
    }
    let normalized = written_one_way(kind, text, pointer).await?;
    if normalized.is_empty() {
        return Err(Problem::field(pointer, "empty", "names nobody: it has no letter or digit"));
    }
    Ok(normalized)
}

async fn written_one_way(kind: &str, text: &str, pointer: &str) -> Result<String, Problem> {
    match kind {
        "phone" => {
            let country = variable("default_country").await.unwrap_or_else(|_| "RU".to_owned());
            phones::normalize(text, &country).map_err(|error| Problem::field(pointer, "invalid_phone", error.detail()))
        }
        "email" => {
            let address = text.to_lowercase();
            let well_formed = address.split_once('@').is_some_and(|(name, domain)| {
                !name.is_empty() && domain.contains('.') && !domain.contains('@') && !address.contains(char::is_whitespace)
            });
            if well_formed { Ok(address) } else { Err(Problem::field(pointer, "invalid_email", "is no e-mail address")) }
        }
        "card" => Ok(text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect::<String>().to_uppercase()),
        "telegram" => Ok(text.trim_start_matches('@').to_lowercase()),
        _ => Ok(text.to_owned()),
    }
}

/// The keyed hash by which the books know a normalised identity.
///
/// # Errors
/// 500 when the shop has no usable `identity_key` or `people_key`.
pub async fn keyed_hash(kind: &str, normalized: &str) -> Result<String, Problem> {
    let key = lasting_key("kopilka identity 1").await?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key)
        .map_err(|_| Problem::new(500, "internal_error", "The identity key can't be used"))?;
    mac.update(kind.as_bytes());
    mac.update(b":");
    mac.update(normalized.as_bytes());
    Ok(hex(&mac.finalize().into_bytes()))
}
