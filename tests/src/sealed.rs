//! What the components seal with the key of the shop, opened again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use sha2::Sha256;

/// Opens what was sealed for a member under a `people_key`.
pub fn unseal(people_key: &str, member: i64, sealed: &str) -> String {
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(None, people_key.as_bytes()).expand(b"kopilka seal 1", &mut key).expect("a key of 32 bytes");
    // it begins with the name of its key
    let bytes = STANDARD_NO_PAD.decode(&sealed[8..]).expect("base64");
    let (nonce, ciphertext) = bytes.split_first_chunk::<24>().expect("a nonce");
    let payload = Payload { msg: ciphertext, aad: &member.to_be_bytes() };
    let text = XChaCha20Poly1305::new(&key.into()).decrypt(&XNonce::from(*nonce), payload).expect("it was sealed with this key");
    String::from_utf8(text).expect("a text")
}
