//! With whose link a person came: `/start CODE` comes before the contact by which the person enrols, and Telegram does not send it
//! along with that. It is kept in the key-value store for a day or two, under a keyed hash of who came; old ones go when others come
//! by a link.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use spin_sdk::key_value::{Error, Store};

use crate::log;
use crate::problem::Problem;

/// What all keys of this kind begin with; the day follows.
const PREFIX: &str = "telegram invitation ";

const DAY_SECONDS: u64 = 86_400;

/// One in so many who come by a link looks for codes that are old.
const LOOKS: u64 = 32;

/// The longest payload of a link (`start` of the Bot API).
const LONGEST: usize = 64;

/// Whether a link's payload can be a member's code.
#[must_use]
pub fn is_code(payload: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=LONGEST).contains(&payload.len()) && payload.bytes().all(allowed)
}

/// Keeps the code with which somebody came; the last one counts.
///
/// # Errors
/// 503 when the store does not answer.
pub async fn keep(token: &str, person: i64, code: &str) -> Result<(), Problem> {
    let today = today();
    let store = Store::open_default().await.map_err(away)?;
    store.set(key(token, person, today), code).await.map_err(away)?;
    if spin_sdk::wasip3::random::random::get_random_u64().is_multiple_of(LOOKS) {
        forget_old(&store, today).await;
    }
    Ok(())
}

/// The code with which somebody came. It stays for the repeats of the update that uses it.
///
/// # Errors
/// 503 when the store does not answer.
pub async fn of(token: &str, person: i64) -> Result<Option<String>, Problem> {
    let today = today();
    let store = Store::open_default().await.map_err(away)?;
    for day in [today, today.saturating_sub(1)] {
        if let Some(code) = store.get(key(token, person, day)).await.map_err(away)? {
            return Ok(String::from_utf8(code).ok().filter(|code| is_code(code)));
        }
    }
    Ok(None)
}

/// Removes what nobody asks for any more. What fails is left for the next time.
async fn forget_old(store: &Store, today: u64) {
    let Ok(keys) = store.get_keys().await.collect().await else { return };
    for key in keys.iter().filter(|key| is_old(key, today)) {
        if let Err(error) = store.delete(key).await {
            log::say(&serde_json::json!({"level": "warn", "detail": format!("an old invitation is left: {error}")}));
        }
    }
}

fn is_old(key: &str, today: u64) -> bool {
    let day = key.strip_prefix(PREFIX).and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
    day.is_some_and(|day| day.saturating_add(1) < today)
}

fn key(token: &str, person: i64, day: u64) -> String {
    // a key of any length will do
    let hash = Hmac::<Sha256>::new_from_slice(token.as_bytes()).map(|mut mac| {
        mac.update(b"kopilka telegram invitation ");
        mac.update(&person.to_be_bytes());
        mac.finalize().into_bytes()
    });
    let hash: String = hash.iter().flatten().map(|byte| format!("{byte:02x}")).collect();
    format!("{PREFIX}{day} {hash}")
}

fn today() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs() / DAY_SECONDS
}

fn away(_: Error) -> Problem {
    Problem::later("store_unavailable", "The key-value store does not answer; send the same update again", None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_a_code_only_where_a_link_can_hold_it() {
        for code in ["K7QXM2PA", "a", "a-b_C", &"x".repeat(64)] {
            assert!(is_code(code), "{code}");
        }
        for no_code in ["", "a b", "ключ", "a\n", "x'y", &"x".repeat(65)] {
            assert!(!is_code(no_code), "{no_code}");
        }
    }

    #[test]
    fn a_code_is_known_for_a_day_at_least_and_forgotten_after_two() {
        let kept = key("1:x", 42, 100);
        assert!(!is_old(&kept, 100) && !is_old(&kept, 101) && is_old(&kept, 102));
        assert!(!is_old("program 7", 102) && !is_old(PREFIX, 102));
        assert!(!kept.contains("42"), "nobody is named: {kept}");
        assert_ne!(kept, key("2:x", 42, 100), "another bot's people are others");
    }
}
