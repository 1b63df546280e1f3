//! Personal data at rest: XChaCha20-Poly1305 under a key that follows from the Spin variable `people_key`, bound to the
//! member's id, so that a sealed person can't be moved to another member. What is sealed begins with the name of its key: a
//! new key seals while the one before it (`people_key_previous`) still opens, until the job `reseal` has been everywhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use domain::Id;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::access::{optional_variable, variable};
use crate::call::hex;
use crate::platform::random;
use crate::problem::Problem;

/// The shortest secret that is taken.
const SHORTEST: usize = 16;

/// Letters of a key's name.
const NAME: usize = 8;

/// A key for one purpose that must not change with `people_key` (HKDF-SHA256): members are found by it. It follows from
/// `identity_key`, or from `people_key` where that is the shop's first one.
///
/// # Errors
/// 500 when a variable is missing, too short, or was forgotten when `people_key` was changed.
pub async fn lasting_key(purpose: &str) -> Result<[u8; 32], Problem> {
    let secret = match optional_variable("identity_key").await {
        Some(secret) => secret,
        None if optional_variable("people_key_previous").await.is_some() => {
            return Err(Problem::new(
                500,
                "not_configured",
                "people_key was changed: set the Spin variable identity_key to the first people_key, or nobody is found",
            ));
        }
        None => variable("people_key").await?,
    };
    derived(&secret, purpose)
}

/// A keyed hash of what was sent: bodies name people, and of a phone number a plain hash is soon tried out.
///
/// # Errors
/// 500 when the shop has no usable key.
pub async fn keyed_hash_of(parts: &[&[u8]]) -> Result<String, Problem> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&lasting_key("kopilka fingerprint 1").await?).map_err(|_| unsealable())?;
    parts.iter().for_each(|part| mac.update(part));
    Ok(hex(&mac.finalize().into_bytes()))
}

fn derived(secret: &str, purpose: &str) -> Result<[u8; 32], Problem> {
    if secret.len() < SHORTEST {
        return Err(Problem::new(
            500,
            "not_configured",
            format!("The Spin variables people_key and identity_key need at least {SHORTEST} characters"),
        ));
    }
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(None, secret.as_bytes()).expand(purpose.as_bytes(), &mut key).map_err(|_| unsealable())?;
    Ok(key)
}

/// The keys of one request, fetched beforehand, so that a decision seals and hashes without waiting.
pub struct Sealer {
    seals: SealKey,
    opens: Option<SealKey>,
    code: [u8; 32],
}

struct SealKey {
    name: String,
    key: [u8; 32],
}

impl SealKey {
    fn of(secret: &str) -> Result<Self, Problem> {
        let name = hex(&derived(secret, "kopilka key name 1")?).get(..NAME).unwrap_or_default().to_owned();
        Ok(Self { name, key: derived(secret, "kopilka seal 1")? })
    }
}

impl Sealer {
    /// # Errors
    /// 500 when the shop has no usable key.
    pub async fn ready() -> Result<Self, Problem> {
        let previous = optional_variable("people_key_previous").await;
        Ok(Self {
            seals: SealKey::of(&variable("people_key").await?)?,
            opens: previous.as_deref().map(SealKey::of).transpose()?,
            code: lasting_key("kopilka code 1").await?,
        })
    }

    /// The name of the key that seals: what everything sealed by it begins with.
    #[must_use]
    pub fn key_name(&self) -> &str {
        &self.seals.name
    }

    /// The name of the key before this one, whose texts are opened too.
    #[must_use]
    pub fn older_key_name(&self) -> Option<&str> {
        self.opens.as_ref().map(|key| key.name.as_str()).filter(|name| *name != self.seals.name)
    }

    /// Seals a text for a member: the key's name, then base64 of nonce and ciphertext.
    ///
    /// # Errors
    /// 500 when the text can't be sealed.
    pub fn seal(&self, member: Id, text: &str) -> Result<String, Problem> {
        let cipher = XChaCha20Poly1305::new(&self.seals.key.into());
        let mut nonce = [0; 24];
        for part in nonce.chunks_mut(8) {
            part.copy_from_slice(&random().to_le_bytes()[..part.len()]);
        }
        let payload = Payload { msg: text.as_bytes(), aad: &member.0.to_be_bytes() };
        let sealed = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| unsealable())?;
        Ok(format!("{}{}", self.seals.name, STANDARD_NO_PAD.encode([nonce.as_slice(), &sealed].concat())))
    }

    /// Opens what was sealed for this member, by this key or the one before it.
    ///
    /// # Errors
    /// 500 when it was sealed with another key, for another member, or was changed.
    pub fn open(&self, member: Id, sealed: &str) -> Result<String, Problem> {
        let (name, text) = sealed.split_at_checked(NAME).ok_or_else(unsealable)?;
        let keys = [Some(&self.seals), self.opens.as_ref()];
        let key = keys.into_iter().flatten().find(|key| key.name == name).ok_or_else(unsealable)?;
        let bytes = STANDARD_NO_PAD.decode(text).map_err(|_| unsealable())?;
        let (nonce, ciphertext) = bytes.split_first_chunk::<24>().ok_or_else(unsealable)?;
        let payload = Payload { msg: ciphertext, aad: &member.0.to_be_bytes() };
        let opened = XChaCha20Poly1305::new(&key.key.into()).decrypt(&XNonce::from(*nonce), payload);
        String::from_utf8(opened.map_err(|_| unsealable())?).map_err(|_| unsealable())
    }

    /// The keyed hash of a one-time code for something with this id. Six digits are soon tried out: without the key it tells
    /// nothing.
    ///
    /// # Errors
    /// 500 when the key can't be used.
    pub fn code_hash(&self, subject: Id, code: &str) -> Result<String, Problem> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.code).map_err(|_| unsealable())?;
        mac.update(&subject.0.to_be_bytes());
        mac.update(code.as_bytes());
        Ok(hex(&mac.finalize().into_bytes()))
    }
}

fn unsealable() -> Problem {
    Problem::new(500, "people_unreadable", "Personal data can't be opened: is people_key the one it was sealed with?")
}
