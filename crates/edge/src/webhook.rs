//! Secrets and signatures of webhooks (Standard Webhooks 1.0).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Id;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::problem::Problem;
use crate::sealing::lasting_key;

/// What the messages to an endpoint are signed with. It follows from the shop's lasting key, the endpoint's id and how often its
/// secret was changed: no store holds it.
#[derive(Clone, Copy)]
pub struct Secret([u8; 32]);

impl Secret {
    /// # Errors
    /// 500 when the shop has no usable key.
    pub async fn of(webhook: Id, generation: i64) -> Result<Self, Problem> {
        lasting_key(&format!("kopilka webhook 1 {} {generation}", webhook.0)).await.map(Self)
    }

    /// As the shop's system is told it.
    #[must_use]
    pub fn text(&self) -> String {
        format!("whsec_{}", STANDARD.encode(self.0))
    }

    /// The signature of one attempt to send a message.
    ///
    /// # Errors
    /// 500 when the secret can't be used.
    pub fn sign(&self, message_id: &str, seconds: i64, body: &str) -> Result<String, Problem> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0)
            .map_err(|_| Problem::new(500, "internal_error", "The webhook's secret can't be used"))?;
        mac.update(format!("{message_id}.{seconds}.{body}").as_bytes());
        Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}
