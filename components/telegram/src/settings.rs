//! What the deployment says of its bot: Spin variables.

use sha2::{Digest as _, Sha256};

use crate::problem::Problem;

/// A secret that is shorter could be found by trying.
const SHORTEST_SECRET: usize = 16;

/// A bot that is set up.
pub struct Settings {
    /// As BotFather gave it: the bot's number, a colon, a secret.
    pub token: String,
    /// Where the Bot API is, without a slash at the end.
    pub api: String,
    /// A key of the shop with the scope `storefront`.
    pub key: String,
    secret: String,
}

impl Settings {
    /// # Errors
    /// 404 where the shop has no bot, 503 where its secret is too short to keep anybody out.
    pub async fn of_deployment() -> Result<Self, Problem> {
        let variable = async |name: &str| spin_sdk::variables::get(name).await.unwrap_or_default();
        let settings = Self {
            token: variable("telegram_token").await,
            api: variable("telegram_api").await.trim_end_matches('/').to_owned(),
            key: variable("telegram_key").await,
            secret: variable("telegram_secret").await,
        };
        let set = [&settings.token, &settings.api, &settings.key, &settings.secret];
        if set.into_iter().any(String::is_empty) {
            let detail =
                "This shop has no bot in Telegram: set the Spin variables telegram_token, telegram_secret and telegram_key";
            return Err(Problem::new(404, "telegram_not_set_up", detail));
        }
        if settings.secret.len() < SHORTEST_SECRET {
            let detail = format!("The Spin variable telegram_secret has less than {SHORTEST_SECRET} characters");
            return Err(Problem::new(503, "telegram_not_set_up", detail));
        }
        Ok(settings)
    }

    /// Whether an update with this secret is Telegram's.
    #[must_use]
    pub fn is_from_telegram(&self, told: &[u8]) -> bool {
        // comparing digests takes the same time wherever the secrets differ
        Sha256::digest(told) == Sha256::digest(&self.secret)
    }

    /// The bot's number: what tells its updates from those of another one.
    #[must_use]
    pub fn bot(&self) -> &str {
        let number = self.token.split(':').next().unwrap_or_default();
        if number.bytes().all(|byte| byte.is_ascii_digit()) { number } else { "" }
    }
}
