//! What the bot does and says to a message: who is no member is asked for the own contact, a member gets what the menu has.

use http::Method;
use serde_json::{Value, json};

use crate::bot::Bot;
use crate::menu::{self, Item, Wish};
use crate::problem::Problem;
use crate::program::Program;
use crate::shop::{Refused, Shop};
use crate::tellings::{self, ROWS};
use crate::update::{Content, Message, Sender};
use crate::{card, invitations};

/// Why there is no answer to a member's wish: one that is to come again, or a refusal of the shop.
enum Trouble {
    Problem(Problem),
    Refused(Refused),
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Refused> for Trouble {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// Answers a message, with one message.
///
/// # Errors
/// 503 when the update is to come again.
pub async fn answer(shop: &Shop, bot: &Bot, message: &Message) -> Result<(), Problem> {
    match answered(shop, bot, message).await {
        Ok(()) => Ok(()),
        Err(Trouble::Problem(problem)) => Err(problem),
        // erased or merged away between two calls, for one
        Err(Trouble::Refused(refused)) if is_nobody(&refused) => {
            bot.says(shop.language.no_member(), &menu::of_stranger(shop.language)).await
        }
        Err(Trouble::Refused(refused)) => {
            Problem::new(409, "telegram_failed", format!("The shop's own API refuses with {}", refused.code)).log("error");
            bot.says(shop.language.failed(), &menu::of_member(shop.language)).await
        }
    }
}

fn is_nobody(refused: &Refused) -> bool {
    ["member_not_found", "member_erased", "person_erased"].contains(&refused.code.as_str())
}

async fn answered(shop: &Shop, bot: &Bot, message: &Message) -> Result<(), Trouble> {
    if let Content::Contact { phone, own } = &message.content {
        return if *own { joins(shop, bot, &message.from, phone).await } else { refuses_contact(shop, bot).await };
    }
    let wish = match &message.content {
        Content::Text(text) => Wish::of(text),
        Content::Contact { .. } | Content::Other => Wish::Other,
    };
    let language = shop.language;
    let member = match shop.get(&format!("/v1/members?telegram={}", message.from.id)).await? {
        Ok(member) => member,
        Err(refused) if is_nobody(&refused) => {
            let text = match &wish {
                Wish::Start(code) => {
                    if let Some(code) = code {
                        invitations::keep(&shop.token, message.from.id, code).await?;
                    }
                    language.ask_for_contact()
                }
                _ => language.no_member(),
            };
            return Ok(bot.says(text, &menu::of_stranger(language)).await?);
        }
        Err(refused) => return Err(refused.into()),
    };
    let text = match wish {
        Wish::Start(_) => greeting(shop, &member).await?,
        Wish::Item(Item::Card) => {
            let picture = card::picture(card_of(&member)?)?;
            return Ok(bot.shows(&picture, language.card()).await?);
        }
        Wish::Item(item) => told(shop, bot, &member, item).await?,
        Wish::Code(code) if is_unconfirmed(&member) => confirms(shop, &member, &code).await?,
        Wish::Code(_) | Wish::Other => language.help().to_owned(),
    };
    Ok(bot.says(&text, &menu::of_member(language)).await?)
}

async fn refuses_contact(shop: &Shop, bot: &Bot) -> Result<(), Trouble> {
    Ok(bot.says(shop.language.contact_of_somebody_else(), &menu::of_stranger(shop.language)).await?)
}

/// What an item of the menu tells a member.
async fn told(shop: &Shop, bot: &Bot, member: &Value, item: Item) -> Result<String, Trouble> {
    let (id, language) = (id_of(member)?, shop.language);
    Ok(match item {
        Item::Balance => balance(shop, id, &shop.program().await??).await?,
        Item::Expiry => {
            let balance = shop.get(&format!("/v1/members/{id}/balance")).await??;
            tellings::expiry(&balance, &shop.program().await??, language)
        }
        Item::History => {
            let entries = shop.get(&format!("/v1/members/{id}/entries?limit={ROWS}")).await??;
            tellings::history(&entries, &shop.program().await??, language)
        }
        Item::Invite => {
            let code = member["referral_code"].as_str().ok_or_else(unreadable)?;
            tellings::invitation(&bot.name().await?, code, &shop.program().await??, language)
        }
        Item::Card | Item::Help => language.help().to_owned(),
    })
}

async fn balance(shop: &Shop, id: &str, program: &Program) -> Result<String, Trouble> {
    let balance = shop.get(&format!("/v1/members/{id}/balance")).await??;
    Ok(tellings::balance(&balance, program, shop.language))
}

async fn greeting(shop: &Shop, member: &Value) -> Result<String, Trouble> {
    let program = shop.program().await??;
    let greeting = shop.language.greeting(member["first_name"].as_str());
    let code = is_unconfirmed(member).then(|| shop.language.send_the_code().to_owned());
    Ok(lines([Some(greeting), code, Some(balance(shop, id_of(member)?, &program).await?)]))
}

/// Whoever sends the own contact enrols; Telegram vouches for the phone, so that a member who has it already gets this Telegram.
async fn joins(shop: &Shop, bot: &Bot, from: &Sender, phone: &str) -> Result<(), Trouble> {
    let language = shop.language;
    let telegram = from.id.to_string();
    let mut person = json!({"phone": phone, "telegram": telegram, "channel": "telegram"});
    let names = [("first_name", &from.first_name), ("last_name", &from.last_name)];
    let code = invitations::of(&shop.token, from.id).await?;
    for (field, value) in names.into_iter().chain([("referral_code", &code)]) {
        if let Some(value) = value {
            person[field] = value.as_str().into();
        }
    }
    let text = match shop.change(Method::POST, "/v1/members", "enrol", &person).await? {
        Ok(member) => welcome(shop, &member).await?,
        Err(taken) if taken.code == "identity_taken" => return links(shop, bot, &taken, &telegram, phone).await,
        // the same update with another invitation than the first time, which enrolled
        Err(refused) if refused.code == "idempotency_key_reused" => {
            greeting(shop, &shop.get(&format!("/v1/members?telegram={telegram}")).await??).await?
        }
        Err(refused) if refused.code == "invalid_request" => {
            return Ok(bot.says(language.phone_not_usable(), &menu::of_stranger(language)).await?);
        }
        Err(refused) => return Err(refused.into()),
    };
    Ok(bot.says(&text, &menu::of_member(language)).await?)
}

/// The end of an enrolment: the gifts, and what there is now.
async fn welcome(shop: &Shop, member: &Value) -> Result<String, Trouble> {
    let (id, language) = (id_of(member)?, shop.language);
    let program = shop.program().await??;
    let entries = shop.get(&format!("/v1/members/{id}/entries?limit={ROWS}")).await??;
    let gifts = tellings::gifts(&entries, &program, language).into_iter().map(Some);
    let referral = &member["referral"];
    let friend = referral["reason"].as_str().filter(|_| referral["accepted"] == true).map(str::to_owned);
    let code = is_unconfirmed(member).then(|| language.send_the_code().to_owned());
    let balance = balance(shop, id, &program).await?;
    Ok(lines([Some(language.enrolled().to_owned()), code].into_iter().chain(gifts).chain([friend, Some(balance)])))
}

/// Somebody is known by this phone or this Telegram already: one member, one balance. The phone says who it is.
async fn links(shop: &Shop, bot: &Bot, taken: &Refused, telegram: &str, phone: &str) -> Result<(), Trouble> {
    let language = shop.language;
    let id = taken.json["member_id"].as_str().ok_or_else(unreadable)?;
    let member = shop.get(&format!("/v1/members/{id}")).await??;
    let is_linked = if member["telegram"] != telegram {
        let change = json!({"telegram": telegram});
        match shop.change(Method::PATCH, &format!("/v1/members/{id}"), "link", &change).await? {
            Ok(_) => true,
            Err(refused) if refused.code == "identity_taken" => false,
            Err(refused) => return Err(refused.into()),
        }
    } else if member["phone"] != phone {
        // a number that the shop does not know of this member: nobody's, or another member's
        match shop.get(&format!("/v1/members?phone=%2B{}", phone.trim_start_matches('+'))).await? {
            Ok(other) => other["id"] == id,
            Err(refused) if is_nobody(&refused) => true,
            Err(refused) => return Err(refused.into()),
        }
    } else {
        true
    };
    if !is_linked {
        return Ok(bot.says(language.two_memberships(), &menu::of_member(language)).await?);
    }
    let code = is_unconfirmed(&member).then(|| language.send_the_code().to_owned());
    let balance = balance(shop, id_of(&member)?, &shop.program().await??).await?;
    let text = lines([Some(language.linked().to_owned()), code, Some(balance)]);
    Ok(bot.says(&text, &menu::of_member(language)).await?)
}

/// The code that the shop has sent; another one where that is over.
async fn confirms(shop: &Shop, member: &Value, code: &str) -> Result<String, Trouble> {
    let (id, language) = (id_of(member)?, shop.language);
    let sent = shop.change(Method::POST, &format!("/v1/members/{id}/confirmation"), "confirm", &json!({"code": code})).await?;
    match sent {
        Ok(_) => {
            let program = shop.program().await??;
            let entries = shop.get(&format!("/v1/members/{id}/entries?limit={ROWS}")).await??;
            let gifts = tellings::gifts(&entries, &program, language).into_iter().map(Some);
            let balance = balance(shop, id, &program).await?;
            Ok(lines([Some(language.confirmed().to_owned())].into_iter().chain(gifts).chain([Some(balance)])))
        }
        Err(refused) if refused.code == "wrong_code" => {
            let left = refused.json["attempts_left"].as_i64().unwrap_or_default();
            Ok(language.wrong_code(left))
        }
        Err(refused) if refused.code == "code_expired" => {
            match shop.change(Method::POST, &format!("/v1/members/{id}/codes"), "code", &json!({})).await? {
                Ok(_) => Ok(language.new_code().to_owned()),
                Err(refused) if refused.code == "too_many_codes" => Ok(language.code_too_soon().to_owned()),
                Err(refused) => Err(refused.into()),
            }
        }
        // a repeat of the update that confirmed is answered from the shop's memory, so this is another one
        Err(refused) if refused.code == "already_confirmed" => Ok(language.confirmed().to_owned()),
        Err(refused) => Err(refused.into()),
    }
}

fn is_unconfirmed(member: &Value) -> bool {
    member["status"] == "not_confirmed"
}

/// What a till scans: the number of the member's card, or the member's id where there is no card.
fn card_of(member: &Value) -> Result<&str, Problem> {
    member["card"].as_str().map_or_else(|| id_of(member), Ok)
}

fn id_of(member: &Value) -> Result<&str, Problem> {
    member["id"].as_str().ok_or_else(unreadable)
}

fn unreadable() -> Problem {
    Problem::new(500, "internal_error", "The shop's own API answers without what its document says")
}

fn lines(lines: impl IntoIterator<Item = Option<String>>) -> String {
    lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
}
