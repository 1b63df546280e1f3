//! A member's own access: a short-lived token that names the member and its end, under a keyed hash. No store knows it, so that
//! reading with it costs what reading with a key costs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{Id, Instant};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::access::admin_key;
use crate::problem::Problem;

/// What every token begins with.
pub(crate) const PREFIX: &str = "mt_";

/// Bytes of the member's id and of the token's end.
const CLAIMS: usize = 16;

/// A token with which a member reads the own data until a moment.
///
/// # Errors
/// 500 when the shop has no admin key.
pub async fn member_token(member: Id, ends: Instant) -> Result<String, Problem> {
    let mut claims = [0; CLAIMS];
    claims[..8].copy_from_slice(&member.0.to_be_bytes());
    claims[8..].copy_from_slice(&ends.0.to_be_bytes());
    let proof = keyed(&claims).await?.finalize().into_bytes();
    Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode([claims.as_slice(), &proof].concat())))
}

/// The member of a token.
///
/// # Errors
/// 401 for a token that this shop never gave, or that is over.
pub(crate) async fn member_of(token: &str, now: Instant) -> Result<Id, Problem> {
    let bytes =
        token.strip_prefix(PREFIX).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).ok_or_else(Problem::unauthorized)?;
    let (claims, proof) = bytes.split_first_chunk::<CLAIMS>().ok_or_else(Problem::unauthorized)?;
    keyed(claims).await?.verify_slice(proof).map_err(|_| Problem::unauthorized())?;
    let (member, ends) = claims.split_first_chunk::<8>().ok_or_else(Problem::unauthorized)?;
    let ends: [u8; 8] = ends.try_into().map_err(|_| Problem::unauthorized())?;
    if Instant(i64::from_be_bytes(ends)) <= now {
        return Err(Problem::new(
            401,
            "token_expired",
            "The member's token is over; get a new one: POST /v1/members/{id}/tokens",
        ));
    }
    Ok(Id(i64::from_be_bytes(*member)))
}

async fn keyed(claims: &[u8; CLAIMS]) -> Result<Hmac<Sha256>, Problem> {
    let mut mac = Hmac::<Sha256>::new_from_slice(admin_key().await?.as_bytes())
        .map_err(|_| Problem::new(500, "internal_error", "The admin key can't be used"))?;
    mac.update(b"kopilka member token 1 ");
    mac.update(claims);
    Ok(mac)
}
