//! What a person can ask the bot for: by a command, or by a button that sends its own label as a text.

use serde_json::{Value, json};

use crate::invitations::is_code;
use crate::texts::Language;

/// Digits of a one-time code.
const CODE_DIGITS: usize = 6;

/// What a text asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// With the code of the member whose link it was.
    Start(Option<String>),
    Item(Item),
    /// A one-time code.
    Code(String),
    /// Nothing that the bot knows.
    Other,
}

/// What the menu has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    Balance,
    Expiry,
    Card,
    History,
    Invite,
    Help,
}

impl Item {
    pub const ALL: [Self; 6] = [Self::Balance, Self::Expiry, Self::Card, Self::History, Self::Invite, Self::Help];

    /// The command, without its slash.
    #[must_use]
    pub fn command(self) -> &'static str {
        match self {
            Self::Balance => "balance",
            Self::Expiry => "expiry",
            Self::Card => "card",
            Self::History => "history",
            Self::Invite => "invite",
            Self::Help => "help",
        }
    }
}

impl Wish {
    /// Buttons are known in every language: the keyboard stays when a person changes theirs.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let text = text.trim();
        if let Some(command) = text.strip_prefix('/') {
            let (command, payload) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
            // a command may name its bot
            let command = command.split('@').next().unwrap_or_default().to_lowercase();
            if command == "start" {
                return Self::Start(Some(payload.trim().to_owned()).filter(|payload| is_code(payload)));
            }
            let item = Item::ALL.into_iter().find(|item| item.command() == command);
            return item.map_or(Self::Other, Self::Item);
        }
        if text.len() == CODE_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Self::Code(text.to_owned());
        }
        let lower = text.to_lowercase();
        let is_label = |item: &Item| Language::ALL.into_iter().any(|language| language.label(*item).to_lowercase() == lower);
        Item::ALL.into_iter().find(is_label).map_or(Self::Other, Self::Item)
    }
}

/// The buttons below what a member writes.
#[must_use]
pub fn of_member(language: Language) -> Value {
    let row = |items: &[Item]| -> Value { items.iter().map(|item| json!({"text": language.label(*item)})).collect() };
    let rows: Vec<Value> = Item::ALL.chunks(2).map(row).collect();
    json!({"keyboard": rows, "resize_keyboard": true, "is_persistent": true})
}

/// The one button of whoever is no member yet.
#[must_use]
pub fn of_stranger(language: Language) -> Value {
    let button = json!({"text": language.share_contact(), "request_contact": true});
    json!({"keyboard": [[button]], "resize_keyboard": true, "one_time_keyboard": true})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_buttons_say_what_is_wished() {
        for (text, wish) in [
            ("/start", Wish::Start(None)),
            ("/start K7QXM2PA", Wish::Start(Some("K7QXM2PA".into()))),
            ("/start@shop_bot  K7QXM2PA ", Wish::Start(Some("K7QXM2PA".into()))),
            ("/start no code", Wish::Start(None)),
            ("/START", Wish::Start(None)),
            ("/balance", Wish::Item(Item::Balance)),
            ("/card@shop_bot", Wish::Item(Item::Card)),
            ("Баланс", Wish::Item(Item::Balance)),
            ("balance", Wish::Item(Item::Balance)),
            ("  ИСТОРИЯ ", Wish::Item(Item::History)),
            ("123456", Wish::Code("123456".into())),
            ("1234567", Wish::Other),
            ("١٢٣٤٥٦", Wish::Other),
            ("/", Wish::Other),
            ("/@", Wish::Other),
            ("/startle", Wish::Other),
            ("", Wish::Other),
            ("hello", Wish::Other),
        ] {
            assert_eq!(Wish::of(text), wish, "{text:?}");
        }
    }

    #[test]
    fn every_button_of_the_menu_is_understood() {
        for language in Language::ALL {
            for item in Item::ALL {
                assert_eq!(Wish::of(language.label(item)), Wish::Item(item));
                assert!(language.help().contains(&format!("/{}", item.command())), "{item:?}");
            }
        }
    }
}
