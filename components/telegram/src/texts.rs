//! Everything that the bot says, in Russian and English. Plain texts: no `parse_mode`, so that nothing in a name or in a program's
//! words is taken for markup.

use crate::menu::Item;

/// A language that the bot speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Russian,
    English,
}
use Language::{English, Russian};

impl Language {
    pub const ALL: [Self; 2] = [Russian, English];

    /// For whom the sender's `language_code` (IETF) says Russian, or a language whose speakers read it; English for others.
    #[must_use]
    pub fn of(code: &str) -> Self {
        let code = code.split(['-', '_']).next().unwrap_or_default().to_lowercase();
        if ["ru", "uk", "be", "kk"].contains(&code.as_str()) { Russian } else { English }
    }

    /// For `Accept-Language`, and the names of a program.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Russian => "ru",
            English => "en",
        }
    }

    #[must_use]
    pub fn label(self, item: Item) -> &'static str {
        match (self, item) {
            (Russian, Item::Balance) => "Баланс",
            (Russian, Item::Expiry) => "Сроки",
            (Russian, Item::Card) => "Карта",
            (Russian, Item::History) => "История",
            (Russian, Item::Invite) => "Пригласить друга",
            (Russian, Item::Help) => "Помощь",
            (English, Item::Balance) => "Balance",
            (English, Item::Expiry) => "Expiry dates",
            (English, Item::Card) => "Card",
            (English, Item::History) => "History",
            (English, Item::Invite) => "Invite a friend",
            (English, Item::Help) => "Help",
        }
    }

    pub fn share_contact(self) -> &'static str {
        match self {
            Russian => "Отправить мой номер",
            English => "Send my phone number",
        }
    }

    pub fn help(self) -> &'static str {
        match self {
            Russian => {
                "Что я умею:\n/balance — баланс и уровень\n/expiry — когда баллы сгорают\n/card — карта для кассы\n\
                 /history — последние операции\n/invite — ссылка для друга\n/help — эта подсказка"
            }
            English => {
                "What I can do:\n/balance — balance and tier\n/expiry — when points expire\n/card — card for the till\n\
                 /history — latest operations\n/invite — link for a friend\n/help — this help"
            }
        }
    }

    pub fn ask_for_contact(self) -> &'static str {
        match self {
            Russian => {
                "Здравствуйте! Чтобы вступить в программу лояльности или найти вашу карту, отправьте свой номер кнопкой ниже."
            }
            English => "Hello! To join the loyalty program, or to find your card, send your phone number with the button below.",
        }
    }

    /// For whoever asks for something of a member: never one, or not any more.
    pub fn no_member(self) -> &'static str {
        match self {
            Russian => "Вы пока не участник программы. Нажмите /start или отправьте свой номер кнопкой ниже.",
            English => "You are no member of the program yet. Press /start, or send your phone number with the button below.",
        }
    }

    pub fn contact_of_somebody_else(self) -> &'static str {
        match self {
            Russian => "Это не ваш номер. Отправьте, пожалуйста, свой — кнопкой ниже.",
            English => "This is somebody else's number. Please send your own, with the button below.",
        }
    }

    pub fn phone_not_usable(self) -> &'static str {
        match self {
            Russian => "С этим номером вступить не получается. Обратитесь, пожалуйста, в магазин.",
            English => "This number can't be used to join. Please ask the shop.",
        }
    }

    pub fn two_memberships(self) -> &'static str {
        match self {
            Russian => {
                "На этот номер есть другая карта, а этот Telegram привязан к своей. Попросите магазин объединить их: \
                 ничего не пропадёт."
            }
            English => {
                "This number has a card of its own, and this Telegram belongs to another one. Ask the shop to merge them: \
                 nothing will be lost."
            }
        }
    }

    pub fn greeting(self, name: Option<&str>) -> String {
        match (self, name) {
            (Russian, Some(name)) => format!("С возвращением, {name}!"),
            (Russian, None) => "С возвращением!".to_owned(),
            (English, Some(name)) => format!("Welcome back, {name}!"),
            (English, None) => "Welcome back!".to_owned(),
        }
    }

    pub fn enrolled(self) -> &'static str {
        match self {
            Russian => "Вы в программе!",
            English => "You have joined!",
        }
    }

    pub fn linked(self) -> &'static str {
        match self {
            Russian => "Вы уже участник: этот Telegram теперь привязан к вашей карте.",
            English => "You are a member already: this Telegram now belongs to your card.",
        }
    }

    /// Points that came without an order, with what the program says of them.
    pub fn gift(self, what: &str) -> String {
        match self {
            Russian => format!("Подарок: {what}"),
            English => format!("A gift: {what}"),
        }
    }

    pub fn send_the_code(self) -> &'static str {
        match self {
            Russian => "Вам отправлен код подтверждения: пришлите его сюда, 6 цифр.",
            English => "A confirmation code was sent to you: send it here, 6 digits.",
        }
    }

    pub fn confirmed(self) -> &'static str {
        match self {
            Russian => "Спасибо, номер подтверждён.",
            English => "Thank you, you are confirmed.",
        }
    }

    pub fn wrong_code(self, left: i64) -> String {
        match self {
            Russian => format!("Код неверный. Осталось попыток: {left}."),
            English => format!("The code is wrong. Tries left: {left}."),
        }
    }

    pub fn new_code(self) -> &'static str {
        match self {
            Russian => "Этот код больше не действует. Отправлен новый: пришлите его сюда.",
            English => "This code is over. Another one was sent: send it here.",
        }
    }

    pub fn code_too_soon(self) -> &'static str {
        match self {
            Russian => "Этот код больше не действует. Новый можно получить через минуту: пришлите любые 6 цифр ещё раз.",
            English => "This code is over. Another one can be had in a minute: send any 6 digits again.",
        }
    }

    pub fn available(self, points: &str, unit: &str) -> String {
        match self {
            Russian => format!("Доступно: {points} {unit}"),
            English => format!("Available: {points} {unit}"),
        }
    }

    pub fn pending(self, points: &str, from: Option<&str>) -> String {
        match (self, from) {
            (Russian, Some(from)) => format!("Ожидают: {points}, ближайшие с {from}"),
            (Russian, None) => format!("Ожидают: {points}"),
            (English, Some(from)) => format!("Pending: {points}, the next from {from}"),
            (English, None) => format!("Pending: {points}"),
        }
    }

    pub fn held(self, points: &str) -> String {
        match self {
            Russian => format!("Отложено для покупки: {points}"),
            English => format!("Set aside for a purchase: {points}"),
        }
    }

    pub fn deficit(self, points: &str) -> String {
        match self {
            Russian => format!("Долг после возврата: {points}"),
            English => format!("Owed after a return: {points}"),
        }
    }

    pub fn tier(self, name: &str) -> String {
        match self {
            Russian => format!("Уровень: {name}"),
            English => format!("Tier: {name}"),
        }
    }

    /// What is missing to the next tier, in the program's own measure.
    pub fn next_tier(self, name: &str, remaining: &str) -> String {
        match self {
            Russian => format!("До уровня {name}: ещё {remaining}"),
            English => format!("To {name}: {remaining} more"),
        }
    }

    /// The measure of programs whose tiers count orders.
    pub fn orders(self) -> &'static str {
        match self {
            Russian => "покупок",
            English => "orders",
        }
    }

    pub fn expiring(self) -> &'static str {
        match self {
            Russian => "Баллы действуют по день:",
            English => "Points are good through:",
        }
    }

    pub fn nothing_expires(self) -> &'static str {
        match self {
            Russian => "Сгорающих баллов нет.",
            English => "No points are going to expire.",
        }
    }

    pub fn card(self) -> &'static str {
        match self {
            Russian => "Покажите этот код на кассе.",
            English => "Show this code at the till.",
        }
    }

    pub fn history(self) -> &'static str {
        match self {
            Russian => "Последние операции:",
            English => "Latest operations:",
        }
    }

    pub fn no_history(self) -> &'static str {
        match self {
            Russian => "Операций пока нет.",
            English => "There are no operations yet.",
        }
    }

    /// A kind of ledger entry, where its rules say nothing.
    pub fn kind(self, kind: &str) -> &str {
        match (self, kind) {
            (Russian, "earn") => "Начисление",
            (Russian, "redeem") => "Оплата баллами",
            (Russian, "hold") => "Отложено для покупки",
            (Russian, "capture") => "Оплата отложенными баллами",
            (Russian, "release") => "Отложенное вернулось",
            (Russian, "expire") => "Сгорание",
            (Russian, "clawback") => "Списание за возврат",
            (Russian, "redemption_rollback") => "Возврат потраченных баллов",
            (Russian, "adjust") => "Корректировка",
            (Russian, "transfer") => "Перевод",
            (English, "earn") => "Earned",
            (English, "redeem") => "Paid with points",
            (English, "hold") => "Set aside for a purchase",
            (English, "capture") => "Paid with points set aside",
            (English, "release") => "Set aside no more",
            (English, "expire") => "Expired",
            (English, "clawback") => "Taken back with a return",
            (English, "redemption_rollback") => "Points spent came back",
            (English, "adjust") => "Adjustment",
            (English, "transfer") => "Transfer",
            // the API may get further kinds
            (_, kind) => kind,
        }
    }

    pub fn invite(self) -> &'static str {
        match self {
            Russian => "Ваша ссылка для друзей:",
            English => "Your link for friends:",
        }
    }

    /// What a program gives both sides, and for what.
    pub fn referral_terms(self, to_member: Option<&str>, to_friend: Option<&str>, unit: &str, purchase: Option<&str>) -> String {
        let gifts = match (self, to_member, to_friend) {
            (Russian, Some(own), Some(friend)) => format!("Вам — {own} {unit}, другу — {friend}"),
            (Russian, Some(own), None) => format!("Вам — {own} {unit}"),
            (Russian, None, Some(friend)) => format!("Другу — {friend} {unit}"),
            (English, Some(own), Some(friend)) => format!("You get {own} {unit}, your friend {friend}"),
            (English, Some(own), None) => format!("You get {own} {unit}"),
            (English, None, Some(friend)) => format!("Your friend gets {friend} {unit}"),
            (_, None, None) => return String::new(),
        };
        match (self, purchase) {
            (Russian, None) => format!("{gifts}, когда друг вступит."),
            (Russian, Some("")) => format!("{gifts} — за первую покупку друга."),
            (Russian, Some(from)) => format!("{gifts} — за первую покупку друга от {from}."),
            (English, None) => format!("{gifts}, when the friend joins."),
            (English, Some("")) => format!("{gifts}, with the friend's first purchase."),
            (English, Some(from)) => format!("{gifts}, with the friend's first purchase of {from} or more."),
        }
    }

    pub fn friends_limit(self, friends: i64, days: Option<i64>) -> String {
        match (self, days) {
            (Russian, None) => format!("Всего за друзей: не более {friends}."),
            (Russian, Some(days)) => format!("За {days} дн.: не более {friends} друзей."),
            (English, None) => format!("At most {friends} friends in all."),
            (English, Some(days)) => format!("At most {friends} friends in {days} days."),
        }
    }

    pub fn failed(self) -> &'static str {
        match self {
            Russian => "Сейчас это не получается. Попробуйте позже или обратитесь в магазин.",
            English => "This can't be done at the moment. Try later, or ask the shop.",
        }
    }

    /// How a day is written (`strftime`).
    pub fn day(self) -> &'static str {
        match self {
            Russian => "%d.%m.%Y",
            English => "%-d %b %Y",
        }
    }

    /// What stands between whole points and their parts.
    pub fn decimal_point(self) -> &'static str {
        match self {
            Russian => ",",
            English => ".",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_follows_from_telegram_s() {
        for code in ["ru", "ru-RU", "RU", "uk", "be", "kk", "kk_KZ"] {
            assert_eq!(Language::of(code), Russian, "{code}");
        }
        for code in ["en", "de", "", "rum", "-", "zh-hans"] {
            assert_eq!(Language::of(code), English, "{code}");
        }
    }
}
