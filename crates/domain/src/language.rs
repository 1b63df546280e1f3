//! In which language explanations are read: `Accept-Language` (RFC 9110 section 12.5.4) against what an explanation has.

use serde_json::Value;

/// Languages that a caller understands, best first: primary tags of ISO 639-1 in small letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Languages(Vec<String>);

/// The language of `reason` itself.
const OWN: &str = "en";

impl Languages {
    /// Reads the header's value. What can't be read is passed over, as the RFC allows; `*` means whatever there is.
    #[must_use]
    pub fn accepted(header: &str) -> Self {
        let mut weighted: Vec<(u16, String)> = header
            .split(',')
            .filter_map(|part| {
                let (range, parameters) = part.split_once(';').unwrap_or((part, ""));
                let primary = range.trim().split('-').next()?.to_ascii_lowercase();
                let weight = match parameters.trim().strip_prefix("q=") {
                    None => 1_000,
                    Some(quality) => thousandths(quality.trim())?,
                };
                (weight > 0 && !primary.is_empty()).then_some((weight, primary))
            })
            .collect();
        weighted.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight)); // stable: of equal ones the first named
        Self(weighted.into_iter().map(|(_, language)| language).collect())
    }

    /// An explanation or offer in the best of its languages; English where it has none of them.
    #[must_use]
    pub fn tell(&self, mut explanation: Value) -> Value {
        let translations = explanation.as_object_mut().and_then(|fields| fields.remove("translations")).unwrap_or_default();
        for language in &self.0 {
            if language == OWN || language == "*" {
                break;
            }
            let translated = translations.get(language).and_then(Value::as_str).map(str::to_owned);
            let told = translated.or_else(|| {
                let code = explanation.get("code")?.as_str()?;
                (language == "ru").then(|| russian_fact(code)).flatten().map(str::to_owned)
            });
            if let Some(told) = told {
                explanation["reason"] = told.into();
                break;
            }
        }
        explanation
    }
}

/// A quality of the RFC, "0.8", in thousandths.
fn thousandths(quality: &str) -> Option<u16> {
    let (whole, fraction) = quality.split_once('.').unwrap_or((quality, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(digits),
        "1" if digits == 0 => Some(1_000),
        _ => None,
    }
}

/// What the books say of themselves, by its code; the numbers and dates are those of the entry. Words that the shop's own
/// people wrote, such as the reason of an adjustment, are not translated.
fn russian_fact(code: &str) -> Option<&'static str> {
    Some(match code {
        "expired" => "Не использованы в срок",
        "hold_released" => "Удержание снято",
        "hold_expired" => "Удержание не использовано в срок",
        "not_captured" => "Остаток удержания не понадобился",
        "points_paid" => "Оплачено баллами",
        "wrong_code" => "Код трижды введён неверно",
        "returned" => "Возврат товаров",
        "deficit_settled" => "Вернувшимися баллами погашен долг за возвращённые товары",
        "returned_grace" => "Вернулись после срока действия и ещё доступны",
        "merged" => "Две карты одного человека стали одной",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(header: &str, explanation: Value) -> String {
        let told = Languages::accepted(header).tell(explanation);
        assert_eq!(told.get("translations"), None);
        told["reason"].as_str().unwrap().to_owned()
    }

    #[test]
    fn the_caller_reads_the_best_language_that_there_is() {
        let explanation = || json!({"code": "welcome", "reason": "for joining", "translations": {"ru": "за вступление"}});
        for header in ["ru", "ru-RU,ru;q=0.9,en;q=0.8", "de, ru;q=0.5, en;q=0.1", "en;q=0.2, RU"] {
            assert_eq!(told(header, explanation()), "за вступление", "{header}");
        }
        for header in ["", "en", "en-GB, ru;q=0.9", "de", "*", "ru;q=0", "ru;q=2", "ru;q=x", ";;,"] {
            assert_eq!(told(header, explanation()), "for joining", "{header}");
        }
    }

    #[test]
    fn facts_of_the_books_are_known_by_their_codes() {
        assert_eq!(told("ru", json!({"code": "expired", "reason": "Not spent before"})), "Не использованы в срок");
        assert_eq!(told("ru", json!({"code": "adjusted", "reason": "for the delay"})), "for the delay");
    }
}
