//! Personal data at rest: XChaCha20-Poly1305 under a key that follows from the Spin variable `people_key`, bound to the
//! member's id, so that a sealed person can't be moved to another member.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use domain::Id;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::access::variable;
use crate::call::hex;
use crate::platform::random;
use crate::problem::Problem;

/// The shortest secret that is taken.
const SHORTEST: usize = 16;

/// A key for one purpose, derived from `people_key` (HKDF-SHA256).
///
/// # Errors
/// 500 when the variable is missing or too short.
pub(crate) async fn derived_key(purpose: &str) -> Result<[u8; 32], Problem> {
    let secret = variable("people_key").await?;
    if secret.len() < SHORTEST {
        return Err(Problem::new(
            500,
            "not_configured",
            format!("The Spin variable people_key needs at least {SHORTEST} characters"),
        ));
    }
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(None, secret.as_bytes()).expand(purpose.as_bytes(), &mut key).map_err(|_| unsealable())?;
    Ok(key)
}

/// The keys of one request, fetched beforehand, so that a decision seals and hashes without waiting.
pub struct Sealer {
    seal: [u8; 32],
    code: [u8; 32],
}

impl Sealer {
    /// # Errors
    /// 500 when the shop has no usable key.
    pub async fn ready() -> Result<Self, Problem> {
        Ok(Self { seal: derived_key("kopilka seal 1").await?, code: derived_key("kopilka code 1").await? })
    }

    /// Seals a text for a member: base64 of nonce and ciphertext.
    ///
    /// # Errors
    /// 500 when the text can't be sealed.
    pub fn seal(&self, member: Id, text: &str) -> Result<String, Problem> {
        let cipher = XChaCha20Poly1305::new(&self.seal.into());
        let mut nonce = [0; 24];
        for part in nonce.chunks_mut(8) {
            part.copy_from_slice(&random().to_le_bytes()[..part.len()]);
        }
        let payload = Payload { msg: text.as_bytes(), aad: &member.0.to_be_bytes() };
        let sealed = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| unsealable())?;
        Ok(STANDARD_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// The keyed hash of a redemption's one-time code. Six digits are soon tried out: without the key it tells nothing.
    ///
    /// # Errors
    /// 500 when the key can't be used.
    pub fn code_hash(&self, redemption: Id, code: &str) -> Result<String, Problem> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.code).map_err(|_| unsealable())?;
        mac.update(&redemption.0.to_be_bytes());
        mac.update(code.as_bytes());
        Ok(hex(&mac.finalize().into_bytes()))
    }
}

/// As [`Sealer::seal`].
///
/// # Errors
/// 500 when the shop has no usable key.
pub async fn seal(member: Id, text: &str) -> Result<String, Problem> {
    Sealer::ready().await?.seal(member, text)
}

/// Opens what [`seal`] sealed for this member.
///
/// # Errors
/// 500 when it was sealed with another key, for another member, or was changed.
pub async fn open(member: Id, sealed: &str) -> Result<String, Problem> {
    let cipher = XChaCha20Poly1305::new(&derived_key("kopilka seal 1").await?.into());
    let bytes = STANDARD_NO_PAD.decode(sealed).map_err(|_| unsealable())?;
    let (nonce, ciphertext) = bytes.split_first_chunk::<24>().ok_or_else(unsealable)?;
    let payload = Payload { msg: ciphertext, aad: &member.0.to_be_bytes() };
    let text = cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| unsealable())?;
    String::from_utf8(text).map_err(|_| unsealable())
}

fn unsealable() -> Problem {
    Problem::new(500, "people_unreadable", "Personal data can't be opened: is people_key the one it was sealed with?")
}
