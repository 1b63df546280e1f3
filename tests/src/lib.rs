//! A shop for scenarios: the real components on the embedded host, a virtual clock, and words to speak of members,
//! orders and points. Everything goes over HTTP.

mod answer;
mod bot_api;
mod collector;
mod goods;
pub mod latency;
mod member;
pub mod population;
mod random;
mod receiver;
pub mod routes;
mod sealed;
mod shop;
mod sqld;
pub mod tenant;

pub use answer::Answer;
pub use bot_api::{BotApi, Sent, TELEGRAM_SECRET, Telegram};
pub use collector::{Collector, Span};
pub use goods::{cart, hundredths, line, pieces, promo};
pub use member::Member;
pub use random::Random;
pub use receiver::{Received, Receiver, Taken};
pub use sealed::unseal;
pub use shop::{ADMIN_KEY, ApiKey, BEGINNING, PEOPLE_KEY, Shop};
pub use sqld::Sqld;
